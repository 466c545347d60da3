//! The log of undos: a file with one line for each undo and each redo.

use std::{
    io,
    path::{Path, PathBuf},
};

use openkoi_brokers::{
    disk,
    durable::{self, DurableError},
};
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

/// One undo or redo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UndoRecord {
    pub(super) task: String,
    pub(super) workspace: String,
    /// The tree that was restored.
    pub(super) restored: String,
    /// The tree of the workspace before that.
    pub(super) before: String,
    pub(super) redo: bool,
    pub(super) at_ms: u64,
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

/// Returns true if the last record of a task is an undo.
pub(super) fn is_undone(lines: &[UndoRecord], task: &str) -> bool {
    lines.iter().rev().find(|line| line.task == task).is_some_and(|line| !line.redo)
}

/// Returns the undo of a task that has not been taken back.
pub(super) fn last_undo<'a>(lines: &'a [UndoRecord], task: &str) -> Option<&'a UndoRecord> {
    lines.iter().rev().find(|line| line.task == task).filter(|line| !line.redo)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn line(task: &str, redo: bool) -> UndoRecord {
        let text = String::new;
        UndoRecord {
            task: task.into(),
            workspace: text(),
            restored: text(),
            before: text(),
            redo,
            at_ms: 0,
        }
    }

    #[test]
    fn a_redo_takes_an_undo_back_and_can_be_undone_again() {
        let mut lines = vec![line("a", false), line("b", false), line("a", true)];

        assert!(!is_undone(&lines, "a"));
        assert!(is_undone(&lines, "b"));
        assert!(!is_undone(&lines, "c"));
        lines.push(line("a", false));
        assert!(is_undone(&lines, "a"));
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
}
