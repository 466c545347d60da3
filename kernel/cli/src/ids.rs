//! Ids as a person types them. The id of a session in place of a task's is recognised, and the other way round; the
//! error has the line that was meant.

use openkoi_core::memory::Learning;
use openkoi_storage::{
    Storage, StorageError, proposals::KeptProposal, sessions::SessionRecord, tasks::TaskRecord,
};

use crate::error::CommandError;

/// Returns the task that `typed` means. `usage` is the command without its id.
///
/// # Errors
///
/// When nothing or more than one matches, or a session does.
pub(crate) fn task(
    storage: &Storage,
    typed: &str,
    usage: &str,
) -> Result<TaskRecord, CommandError> {
    storage.find_task(typed).map_err(|error| meant(error, usage))
}

/// Returns the session that `typed` means. `usage` is the command without its id.
///
/// # Errors
///
/// When nothing or more than one matches, or a task does.
pub(crate) fn session(
    storage: &Storage,
    typed: &str,
    usage: &str,
) -> Result<SessionRecord, CommandError> {
    storage.find_session(typed).map_err(|error| meant(error, usage))
}

/// Returns the memory that `typed` means. `usage` is the command without its id.
///
/// # Errors
///
/// When nothing or more than one matches.
pub(crate) fn learning(
    storage: &Storage,
    typed: &str,
    usage: &str,
) -> Result<Learning, CommandError> {
    storage.find_learning(typed).map_err(|error| meant(error, usage))
}

/// Returns the proposal that `typed` means. `usage` is the command without its id.
///
/// # Errors
///
/// When nothing or more than one matches.
pub(crate) fn proposal(
    storage: &Storage,
    typed: &str,
    usage: &str,
) -> Result<KeptProposal, CommandError> {
    storage.find_proposal(typed).map_err(|error| meant(error, usage))
}

fn meant(error: StorageError, usage: &str) -> CommandError {
    let StorageError::OtherKind { meant, .. } = &error else { return error.into() };
    let hints = meant.iter().map(|id| format!("{usage} {id}")).collect::<Vec<_>>();
    CommandError::usage(error.to_string()).hints(hints)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn the_id_of_the_other_kind_is_recognised_and_the_command_named() {
        let world = World::new();
        let storage = world.storage();
        let first = world.ended(&storage, "1", "5e51", "one");
        let other = world.ended(&storage, "2", "5e51", "two");

        let error = task(&storage, "00005e51", "openkoi task diff").unwrap_err();
        assert_eq!(error.message, "`00005e51` is the id of a session, not of a task");
        let both = [&other, &first].map(|id| format!("openkoi task diff {}", id.short()));
        assert_eq!(error.hints, both);

        let error = session(&storage, first.short(), "openkoi session show").unwrap_err();
        assert!(error.message.ends_with("is the id of a task, not of a session"), "{error}");
        assert_eq!(error.hints, ["openkoi session show 00005e51"]);

        assert!(task(&storage, "zz", "openkoi task show").unwrap_err().message.contains("`zz`"));
        assert_eq!(task(&storage, first.short(), "x").unwrap().id, first);
    }
}
