//! `state/task-history.jsonl`: one line per finished task, for other programs.

use std::{
    io,
    path::{Path, PathBuf},
};

use openkoi_brokers::{
    disk,
    durable::{add_line, create_private_dir, put_atomic},
    file_lock::FileLock,
};
use openkoi_core::{
    id::{SessionId, TaskId},
    outcome::Outcome,
};
use serde::{Deserialize, Serialize};

use super::live::{LiveState, dollars};
use crate::{error::StorageError, mode::PRIVATE, status::TaskStatus};

/// The size from which the file is put aside as `task-history.jsonl.1`.
pub const ROTATE_AT: u64 = 10 << 20;
/// The most of the end of the file that is read.
const READ_AT_MOST: u64 = 1 << 20;

/// One finished task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// Its id.
    pub task_id: TaskId,
    /// Its session.
    pub session_id: SessionId,
    /// The request of the user.
    pub description: String,
    /// Its status at the end.
    pub status: TaskStatus,
    /// The number of iterations it took.
    pub iterations: u32,
    /// The rubric's score, 0 to 1.
    pub score: Option<f64>,
    /// Tokens.
    pub tokens: u64,
    /// Money, in US dollars.
    pub cost_usd: f64,
    /// `provider/model` of the executor.
    pub model: String,
    /// The number of files it changed.
    pub files_changed: usize,
    /// When it began, in milliseconds since 1970.
    pub started_ms: u64,
    /// When it ended.
    pub ended_ms: u64,
    /// Its running time, pauses left out, in milliseconds.
    pub elapsed_ms: u64,
}

impl HistoryLine {
    pub(super) fn new(live: &LiveState, outcome: &Outcome, ended_ms: u64) -> Self {
        Self {
            task_id: live.task_id.clone(),
            session_id: live.session_id.clone(),
            description: live.description.clone(),
            status: TaskStatus::of(&outcome.ending),
            iterations: outcome.iterations,
            score: outcome.standing.score,
            tokens: outcome.spent.tokens,
            cost_usd: dollars(outcome.spent.cost_micros),
            model: live.model.clone(),
            files_changed: outcome.changes.len(),
            started_ms: live.started_ms,
            ended_ms,
            elapsed_ms: outcome.elapsed_ms,
        }
    }
}

/// The history file of one home.
#[derive(Clone, Debug)]
pub struct History {
    path: PathBuf,
    rotate_at: u64,
}

impl History {
    /// Returns the history of this home. Nothing is written yet.
    pub fn new(home: &Path) -> Self {
        Self::rotating_at(home, ROTATE_AT)
    }

    /// Returns the history of this home that is put aside when it has this many bytes.
    pub fn rotating_at(home: &Path, rotate_at: u64) -> Self {
        Self { path: home.join("state").join("task-history.jsonl"), rotate_at }
    }

    /// Appends one line, putting a full file aside first.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn append(&self, line: &HistoryLine) -> Result<(), StorageError> {
        let what = || format!("the history of task {}", line.task_id.short());
        let text = serde_json::to_vec(line)
            .map_err(|source| StorageError::Unwritable { what: what(), source })?;
        if let Some(directory) = self.path.parent() {
            create_private_dir(directory)?;
        }
        // Held until the line is written: nobody may put the file aside under a writer.
        let _turn = self.lock()?;
        self.rotate()?;
        Ok(add_line(&self.path, &text, PRIVATE)?)
    }

    /// Removes the lines of a session, in this file and the one that was put aside.
    ///
    /// # Errors
    ///
    /// When a file cannot be read or written; it then has its old lines.
    pub fn forget(&self, session: &SessionId) -> Result<(), StorageError> {
        for path in [self.path.clone(), self.path.with_extension("jsonl.1")] {
            if !disk::exists(&path) {
                continue;
            }
            let _turn = self.lock()?;
            let bytes = disk::read(&path, 2 * ROTATE_AT.max(self.rotate_at))
                .map_err(|error| StorageError::io(&path, error))?;
            let quoted = format!("\"{}\"", session.as_str());
            let text = String::from_utf8_lossy(&bytes);
            let of_others = |line: &&str| {
                let parsed = serde_json::from_str::<HistoryLine>(line);
                parsed.map_or(!line.contains(&quoted), |line| line.session_id != *session)
            };
            let kept: String = text.split_inclusive('\n').filter(of_others).collect();
            if kept.len() < text.len() {
                put_atomic(&path, kept.as_bytes(), PRIVATE)?;
            }
        }
        Ok(())
    }

    /// Returns the last lines, newest first, and how many broken ones were passed over.
    ///
    /// # Errors
    ///
    /// When the file is there and cannot be read.
    pub fn last(&self, limit: usize) -> Result<(Vec<HistoryLine>, usize), StorageError> {
        let text = match self.tail() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.map_err(|error| StorageError::io(&self.path, error))?,
        };
        let (mut lines, mut broken) = (Vec::new(), 0);
        for line in text.lines().rev().filter(|line| !line.trim().is_empty()) {
            if lines.len() == limit {
                break;
            }
            match serde_json::from_str(line) {
                Ok(line) => lines.push(line),
                Err(_) => broken += 1,
            }
        }
        Ok((lines, broken))
    }

    fn tail(&self) -> io::Result<String> {
        let (bytes, skipped) = disk::read_end(&self.path, READ_AT_MOST)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // What was skipped ends in the middle of a line.
        let whole =
            if skipped > 0 { text.split_once('\n').map_or("", |(_, rest)| rest) } else { &text };
        Ok(whole.to_owned())
    }

    fn rotate(&self) -> Result<(), StorageError> {
        let full = disk::status(&self.path).is_ok_and(|file| file.length >= self.rotate_at);
        if !full {
            return Ok(());
        }
        let aside = self.path.with_extension("jsonl.1");
        disk::rename(&self.path, &aside).map_err(|error| StorageError::io(&aside, error))
    }

    fn lock(&self) -> Result<FileLock, StorageError> {
        let path = self.path.with_extension("lock");
        let locked = disk::open_or_create(&path, PRIVATE).and_then(FileLock::exclusive);
        locked.map_err(|error| StorageError::io(&path, error))
    }
}
