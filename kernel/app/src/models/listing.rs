//! A provider's list of models, saved in a file for an hour, so that most looks need no request.

use std::{
    io,
    path::{Path, PathBuf},
};

use openkoi_brokers::{disk, durable};
use openkoi_host::kinds::provider::Offered;
use serde::{Deserialize, Serialize};

/// The age up to which a list counts as fresh, in milliseconds.
pub(crate) const FRESH_MS: u64 = 3_600_000;
/// The largest file that is read, in bytes.
const LARGEST: u64 = 8 << 20;
const SCHEMA: u32 = 1;

/// A provider's list of models.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// The version of this shape.
    pub schema_version: u32,
    /// The time of the request, in milliseconds since 1970.
    pub fetched_at_ms: u64,
    /// The base URL of the server that listed them.
    pub base_url: String,
    /// The models, in the provider's order.
    pub models: Vec<ListedModel>,
}

/// One model of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListedModel {
    /// The provider's id of the model.
    pub id: String,
    /// A name for people, or the id.
    pub name: String,
    /// The most tokens of a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<u64>,
    /// The most tokens of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
    /// True if it can call tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<bool>,
    /// True if it reads images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<bool>,
    /// True if it reasons before it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<bool>,
    /// True if it turns text into vectors instead of answering.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub embeds: bool,
    /// The prices, if the provider lists them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<ListedPrice>,
}

/// Prices of a million tokens, in millionths of a US dollar.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ListedPrice {
    /// Tokens of a request.
    pub input: u64,
    /// Tokens of an answer.
    pub output: u64,
    /// Tokens read from the cache.
    pub cache_read: Option<u64>,
    /// Tokens written to the cache.
    pub cache_write: Option<u64>,
}

impl Listing {
    /// Returns the list of the models that a provider has just offered.
    pub fn new(base_url: &str, now_ms: u64, offered: Vec<Offered>) -> Self {
        let models = offered.into_iter().map(ListedModel::from).collect();
        Self {
            schema_version: SCHEMA,
            fetched_at_ms: now_ms,
            base_url: base_url.to_owned(),
            models,
        }
    }

    /// Returns true if the list is young enough not to be asked for again. A list with a time in
    /// the future is not.
    pub fn is_fresh(&self, now_ms: u64) -> bool {
        now_ms.checked_sub(self.fetched_at_ms).is_some_and(|age| age < FRESH_MS)
    }

    /// Reads the last list of a provider. A file that cannot be read or is of another server counts
    /// as missing, and is replaced by the next request.
    pub fn read(home: &Path, provider: &str, base_url: &str) -> Option<Self> {
        let path = path(home, provider);
        let listing: Self = serde_json::from_slice(&disk::read(&path, LARGEST).ok()?).ok()?;
        (listing.schema_version == SCHEMA && listing.base_url == base_url).then_some(listing)
    }

    /// Saves the list in place of the former one.
    ///
    /// # Errors
    ///
    /// When the file cannot be written. The former list stays then.
    pub fn keep(&self, home: &Path, provider: &str) -> io::Result<()> {
        let path = path(home, provider);
        let directory = path.parent().unwrap_or(home);
        durable::create_private_dir(directory).map_err(io::Error::other)?;
        let text = serde_json::to_vec(self)?;
        durable::put_atomic(&path, &text, 0o600).map_err(io::Error::other)
    }
}

/// Returns the path of a provider's file. The user chooses the provider's name, so characters that
/// do not belong in a file name are replaced.
fn path(home: &Path, provider: &str) -> PathBuf {
    let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let name: String = provider.chars().map(|c| if safe(c) { c } else { '_' }).collect();
    home.join("cache").join("models").join(format!("{name}.json"))
}

impl From<Offered> for ListedModel {
    fn from(offered: Offered) -> Self {
        Self {
            id: offered.id,
            name: offered.name,
            context: offered.context,
            output: offered.output,
            tools: offered.tools,
            images: offered.images,
            reasoning: offered.reasoning,
            embeds: offered.embeds,
            price: offered.price.map(|price| ListedPrice {
                input: price.input,
                output: price.output,
                cache_read: price.cache_read,
                cache_write: price.cache_write,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn listing() -> Listing {
        let carp = ListedModel { id: "carp".into(), name: "carp".into(), ..ListedModel::default() };
        Listing {
            schema_version: SCHEMA,
            fetched_at_ms: 1_000,
            base_url: "https://pond.test".into(),
            models: vec![carp],
        }
    }

    #[test]
    fn a_list_is_kept_and_read_for_its_own_server_only() {
        let home = tempfile::tempdir().unwrap();
        listing().keep(home.path(), "a/../b").unwrap();

        assert_eq!(Listing::read(home.path(), "a/../b", "https://pond.test"), Some(listing()));
        assert_eq!(Listing::read(home.path(), "a/../b", "https://lake.test"), None);
        assert_eq!(Listing::read(home.path(), "other", "https://pond.test"), None);
        assert!(home.path().join("cache/models/a____b.json").exists());
    }

    #[test]
    fn a_broken_file_counts_as_no_list() {
        let home = tempfile::tempdir().unwrap();
        listing().keep(home.path(), "p").unwrap();
        fs::write(path(home.path(), "p"), b"{\"schema_version\":1,").unwrap();

        assert_eq!(Listing::read(home.path(), "p", "https://pond.test"), None);
    }

    #[test]
    fn a_list_is_fresh_for_an_hour_and_never_when_it_is_from_the_future() {
        let listing = listing();

        assert!(listing.is_fresh(1_000) && listing.is_fresh(FRESH_MS + 999));
        assert!(!listing.is_fresh(FRESH_MS + 1_000) && !listing.is_fresh(999));
    }
}
