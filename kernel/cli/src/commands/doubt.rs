//! Why money is an upper limit, for commands that list what took it.

use openkoi_core::doubts::Doubts;
use openkoi_storage::{
    Storage, StorageError, sessions::SessionRecord, tasks::TaskRecord, usage::Doubted,
};

/// Returns why what some of the tasks took is an upper limit.
pub(super) fn of_tasks(
    storage: &Storage,
    tasks: &[TaskRecord],
) -> Result<Option<String>, StorageError> {
    let doubted = tasks.iter().filter(|task| task.at_most);
    reason(storage, doubted.map(|task| Doubted::Task(&task.id)))
}

/// Returns why what some of the sessions took is an upper limit.
pub(super) fn of_sessions(
    storage: &Storage,
    sessions: &[SessionRecord],
) -> Result<Option<String>, StorageError> {
    let doubted = sessions.iter().filter(|session| session.at_most);
    reason(storage, doubted.map(|session| Doubted::Session(&session.id)))
}

fn reason<'a>(
    storage: &Storage,
    doubted: impl Iterator<Item = Doubted<'a>>,
) -> Result<Option<String>, StorageError> {
    let mut doubts = Doubts::default();
    for of in doubted {
        storage.doubt(of, &mut doubts)?;
    }
    Ok(doubts.reason())
}
