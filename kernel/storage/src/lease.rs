//! One process per task and session.
//!
//! A lease is an exclusive `flock` on a file of its own. The operating system lets go of it when its holder dies,
//! however that happens, so a crashed run can be taken up at once and no lease goes stale.

use std::{
    collections::{HashMap, hash_map::Entry},
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use openkoi_brokers::durable::create_private_dir;
use openkoi_core::id::{SessionId, TaskId};
use rustix::{
    fs::{FlockOperation, flock},
    io::{Errno, retry_on_intr},
};

use crate::{Storage, error::StorageError, ident};

/// How long and how often a glance of another process at a lease is waited out.
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
    file: File,
    /// Whether the journal took it for itself because nobody else had.
    implied: bool,
}

/// The right to work on one task or session. Dropping it lets go.
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

impl Storage {
    /// Claims a task for this process, before its journal is read to go on with it.
    ///
    /// # Errors
    ///
    /// [`StorageError::Owned`] if anybody, this process included, works on it.
    pub fn claim_task(&self, task: &TaskId) -> Result<Lease, StorageError> {
        self.leases().claim("task", task.as_str())
    }

    /// Claims a session for this process.
    ///
    /// # Errors
    ///
    /// [`StorageError::Owned`] if anybody, this process included, works on it.
    pub fn claim_session(&self, session: &SessionId) -> Result<Lease, StorageError> {
        self.leases().claim("session", session.as_str())
    }

    /// Returns whether somebody works on the task. A running task that nobody works on was interrupted.
    ///
    /// # Errors
    ///
    /// When the lock cannot be looked at.
    pub fn is_owned(&self, task: &TaskId) -> Result<bool, StorageError> {
        self.leases().is_held("task", task.as_str())
    }
}

impl Leases {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, held: Held::default() }
    }

    pub(crate) fn claim(&self, what: &'static str, id: &str) -> Result<Lease, StorageError> {
        let name = name_of(what, id)?;
        let mut held = locked(&self.held);
        if held.contains_key(&name) {
            return Err(owned(what, id));
        }
        let holding = self.take(what, id, &name, false)?;
        held.insert(name.clone(), holding);
        Ok(Lease { name, held: self.held.clone() })
    }

    /// Makes sure that this process holds the task, taking it if nobody does.
    pub(crate) fn ensure_task(&self, task: &TaskId) -> Result<(), StorageError> {
        let name = name_of("task", task.as_str())?;
        let mut held = locked(&self.held);
        if let Entry::Vacant(slot) = held.entry(name) {
            let holding = self.take("task", task.as_str(), slot.key(), true)?;
            slot.insert(holding);
        }
        Ok(())
    }

    /// Lets go of a task that [`Leases::ensure_task`] took.
    pub(crate) fn release_implied(&self, task: &TaskId) {
        let Ok(name) = name_of("task", task.as_str()) else { return };
        let mut held = locked(&self.held);
        if held.get(&name).is_some_and(|holding| holding.implied) {
            held.remove(&name).into_iter().for_each(let_go);
        }
    }

    fn is_held(&self, what: &'static str, id: &str) -> Result<bool, StorageError> {
        let name = name_of(what, id)?;
        let held = locked(&self.held);
        if held.contains_key(&name) {
            return Ok(true);
        }
        // Where there is no file nobody holds it, and looking leaves no trace.
        let path = self.directory.join(&name);
        if !path.exists() {
            return Ok(false);
        }
        let free = lock(&path).map_err(|error| StorageError::io(&path, error))?;
        let is_held = free.is_none();
        free.into_iter()
            .for_each(|file| let_go(Holding { path: path.clone(), file, implied: false }));
        Ok(is_held)
    }

    fn take(
        &self,
        what: &'static str,
        id: &str,
        name: &str,
        implied: bool,
    ) -> Result<Holding, StorageError> {
        create_private_dir(&self.directory)?;
        let path = self.directory.join(name);
        // Who only looks whether it is held has it for a moment; that is waited out.
        for _ in 0..GLANCES {
            if let Some(file) = lock(&path).map_err(|error| StorageError::io(&path, error))? {
                return Ok(Holding { path, file, implied });
            }
            std::thread::sleep(GLANCE);
        }
        Err(owned(what, id))
    }
}

/// Locks the file, or returns nothing if somebody else has it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    loop {
        let file = options.open(path)?;
        match retry_on_intr(|| flock(&file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        // Its last holder may have removed the file after it was opened here; a lock on a file without a name
        // keeps nobody out.
        let ours = file.metadata()?;
        if fs::metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (ours.dev(), ours.ino())) {
            return Ok(Some(file));
        }
    }
}

/// Removes the file while it is still locked, so that none is left behind.
fn let_go(holding: Holding) {
    if let Err(error) = fs::remove_file(&holding.path) {
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
