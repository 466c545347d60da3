//! Forgetting: the row, its history, its words and its vector go, and the journals that quote it lose the quotation.
//!
//! A journal is a chain of hashes, so what follows a masked entry gets new ones. A replay compares each request with the one
//! that was sent; those of a masked journal are not known any more, and agree with any.

use openkoi_core::id::TaskId;
use rusqlite::{OptionalExtension, Transaction};
use serde_json::Value;

use super::{rows, vectors};
use crate::{Storage, chain::Link, error::StorageError};

/// What forgetting took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Number of tasks whose journals quoted it.
    pub tasks: usize,
}

impl Storage {
    /// Removes a learning, its history, its words and its vector, and masks it where a journal quotes it.
    ///
    /// # Errors
    ///
    /// [`StorageError::NoSuch`] if it is not there; nothing is changed when the database cannot be written.
    pub fn forget_learning(&self, id: &str) -> Result<Forgotten, StorageError> {
        let forgotten = self.write(|transaction| {
            let sql = "SELECT row FROM learnings WHERE id = ?1";
            let row: Option<i64> = transaction.query_row(sql, [id], |row| row.get(0)).optional()?;
            let row = row.ok_or_else(|| rows::no_such(id))?;
            vectors::remove(transaction, row)?;
            rows::unindex(transaction, row)?;
            transaction.execute("DELETE FROM learning_moments WHERE learning = ?1", [row])?;
            transaction.execute("DELETE FROM learnings WHERE row = ?1", [row])?;
            let tasks = quoting(transaction, id)?;
            tasks.iter().try_for_each(|task| mask(transaction, task, id))?;
            Ok(Forgotten { tasks: tasks.len() })
        })?;
        // The log still has the pages as they were.
        self.empty_log()?;
        Ok(forgotten)
    }
}

/// Returns the tasks that were shown a learning.
fn quoting(transaction: &Transaction<'_>, id: &str) -> Result<Vec<TaskId>, StorageError> {
    let sql = "SELECT DISTINCT e.task FROM entries e, json_each(e.payload, '$.notes') n
               WHERE e.event = 'task.started' AND n.value ->> 'id' = ?1";
    let mut statement = transaction.prepare(sql)?;
    let tasks = statement.query_map([id], |row| Ok(TaskId::new(row.get::<_, String>(0)?)))?;
    Ok(tasks.collect::<Result<_, _>>()?)
}

/// One entry of a journal, as its row has it.
struct Stored {
    seq: i64,
    key: String,
    event: String,
    at_ms: i64,
    elapsed_ms: i64,
    payload: String,
    chain: Option<String>,
}

fn mask(transaction: &Transaction<'_>, task: &TaskId, id: &str) -> Result<(), StorageError> {
    let mut before = task.as_str().to_owned();
    let entries = journal(transaction, task)?;
    let told: Vec<String> = entries.iter().flat_map(|entry| told(entry, id)).collect();
    for text in &told {
        let sql = "UPDATE assessment_records SET reason = replace(reason, ?2, '') WHERE task = ?1";
        transaction.execute(sql, (task.as_str(), text))?;
    }
    for entry in entries {
        let payload = masked(&entry, id, &told);
        let hash = entry.chain.as_ref().map(|_| entry.link(&payload).hash_after(&before));
        let sql = "UPDATE entries SET payload = ?3, chain = ?4 WHERE task = ?1 AND seq = ?2";
        transaction.execute(sql, (task.as_str(), entry.seq, &payload, &hash))?;
        let sql = "UPDATE tasks SET chain = ?3 WHERE id = ?1 AND chain = ?2";
        transaction.execute(sql, (task.as_str(), &entry.chain, &hash))?;
        before = hash.unwrap_or(before);
    }
    Ok(())
}

fn journal(transaction: &Transaction<'_>, task: &TaskId) -> Result<Vec<Stored>, StorageError> {
    let sql = "SELECT seq, key, event, at_ms, elapsed_ms, payload, chain FROM entries
               WHERE task = ?1 ORDER BY seq";
    let mut statement = transaction.prepare(sql)?;
    let rows = statement.query_map([task.as_str()], |row| {
        Ok(Stored {
            seq: row.get(0)?,
            key: row.get(1)?,
            event: row.get(2)?,
            at_ms: row.get(3)?,
            elapsed_ms: row.get(4)?,
            payload: row.get(5)?,
            chain: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Stored {
    fn link<'a>(&'a self, payload: &'a str) -> Link<'a> {
        Link {
            seq: self.seq,
            key: self.key.as_bytes(),
            event: self.event.as_bytes(),
            at_ms: self.at_ms,
            elapsed_ms: self.elapsed_ms,
            payload: payload.as_bytes(),
        }
    }
}

/// Events of a deliberation, and those that take over what was said in it: any of their texts may quote a learning.
const QUOTING: [&str; 9] = [
    "directive.made",
    "motion.put",
    "agency.heard",
    "deliberation.held",
    "futures.drawn",
    "plan.made",
    "question.answered",
    "task.paused",
    "task.finished",
];

/// Returns the words in which a task was told the learning.
fn told(entry: &Stored, id: &str) -> Vec<String> {
    if entry.event != "task.started" {
        return Vec::new();
    }
    let event = serde_json::from_str::<Value>(&entry.payload).unwrap_or_default();
    let notes = event["notes"].as_array().into_iter().flatten().filter(|note| note["id"] == id);
    let texts = notes.filter_map(|note| note["text"].as_str().map(str::to_owned));
    texts.filter(|text| !text.is_empty()).collect()
}

/// Returns whether a text of a value has these words.
fn quotes(value: &Value, words: &str) -> bool {
    match value {
        Value::String(text) => text.contains(words),
        Value::Array(values) => values.iter().any(|value| quotes(value, words)),
        Value::Object(values) => values.values().any(|value| quotes(value, words)),
        _ => false,
    }
}

/// Removes words from every text of a value.
fn without(value: &mut Value, words: &[String]) {
    match value {
        Value::String(text) => words.iter().for_each(|words| *text = text.replace(words, "")),
        Value::Array(values) => values.iter_mut().for_each(|value| without(value, words)),
        Value::Object(values) => values.values_mut().for_each(|value| without(value, words)),
        _ => {}
    }
}

/// Returns what an entry says without the learning, which the task was told in these words.
fn masked(entry: &Stored, id: &str, told: &[String]) -> String {
    let Ok(mut event) = serde_json::from_str::<Value>(&entry.payload) else {
        return entry.payload.clone();
    };
    match entry.event.as_str() {
        "task.started" => {
            let notes = event.get_mut("notes").and_then(Value::as_array_mut);
            let notes = notes.into_iter().flatten();
            notes.filter(|note| note["id"] == id).for_each(|note| note["text"] = "".into());
        }
        "turn.started" if event.get("request").is_some() => event["request"] = "".into(),
        quoting if QUOTING.contains(&quoting) && told.iter().any(|text| quotes(&event, text)) => {
            without(&mut event, told);
        }
        _ => return entry.payload.clone(),
    }
    event.to_string()
}
