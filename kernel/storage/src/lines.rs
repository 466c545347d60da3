//! What many entries say alike, kept once: the conversation before a task, and the descriptions of its tools.
//!
//! Both are lists that grow at their ends or stay as they are. Each item is a text with a hash over itself and the text
//! before it, so that a list with one more item is one more text, and the hash of its last item names the whole line.
//! An entry has that name in the place of the list. Its own hash is over the name, so it holds for the items too.

use std::collections::BTreeSet;

use openkoi_core::{hash, id::SessionId};
use rusqlite::{Connection, OptionalExtension, Transaction};
use serde::{Deserialize, de::Error as _};
use serde_json::{Value, value::RawValue};

use crate::error::StorageError;

/// The event that has lists.
pub(crate) const EVENT: &str = "task.started";

/// The lists of the start of a task.
const PLACES: [&str; 2] = ["/task/history", "/tools"];

/// The same lists, as they are written.
#[derive(Deserialize)]
struct Lists<'a> {
    #[serde(borrow)]
    task: Option<History<'a>>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct History<'a> {
    #[serde(borrow)]
    history: Option<&'a RawValue>,
}

/// What names a line in the place of a list.
const NAME: &str = "line";

/// One item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Text {
    hash: String,
    before: Option<String>,
    text: String,
}

impl Text {
    fn after(before: Option<&str>, text: String) -> Self {
        let hash = hash_of(before, &text);
        Self { hash, before: before.map(str::to_owned), text }
    }
}

fn hash_of(before: Option<&str>, text: &str) -> String {
    hash::of_parts(&[before.unwrap_or_default().as_bytes(), text.as_bytes()])
}

/// An entry as it is stored, and the lines that it names.
#[derive(Debug, Default)]
pub(crate) struct Folded {
    pub(crate) payload: String,
    lines: Vec<Vec<Text>>,
}

impl Folded {
    /// Puts names in the places of an entry's lists. The rest of it stays as it is written.
    pub(crate) fn of(payload: String) -> Result<Self, serde_json::Error> {
        let found: Lists<'_> = serde_json::from_str(&payload)?;
        let history = found.task.and_then(|task| task.history);
        let (mut lines, mut names) = (Vec::new(), Vec::new());
        for list in [history, found.tools].into_iter().flatten() {
            // What is no list is the name of one.
            let items: Vec<&RawValue> = serde_json::from_str(list.get()).unwrap_or_default();
            let line = line(&items);
            let Some(last) = line.last() else { continue };
            let start = list.get().as_ptr().addr() - payload.as_ptr().addr();
            names.push((
                start..start + list.get().len(),
                format!("{{\"{NAME}\":\"{}\"}}", last.hash),
            ));
            lines.push(line);
        }
        names.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
        let mut folded = payload.clone();
        for (place, name) in names {
            folded.replace_range(place, &name);
        }
        Ok(Self { payload: folded, lines })
    }

    /// An entry without lists.
    pub(crate) fn plain(payload: String) -> Self {
        Self { payload, lines: Vec::new() }
    }

    /// Stores what is not there yet.
    pub(crate) fn keep(&self, transaction: &Transaction<'_>) -> Result<(), StorageError> {
        let sql = "INSERT OR IGNORE INTO texts (hash, before, text) VALUES (?1, ?2, ?3)";
        let mut insert = transaction.prepare_cached(sql)?;
        for line in &self.lines {
            // What stands before a text that is there is there too.
            for text in line.iter().rev() {
                if insert.execute((&text.hash, &text.before, &text.text))? == 0 {
                    break;
                }
            }
        }
        Ok(())
    }
}

fn line(items: &[&RawValue]) -> Vec<Text> {
    let mut line: Vec<Text> = Vec::new();
    for item in items {
        let before = line.last().map(|text| text.hash.as_str());
        line.push(Text::after(before, item.get().to_owned()));
    }
    line
}

/// An entry with its lists, or what is wrong with it.
type Unfolded<T> = Result<T, serde_json::Error>;

/// Puts the lists back that an entry names.
pub(crate) fn unfold(
    connection: &Connection,
    payload: &str,
) -> Result<Unfolded<Value>, StorageError> {
    let mut entry: Value = match serde_json::from_str(payload) {
        Ok(entry) => entry,
        Err(damage) => return Ok(Err(damage)),
    };
    for place in PLACES {
        let Some(list) = entry.pointer_mut(place) else { continue };
        let Some(name) = list.get(NAME).and_then(Value::as_str) else { continue };
        match items(connection, name)? {
            Ok(items) => *list = Value::Array(items),
            Err(damage) => return Ok(Err(damage)),
        }
    }
    Ok(Ok(entry))
}

