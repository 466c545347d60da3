//! `state/last-task.json`: the task that runs now, for `status --live` and for other programs.
//!
//! There is one such file in a home. Where several tasks run at once, it is about the one that began last;
//! [`Storage::tasks`](crate::Storage::tasks) has them all.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use openkoi_brokers::{
    disk,
    durable::{create_private_dir, put_whole},
};
use openkoi_core::{
    event::{Entry, Event},
    id::SessionId,
    message::Role,
    port::{Delta, Listener},
};

use super::{
    history::{History, HistoryLine},
    live::LiveState,
};
use crate::{error::StorageError, mode::PRIVATE, status::TaskStatus};

/// The largest state file that is read, in bytes: it quotes what was asked.
const READ_AT_MOST: u64 = 64 << 20;
/// The time after which a task that says nothing is taken for dead, in milliseconds.
const SILENT_MS: u64 = 60_000;
/// The least time between two writes of the file, but for the end of a run. Whoever looks, looks once a second.
pub const WRITTEN_EVERY: Duration = Duration::from_millis(250);

/// Keeps the state files of `<home>/state` up to date while it listens to one run.
///
/// A resumed run repeats its past to nobody; give [`StateFiles::resume`] what its journal says. A file that
/// cannot be written is reported once and does not stop the run: it is not the record.
#[derive(Debug)]
pub struct StateFiles {
    path: PathBuf,
    history: History,
    state: Mutex<Watched>,
}

#[derive(Debug, Default)]
struct Watched {
    live: Option<LiveState>,
    /// The name of the event before.
    last: &'static str,
    /// True if the state says something that the file does not.
    changed: bool,
    /// The run's time when the file was written.
    written_ms: Option<u64>,
    reported: bool,
}

impl StateFiles {
    /// Returns the state files of this home. Nothing is written yet.
    pub fn new(home: &Path) -> Self {
        let path = home.join("state").join("last-task.json");
        Self { path, history: History::new(home), state: Mutex::default() }
    }

    /// Goes on with a task that was begun before.
    pub fn resume(&self, live: LiveState) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).live = Some(live);
    }

    /// Writes what changed since the file was written. Somebody has to ask for it every [`WRITTEN_EVERY`].
    pub fn catch_up(&self) {
        self.with(Self::write_changed);
    }

    /// Returns the state of the task that ran last, or runs.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read, or is not what is written here.
    pub fn last(&self) -> Result<Option<LiveState>, StorageError> {
        let bytes = match disk::read(&self.path, READ_AT_MOST) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(|error| StorageError::io(&self.path, error))?,
        };
        // All that a power failure may leave of it.
        if bytes.is_empty() {
            return Ok(None);
        }
        let what = format!("`{}`", self.path.display());
        let state = serde_json::from_slice(&bytes);
        state.map(Some).map_err(|source| StorageError::Unreadable { what, source })
    }

    /// Removes what the files say of the tasks of a session that was deleted.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written.
    pub fn forget(&self, session: &SessionId) -> Result<(), StorageError> {
        if self.last()?.is_some_and(|last| last.session_id == *session) {
            disk::remove_file(&self.path).map_err(|error| StorageError::io(&self.path, error))?;
        }
        self.history.forget(session)
    }

    /// Returns the history of finished tasks.
    pub fn history(&self) -> &History {
        &self.history
    }

    fn take_in(&self, watched: &mut Watched, entry: &Entry) -> Result<(), StorageError> {
        let changed = match (LiveState::started(entry), &mut watched.live) {
            (Some(started), live) => {
                *live = Some(started);
                true
            }
            (None, Some(live)) => live.advance(entry, watched.last),
            (None, None) => false,
        };
        watched.last = entry.event.name();
        watched.changed |= changed;
        let ends = matches!(entry.event, Event::TaskPaused { .. } | Event::TaskFinished { .. });
        let rests = |written| {
            u128::from(entry.elapsed_ms.saturating_sub(written)) < WRITTEN_EVERY.as_millis()
        };
        if ends || !watched.written_ms.is_some_and(rests) {
            self.write_changed(watched)?;
        }
        if let (Event::TaskFinished { outcome }, Some(live)) = (&entry.event, &watched.live) {
            self.history.append(&HistoryLine::new(live, outcome, entry.at_ms))?;
        }
        Ok(())
    }

    fn write_changed(&self, watched: &mut Watched) -> Result<(), StorageError> {
        let Some(live) = watched.live.as_ref().filter(|_| watched.changed) else { return Ok(()) };
        if self.is_of_a_newer_task(live) {
            return Ok(());
        }
        self.write(live)?;
        watched.written_ms = Some(live.elapsed_ms);
        watched.changed = false;
        Ok(())
    }

    /// Tells whether the file is about a task that began later and is at work: of several at once it shows the newest.
    fn is_of_a_newer_task(&self, live: &LiveState) -> bool {
        self.last().ok().flatten().is_some_and(|other| {
            other.task_id != live.task_id
                && other.status == TaskStatus::Running
                && other.started_ms > live.started_ms
                && other.updated_ms.saturating_add(SILENT_MS) > live.updated_ms
        })
    }

    /// Does `work` on what is watched, and reports its error unless one was reported before.
    fn with(&self, work: impl FnOnce(&Self, &mut Watched) -> Result<(), StorageError>) {
        let mut watched = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = work(self, &mut watched)
            && !watched.reported
        {
            watched.reported = true;
            tracing::warn!(error = error.line(), "the state files are not up to date");
        }
    }

    fn write(&self, live: &LiveState) -> Result<(), StorageError> {
        if let Some(directory) = self.path.parent() {
            create_private_dir(directory)?;
        }
        let what = || format!("the state of task {}", live.task_id.short());
        let text = serde_json::to_vec_pretty(live)
            .map_err(|source| StorageError::Unwritable { what: what(), source })?;
        // The journal is the record; this file only has to be whole for whoever reads it.
        Ok(put_whole(&self.path, &text, PRIVATE)?)
    }
}

impl Listener for StateFiles {
    fn event(&self, entry: &Entry) {
        self.with(|files, watched| files.take_in(watched, entry));
    }

    fn delta(&self, _role: &Role, _delta: Delta<'_>) -> bool {
        false
    }
}
