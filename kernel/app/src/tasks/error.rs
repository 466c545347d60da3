//! Why a task is not cancelled, or not taken up again.

use std::io;

use openkoi_core::port::JournalError;
use openkoi_storage::tasks::TaskStatus;

/// Why a task is not cancelled, or not taken up again.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// Nobody works on it, and it does not wait.
    #[error("task {task} does not run: it is {}", status.word())]
    Idle {
        /// The task, as it is shown.
        task: String,
        /// Its status.
        status: TaskStatus,
    },
    /// It cannot be taken up as it is.
    #[error("task {task} cannot be taken up: it is {}", status.word())]
    NotOpen {
        /// The task, as it is shown.
        task: String,
        /// Its status.
        status: TaskStatus,
    },
    /// The process that works on it cannot be asked to end.
    #[error("the process {pid}, which works on task {task}, cannot be asked to end: {source}")]
    Signal {
        /// The task, as it is shown.
        task: String,
        /// The process.
        pid: u32,
        /// The system's error.
        source: io::Error,
    },
    /// The queue cannot be used.
    #[error("the queue cannot be used: {0}")]
    Queue(JournalError),
}
