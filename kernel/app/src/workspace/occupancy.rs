//! The lease on a directory: tasks that change it work one after the other, while anybody may read.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use openkoi_brokers::clock::SystemClock;
use openkoi_core::id::TaskId;
use openkoi_storage::{Storage, StorageError, lease::Lease};

/// The time between two looks whether a directory is free.
const ASKED_EVERY: Duration = Duration::from_millis(300);

/// The lease of one run, which it takes when it needs it and holds until this is dropped.
pub(crate) struct Occupancy {
    storage: Arc<Storage>,
    directory: PathBuf,
    task: TaskId,
    /// Tells why the run waits, in one sentence.
    waiting: Arc<dyn Fn(&str) + Send + Sync>,
    lease: Mutex<Option<Lease>>,
}

impl Occupancy {
    pub(crate) fn new(
        storage: Arc<Storage>,
        directory: PathBuf,
        task: TaskId,
        waiting: Arc<dyn Fn(&str) + Send + Sync>,
    ) -> Self {
        Self { storage, directory, task, waiting, lease: Mutex::default() }
    }

    /// Waits until no other task changes the directory, and keeps others from it.
    ///
    /// # Errors
    ///
    /// When the lease cannot be read or written.
    pub(crate) async fn wait(&self) -> Result<(), StorageError> {
        let mut is_told = false;
        while !self.is_held() {
            match self.storage.claim_workspace(&self.directory, &self.task) {
                Ok(lease) => {
                    *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = Some(lease)
                }
                Err(occupied @ StorageError::Occupied { .. }) => {
                    if !is_told {
                        (self.waiting)(&format!(
                            "{occupied}; waiting (Ctrl-C stops, --worktree works beside it)"
                        ));
                        is_told = true;
                    }
                    SystemClock.sleep(ASKED_EVERY).await;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn is_held(&self) -> bool {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}
