//! Keys that `openkoi connect` keeps, in a file or in the key ring of the session.
//!
//! A key is in one of the two: whichever is written last is used, and the other copy goes. A file `<name>.keyring`
//! without any secret says that a key is in the ring, so that nothing is started where nothing is there. A key file
//! comes before it: a person may write one by hand.

use super::key_files::{KeyFiles, Stamp};
use super::keyring::{Keyring, KeyringTrouble};
use super::{Secret, SecretError};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// Where a key is to be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeepIn {
    /// In the key ring where it can be used, else in a file.
    #[default]
    Auto,
    /// In the key ring or nowhere.
    Keyring,
    /// In a file.
    File,
}

/// Where a key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file that only its owner can read.
    File,
    /// In the key ring of the session.
    Keyring,
}

/// What became of a key that was to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where it is.
    pub place: Place,
    /// Why it is not in the key ring although there is one, or why an older copy is still in there.
    pub trouble: Option<KeyringTrouble>,
}

/// The saved keys of one home. Clones are the same.
#[derive(Clone)]
pub(super) struct SavedKeys {
    files: KeyFiles,
    keyring: Keyring,
    /// What was read of the ring, as long as it is what is kept there: a request does not start a program.
    read: Arc<Mutex<HashMap<String, (Stamp, Secret)>>>,
}

impl SavedKeys {
    pub(super) fn new(home: &Path, keyring: Keyring) -> Self {
        Self { files: KeyFiles::of(home), keyring, read: Arc::default() }
    }

    /// Looks for the programs of the ring in these directories.
    pub(super) fn among(self, directories: Vec<PathBuf>) -> Self {
        Self { keyring: self.keyring.among(directories), ..self }
    }

    /// Whether a key could be put into the ring now.
    pub(super) fn ready(&self) -> Result<(), KeyringTrouble> {
        self.keyring.ready()
    }

    /// Where the key of this name is, without reading it.
    pub(super) fn place(&self, name: &str) -> Option<Place> {
        if self.files.has(name) {
            return Some(Place::File);
        }
        self.files.mark(name).map(|_| Place::Keyring)
    }

    /// Reads a key; nothing if there is none.
    pub(super) fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        if let Some(bytes) = self.files.read(name)? {
            return Ok(Some(bytes));
        }
        let Some(stamp) = self.files.mark(name) else { return Ok(None) };
        // Held while the program runs: whoever wants the same key meanwhile wants its answer, too.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, secret)) = read.get(name).filter(|(known, _)| *known == stamp) {
            return Ok(Some(Zeroizing::new(secret.expose().to_vec())));
        }
        let bytes = self.keyring.find(name).map_err(|trouble| unread(name, trouble))?;
        read.insert(name.to_owned(), (stamp, Secret::new(bytes.to_vec())));
        Ok(Some(bytes))
    }

    /// Keeps a key.
    pub(super) fn put(
        &self,
        name: &str,
        secret: &Secret,
        wish: KeepIn,
    ) -> Result<Kept, SecretError> {
        self.files.check(name)?;
        let tried = (wish != KeepIn::File).then(|| self.keyring.put(name, secret));
        match tried {
            Some(Ok(())) => {
                self.files.put_mark(name)?;
                self.files.remove(name)?;
                Ok(Kept { place: Place::Keyring, trouble: None })
            }
            Some(Err(trouble)) if wish == KeepIn::Keyring => Err(SecretError::Unkept { trouble }),
            // An older key in the ring is not used either: the file comes first.
            Some(Err(trouble)) => {
                self.files.put(name, secret)?;
                let trouble = Some(trouble).filter(|trouble| !trouble.is_absence());
                Ok(Kept { place: Place::File, trouble })
            }
            None => {
                self.files.put(name, secret)?;
                Ok(Kept { place: Place::File, trouble: self.remove_from_ring(name)? })
            }
        }
    }

    /// Removes a key from both places; removing one that is not there is no failure. Returns why it is still in the
    /// ring, where it is not used any more.
    pub(super) fn remove(&self, name: &str) -> Result<Option<KeyringTrouble>, SecretError> {
        self.files.remove(name)?;
        self.remove_from_ring(name)
    }

    fn remove_from_ring(&self, name: &str) -> Result<Option<KeyringTrouble>, SecretError> {
        if self.files.mark(name).is_none() {
            return Ok(None);
        }
        let trouble = self.keyring.remove(name).err();
        self.files.remove_mark(name)?;
        Ok(trouble)
    }
}

fn unread(name: &str, trouble: KeyringTrouble) -> SecretError {
    SecretError::Keyring { name: name.to_owned(), trouble }
}
