//! Files for people and other programs: the answer of each task, what runs now, and what ran.
//!
//! None of them is the record. They are written whole or not at all, nobody waits for the disk because of them, and they
//! can be lost without losing a task.

mod history;
mod live;
mod state_files;

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use openkoi_brokers::{
    disk::{self, FileKind},
    durable::{create_private_dir, put_whole},
};
use openkoi_core::id::{SessionId, TaskId};

pub use history::{History, HistoryLine, ROTATE_AT};
pub use live::LiveState;
pub use state_files::{StateFiles, WRITTEN_EVERY};

use crate::{Storage, error::StorageError, ident, mode::PRIVATE, sessions};

/// The largest answer that is read, in bytes: more than any model writes.
const READ_AT_MOST: u64 = 64 << 20;

impl Storage {
    /// Writes the answer of a task to `sessions/<session>/<task>.md` in the data directory.
    ///
    /// # Errors
    ///
    /// When it cannot be written; an earlier answer is still there then.
    pub fn write_output(
        &self,
        session: &SessionId,
        task: &TaskId,
        text: &str,
    ) -> Result<PathBuf, StorageError> {
        let path = self.output_path(session, task)?;
        create_private_dir(&self.outputs())?;
        if let Some(directory) = path.parent() {
            create_private_dir(directory)?;
        }
        put_whole(&path, text.as_bytes(), PRIVATE)?;
        Ok(path)
    }

    /// Returns the answer of a task, if one was written.
    ///
    /// # Errors
    ///
    /// When it is there and cannot be read.
    pub fn read_output(
        &self,
        session: &SessionId,
        task: &TaskId,
    ) -> Result<Option<String>, StorageError> {
        let path = self.output_path(session, task)?;
        match disk::read(&path, READ_AT_MOST) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StorageError::io(&path, error)),
        }
    }

    /// Returns the path of the answer of a task.
    fn output_path(&self, session: &SessionId, task: &TaskId) -> Result<PathBuf, StorageError> {
        let session = ident::as_file_name(session.as_str())?;
        let task = ident::as_file_name(task.as_str())?;
        Ok(self.outputs().join(session).join(format!("{task}.md")))
    }

    /// Removes the outputs of sessions that are gone. A crash between deleting a session and its files leaves
    /// some; they go with the next deletion.
    pub(crate) fn remove_orphaned_outputs(&self) -> Result<(), StorageError> {
        let names = names(&self.outputs())?;
        let known: HashSet<String> = self.read(|connection| {
            let mut known = HashSet::new();
            for name in &names {
                if sessions::is_known(connection, name)? {
                    known.insert(name.clone());
                }
            }
            Ok(known)
        })?;
        for orphan in names.iter().filter(|name| !known.contains(*name)) {
            let path = self.outputs().join(orphan);
            disk::remove_tree(&path).map_err(|error| StorageError::io(&path, error))?;
        }
        Ok(())
    }

    fn outputs(&self) -> PathBuf {
        self.data().join("sessions")
    }
}

/// Removes the answer of a task, if one was written.
pub(crate) fn remove(
    storage: &Storage,
    session: &SessionId,
    task: &TaskId,
) -> Result<(), StorageError> {
    let path = storage.output_path(session, task)?;
    match disk::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StorageError::io(&path, error))
        }
        _ => Ok(()),
    }
}

/// Returns the names of the directories in `directory` that may be ids.
fn names(directory: &Path) -> Result<Vec<String>, StorageError> {
    let entries = match disk::list(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(|error| StorageError::io(directory, error))?,
    };
    let directories = entries.into_iter().filter(|entry| entry.kind == FileKind::Directory);
    let names = directories.filter_map(|entry| entry.name.into_string().ok());
    Ok(names.filter(|name| ident::as_file_name(name).is_ok()).collect())
}
