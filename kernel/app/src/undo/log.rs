//! The log of undos: a file with lines for what an undo, a redo or a rewind is about to do, and for what it did.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use openkoi_brokers::{
    disk,
    durable::{self, DurableError},
    snapshot::{SnapshotError, SnapshotStore},
};
use openkoi_core::change_set::PathEffect;
use serde::{Deserialize, Serialize};

/// Why the log of undos cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UndoLogError {
    /// The log cannot be read.
    #[error("cannot read `{}`: {reason}", path.display())]
    Unreadable {
        /// The file of the log.
        path: PathBuf,
        /// The system's error, in words.
        reason: String,
    },
    /// A line cannot be written as JSON.
    #[error(transparent)]
    Line(serde_json::Error),
    /// A line cannot be written to the file.
    #[error(transparent)]
    Unkept(DurableError),
}

/// One line of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UndoRecord {
    pub(super) task: String,
    pub(super) workspace: String,
    #[serde(default)]
    pub(super) redo: bool,
    pub(super) at_ms: u64,
    /// True if these steps are about to be done: the line that says what was done follows.
    #[serde(default)]
    pub(super) intended: bool,
    /// Steps on paths.
    #[serde(default)]
    pub(super) steps: Vec<PathEffect>,
    /// Of a rewind: the last entry of the task's journal that counts for whoever goes on with its conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) upto: Option<u64>,
    /// In lines of earlier releases, which put whole trees back: the tree that was restored, and the one before.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) restored: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) before: String,
}

impl UndoRecord {
    /// Returns what the line says was done.
    fn steps(&self, store: &SnapshotStore) -> Result<Vec<PathEffect>, SnapshotError> {
        if self.restored.is_empty() {
            return Ok(self.steps.clone());
        }
        store.between(self.before.parse()?, self.restored.parse()?)
    }
}

/// The file with the records of all undos and redos.
pub(super) struct UndoLog {
    path: PathBuf,
}

impl UndoLog {
    pub(super) fn at(data: &Path) -> Self {
        Self { path: data.join("undo.jsonl") }
    }

    /// Returns all records, oldest first. A line that a crash left incomplete is passed over.
    pub(super) fn read(&self) -> Result<Vec<UndoRecord>, UndoLogError> {
        match disk::read_text(&self.path, u64::MAX) {
            Ok(text) => {
                Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => {
                Err(UndoLogError::Unreadable { path: self.path.clone(), reason: error.to_string() })
            }
        }
    }

    pub(super) fn append(&self, line: &UndoRecord) -> Result<(), UndoLogError> {
        let text = serde_json::to_vec(line).map_err(UndoLogError::Line)?;
        durable::append_line(&self.path, &text, 0o600).map_err(UndoLogError::Unkept)
    }
}

impl UndoLog {
    /// Removes the lines of these tasks. A line that is appended by another process at this moment is waited for, and one
    /// that no release can read stays.
    pub(super) fn forget(&self, tasks: &BTreeSet<String>) -> Result<(), UndoLogError> {
        if tasks.is_empty() || !disk::exists(&self.path) {
            return Ok(());
        }
        let is_of = |line: &[u8]| {
            let line: Option<UndoRecord> = serde_json::from_slice(line).ok();
            line.is_some_and(|line| tasks.contains(&line.task))
        };
        durable::retain_lines(&self.path, 0o600, |line| !is_of(line)).map_err(UndoLogError::Unkept)
    }
}

/// Returns what was done to the work of a task since it ended, in order.
pub(super) fn done(
    lines: &[UndoRecord],
    task: &str,
    store: &SnapshotStore,
) -> Result<Vec<PathEffect>, SnapshotError> {
    let of_task = lines.iter().filter(|line| line.task == task && !line.intended);
    let steps = of_task.map(|line| line.steps(store)).collect::<Result<Vec<_>, _>>()?;
    Ok(steps.concat())
}

/// Returns what was about to be done to the work of a task when the process ended.
pub(super) fn cut<'a>(lines: &'a [UndoRecord], task: &str) -> Option<&'a UndoRecord> {
    lines.iter().rev().find(|line| line.task == task).filter(|line| line.intended)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use openkoi_core::change_set::PathState;

    use super::*;

    fn line(task: &str, intended: bool) -> UndoRecord {
        let after = PathState::Directory { mode: 0o755 };
        let step = PathEffect::new("a", PathState::Absent, after);
        UndoRecord { task: task.into(), intended, steps: vec![step], ..UndoRecord::default() }
    }

    #[test]
    fn what_was_done_counts_and_what_was_intended_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let store = SnapshotStore::open(directory.path()).unwrap();
        let mut lines = vec![line("a", true), line("a", false), line("b", true)];

        assert_eq!(done(&lines, "a", &store).unwrap().len(), 1);
        assert_eq!(done(&lines, "b", &store).unwrap(), []);
        assert_eq!((cut(&lines, "a"), cut(&lines, "b")), (None, Some(&lines[2])));
        lines.push(line("b", false));
        assert_eq!(cut(&lines, "b"), None);
    }

    #[test]
    fn lines_come_back_and_a_torn_one_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let log = UndoLog::at(directory.path());
        assert_eq!(log.read().unwrap(), []);

        log.append(&line("a", false)).unwrap();
        fs::write(&log.path, format!("{}{{\"task\":", fs::read_to_string(&log.path).unwrap()))
            .unwrap();
        log.append(&line("b", true)).unwrap();

        assert_eq!(log.read().unwrap(), [line("a", false), line("b", true)]);
    }

    #[test]
    fn a_line_of_an_earlier_release_is_read() {
        let old =
            r#"{"task":"t","workspace":"/w","restored":"r","before":"b","redo":true,"at_ms":1}"#;
        let line: UndoRecord = serde_json::from_str(old).unwrap();
        assert!(line.redo && !line.intended && line.restored == "r" && line.before == "b");
    }
}
