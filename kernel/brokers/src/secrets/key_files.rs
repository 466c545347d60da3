//! Keys in files of their own: `<home>/credentials/<name>.key`.

use super::{Secret, SecretError, read_private};
use crate::durable;
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The largest key file that is read.
const LARGEST: u64 = 64 * 1024;

/// The files of one home.
#[derive(Clone, Debug)]
pub(super) struct KeyFiles {
    directory: PathBuf,
}

impl KeyFiles {
    pub(super) fn of(home: &Path) -> Self {
        Self { directory: home.join("credentials") }
    }

    /// Whether there is one of this name, without reading it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.path(name).is_ok_and(|path| path.exists())
    }

    /// Reads a key; nothing if there is none.
    pub(super) fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        read_private(&self.path(name)?, LARGEST)
    }

    /// Keeps a key in a file that only its owner can read.
    pub(super) fn put(&self, name: &str, secret: &Secret) -> Result<(), SecretError> {
        let path = self.path(name)?;
        let kept = durable::create_private_dir(&self.directory)
            .and_then(|()| durable::put_atomic(&path, secret.expose(), 0o600));
        kept.map_err(|error| SecretError::Io { path, source: io::Error::other(error) })
    }

    /// Removes a key; one that is not there is no failure.
    pub(super) fn remove(&self, name: &str) -> Result<(), SecretError> {
        let path = self.path(name)?;
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(SecretError::Io { path, source })
            }
            _ => Ok(()),
        }
    }

    fn path(&self, name: &str) -> Result<PathBuf, SecretError> {
        let proper = (1..=64).contains(&name.len())
            && !name.starts_with('.')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !proper {
            return Err(SecretError::Name { name: name.to_owned() });
        }
        Ok(self.directory.join(format!("{name}.key")))
    }
}
