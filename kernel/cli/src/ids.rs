//! What is kept and named by an id. A person types the beginning of it, or picks from a list. The id of a session in place of a
//! task's is recognised, and the other way round; the error has the line that was meant.

use std::sync::Arc;

use openkoi_storage::{Storage, StorageError};

use crate::{context::Context, error::CommandError, output::Choice};

/// The most that a person is shown to pick from, the newest first.
pub(crate) const NEWEST: u32 = 20;

/// Something that is kept and named by an id.
pub(crate) trait Identified: Sized {
    /// What a person calls it.
    const WHAT: &'static str;

    /// Returns what is said where there is none yet.
    fn none() -> CommandError;

    /// Returns the one whose id begins with `typed`.
    fn find(storage: &Storage, typed: &str) -> Result<Self, StorageError>;

    /// Returns the newest, to pick from.
    fn newest(storage: &Storage) -> Result<Vec<Self>, StorageError>;

    /// Returns it as one of those to pick from.
    fn choice(&self) -> Choice;
}

/// Returns what `typed` means. `usage` is the command without its id.
///
/// # Errors
///
/// When nothing or more than one matches, or something of another kind does.
pub(crate) fn named<T: Identified>(
    storage: &Storage,
    typed: &str,
    usage: &str,
) -> Result<T, CommandError> {
    T::find(storage, typed).map_err(|error| meant(error, usage))
}

/// Returns what `typed` means, or what the person picks, and the storage that has it. `usage` is the command without its id.
///
/// # Errors
///
/// When there is none yet, none is picked, or nothing or more than one matches.
pub(crate) fn chosen<T: Identified>(
    typed: Option<String>,
    usage: &str,
    context: &Context,
) -> Result<(Arc<Storage>, T), CommandError> {
    let storage = context.existing_storage()?.ok_or_else(T::none)?;
    let typed = match typed {
        Some(typed) => typed,
        None => {
            let choices: Vec<Choice> = T::newest(&storage)?.iter().map(T::choice).collect();
            context.questions.pick(T::WHAT, usage, &choices)?
        }
    };
    let found = named(&storage, &typed, usage)?;
    Ok((storage, found))
}

fn meant(error: StorageError, usage: &str) -> CommandError {
    let StorageError::OtherKind { meant, .. } = &error else { return error.into() };
    let hints = meant.iter().map(|id| format!("{usage} {id}")).collect::<Vec<_>>();
    CommandError::usage(error.to_string()).hints(hints)
}

#[cfg(test)]
mod tests {
    use openkoi_storage::{sessions::SessionRecord, tasks::TaskRecord};

    use super::*;
    use crate::testing::World;

    #[test]
    fn the_id_of_the_other_kind_is_recognised_and_the_command_named() {
        let world = World::new();
        let storage = world.storage();
        let first = world.ended(&storage, "1", "5e51", "one");
        let other = world.ended(&storage, "2", "5e51", "two");

        let task = named::<TaskRecord>;
        let error = task(&storage, "00005e51", "openkoi task diff").unwrap_err();
        assert_eq!(error.message, "`00005e51` is the id of a session, not of a task");
        let both = [&other, &first].map(|id| format!("openkoi task diff {}", id.short()));
        assert_eq!(error.hints, both);

        let session = named::<SessionRecord>;
        let error = session(&storage, first.short(), "openkoi session show").unwrap_err();
        assert!(error.message.ends_with("is the id of a task, not of a session"), "{error}");
        assert_eq!(error.hints, ["openkoi session show 00005e51"]);

        assert!(task(&storage, "zz", "openkoi task show").unwrap_err().message.contains("`zz`"));
        assert_eq!(task(&storage, first.short(), "x").unwrap().id, first);
    }
}
