//! Tasks, whichever process works on them: cancelled, and taken up again by the daemon.

pub mod error;

use openkoi_brokers::other_process::OtherProcess;
use openkoi_core::{id::TaskId, queue::Queue};
use openkoi_storage::{Storage, tasks::TaskStatus};

use self::error::TaskError;
use crate::error::AppError;

/// What became of the wish to end a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It had not begun or did not run, and does not wait for the daemon any more.
    Waiting,
    /// The daemon ends it.
    ByDaemon,
    /// The process with this number was asked to end it.
    ByProcess(u32),
}

/// Ends a task: one of the queue through the queue, else by interrupting the process that works on it. Its process ends it
/// as after Ctrl-C, so it can be resumed.
///
/// # Errors
///
/// [`TaskError::Idle`] if nobody works on it, and when its process cannot be reached.
pub fn cancel(storage: &Storage, task: &TaskId, at_ms: u64) -> Result<Cancelled, AppError> {
    let status = storage.find_task(task.as_str())?.status;
    if storage.cancel(task, at_ms).map_err(TaskError::Queue)? {
        let waits = status == TaskStatus::Queued;
        return Ok(if waits { Cancelled::Waiting } else { Cancelled::ByDaemon });
    }
    let idle = || TaskError::Idle { task: task.short().to_owned(), status };
    let pid = storage.owner(task)?.ok_or_else(idle)?;
    let failed = |source| TaskError::Signal { task: task.short().to_owned(), pid, source };
    let process = OtherProcess::of(pid).map_err(failed)?;
    // The number may be another process's by now; the lease says whether it is still the one that is meant.
    if storage.owner(task)? != Some(pid) {
        return Err(idle().into());
    }
    process.interrupt().map_err(failed)?;
    Ok(Cancelled::ByProcess(pid))
}

/// Lets the daemon go on with a task that pauses, was interrupted or cancelled, within the limits that it has.
///
/// # Errors
///
/// [`TaskError::NotOpen`] if it runs, waits or is over.
pub fn take_up(storage: &Storage, task: &TaskId, at_ms: u64) -> Result<(), AppError> {
    let status = storage.find_task(task.as_str())?.status;
    let runs = matches!(status, TaskStatus::Running | TaskStatus::Queued);
    if runs || status.is_final() || storage.is_owned(task)? {
        return Err(TaskError::NotOpen { task: task.short().to_owned(), status }.into());
    }
    Ok(storage.take_up(task, "{}", 0, at_ms).map_err(TaskError::Queue)?)
}

#[cfg(test)]
mod tests {
    use openkoi_core::{id::SessionId, queue::Submission};

    use super::*;

    fn pond() -> (tempfile::TempDir, Storage, TaskId) {
        let home = tempfile::tempdir().unwrap();
        let storage = Storage::open(home.path()).unwrap();
        let task = TaskId::new("a1");
        let submission = Submission {
            task: task.clone(),
            session: SessionId::new("s1"),
            text: "feed the fish".to_owned(),
            workspace: "/pond".to_owned(),
            request: "{}".to_owned(),
            priority: 0,
            key: None,
        };
        storage.submit(&submission, 1).unwrap();
        (home, storage, task)
    }

    #[test]
    fn a_task_that_waits_is_cancelled_once_and_can_be_taken_up_again() {
        let (_home, storage, task) = pond();
        let queued = take_up(&storage, &task, 2).unwrap_err().to_string();
        assert_eq!(queued, "task a1 cannot be taken up: it is queued");

        assert_eq!(cancel(&storage, &task, 2).unwrap(), Cancelled::Waiting);
        let idle = cancel(&storage, &task, 3).unwrap_err().to_string();
        assert_eq!(idle, "task a1 does not run: it is cancelled");

        take_up(&storage, &task, 4).unwrap();
        assert_eq!(storage.find_task("a1").unwrap().status, TaskStatus::Queued);
    }

    #[test]
    fn a_task_of_the_daemon_is_ended_by_it() {
        let (_home, storage, task) = pond();
        storage.give(&task, 2).unwrap();

        assert_eq!(cancel(&storage, &task, 3).unwrap(), Cancelled::ByDaemon);
        assert!(storage.queued(&task).unwrap().unwrap().cancel);
    }
}
