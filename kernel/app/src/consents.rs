//! The user's consents to reading the credentials that other programs keep on this machine.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use openkoi_brokers::{
    disk,
    durable::{self, DurableError},
};
use openkoi_core::credential::SecretSource;
use serde::{Deserialize, Serialize};

/// The name of the file in the home.
const FILE: &str = "consents.json";
/// The largest file that is read.
const LARGEST: u64 = 1 << 20;
const SCHEMA: u32 = 1;

/// Why consents cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum ConsentsError {
    /// The file cannot be read, or was not written by OpenKoi.
    #[error("`{}` cannot be used: {reason}", path.display())]
    Unfit {
        /// The file of the consents.
        path: PathBuf,
        /// A description of what is wrong with it.
        reason: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Unkept(DurableError),
}

/// The stores of other programs that OpenKoi may read.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Consents {
    schema_version: u32,
    /// The consents by the name of the store.
    sources: BTreeMap<String, Consent>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Consent {
    /// The place of the store when it was allowed. A store that has moved has to be allowed again.
    place: String,
    granted_at_ms: u64,
}

impl Consents {
    /// Reads the consents. Without a file no store is allowed.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not of this format. It is not overwritten then.
    pub fn read(home: &Path) -> Result<Self, ConsentsError> {
        let path = home.join(FILE);
        let text = match disk::read_text(&path, LARGEST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            read => read.map_err(|error| unfit(&path, &error.to_string()))?,
        };
        serde_json::from_str(&text).map_err(|error| unfit(&path, &error.to_string()))
    }

    /// Returns true if `source` may be read. A source that belongs to no other program needs no
    /// consent.
    pub fn allow(&self, source: &SecretSource) -> bool {
        let Some((name, place)) = source.external() else { return true };
        self.sources.get(name).is_some_and(|consent| consent.place == place)
    }

    /// Returns true if a store of this name was allowed.
    pub fn has(&self, name: &str) -> bool {
        self.sources.contains_key(name)
    }

    /// Returns the names of the stores that are allowed.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.sources.keys()
    }

    /// Allows a store to be read, and writes the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn grant(
        &mut self,
        home: &Path,
        name: &str,
        place: &str,
        now_ms: u64,
    ) -> Result<(), ConsentsError> {
        let consent = Consent { place: place.to_owned(), granted_at_ms: now_ms };
        self.sources.insert(name.to_owned(), consent);
        self.keep(home)
    }

    /// Takes the consent for a store back, and writes the file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written: the store is still allowed the next time.
    pub fn revoke(&mut self, home: &Path, name: &str) -> Result<(), ConsentsError> {
        self.sources.remove(name);
        self.keep(home)
    }

    fn keep(&mut self, home: &Path) -> Result<(), ConsentsError> {
        self.schema_version = SCHEMA;
        let path = home.join(FILE);
        let text =
            serde_json::to_vec_pretty(self).map_err(|error| unfit(&path, &error.to_string()))?;
        durable::put_atomic(&path, &text, 0o600).map_err(ConsentsError::Unkept)
    }
}

fn unfit(path: &Path, reason: &str) -> ConsentsError {
    ConsentsError::Unfit { path: path.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use openkoi_core::credential::ForeignToken;

    fn pond() -> SecretSource {
        SecretSource::Foreign(Box::new(ForeignToken {
            name: "pond".to_owned(),
            program: "the Pond CLI".to_owned(),
            path: "~/.pond".to_owned(),
            token: "/token".to_owned(),
            expires: String::new(),
            keychain: String::new(),
        }))
    }

    #[test]
    fn a_store_is_read_only_while_it_is_allowed_and_where_it_was() {
        let home = tempfile::tempdir().unwrap();
        let mut consents = Consents::read(home.path()).unwrap();
        assert!(!consents.allow(&pond()));
        assert!(consents.allow(&SecretSource::Saved("x".to_owned())));

        consents.grant(home.path(), "pond", "~/.pond", 1).unwrap();
        assert!(Consents::read(home.path()).unwrap().allow(&pond()));
        consents.grant(home.path(), "pond", "/elsewhere", 1).unwrap();
        assert!(!Consents::read(home.path()).unwrap().allow(&pond()));

        consents.revoke(home.path(), "pond").unwrap();
        assert!(!Consents::read(home.path()).unwrap().has("pond"));
    }

    #[test]
    fn a_broken_file_allows_nothing_and_stays() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(FILE), "{").unwrap();

        let error = Consents::read(home.path()).unwrap_err();
        assert!(matches!(error, ConsentsError::Unfit { .. }), "{error}");
        assert_eq!(fs::read_to_string(home.path().join(FILE)).unwrap(), "{");
    }
}
