//! What a provider lists, kept for a while in a file, so that looking costs no request.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use openkoi_brokers::durable;
use openkoi_host::kinds::provider::Offered;
use serde::{Deserialize, Serialize};

/// How long a list counts as fresh.
pub const FRESH_MS: u64 = 3_600_000;
/// The largest file that is read.
const LARGEST: u64 = 8 << 20;
const SCHEMA: u32 = 1;

/// A provider's list of models.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// The version of this shape.
    pub schema_version: u32,
    /// When it was asked for, in milliseconds since 1970.
    pub fetched_at_ms: u64,
    /// Where.
    pub base_url: String,
    /// The models, in the provider's order.
    pub models: Vec<ListedModel>,
}

/// One model of a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListedModel {
    /// Its id.
    pub id: String,
    /// A name for people, or the id.
    pub name: String,
    /// Tokens it reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<u64>,
    /// Tokens it writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
    /// Whether it calls tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<bool>,
    /// Whether it reads images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<bool>,
    /// Whether it reasons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<bool>,
    /// Whether it turns text into vectors instead of answering.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub embeds: bool,
    /// What it costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<ListedPrice>,
}

/// What a million tokens cost, in millionths of a US dollar.
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
    /// Makes a list of what was offered just now.
    pub fn new(base_url: &str, now_ms: u64, offered: Vec<Offered>) -> Self {
        let models = offered.into_iter().map(ListedModel::from).collect();
        Self {
            schema_version: SCHEMA,
            fetched_at_ms: now_ms,
            base_url: base_url.to_owned(),
            models,
        }
    }

    /// Whether it is young enough not to be asked for again. A list from the future is not.
    pub fn is_fresh(&self, now_ms: u64) -> bool {
        now_ms.checked_sub(self.fetched_at_ms).is_some_and(|age| age < FRESH_MS)
    }

    /// Reads what a provider listed last. A file that cannot be read, or is of another server, is no list: it is
    /// made anew when somebody asks.
    pub fn read(home: &Path, provider: &str, base_url: &str) -> Option<Self> {
        let path = path(home, provider);
        if fs::metadata(&path).ok()?.len() > LARGEST {
            return None;
        }
        let listing: Self = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
        (listing.schema_version == SCHEMA && listing.base_url == base_url).then_some(listing)
    }

    /// Keeps the list.
    ///
    /// # Errors
    ///
    /// The former one is still there.
    pub fn keep(&self, home: &Path, provider: &str) -> io::Result<()> {
        let path = path(home, provider);
        let directory = path.parent().unwrap_or(home);
        durable::create_private_dir(directory).map_err(io::Error::other)?;
        let text = serde_json::to_vec(self)?;
        durable::put_atomic(&path, &text, 0o600).map_err(io::Error::other)
    }
}

/// A provider's name is the user's own word, so it is no file name yet.
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
    fn a_broken_file_is_no_list() {
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
