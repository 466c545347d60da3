//! Knowing whether another process has the database open.
//!
//! Everybody holds a shared lock on one file for as long as a connection is open. Who gets it exclusively on the
//! way in is alone: only then is a left-over log a sign of a crash, and only then is a new database set up.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use openkoi_brokers::{disk, file_lock::FileLock};

use crate::{error::StorageError, mode::PRIVATE};

/// A lock that says: somebody has the database open.
#[derive(Debug)]
pub(super) struct Presence {
    lock: FileLock,
    path: PathBuf,
    alone: bool,
}

impl Presence {
    /// Enters, alone if nobody else is there.
    pub(super) fn enter(path: &Path) -> Result<Self, StorageError> {
        let lock = FileLock::try_exclusive(open(path)?);
        match lock.map_err(|error| StorageError::io(path, error))? {
            Some(lock) => Ok(Self { lock, path: path.to_owned(), alone: true }),
            None => Self::join(path),
        }
    }

    /// Enters beside others, waiting for one who is still setting up.
    pub(super) fn join(path: &Path) -> Result<Self, StorageError> {
        let lock = FileLock::shared(open(path)?);
        let lock = lock.map_err(|error| StorageError::io(path, error))?;
        Ok(Self { lock, path: path.to_owned(), alone: false })
    }

    /// Returns whether nobody else was there.
    pub(super) fn is_alone(&self) -> bool {
        self.alone
    }

    /// Lets others in; waits for one who is still setting up.
    pub(super) fn share(self) -> Result<Self, StorageError> {
        self.lock.share().map_err(|error| StorageError::io(&self.path, error))?;
        Ok(self)
    }
}

fn open(path: &Path) -> Result<File, StorageError> {
    disk::open_or_create(path, PRIVATE).map_err(|error| StorageError::io(path, error))
}
