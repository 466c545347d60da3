//! One owner per task, session and workspace.
//!
//! A lease is an exclusive `flock` on a file of its own. The operating system lets go of it when its holder dies,
//! however that happens, so a crashed run can be taken up at once and no lease goes stale.

use std::{
    collections::HashMap,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use openkoi_brokers::{disk, durable::create_private_dir, file_lock::FileLock, own::Process};
use openkoi_core::{change_set::text_of_name, hash, id::TaskId};

use crate::{error::StorageError, ident, mode::PRIVATE};

/// The time of a glance of another process at a lease, and the most glances that are waited out.
const GLANCE: Duration = Duration::from_millis(2);
const GLANCES: u32 = 5;

/// The leases that this process holds.
pub(crate) struct Leases {
    directory: PathBuf,
    held: Held,
}

type Held = Arc<Mutex<HashMap<String, Holding>>>;

struct Holding {
    path: PathBuf,
    file: FileLock,
    /// True if the journal took it for itself because nobody else had.
    implied: bool,
}

/// The right to work on one task or session, or in one directory. Dropping it lets go.
#[must_use = "the lease is let go when this is dropped"]
pub struct Lease {
    name: String,
    held: Held,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let holding = locked(&self.held).remove(&self.name);
        holding.into_iter().for_each(let_go);
    }
}

impl Leases {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, held: Held::default() }
    }

    pub(crate) fn claim(&self, what: &'static str, id: &str) -> Result<Lease, StorageError> {
        let name = name_of(what, id)?;
        match self.take(&name, false)? {
            Taken::Now => {
                // The line's end tells it from what a crash left.
                self.sign(&name, &Process::this().text())?;
                Ok(Lease { name, held: self.held.clone() })
            }
            Taken::Before | Taken::Elsewhere => Err(owned(what, id)),
        }
    }

    /// Writes into the file of a lease, for others to read.
    fn sign(&self, name: &str, text: &str) -> Result<(), StorageError> {
        let mut held = locked(&self.held);
        let Some(holding) = held.get_mut(name) else { return Ok(()) };
        let written = holding.file.file().write_all(text.as_bytes());
        written.map_err(|error| StorageError::io(&holding.path, error))
    }

    /// Returns the process that holds a lease, if one does and has said so.
    pub(crate) fn holder(&self, what: &str, id: &str) -> Result<Option<Process>, StorageError> {
        if !self.is_held(what, id)? {
            return Ok(None);
        }
        let path = self.directory.join(name_of(what, id)?);
        let text = disk::read_text(&path, 256).unwrap_or_default();
        Ok(Process::read(&text))
    }

    /// Claims a directory for the work of `task`, by which others are told who has it.
    pub(crate) fn claim_workspace(
        &self,
        workspace: &Path,
        task: &TaskId,
    ) -> Result<Lease, StorageError> {
        let hash = hash::of_json(&text_of_name(workspace.as_os_str()));
        let name = name_of("workspace", &hash)?;
        let path = self.directory.join(&name);
        match self.take(&name, false)? {
            Taken::Now => {
                self.sign(&name, task.as_str())?;
                Ok(Lease { name, held: self.held.clone() })
            }
            Taken::Before | Taken::Elsewhere => {
                // Who has just taken it has not yet said who they are.
                let holder = disk::read_text(&path, 256).unwrap_or_default();
                Err(StorageError::Occupied {
                    workspace: workspace.to_owned(),
                    task: TaskId::new(holder.trim()).short().to_owned(),
                })
            }
        }
    }

    /// Makes sure that this process holds the task, taking it if nobody does.
    pub(crate) fn ensure_task(&self, task: &TaskId) -> Result<(), StorageError> {
        match self.take(&name_of("task", task.as_str())?, true)? {
            Taken::Now | Taken::Before => Ok(()),
            Taken::Elsewhere => Err(owned("task", task.as_str())),
        }
    }

    /// Lets go of a task that [`Leases::ensure_task`] took.
    pub(crate) fn release_implied(&self, task: &TaskId) {
        let Ok(name) = name_of("task", task.as_str()) else { return };
        let mut held = locked(&self.held);
        if held.get(&name).is_some_and(|holding| holding.implied) {
            held.remove(&name).into_iter().for_each(let_go);
        }
    }

    pub(crate) fn is_held(&self, what: &str, id: &str) -> Result<bool, StorageError> {
        let name = name_of(what, id)?;
        let held = locked(&self.held);
        if held.contains_key(&name) {
            return Ok(true);
        }
        // Where there is no file nobody holds it, and looking leaves no trace.
        let path = self.directory.join(&name);
        if !disk::exists(&path) {
            return Ok(false);
        }
        let free = lock(&path).map_err(|error| StorageError::io(&path, error))?;
        let is_held = free.is_none();
        free.into_iter()
            .for_each(|file| let_go(Holding { path: path.clone(), file, implied: false }));
        Ok(is_held)
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the wait is as short as a glance of another process"
    )]
    fn take(&self, name: &str, implied: bool) -> Result<Taken, StorageError> {
        let path = self.directory.join(name);
        // Who only looks whether it is held has it for a moment; that is waited out.
        for glance in 0..=GLANCES {
            if glance > 0 {
                std::thread::sleep(GLANCE);
            }
            // Not kept over the wait: every entry of every task of this process passes here.
            let mut held = locked(&self.held);
            if held.contains_key(name) {
                return Ok(Taken::Before);
            }
            create_private_dir(&self.directory)?;
            if let Some(file) = lock(&path).map_err(|error| StorageError::io(&path, error))? {
                held.insert(name.to_owned(), Holding { path, file, implied });
                return Ok(Taken::Now);
            }
        }
        Ok(Taken::Elsewhere)
    }
}

/// Who holds a lease after an attempt to take it.
enum Taken {
    /// This process, since now.
    Now,
    /// This process, since earlier.
    Before,
    /// Another process.
    Elsewhere,
}

/// Locks the file, or returns nothing if somebody else has it.
fn lock(path: &Path) -> io::Result<Option<FileLock>> {
    loop {
        let file = disk::open_or_create(path, PRIVATE)?;
        let Some(file) = FileLock::try_exclusive(file)? else { return Ok(None) };
        // Its last holder may have removed the file after it was opened here; a lock on a file without a name
        // keeps nobody out.
        let ours = disk::status_of(file.file())?.id;
        if disk::status(path).is_ok_and(|now| now.id == ours) {
            return Ok(Some(file));
        }
    }
}

/// Removes the file while it is still locked, so that none is left behind.
fn let_go(holding: Holding) {
    if let Err(error) = disk::remove_file(&holding.path) {
        tracing::debug!(%error, "a lock file is left behind");
    }
    drop(holding.file);
}

fn locked(held: &Held) -> MutexGuard<'_, HashMap<String, Holding>> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

fn name_of(what: &str, id: &str) -> Result<String, StorageError> {
    ident::as_file_name(id).map(|id| format!("{what}-{id}.lock"))
}

fn owned(what: &'static str, id: &str) -> StorageError {
    StorageError::Owned { what, id: TaskId::new(id).short().to_owned() }
}
