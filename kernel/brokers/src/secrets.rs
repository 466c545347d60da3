//! The one reader of credentials, and the one that knows them again in other text.
//!
//! A credential comes from a variable of the environment (handed in as a value), from a file
//! `<home>/credentials/<name>.key` that only its owner can read, or from the key ring of the session. It is read
//! when it is asked for, kept in memory that is wiped, and its bytes are seen by this crate alone: the egress
//! broker puts them into a request after the checks. Keys that sign come from a pair of variables, or
//! from files of profiles.
//!
//! # What is recognised in text
//!
//! | form | recognised |
//! |---|---|
//! | as it is | yes |
//! | base64, standard and URL alphabet, at any offset | yes |
//! | hex, either case | yes |
//! | percent-encoded, in part or whole | yes |
//! | reversed, compressed, encrypted, split over two requests, JSON escapes | no: only the grant of the host stops those |
//!
//! Secrets shorter than eight bytes are not looked for: they would be found everywhere.

mod error;
mod foreign;
mod key_files;
mod keychain;
mod keyring;
mod known;
mod memory;
mod pair;
mod patterns;
mod private;
mod profile;
mod program;
mod redactor;
mod saved;
mod secret;
mod source;

pub use error::SecretError;
pub use foreign::Foreign;
pub use keychain::has_keychain;
pub use keyring::{KeyringTrouble, label as keyring_label};
pub(crate) use known::is_bound;
pub use memory::close_memory;
pub use pair::VariablePair;
pub(crate) use patterns::{Patterns, redact_all};
pub(crate) use private::read_private;
pub use profile::{ProfileFile, ProfileStore};
pub(crate) use redactor::Redactor;
pub use saved::{KeepIn, Kept, Place};
pub use secret::Secret;
pub(crate) use secret::Signing;
pub use source::SecretSource;

use crate::oauth::AuthFile;
use keychain::Keychain;
use keyring::Keyring;
use known::KnownSecrets;
use saved::SavedKeys;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Where credentials come from. Clones share what they know.
#[derive(Clone)]
pub struct SecretStore {
    saved: SavedKeys,
    keychain: Keychain,
    logins: AuthFile,
    environment: Arc<HashMap<OsString, OsString>>,
    known: KnownSecrets,
}

impl fmt::Debug for SecretStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretStore").finish_non_exhaustive()
    }
}

impl SecretStore {
    /// Makes a store over `<home>/credentials` and a snapshot of the environment. Reads nothing.
    #[must_use]
    pub fn new(home: &Path, environment: Arc<HashMap<OsString, OsString>>) -> Self {
        let saved = SavedKeys::new(home, Keyring::new(home, &environment));
        let (logins, keychain) = (AuthFile::of(home), Keychain::new(&environment));
        Self { saved, keychain, logins, environment, known: KnownSecrets::default() }
    }

    /// Reads the keychain by this program, which is called like `security` of macOS.
    #[must_use]
    pub fn with_keychain_program(self, program: PathBuf) -> Self {
        let keychain = Keychain::by(Some(program), &self.environment);
        Self { keychain, ..self }
    }

    /// Looks for the programs of the key ring in these directories, if there are any; others are not used.
    #[must_use]
    pub fn with_keyring_programs(self, directories: Vec<PathBuf>) -> Self {
        if directories.is_empty() {
            return self;
        }
        Self { saved: self.saved.among(directories), ..self }
    }

    /// Reads the first of `sources` that is there. Surrounding white space does not count.
    ///
    /// From then on the secret is known: it leaves for no host until [`SecretStore::bind`] names one, and it
    /// is redacted.
    ///
    /// # Errors
    ///
    /// A source that is there but unfit is an error, not passed over.
    pub fn read(&self, sources: &[SecretSource]) -> Result<Secret, SecretError> {
        let mut absent = None;
        for source in sources {
            match self.read_one(source) {
                Err(error @ SecretError::Absent { .. }) => absent = absent.or(Some(error)),
                found => return found,
            }
        }
        let nowhere = || SecretError::Absent { source_name: SecretSource::Saved(String::new()) };
        Err(absent.unwrap_or_else(nowhere))
    }

    /// Whether one of `sources` is there, without reading a file's contents.
    #[must_use]
    pub fn has(&self, sources: &[SecretSource]) -> bool {
        sources.iter().any(|source| match source {
            SecretSource::Variable(name) => {
                self.environment.get(&OsString::from(name)).is_some_and(|value| !value.is_empty())
            }
            SecretSource::Saved(name) => self.saved.place(name).is_some(),
            SecretSource::Login(name) => self.logins.has(name),
            SecretSource::Pair(pair) => pair.exists(&self.environment),
            SecretSource::Profile(store) => store.exists(&self.environment),
            SecretSource::Foreign(foreign) => foreign.exists(&self.environment),
        })
    }