/// Returns the items of a line.
fn items(connection: &Connection, name: &str) -> Result<Unfolded<Vec<Value>>, StorageError> {
    let sql = "SELECT before, text FROM texts WHERE hash = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut items = Vec::new();
    let mut next = Some(name.to_owned());
    while let Some(hash) = next {
        let found =
            statement.query_row([&hash], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((before, text)): Option<(Option<String>, String)> = found else {
            return Ok(Err(serde_json::Error::custom("a text that it names is gone")));
        };
        // A text that was altered has another name; so a line cannot come back to itself either.
        if hash_of(before.as_deref(), &text) != hash {
            return Ok(Err(serde_json::Error::custom("a text that it names was altered")));
        }
        match serde_json::from_str(&text) {
            Ok(item) => items.push(item),
            Err(damage) => return Ok(Err(damage)),
        }
        next = before;
    }
    items.reverse();
    Ok(Ok(items))
}

/// Returns the lines that the tasks of a session name, or those of all sessions.
pub(crate) fn named(
    connection: &Connection,
    session: Option<&SessionId>,
) -> Result<BTreeSet<String>, StorageError> {
    let sql = "SELECT payload FROM entries WHERE event = ?2
               AND (?1 IS NULL OR task IN (SELECT id FROM tasks WHERE session = ?1))";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query((session.map(SessionId::as_str), EVENT))?;
    let mut names = BTreeSet::new();
    // In a string of an entry quotation marks are escaped, so that only a name begins like this.
    let mark = format!("{{\"{NAME}\":\"");
    while let Some(row) = rows.next()? {
        let payload: String = row.get(0)?;
        let found = payload.split(mark.as_str()).skip(1).filter_map(|rest| rest.split('"').next());
        names.extend(found.map(str::to_owned));
    }
    Ok(names)
}

/// Removes the texts of these lines that nothing else names.
pub(crate) fn forget(
    transaction: &Transaction<'_>,
    lines: BTreeSet<String>,
) -> Result<(), StorageError> {
    if lines.is_empty() {
        return Ok(());
    }
    let used = named(transaction, None)?;
    let follows = "SELECT 1 FROM texts WHERE before = ?1 LIMIT 1";
    let mut follows = transaction.prepare(follows)?;
    let mut remove = transaction.prepare("DELETE FROM texts WHERE hash = ?1 RETURNING before")?;
    let mut left: Vec<String> = lines.into_iter().collect();
    while let Some(hash) = left.pop() {
        if used.contains(&hash) || follows.exists([&hash])? {
            continue;
        }
        let before = remove.query_row([&hash], |row| row.get::<_, Option<String>>(0)).optional()?;
        left.extend(before.flatten());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        let tables = "CREATE TABLE entries (task TEXT, event TEXT, at_ms INTEGER, payload TEXT);
                      CREATE TABLE tasks (id TEXT, session TEXT);
                      CREATE TABLE turns (task TEXT, at_ms INTEGER, cost_micros INTEGER)";
        connection.execute_batch(tables).unwrap();
        connection.execute_batch(include_str!("schema/6-shared.sql")).unwrap();
        connection
    }

    fn start(history: &[&str]) -> Value {
        json!({ "event": "task.started", "task": { "history": history }, "tools": ["read", "write"] })
    }

    fn keep(connection: &mut Connection, session: &str, history: &[&str]) -> String {
        let folded = Folded::of(start(history).to_string()).unwrap();
        let transaction = connection.transaction().unwrap();
        folded.keep(&transaction).unwrap();
        let task = format!("{session}{}", history.len());
        let row = "INSERT INTO entries VALUES (?1, 'task.started', 0, ?2)";
        transaction.execute(row, (&task, &folded.payload)).unwrap();
        transaction.execute("INSERT INTO tasks VALUES (?1, ?2)", (&task, session)).unwrap();
        transaction.commit().unwrap();
        folded.payload
    }

    fn count(connection: &Connection) -> u32 {
        connection.query_row("SELECT count(*) FROM texts", (), |row| row.get(0)).unwrap()
    }

    fn forget_session(connection: &mut Connection, session: &str) {
        let id = SessionId::new(session.to_owned());
        let transaction = connection.transaction().unwrap();
        let lines = named(&transaction, Some(&id)).unwrap();
        let sql = "DELETE FROM entries WHERE task IN (SELECT id FROM tasks WHERE session = ?1)";
        transaction.execute(sql, [session]).unwrap();
        forget(&transaction, lines).unwrap();
        transaction.commit().unwrap();
    }

    #[test]
    fn a_conversation_that_goes_on_is_kept_once() {
        let mut connection = database();
        let histories: [&[&str]; 4] = [&[], &["a", "b"], &["a", "b", "c"], &["a", "b", "c", "d"]];

        let payloads = histories.map(|history| keep(&mut connection, "s", history));

        assert_eq!(count(&connection), 4 + 2);
        for (payload, history) in payloads.iter().zip(histories) {
            assert_eq!(unfold(&connection, payload).unwrap().unwrap(), start(history));
        }
    }

    #[test]
    fn what_only_a_deleted_session_said_is_gone() {
        let mut connection = database();
        keep(&mut connection, "s", &["a", "b"]);
        keep(&mut connection, "s", &["a", "b", "c"]);
        let other = keep(&mut connection, "fork", &["a", "b", "other"]);

        forget_session(&mut connection, "s");

        assert_eq!(unfold(&connection, &other).unwrap().unwrap(), start(&["a", "b", "other"]));
        assert_eq!(count(&connection), 3 + 2, "a, b, other and two tools");

        forget_session(&mut connection, "fork");

        assert_eq!(count(&connection), 0);
    }

    #[test]
    fn a_text_that_was_altered_or_is_gone_is_noticed() {
        for change in [
            "UPDATE texts SET text = '\"z\"' WHERE text = '\"a\"'",
            "UPDATE texts SET before = hash WHERE text = '\"b\"'",
            "DELETE FROM texts WHERE text = '\"write\"'",
        ] {
            let mut connection = database();
            let payload = keep(&mut connection, "s", &["a", "b"]);

            connection.execute_batch(change).unwrap();

            assert!(unfold(&connection, &payload).unwrap().is_err(), "{change}");
        }
    }

    #[test]
    fn an_entry_of_before_keeps_its_lists() {
        let connection = database();
        let payload = start(&["a"]).to_string();

        assert_eq!(unfold(&connection, &payload).unwrap().unwrap(), start(&["a"]));
    }
}
