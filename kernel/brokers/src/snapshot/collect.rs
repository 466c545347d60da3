//! Removing what nobody refers to any more.

use super::tree::parse_hash;
use super::{SnapshotError, SnapshotStore, TreeId};
use crate::file_lock::FileLock;
use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::io;
use std::time::{Duration, SystemTime};

/// What a collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Number of objects.
    pub objects: u64,
    /// Bytes that they took.
    pub bytes: u64,
}

impl SnapshotStore {
    /// Removes the objects that are not in what `keep` returns and are older than `age`. An object that is needed again
    /// becomes young after ten minutes, so that a shorter age is for when nobody works with the store. `keep` is called under the lock
    /// of the store, so that two collections do not work with different lists; it returns hashes of contents and names of
    /// trees, and the contents of a tree that it names stay too. Temporary files of writers that are gone go as well.
    ///
    /// # Errors
    ///
    /// Another collection is at work, a tree that is to be kept is damaged, or the store cannot be read. Nothing that is to
    /// be kept is removed.
    pub fn collect<E: From<SnapshotError>>(
        &self,
        age: Duration,
        keep: impl FnOnce() -> Result<BTreeSet<String>, E>,
    ) -> Result<Collected, E> {
        let _lock = self.lock_for_collection()?;
        let mut kept = keep()?;
        let named: Vec<String> = kept.iter().cloned().collect();
        for name in named {
            kept.extend(self.contents_of(&name)?);
        }
        Ok(self.remove_others(&kept, age)?)
    }

    fn lock_for_collection(&self) -> Result<FileLock, SnapshotError> {
        let lock = FileLock::try_directory(self.directory())
            .and_then(|lock| lock.ok_or_else(|| io::ErrorKind::WouldBlock.into()));
        lock.map_err(|error| SnapshotError::io("lock", self.directory(), error))
    }

    /// Returns the contents of the tree of this name; nothing if it is contents itself.
    fn contents_of(&self, name: &str) -> Result<Vec<String>, SnapshotError> {
        let Ok(id) = name.parse::<TreeId>() else { return Ok(Vec::new()) };
        match self.tree(id) {
            Ok(tree) => Ok(tree.hashes()),
            // Contents are no list of files, and what is gone refers to nothing.
            Err(SnapshotError::Damaged { .. } | SnapshotError::Unknown { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn remove_others(
        &self,
        kept: &BTreeSet<String>,
        age: Duration,
    ) -> Result<Collected, SnapshotError> {
        let objects = self.directory().join("objects");
        let failed = |error| SnapshotError::io("collect", &objects, error);
        let mut collected = Collected::default();
        for shard in fs::read_dir(&objects).map_err(failed)? {
            let shard = shard.map_err(failed)?;
            let Ok(entries) = fs::read_dir(shard.path()) else { continue };
            for entry in entries {
                let entry = entry.map_err(failed)?;
                if !is_kept(&shard, &entry, kept) {
                    let bytes = remove_old(&entry, age).map_err(failed)?;
                    collected.objects += u64::from(bytes.is_some());
                    collected.bytes += bytes.unwrap_or(0);
                }
            }
        }
        Ok(collected)
    }
}

/// Tells whether a file of the store is to be kept. What is none of its objects is left alone, but for temporary files.
fn is_kept(shard: &DirEntry, entry: &DirEntry, kept: &BTreeSet<String>) -> bool {
    let names = (shard.file_name().into_string(), entry.file_name().into_string());
    let (Ok(shard), Ok(rest)) = names else { return true };
    let hash = format!("{shard}{rest}");
    let is_temporary = rest.len() == 20 && rest.ends_with(".tmp");
    !is_temporary && (parse_hash(&hash).is_none() || kept.contains(&hash))
}

/// Removes a file that is at least this old, and returns its size.
fn remove_old(entry: &DirEntry, least: Duration) -> io::Result<Option<u64>> {
    let meta = match entry.metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        meta => meta?,
    };
    // A file from the future is not old.
    let age = SystemTime::now().duration_since(meta.modified()?).unwrap_or_default();
    if age < least {
        return Ok(None);
    }
    fs::remove_file(entry.path())?;
    Ok(Some(meta.len()))
}