    /// As [`SecretStore::has`] for one source, and looks into the keychain, too.
    #[must_use]
    pub fn finds(&self, source: &SecretSource) -> bool {
        let in_keychain = match source {
            SecretSource::Foreign(foreign) => foreign.is_in(&self.keychain),
            _ => false,
        };
        in_keychain || self.has(std::slice::from_ref(source))
    }

    /// Returns a variable of the environment that is no secret, if it is set and not empty.
    #[must_use]
    pub fn setting(&self, variable: &str) -> Option<String> {
        pair::variable(&self.environment, variable)
    }

    /// Returns a setting of the user's profile that is no secret. It is read from the store of other programs, so only
    /// where the user lets [`SecretSource::Profile`] be read.
    #[must_use]
    pub fn profile_setting(&self, store: &ProfileStore, name: &str) -> Option<String> {
        store.setting(name, &self.environment)
    }

    /// Keeps `secret` as the credential `name`, in the key ring of the session or in a file that only its owner can
    /// read. The one written last is the one that is used.
    ///
    /// # Errors
    ///
    /// The former credential is still there.
    pub fn store(&self, name: &str, secret: &Secret, wish: KeepIn) -> Result<Kept, SecretError> {
        self.know(name, secret);
        self.saved.put(name, secret, wish)
    }

    /// Removes the credential `name` from both places; removing one that is not there is no failure. Returns why it is
    /// still in the key ring: it is not used any more.
    ///
    /// # Errors
    ///
    /// A file could not be removed.
    pub fn forget(&self, name: &str) -> Result<Option<KeyringTrouble>, SecretError> {
        self.saved.remove(name)
    }

    /// Returns where the credential `name` is kept, without reading it.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<Place> {
        self.saved.place(name)
    }

    /// Asks whether a key could be put into the key ring now, without anybody being asked for a password.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn keyring(&self) -> Result<(), KeyringTrouble> {
        self.saved.ready()
    }

    /// Lets `secret` leave for `host` (`name` or `name:port`), and knows it again everywhere else.
    pub fn bind(&self, name: &str, secret: &Secret, host: &str) {
        self.known.learn(name, secret, Some(host));
    }

    /// Knows `secret` again from now on, without letting it go anywhere.
    pub(crate) fn know(&self, name: &str, secret: &Secret) {
        self.known.learn(name, secret, None);
    }

    /// Replaces every known secret in `text`, in any of the recognised forms, by `[redacted]`.
    #[must_use]
    pub fn redact(&self, text: &[u8]) -> Vec<u8> {
        self.known.redact(text)
    }

    /// As [`SecretStore::redact`], for text.
    #[must_use]
    pub fn redact_str(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.redact(text.as_bytes())).into_owned()
    }

    /// Returns the name of a known secret that is in one of `texts` and may not go to `host` and `port`.
    pub(crate) fn stray<'a>(
        &self,
        texts: impl Iterator<Item = &'a [u8]> + Clone,
        host: &str,
        port: u16,
    ) -> Option<String> {
        self.known.stray(texts, host, port)
    }

    fn read_one(&self, source: &SecretSource) -> Result<Secret, SecretError> {
        let (name, bytes) = match source {
            SecretSource::Variable(name) => (name, self.read_variable(name)),
            SecretSource::Saved(name) => (name, self.saved.read(name)?),
            // Not here: a token that is not kept fresh is a riddle an hour later.
            SecretSource::Login(name) => (name, None),
            SecretSource::Pair(pair) => {
                return self.known_keys(source, &pair.secret, pair.keys(&self.environment)?);
            }
            SecretSource::Profile(store) => {
                return self.known_keys(source, &store.secret, store.keys(&self.environment)?);
            }
            SecretSource::Foreign(foreign) => {
                let absent = || SecretError::Absent { source_name: source.clone() };
                let secret = foreign.read(&self.environment, &self.keychain)?.ok_or_else(absent)?;
                self.known.learn(&foreign.name, &secret, None);
                return Ok(secret);
            }
        };
        let bytes = bytes.ok_or_else(|| SecretError::Absent { source_name: source.clone() })?;
        let trimmed = bytes.trim_ascii();
        if trimmed.is_empty() {
            return Err(SecretError::Empty { source_name: source.clone() });
        }
        let secret = Secret::new(trimmed.to_vec());
        self.known.learn(name, &secret, None);
        Ok(secret)
    }

    fn known_keys(
        &self,
        source: &SecretSource,
        name: &str,
        keys: Option<Secret>,
    ) -> Result<Secret, SecretError> {
        let secret = keys.ok_or_else(|| SecretError::Absent { source_name: source.clone() })?;
        self.known.learn(name, &secret, None);
        Ok(secret)
    }

    fn read_variable(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        let value = self.environment.get(&OsString::from(name))?;
        Some(Zeroizing::new(value.as_encoded_bytes().to_vec()))
    }
}
