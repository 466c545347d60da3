//! Credentials: read, kept, and recognised in other text.
//!
//! A credential comes from a variable of the environment (handed in as a value), from a file
//! `<home>/credentials/<name>.key` that only its owner can read, or from the key ring of the session. Keys that sign
//! requests come from a pair of variables, or from files of profiles. A credential is read when it is asked for and
//! kept in memory that is wiped. Its bytes do not leave this crate as such: the egress broker puts them into a request
//! after the checks.
//!
//! # Recognised forms
//!
//! | form of the secret in text | recognised |
//! |---|---|
//! | as it is | yes |
//! | base64, standard and URL alphabet, at any offset | yes |
//! | hex, either case | yes |
//! | percent-encoded, in part or whole | yes |
//! | reversed, compressed, encrypted, split over two requests, JSON escapes | no: the grant of the host is what stops those |
//!
//! Secrets shorter than eight bytes are not searched for: they would be found everywhere.

mod auth_file;
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
mod redactor;
mod saved;
mod secret;
mod variables;

pub(crate) use auth_file::{AuthFile, AuthFileError, FoundService, SessionToken, StoredLogin};
pub use error::SecretError;
pub use keychain::has_keychain;
pub use keyring::{KeyringTrouble, label as keyring_label};
pub(crate) use known::is_bound;
pub use memory::close_memory;
pub(crate) use patterns::{Patterns, redact_all, replace_all};
pub(crate) use private::read_private;
pub(crate) use redactor::Redactor;
pub use saved::{KeepIn, Kept, KeySlot};
pub use secret::Secret;
pub(crate) use secret::Signing;

use keychain::Keychain;
use keyring::Keyring;
use known::KnownSecrets;
use openkoi_core::credential::{ProfileStore, SecretSource};
use pair::{has_pair, read_pair};
use profile::Profiles;
use saved::SavedKeys;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use variables::{Variables, variable};
use zeroize::Zeroizing;

/// The credentials of one home. Clones share what they have read.
#[derive(Clone)]
pub struct SecretStore {
    saved: SavedKeys,
    keychain: Keychain,
    logins: AuthFile,
    environment: Arc<Variables>,
    known: KnownSecrets,
}

impl fmt::Debug for SecretStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretStore").finish_non_exhaustive()
    }
}

impl SecretStore {
    /// Makes a store over the files of `home` and a snapshot of the environment. Reads nothing.
    #[must_use]
    pub fn new(home: &Path, environment: Arc<Variables>) -> Self {
        let saved = SavedKeys::new(home, Keyring::new(home, &environment));
        let (logins, keychain) = (AuthFile::of(home), Keychain::new(&environment));
        Self { saved, keychain, logins, environment, known: KnownSecrets::default() }
    }

    /// Reads the keychain with this program, which takes the arguments of macOS's `security`.
    #[must_use]
    pub fn with_keychain_program(self, program: PathBuf) -> Self {
        let keychain = Keychain::by(Some(program), &self.environment);
        Self { keychain, ..self }
    }

    /// Uses the programs of the key ring in these directories only, unless the list is empty.
    #[must_use]
    pub fn with_keyring_programs(self, directories: Vec<PathBuf>) -> Self {
        if directories.is_empty() {
            return self;
        }
        Self { saved: self.saved.among(directories), ..self }
    }

    /// Reads the first of `sources` that exists, without surrounding white space.
    ///
    /// From then on the secret is known: it is redacted, and it does not leave for a host before [`SecretStore::bind`]
    /// names that host.
    ///
    /// # Errors
    ///
    /// A source that exists but cannot be used is an error; the next one is not tried.
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

    /// Tells whether one of `sources` exists, without reading secrets.
    #[must_use]
    pub fn has(&self, sources: &[SecretSource]) -> bool {
        sources.iter().any(|source| match source {
            SecretSource::Variable(name) => {
                self.environment.get(&OsString::from(name)).is_some_and(|value| !value.is_empty())
            }
            SecretSource::Saved(name) => self.saved.slot(name).is_some(),
            SecretSource::Login(name) => self.logins.has(name),
            SecretSource::Pair(pair) => has_pair(pair, &self.environment),
            SecretSource::Profile(store) => self.profiles(store).exist(),
            SecretSource::Foreign(token) => foreign::has_file(token, &self.environment),
        })
    }

