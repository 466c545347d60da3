//! Keys that `openkoi connect` keeps, in a file or in the key ring of the session.
//!
//! A key is in one of these two slots; writing it to one removes it from the other. A file `<name>.keyring`, the mark,
//! says that a key is in the ring, so that the ring's programs are not started for a key that is not there. A key file
//! goes before the mark, because a person may write one by hand.

use super::key_files::{KeyFiles, MarkStamp};
use super::keyring::{Keyring, KeyringTrouble};
use super::{Secret, SecretError};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// The user's wish for where a key is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeepIn {
    /// In the key ring if it can be used, otherwise in a file.
    #[default]
    Auto,
    /// In the key ring, or not at all.
    Keyring,
    /// In a file.
    File,
}

/// A place that a key is kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySlot {
    /// In a file that only its owner can read.
    File,
    /// In the key ring of the session.
    Keyring,
}

/// A key that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its slot.
    pub slot: KeySlot,
    /// Why it is not in the key ring although there is one, or why an older copy is still in it.
    pub trouble: Option<KeyringTrouble>,
}

/// The saved keys of one home. Clones share them.
#[derive(Clone)]
pub(super) struct SavedKeys {
    files: KeyFiles,
    keyring: Keyring,
    /// Keys that were read from the ring, with the marks they belong to, so that a request does not start a program.
    read: Arc<Mutex<HashMap<String, (MarkStamp, Secret)>>>,
}

impl SavedKeys {
    pub(super) fn new(home: &Path, keyring: Keyring) -> Self {
        Self { files: KeyFiles::of(home), keyring, read: Arc::default() }
    }

    /// Uses the ring's programs in these directories.
    pub(super) fn among(self, directories: Vec<PathBuf>) -> Self {
        Self { keyring: self.keyring.among(directories), ..self }
    }

    /// Checks whether a key could be put into the ring now.
    pub(super) fn ready(&self) -> Result<(), KeyringTrouble> {
        self.keyring.ready()
    }

    /// Returns the slot of a key, without reading it.
    pub(super) fn slot(&self, name: &str) -> Option<KeySlot> {
        if self.files.has(name) {
            return Some(KeySlot::File);
        }
        self.files.mark(name).map(|_| KeySlot::Keyring)
    }

    /// Reads a key. Returns nothing if it is in neither slot.
    pub(super) fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        if let Some(bytes) = self.files.read(name)? {
            return Ok(Some(bytes));
        }
        let Some(stamp) = self.files.mark(name) else { return Ok(None) };
        // Held while the program runs: a second reader of the key waits for its answer instead of asking again.
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
                Ok(Kept { slot: KeySlot::Keyring, trouble: None })
            }
            Some(Err(trouble)) if wish == KeepIn::Keyring => Err(SecretError::Unkept { trouble }),
            // An older key may still be in the ring; it is not used, because the file goes before it.
            Some(Err(trouble)) => {
                self.files.put(name, secret)?;
                let trouble = Some(trouble).filter(|trouble| !trouble.is_absence());
                Ok(Kept { slot: KeySlot::File, trouble })
            }
            None => {
                self.files.put(name, secret)?;
                Ok(Kept { slot: KeySlot::File, trouble: self.remove_from_ring(name)? })
            }
        }
    }

    /// Removes a key from both slots; removing one that does not exist succeeds. Returns why it is still in the ring, if
    /// it is.
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
