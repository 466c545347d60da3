//! Tasks that wait for the daemon, and the port to where they are kept.
//!
//! SQLite keeps them on one machine. Another adapter may hand them to workers on several: what it has to keep is said here.

use serde::{Deserialize, Serialize};

use crate::{
    id::{SessionId, TaskId},
    port::JournalError,
};

/// Task that is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Its id, which stays its id.
    pub task: TaskId,
    /// Its session.
    pub session: SessionId,
    /// The words of the request.
    pub text: String,
    /// The directory to work in.
    pub workspace: String,
    /// The rest of the request, as JSON. Whoever runs the task reads it.
    pub request: String,
    /// Higher ones go first.
    pub priority: i32,
    /// What the client names the submission by, so that it can send it again: nothing is done twice.
    pub key: Option<SubmissionKey>,
}

/// The name that a client gave to a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubmissionKey {
    /// The name.
    pub key: String,
    /// SHA-256 of what was submitted by it.
    pub body: String,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submitted {
    /// It is kept.
    Now,
    /// It was submitted before, as this task.
    Before(TaskId),
    /// Its key names another submission.
    OtherBody,
}

/// Where a task stands in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueState {
    /// It is to be run.
    Waiting,
    /// It was given to a worker.
    Running,
    /// Its run is over: it ended, or it pauses and nobody has asked to go on.
    Done,
}

impl QueueState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Running, Self::Done];

    /// Returns the word for the state.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
        }
    }
}

/// Task in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedTask {
    /// The task.
    pub task: TaskId,
    /// Its session.
    pub session: SessionId,
    /// The directory to work in.
    pub workspace: String,
    /// The rest of the request, as JSON.
    pub request: String,
    /// Higher ones go first.
    pub priority: i32,
    /// Where it stands.
    pub state: QueueState,
    /// How often it was given to a worker since it was last submitted or resumed.
    pub attempts: u32,
    /// True if somebody wants its end.
    pub cancel: bool,
    /// True if its journal has entries, so that it is resumed and not begun.
    pub has_begun: bool,
    /// When it was submitted, in milliseconds since 1970.
    pub queued_ms: u64,
    /// When it was last given to a worker.
    pub given_ms: Option<u64>,
    /// Why it waits still, or why no worker could run it.
    pub why: Option<String>,
}

/// The tasks that wait for the daemon. Each call that changes something has happened for good when it returns.
pub trait Queue: Send + Sync {
    /// Keeps a submission.
    ///
    /// # Errors
    ///
    /// It is not kept.
    fn submit(&self, submission: &Submission, at_ms: u64) -> Result<Submitted, JournalError>;

    /// Lets a task that pauses or ended go on, with changes to its limits as JSON.
    ///
    /// # Errors
    ///
    /// Nothing is changed.
    fn take_up(
        &self,
        task: &TaskId,
        request: &str,
        priority: i32,
        at_ms: u64,
    ) -> Result<(), JournalError>;

    /// Returns the tasks that wait or run, in the order in which they were submitted.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    fn unfinished(&self) -> Result<Vec<QueuedTask>, JournalError>;

    /// Returns those of them that were given to a worker.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    fn running(&self) -> Result<Vec<QueuedTask>, JournalError>;

    /// Returns true if any task waits.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    fn has_waiting(&self) -> Result<bool, JournalError>;

    /// Returns one task of the queue.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    fn queued(&self, task: &TaskId) -> Result<Option<QueuedTask>, JournalError>;

    /// Gives a task that waits to a worker. Returns false if it does not wait any more.
    ///
    /// # Errors
    ///
    /// It waits still.
    fn give(&self, task: &TaskId, at_ms: u64) -> Result<bool, JournalError>;

    /// Puts a task back that a worker did not bring to an end, for this reason.
    ///
    /// # Errors
    ///
    /// Nothing is changed.
    fn put_back(&self, task: &TaskId, why: &str) -> Result<(), JournalError>;

    /// Notes that the run of a task is over.
    ///
    /// # Errors
    ///
    /// Nothing is changed.
    fn finish(&self, task: &TaskId, why: Option<&str>, at_ms: u64) -> Result<(), JournalError>;

    /// Notes why all that wait do so still. That alone need not be on the disk when the call returns.
    ///
    /// # Errors
    ///
    /// Nothing is changed.
    fn note_waiting(&self, why: &str) -> Result<(), JournalError>;

    /// Notes that somebody wants the end of a task. One that was not begun is cancelled with it. Returns false if it
    /// neither waits nor runs.
    ///
    /// # Errors
    ///
    /// Nothing is changed.
    fn cancel(&self, task: &TaskId, at_ms: u64) -> Result<bool, JournalError>;
}
