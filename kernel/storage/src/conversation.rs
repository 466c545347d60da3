//! The conversation of a session, for its next turn: what the user wrote and what was answered.
//!
//! Plans and judgements are left out: they were about work that is done, and the journal has them. Of the tools, what
//! they showed the last task is there for the next one.

use std::{collections::HashMap, path::Path};

use openkoi_core::{
    event::Event,
    id::{SessionId, TaskId},
    message::{Message, Part, Speaker, ToolCall},
    task::{EarlierResult, Task},
    tool::Effect,
};

use crate::{
    Storage,
    database::stored,
    error::StorageError,
    payload::{decode, decode_whole},
};

/// The answer of a task that ended without one.
const INTERRUPTED: &str = "(interrupted)";

/// A place in a conversation that somebody went back to: it goes on from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WentBack {
    /// The task of the session in which the place is.
    pub task: TaskId,
    /// The last entry of its journal that counts.
    pub seq: u64,
    /// What stands in the place of the answer.
    pub said: String,
}

/// The task that a conversation goes on after, and the last of its entries that counts.
const UP_TO: &str = "task = coalesce(?2, (SELECT t.id FROM tasks t
            JOIN entries first ON first.task = t.id AND first.seq = 1
            WHERE t.session = ?1 ORDER BY first.row DESC LIMIT 1))
                     AND seq <= ?3";

/// Returns the values of [`UP_TO`].
fn up_to<'a>(
    session: &'a SessionId,
    back: Option<&'a WentBack>,
) -> (&'a str, Option<&'a str>, i64) {
    let seq = back.map_or(i64::MAX, |back| stored(back.seq));
    (session.as_str(), back.map(|back| back.task.as_str()), seq)
}

impl Storage {
    /// Returns the conversation of a session, oldest first: what its last task was told of it, what that task was
    /// asked, and the answer. It ends with an answer, unless it is empty. Where somebody `went_back`, it is as it was there.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub fn conversation(
        &self,
        session: &SessionId,
        went_back: Option<&WentBack>,
    ) -> Result<Vec<Message>, StorageError> {
        let sql = format!(
            "SELECT event, payload FROM entries
             WHERE {UP_TO} AND event IN ('task.started', 'task.steered', 'task.finished')
             ORDER BY seq"
        );
        let what = || format!("the conversation of session {}", session.short());
        self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query(up_to(session, went_back))?;
            let mut messages = Vec::new();
            while let Some(row) = rows.next()? {
                let (name, payload): (String, String) = (row.get(0)?, row.get(1)?);
                take_in(&mut messages, decode_whole(connection, &name, &payload, &what)?);
            }
            // Two messages of the user in a row would read as one.
            if messages.last().is_some_and(|last| last.speaker == Speaker::User) {
                let said = went_back.map_or(INTERRUPTED, |back| &back.said);
                messages.push(answer(said.to_owned()));
            }
            Ok(messages)
        })
    }
}

impl Storage {
    /// Returns what the tools of a session's last task showed, oldest first: the newest results of at most `most` bytes
    /// together, without those that the task's own later changes made untrue. Where somebody `went_back`, those that were
    /// shown by then.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub fn results(
        &self,
        session: &SessionId,
        went_back: Option<&WentBack>,
        most: usize,
    ) -> Result<Vec<EarlierResult>, StorageError> {
        let sql = format!(
            "SELECT key, payload FROM entries
             WHERE {UP_TO} AND event IN ('call.started', 'call.finished', 'effects.kept', 'tree.restored')
             ORDER BY seq DESC"
        );
        let what = || format!("the conversation of session {}", session.short());
        self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.query(up_to(session, went_back))?;
            let mut results = Results { left: most, ..Results::default() };
            while let Some(row) = rows.next()?
                && results.left > 0
            {
                let (key, payload): (String, String) = (row.get(0)?, row.get(1)?);
                results.take_in(key, decode(&payload, &what)?);
            }
            results.found.reverse();
            Ok(results.found)
        })
    }
}

/// Most bytes of one result.
const LONGEST_RESULT: usize = 8 * 1024;

/// Results of tools, found from the newest to the oldest.
#[derive(Default)]
struct Results {
    found: Vec<EarlierResult>,
    /// Bytes that there is room for.
    left: usize,
    /// Texts of calls whose beginning was not met yet, by key.
    texts: HashMap<String, String>,
    /// Paths that were changed later than what comes.
    changed: Vec<String>,
}

impl Results {
    fn take_in(&mut self, key: String, event: Event) {
        match event {
            Event::EffectsKept { effects } => {
                self.changed.extend(effects.paths.into_iter().map(|effect| effect.path));
            }
            // What was taken back at the end is not there any more.
            Event::TreeRestored { done, .. } => self.changed.extend(done),
            Event::CallFinished { result: Ok(output), .. } => {
                self.texts.insert(key, output.text);
            }
            Event::CallStarted { call, effect, target, .. } => {
                let Some(text) = self.texts.remove(&key) else { return };
                let holds = match effect {
                    Effect::Read => !self.changed.iter().any(|path| concerns(&call, &target, path)),
                    Effect::Execute => self.changed.is_empty(),
                    _ => false,
                };
                let same =
                    |one: &EarlierResult| one.tool == call.name && one.arguments == call.arguments;
                if holds && !self.found.iter().any(same) {
                    self.add(call, text);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, call: ToolCall, mut text: String) {
        let most = LONGEST_RESULT.min(self.left);
        if text.len() > most {
            text.truncate(text.floor_char_boundary(most));
            text.push_str("\n… (cut)");
        }
        self.left = self.left.saturating_sub(call.arguments.len() + text.len());
        self.found.push(EarlierResult { tool: call.name, arguments: call.arguments, text });
    }
}

/// Tells whether what a call read may be another since `path` was changed: a call that does not say which place it reads
/// has read all of them.
fn concerns(call: &ToolCall, target: &str, path: &str) -> bool {
    let place = call.place().filter(|place| place == target);
    match place.as_deref().map(|place| place.trim_start_matches("./")) {
        None | Some(".") => true,
        Some(place) => Path::new(path).starts_with(place) || Path::new(place).ends_with(path),
    }
}

fn take_in(messages: &mut Vec<Message>, event: Event) {
    match event {
        Event::TaskStarted { task, .. } => {
            let Task { history, text, attachments, .. } = *task;
            let mut asked = Message::user(text);
            asked.parts.extend(attachments.into_iter().map(Part::Attachment));
            *messages = history;
            messages.push(asked);
        }
        // Of one request, whenever it was said.
        Event::TaskSteered { text } => {
            if let Some(Part::Text(asked)) =
                messages.last_mut().and_then(|last| last.parts.first_mut())
            {
                asked.push_str("\n\n");
                asked.push_str(&text);
            }
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
