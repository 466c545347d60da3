//! Going back in a conversation: the messages that can be gone back to, and what comes with each.

use openkoi_app::undo::{UndoError, UndoKind, UndoOf, UndoPlan};
use openkoi_app::{changes::task_diff, error::AppError};
use openkoi_core::{event::Event, id::SessionId, message::Message};
use openkoi_storage::{
    Storage,
    tasks::{TaskQuery, TaskRecord},
};

use crate::{
    commands::{task::row::first_line, undo},
    context::Context,
    error::CommandError,
    exit::Exit,
    output::plural,
};

/// The most messages that are listed: the newest.
const LISTED: usize = 20;

/// The longest message that is offered to be sent again, in bytes.
const OFFERED: usize = 2_000;

/// Returns the messages of a session, oldest first: each is a task.
pub(super) fn messages(
    storage: &Storage,
    session: &SessionId,
) -> Result<Vec<TaskRecord>, CommandError> {
    let query = TaskQuery { session: Some(session.clone()), ..TaskQuery::default() };
    let mut messages = storage.tasks(&query)?;
    messages.reverse();
    Ok(messages)
}

/// Shows the messages with the number of files that each changed.
pub(super) fn list(context: &Context, messages: &[TaskRecord]) -> Result<(), CommandError> {
    if messages.is_empty() {
        return Err(nothing());
    }
    let first = messages.len().saturating_sub(LISTED);
    for (index, message) in messages.iter().enumerate().skip(first) {
        let changed = match task_diff(&context.app, message.id.as_str()) {
            Err(AppError::Undo(UndoError::Pruned(_))) => 0,
            changed => changed?.changes.len(),
        };
        let files =
            if changed == 0 { String::new() } else { format!(" · {}", plural(changed, "file")) };
        let text = first_line(&message.text);
        context.printer.notice(&format!("  {:>3}  {text}{files}", index + 1));
    }
    context.printer.notice("to go back to before one, with the files and what was said: /rewind N");
    Ok(())
}

/// Returns the place of the message that a person named by its number.
pub(super) fn point(messages: &[TaskRecord], number: &str) -> Result<usize, CommandError> {
    if messages.is_empty() {
        return Err(nothing());
    }
    let place = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    place.filter(|place| *place < messages.len()).ok_or_else(|| {
        let message = format!("`/rewind` takes the number of a message, 1 to {}", messages.len());
        CommandError::usage(message).hint("/rewind")
    })
}

fn nothing() -> CommandError {
    CommandError::usage("there is no message to go back to")
}

/// Returns what was said before a message.
pub(super) fn history(
    storage: &Storage,
    message: &TaskRecord,
) -> Result<Vec<Message>, CommandError> {
    let begun = storage.entries(&message.id)?.into_iter().next().map(|entry| entry.event);
    Ok(match begun {
        Some(Event::TaskStarted { task, .. }) => task.history,
        _ => Vec::new(),
    })
}

/// Takes back what the tasks of these messages changed, the newest first.
pub(super) fn undo(context: &Context, messages: &[TaskRecord]) -> Result<(), CommandError> {
    for message in messages.iter().rev() {
        let plan = UndoPlan::new(&context.app, UndoKind::Undo, UndoOf::Task(message.id.as_str()));
        match plan {
            Ok(plan) => match undo::carry_out(plan, true, false, context) {
                Ok(done) => drop(done.print(context)?),
                // Somebody else changed all of it since, which stays.
                Err(error) if error.kind == Exit::NotAccepted => {
                    context.printer.notice(&error.to_string());
                }
                Err(error) => return Err(error),
            },
            Err(AppError::Undo(
                UndoError::Nothing
                | UndoError::Pruned(_)
                | UndoError::Unchanged(_)
                | UndoError::Undone(_)
                | UndoError::Same,
            )) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Returns a message as it can be changed and sent again. One with files or the output of commands in it is not offered.
pub(super) fn draft(message: &TaskRecord) -> Option<String> {
    let text = message.text.trim();
    (text.len() <= OFFERED && !text.contains("\n```")).then(|| text.to_owned())
}
