//! What was said in a session, for its next turn: what the user wrote and what was answered.
//!
//! Tools, plans and judgements are left out: they were about work that is done, and the journal has them.

use openkoi_core::{
    event::Event,
    id::{SessionId, TaskId},
    message::{Message, Part, Role},
};
use rusqlite::{Connection, OptionalExtension};

use crate::{Storage, error::StorageError, journal::decode};

impl Storage {
    /// Returns the conversation of a session, oldest first.
    ///
    /// A task that ended without an answer leaves what the user wrote, so two messages of the user may follow
    /// one another.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub fn conversation(&self, session: &SessionId) -> Result<Vec<Message>, StorageError> {
        self.read(|connection| {
            let mut messages = Vec::new();
            for (task, text) in texts(connection, session)? {
                messages.push(Message::user(text));
                if let Some(answer) = answer(connection, &task)? {
                    messages.push(Message::assistant(vec![Part::Text(answer)]));
                }
            }
            Ok(messages)
        })
    }
}

fn texts(
    connection: &Connection,
    session: &SessionId,
) -> Result<Vec<(TaskId, String)>, StorageError> {
    let sql = "SELECT id, text FROM tasks WHERE session = ?1 ORDER BY seq";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([session.as_str()], |row| {
        Ok((TaskId::new(row.get::<_, String>(0)?), row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The text of the outcome, or what the executor said last where the run has none.
fn answer(connection: &Connection, task: &TaskId) -> Result<Option<String>, StorageError> {
    let what = || format!("the answer of task {}", task.short());
    let sql = "SELECT payload FROM entries WHERE task = ?1 AND event = 'task.finished'
               ORDER BY seq DESC LIMIT 1";
    let finished: Option<String> =
        connection.query_row(sql, [task.as_str()], |row| row.get(0)).optional()?;
    if let Some(payload) = finished
        && let Event::TaskFinished { outcome } = decode(&payload, &what)?
        && !outcome.text.trim().is_empty()
    {
        return Ok(Some(outcome.text));
    }
    last_words(connection, task, &what)
}

fn last_words(
    connection: &Connection,
    task: &TaskId,
    what: &dyn Fn() -> String,
) -> Result<Option<String>, StorageError> {
    let sql = "SELECT payload FROM entries WHERE task = ?1 AND event = 'turn.finished'
               ORDER BY seq DESC";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([task.as_str()])?;
    while let Some(row) = rows.next()? {
        let payload: String = row.get(0)?;
        if let Event::TurnFinished { role, result: Ok(turn), .. } = decode(&payload, what)?
            && role == Role::EXECUTOR
            && !turn.text().trim().is_empty()
        {
            return Ok(Some(turn.text()));
        }
    }
    Ok(None)
}
