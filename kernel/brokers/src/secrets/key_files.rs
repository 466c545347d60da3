//! Keys in files of their own, `<home>/credentials/<name>.key`, and beside them the marks of keys in the key ring.

use super::keyring::label;
use super::{Secret, SecretError, read_private};
use crate::durable;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The largest key file that is read.
const LARGEST: u64 = 64 * 1024;

/// The extensions of a key's file and of a mark.
const KEY: &str = "key";
const MARK: &str = "keyring";

/// Identifies a mark, so that one that was written anew is told from the former.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MarkStamp([i64; 3]);

/// The files of one home.
#[derive(Clone, Debug)]
pub(super) struct KeyFiles {
    directory: PathBuf,
}

impl KeyFiles {
    pub(super) fn of(home: &Path) -> Self {
        Self { directory: home.join("credentials") }
    }

    /// Refuses a name that could lead out of the directory.
    pub(super) fn check(&self, name: &str) -> Result<(), SecretError> {
        self.path(name, KEY).map(|_| ())
    }

    /// Tells whether a key of this name has a file, without reading it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.path(name, KEY).is_ok_and(|path| path.exists())
    }

    /// Reads a key; nothing if it has no file.
    pub(super) fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, SecretError> {
        read_private(&self.path(name, KEY)?, LARGEST)
    }

    /// Writes a key to a file that only its owner can read.
    pub(super) fn put(&self, name: &str, secret: &Secret) -> Result<(), SecretError> {
        self.write(self.path(name, KEY)?, secret.expose())
    }

    /// Removes a key's file; succeeds if there is none.
    pub(super) fn remove(&self, name: &str) -> Result<(), SecretError> {
        unlink(self.path(name, KEY)?)
    }

    /// Returns the mark of a key that is in the key ring.
    pub(super) fn mark(&self, name: &str) -> Option<MarkStamp> {
        let meta = fs::metadata(self.path(name, MARK).ok()?).ok()?;
        Some(MarkStamp([meta.ino().cast_signed(), meta.mtime(), meta.mtime_nsec()]))
    }

    /// Marks that a key is in the key ring.
    pub(super) fn put_mark(&self, name: &str) -> Result<(), SecretError> {
        let words = format!("The key is in the key ring of the session, as `{}`.\n", label(name));
        self.write(self.path(name, MARK)?, words.as_bytes())
    }

    /// Removes a mark; succeeds if there is none.
    pub(super) fn remove_mark(&self, name: &str) -> Result<(), SecretError> {
        unlink(self.path(name, MARK)?)
    }

    fn write(&self, path: PathBuf, bytes: &[u8]) -> Result<(), SecretError> {
        let kept = durable::create_private_dir(&self.directory)
            .and_then(|()| durable::put_atomic(&path, bytes, 0o600));
        kept.map_err(|error| SecretError::Io { path, source: io::Error::other(error) })
    }

    fn path(&self, name: &str, ending: &str) -> Result<PathBuf, SecretError> {
        let proper = (1..=64).contains(&name.len())
            && !name.starts_with('.')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !proper {
            return Err(SecretError::Name { name: name.to_owned() });
        }
        Ok(self.directory.join(format!("{name}.{ending}")))
    }
}

fn unlink(path: PathBuf) -> Result<(), SecretError> {
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(SecretError::Io { path, source })
        }
        _ => Ok(()),
    }
}