    /// As [`SecretStore::has`] for one source, and looks into the keychain too, which starts a program.
    #[must_use]
    pub fn finds(&self, source: &SecretSource) -> bool {
        let in_keychain = match source {
            SecretSource::Foreign(token) => foreign::is_in_keychain(token, &self.keychain),
            _ => false,
        };
        in_keychain || self.has(std::slice::from_ref(source))
    }

    /// Returns a variable of the environment that is not a secret, if it is set and not blank.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<String> {
        variable(&self.environment, name)
    }

    /// Returns a setting of the user's profile that is not a secret. It is in the store of other programs, so the caller
    /// must have the user's consent for [`SecretSource::Profile`].
    #[must_use]
    pub fn profile_setting(&self, store: &ProfileStore, name: &str) -> Option<String> {
        self.profiles(store).setting(name)
    }

    /// Keeps `secret` as the credential `name`, in the key ring of the session or in a file that only its owner can
    /// read. It replaces a former one, wherever that was.
    ///
    /// # Errors
    ///
    /// The former credential is still there.
    pub fn store(&self, name: &str, secret: &Secret, wish: KeepIn) -> Result<Kept, SecretError> {
        self.know(name, secret);
        self.saved.put(name, secret, wish)
    }

    /// Removes the credential `name` from both places; removing one that does not exist succeeds. Returns why it is still
    /// in the key ring, if it is: it is not used any more.
    ///
    /// # Errors
    ///
    /// A file could not be removed.
    pub fn forget(&self, name: &str) -> Result<Option<KeyringTrouble>, SecretError> {
        self.saved.remove(name)
    }

    /// Returns the slot in which the credential `name` is kept, without reading it.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<KeySlot> {
        self.saved.slot(name)
    }

    /// Finds out whether a key could be put into the key ring now without a password from the user.
    ///
    /// # Errors
    ///
    /// The reason why it could not.
    pub fn keyring(&self) -> Result<(), KeyringTrouble> {
        self.saved.ready()
    }

    /// Lets `secret` leave for `host` (`name` or `name:port`). Everywhere else it is recognised.
    pub fn bind(&self, name: &str, secret: &Secret, host: &str) {
        self.known.learn(name, secret, Some(host));
    }

    /// Recognises `secret` from now on, without letting it leave for any host.
    pub(crate) fn know(&self, name: &str, secret: &Secret) {
        self.known.learn(name, secret, None);
    }

    /// Replaces every known secret in `text`, in each of the recognised forms, by `[redacted]`.
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
            // Read by `oauth::Logins` only, which renews it: an expired token would fail without a reason.
            SecretSource::Login(name) => (name, None),
            SecretSource::Pair(pair) => {
                return self.learned(source, &pair.secret, read_pair(pair, &self.environment)?);
            }
            SecretSource::Profile(store) => {
                return self.learned(source, &store.secret, self.profiles(store).keys()?);
            }
            SecretSource::Foreign(token) => {
                let secret = foreign::read_token(token, &self.environment, &self.keychain)?;
                return self.learned(source, &token.name, secret);
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

    /// Learns a secret that was found, or says that there is none.
    fn learned(
        &self,
        source: &SecretSource,
        name: &str,
        secret: Option<Secret>,
    ) -> Result<Secret, SecretError> {
        let secret = secret.ok_or_else(|| SecretError::Absent { source_name: source.clone() })?;
        self.known.learn(name, &secret, None);
        Ok(secret)
    }

    fn profiles<'a>(&'a self, store: &'a ProfileStore) -> Profiles<'a> {
        Profiles { store, variables: &self.environment }
    }

    fn read_variable(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        let value = self.environment.get(&OsString::from(name))?;
        Some(Zeroizing::new(value.as_encoded_bytes().to_vec()))
    }
}
