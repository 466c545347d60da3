//! The conversation of a session, for its next turn: what the user wrote and what was answered.
//!
//! Tools, plans and judgements are left out: they were about work that is done, and the journal has them.

use openkoi_core::{
    event::Event,
    id::SessionId,
    message::{Message, Part, Speaker},
    task::Task,
};

use crate::{Storage, error::StorageError, payload::decode};

/// The answer of a task that ended without one.
const INTERRUPTED: &str = "(interrupted)";

impl Storage {
    /// Returns the conversation of a session, oldest first: what its last task was told of it, what that task was
    /// asked, and the answer. It ends with an answer, unless it is empty.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub fn conversation(&self, session: &SessionId) -> Result<Vec<Message>, StorageError> {
        let sql = "SELECT payload FROM entries
                   WHERE task = (SELECT id FROM tasks WHERE session = ?1 ORDER BY seq DESC LIMIT 1)
                     AND event IN ('task.started', 'task.finished')
                   ORDER BY seq";
        let what = || format!("the conversation of session {}", session.short());
        self.read(|connection| {
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query([session.as_str()])?;
            let mut messages = Vec::new();
            while let Some(row) = rows.next()? {
                let payload: String = row.get(0)?;
                take_in(&mut messages, decode(&payload, &what)?);
            }
            // Two messages of the user in a row would read as one.
            if messages.last().is_some_and(|last| last.speaker == Speaker::User) {
                messages.push(answer(INTERRUPTED.to_owned()));
            }
            Ok(messages)
        })
    }
}

fn take_in(messages: &mut Vec<Message>, event: Event) {
    match event {
        Event::TaskStarted { task, .. } => {
            let Task { history, text, .. } = *task;
            *messages = history;
            messages.push(Message::user(text));
        }
        Event::TaskFinished { outcome } if !outcome.text.is_empty() => {
            messages.push(answer(outcome.text));
        }
        _ => {}
    }
}

fn answer(text: String) -> Message {
    Message::assistant(vec![Part::Text(text)])
}
