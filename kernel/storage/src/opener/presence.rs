//! Knowing whether another process has the database open.
//!
//! Everybody holds a shared lock on one file for as long as a connection is open. Who gets it exclusively on the
//! way in is alone: only then is a left-over log a sign of a crash, and only then is a new database set up.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use openkoi_brokers::disk;
use rustix::{
    fs::{FlockOperation, flock},
    io::{Errno, retry_on_intr},
};

use crate::{error::StorageError, mode::PRIVATE};

/// A lock that says: somebody has the database open.
#[derive(Debug)]
pub(super) struct Presence {
    file: File,
    path: PathBuf,
    alone: bool,
}

impl Presence {
    /// Enters, alone if nobody else is there.
    pub(super) fn enter(path: &Path) -> Result<Self, StorageError> {
        let (file, path) = open(path)?;
        match retry_on_intr(|| flock(&file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(Self { file, path, alone: true }),
            Err(Errno::WOULDBLOCK) => Self { file, path, alone: false }.share(),
            Err(error) => Err(StorageError::io(&path, error.into())),
        }
    }

    /// Enters beside others, waiting for one who is still setting up.
    pub(super) fn join(path: &Path) -> Result<Self, StorageError> {
        let (file, path) = open(path)?;
        Self { file, path, alone: false }.share()
    }

    /// Returns whether nobody else was there.
    pub(super) fn is_alone(&self) -> bool {
        self.alone
    }

    /// Lets others in; waits for one who is still setting up.
    pub(super) fn share(self) -> Result<Self, StorageError> {
        let shared = retry_on_intr(|| flock(&self.file, FlockOperation::LockShared));
        shared.map_err(|error| StorageError::io(&self.path, error.into()))?;
        Ok(self)
    }
}

fn open(path: &Path) -> Result<(File, PathBuf), StorageError> {
    let file =
        disk::open_or_create(path, PRIVATE).map_err(|error| StorageError::io(path, error))?;
    Ok((file, path.to_owned()))
}
