//! Knowing whether another process has the database open.
//!
//! Everybody holds a shared lock on one file for as long as a connection is open. Who gets it exclusively on the
//! way in is alone: only then can a left-over log be a sign of a crash, and only then is a new database set up. Who gets it
//! exclusively on the way out is the last, and notes the log that is left.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use openkoi_brokers::{disk, file_lock::FileLock};

use super::kept_log::{self, Files, Left};
use crate::{error::StorageError, mode::PRIVATE};

/// A lock that says: somebody has the database open.
#[derive(Debug)]
pub(super) struct Presence {
    lock: FileLock,
    path: PathBuf,
    alone: bool,
    /// What the last one who leaves notes the log of.
    noted: Option<Files>,
}

impl Presence {
    /// Enters, alone if nobody else is there.
    pub(super) fn enter(path: &Path) -> Result<Self, StorageError> {
        let lock = FileLock::try_exclusive(open(path)?);
        match lock.map_err(|error| StorageError::io(path, error))? {
            Some(lock) => Ok(Self { lock, path: path.to_owned(), alone: true, noted: None }),
            None => Self::join(path),
        }
    }

    /// Enters beside others, waiting for one who is still setting up.
    pub(super) fn join(path: &Path) -> Result<Self, StorageError> {
        let lock = FileLock::shared(open(path)?);
        let lock = lock.map_err(|error| StorageError::io(path, error))?;
        Ok(Self { lock, path: path.to_owned(), alone: false, noted: None })
    }

    /// Says what the log is that is there. Beside others it is theirs.
    pub(super) fn look(&self, files: &Files) -> Result<Left, StorageError> {
        if !self.alone {
            return Ok(Left::Clean);
        }
        files.look(self.lock.file()).map_err(|error| StorageError::io(&self.path, error))
    }

    /// Takes away the note of the log that was there, if nobody else is here.
    pub(super) fn take_note_away(&self) -> Result<(), StorageError> {
        if !self.alone {
            return Ok(());
        }
        kept_log::take_note_away(self.lock.file())
            .map_err(|error| StorageError::io(&self.path, error))
    }

    /// Lets others in, waiting for one who is still setting up. From now on an end is a clean one.
    pub(super) fn share(mut self, files: Files) -> Result<Self, StorageError> {
        self.lock.share().map_err(|error| StorageError::io(&self.path, error))?;
        self.noted = Some(files);
        Ok(self)
    }

    /// Returns whether the log may stay when the last connection closes.
    pub(super) fn lets_log_stay(&self) -> bool {
        self.noted.as_ref().is_some_and(|files| files.may_stay(self.lock.file()))
    }

    /// Says that the end will not be a clean one.
    pub(super) fn spoil(&mut self) {
        self.noted = None;
    }

    /// Asks for the log to be emptied by the last who leaves.
    pub(super) fn ask_to_empty_log(&self) -> Result<(), StorageError> {
        kept_log::ask_to_empty(self.lock.file())
            .map_err(|error| StorageError::io(&self.path, error))
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let Some(files) = &self.noted else { return };
        // Without a note the next start takes a look at the database, which harms nobody.
        match self.lock.try_alone() {
            Ok(true) => {
                if let Err(error) = files.note(self.lock.file()) {
                    tracing::debug!(%error, "the log that is left is not noted");
                }
            }
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "nobody knows who is the last"),
        }
    }
}

fn open(path: &Path) -> Result<File, StorageError> {
    disk::open_or_create(path, PRIVATE).map_err(|error| StorageError::io(path, error))
}
