//! Tasks that are handed to the daemon. The queue is in the database, so any surface hands one over, whether or not the
//! daemon runs just then.

use std::path::Path;

use openkoi_core::{
    id::{SessionId, TaskId},
    queue::{Queue, Submission, SubmissionKey, Submitted},
};
use openkoi_storage::{Storage, tasks::TaskStatus};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    app::App,
    error::AppError,
    own::{End, Process},
    request::{Limits, Think},
};

/// What a task in the queue asks for beside its words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HandedRequest {
    /// Its limits.
    pub limits: Limits,
    /// True to work in a worktree of its own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub worktree: bool,
    /// How it is deliberated about first, if it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub think: Option<Think>,
    /// The JSON Schema that the result has to follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// True if it is a message of a conversation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub in_conversation: bool,
    /// Reason for which the user overrules what the chamber stopped, when it is resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overruled: Option<String>,
}

/// A task that is to be handed over.
#[derive(Clone, Debug)]
pub struct NewTask<'a> {
    /// The words of the request. Not empty.
    pub text: &'a str,
    /// The absolute path of the directory to work in, without links.
    pub workspace: &'a Path,
    /// Its session; a new one if absent.
    pub session: Option<SessionId>,
    /// What it asks for besides.
    pub request: &'a HandedRequest,
    /// Higher ones go first.
    pub priority: i32,
    /// What the client names the submission by.
    pub key: Option<SubmissionKey>,
}

/// The answer to a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    /// The task.
    pub task: TaskId,
    /// Its session.
    pub session: SessionId,
    /// True if it was submitted before, by the same key.
    pub before: bool,
}

/// Hands a task over. When this returns it is not lost any more.
///
/// # Errors
///
/// When the storage cannot be written, or the key names another submission.
pub fn submit(app: &App, new: NewTask<'_>) -> Result<Handed, AppError> {
    let storage = app.storage()?;
    let submission = Submission {
        task: app.task_id()?,
        session: new.session.map_or_else(|| app.session_id(), Ok)?,
        text: new.text.to_owned(),
        workspace: new.workspace.display().to_string(),
        request: text_of(new.request),
        priority: new.priority,
        key: new.key,
    };
    match storage.submit(&submission, app.now_ms())? {
        Submitted::Now => {
            let Submission { task, session, .. } = submission;
            Ok(Handed { task, session, before: false })
        }
        Submitted::Before(task) => {
            let session = storage.find_task(task.as_str())?.session;
            Ok(Handed { task, session, before: true })
        }
        Submitted::OtherBody => Err(AppError::OtherSubmission),
    }
}

/// Lets the daemon go on with a task that stopped before its end.
///
/// # Errors
///
/// When the storage cannot be written.
pub fn take_up(
    app: &App,
    task: &TaskId,
    request: &HandedRequest,
    priority: i32,
) -> Result<(), AppError> {
    Ok(app.storage()?.take_up(task, &text_of(request), priority, app.now_ms())?)
}

/// What became of the wish to end a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It was not begun, and will not be.
    Now,
    /// Whoever runs it was told; it ends in a moment.
    Asked,
    /// It does not run, so there is nothing to end.
    NotRunning,
}

/// Ends a task, whichever process runs it. Its work so far stays, and it can be resumed.
///
/// # Errors
///
/// When the storage cannot be written, or the process belongs to somebody else.
pub fn cancel(app: &App, task: &TaskId) -> Result<Cancelled, AppError> {
    let storage = app.storage()?;
    if storage.cancel(task, app.now_ms())? {
        let is_over = storage.find_task(task.as_str())?.status == TaskStatus::Cancelled;
        return Ok(if is_over { Cancelled::Now } else { Cancelled::Asked });
    }
    match owner(&storage, task)? {
        Some(process) => {
            process.end(End::Interrupt).map_err(AppError::Thread)?;
            Ok(Cancelled::Asked)
        }
        None => Ok(Cancelled::NotRunning),
    }
}

/// Returns the process that works on a task, if it is another one.
fn owner(storage: &Storage, task: &TaskId) -> Result<Option<Process>, AppError> {
    Ok(storage.owner(task)?.filter(|process| process.id != std::process::id()))
}

fn text_of(request: &HandedRequest) -> String {
    serde_json::to_string(request).unwrap_or_else(|_| "{}".to_owned())
}
