//! Why a task cannot be undone or redone.

use openkoi_brokers::snapshot::SnapshotError;

use super::log::UndoLogError;

/// Why a task cannot be undone or redone.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// No task has changed the directory, or all that did are undone.
    #[error("no task has changed anything in this directory")]
    Nothing,
    /// The task changed no file.
    #[error("task {0} changed no file")]
    Unchanged(String),
    /// What the task changed is not kept any more.
    #[error("what task {0} changed is not kept any more: it was pruned")]
    Pruned(String),
    /// The task is undone already.
    #[error("task {0} is undone already")]
    Undone(String),
    /// The task has no step of this number.
    #[error("task {0} has no step {1}")]
    NoStep(String, usize),
    /// There is no undo to take back.
    #[error("there is no undo to take back here")]
    NoUndo,
    /// A process works on the task.
    #[error("task {0} is running; its files cannot be restored")]
    Running(String),
    /// The files are already in the state to restore.
    #[error("the files are already as they were")]
    Same,
    /// The states of the workspace cannot be read, or not be restored.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// An entry of a journal cannot be written as text.
    #[error(transparent)]
    Unwritable(serde_json::Error),
    /// The log of undos cannot be used.
    #[error(transparent)]
    Log(#[from] UndoLogError),
}
