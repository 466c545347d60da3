//! What is remembered: rows with their history, and the words by which they are found.

mod forget;
mod words;

use openkoi_core::{
    id::TaskId,
    memory::{Change, Learning, Moment, Source},
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
    ident::{self, Among},
    status::unknown_word,
};

pub use forget::Forgotten;

/// All learnings.
const LEARNINGS: Among =
    Among { what: "memory", table: "learnings", title: "substr(text, 1, 200)" };

const COLUMNS: &str =
    "l.id, l.text, l.categories, l.workspace, l.task, l.confidence, l.confirmed_ms, l.learnt_ms";

/// Which learnings are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct LearningQuery<'a> {
    /// Only those that hold in this directory, which those are too that hold everywhere.
    pub workspace: Option<&'a str>,
    /// Only those with one of the words of this text, the best first; otherwise all, the newest first.
    pub words: Option<&'a str>,
    /// Only those that the user said.
    pub said: bool,
    /// At most so many.
    pub limit: Option<u32>,
}

/// A learning that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The learning.
    pub learning: Learning,
    /// How well its words fit: more is better. 0 where no words were looked for.
    pub fit: f64,
}

impl Storage {
    /// Keeps something new, with its history. Returns false, and keeps nothing, if a learning with its id is there.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn remember(&self, learning: &Learning, history: &[Moment]) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let Some(row) = insert(transaction, learning)? else { return Ok(false) };
            for moment in history {
                add(transaction, row, moment)?;
            }
            Ok(true)
        })
    }

    /// Returns learnings.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn learnings(&self, query: &LearningQuery<'_>) -> Result<Vec<Found>, StorageError> {
        let words = query.words.map(words::query);
        if words.as_ref().is_some_and(String::is_empty) {
            return Ok(Vec::new());
        }
        self.read(|connection| match &words {
            Some(words) => matching(connection, query, words),
            None => newest(connection, query),
        })
    }

    /// Returns the learning that a person means by `typed`: the beginning of the shown or of the whole id.
    ///
    /// # Errors
    ///
    /// [`StorageError::NoSuch`], and [`StorageError::Ambiguous`] with the candidates.
    pub fn find_learning(&self, typed: &str) -> Result<Learning, StorageError> {
        self.read(|connection| {
            let id = ident::find(connection, &LEARNINGS, typed)?;
            let sql = format!("SELECT {COLUMNS} FROM learnings l WHERE l.id = ?1");
            let found = connection.query_row(&sql, [&id], learning).optional()?;
            found.ok_or(StorageError::NoSuch { what: "memory", text: id })
        })
    }

    /// Returns the life of a learning, oldest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn learning_history(&self, id: &str) -> Result<Vec<Moment>, StorageError> {
        self.read(|connection| {
            let sql = "SELECT at_ms, change, text FROM learning_moments
                       WHERE learning = (SELECT row FROM learnings WHERE id = ?1) ORDER BY row";
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([id], moment)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Gives a learning other words. Its history keeps those before.
    ///
    /// # Errors
    ///
    /// [`StorageError::NoSuch`] if it is not there any more.
    pub fn reword(&self, id: &str, text: &str, at_ms: u64) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "UPDATE learnings SET text = ?2, confirmed_ms = ?3 WHERE id = ?1 RETURNING row, categories";
            let changed = transaction
                .query_row(sql, (id, text, stored(at_ms)), |row| {
                    Ok((row.get(0)?, row.get::<_, String>(1)?))
                })
                .optional()?;
            let none = || StorageError::NoSuch { what: "memory", text: id.to_owned() };
            let (row, categories): (i64, _) = changed.ok_or_else(none)?;
            index(transaction, row, text, &categories)?;
            add(transaction, row, &Moment { at_ms, change: Change::Edited, text: text.to_owned() })
        })
    }
}

/// Inserts a learning, and returns its row unless its id is there.
fn insert(transaction: &Transaction<'_>, learning: &Learning) -> Result<Option<i64>, StorageError> {
    let sql = "INSERT INTO learnings
               (id, text, categories, workspace, task, confidence, confirmed_ms, learnt_ms)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING RETURNING row";
    let task = match &learning.source {
        Source::User => None,
        Source::Task(task) => Some(task.as_str()),
    };
    let categories = serde_json::json!(learning.categories).to_string();
    let values = (
        &learning.id,
        &learning.text,
        &categories,
        learning.workspace.as_deref().unwrap_or_default(),
        task,
        learning.confidence,
        stored(learning.confirmed_ms),
        stored(learning.learnt_ms),
    );
    let row = transaction.query_row(sql, values, |row| row.get(0)).optional()?;
    if let Some(row) = row {
        index(transaction, row, &learning.text, &categories)?;
    }
    Ok(row)
}

/// Lets a learning be found by these words.
fn index(
    transaction: &Transaction<'_>,
    row: i64,
    text: &str,
    categories: &str,
) -> Result<(), StorageError> {
    transaction.execute("DELETE FROM learnings_words WHERE rowid = ?1", [row])?;
    let sql = "INSERT INTO learnings_words (rowid, text, categories) VALUES (?1, ?2, ?3)";
    transaction.execute(sql, (row, text, categories))?;
    Ok(())
}

fn add(transaction: &Transaction<'_>, row: i64, moment: &Moment) -> Result<(), StorageError> {
    let sql =
        "INSERT INTO learning_moments (learning, at_ms, change, text) VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(sql, (row, stored(moment.at_ms), moment.change.word(), &moment.text))?;
    Ok(())
}

fn matching(
    connection: &Connection,
    query: &LearningQuery<'_>,
    words: &str,
) -> Result<Vec<Found>, StorageError> {
    let sql = format!(
        "SELECT {COLUMNS}, -w.rank FROM learnings_words w JOIN learnings l ON l.row = w.rowid
         WHERE learnings_words MATCH ?1 AND (?2 IS NULL OR l.workspace IN ('', ?2))
           AND (NOT ?3 OR l.task IS NULL)
         ORDER BY w.rank, l.row DESC LIMIT ?4"
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map((words, query.workspace, query.said, limit(query)), |row| {
        Ok(Found { learning: learning(row)?, fit: row.get(8)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn newest(connection: &Connection, query: &LearningQuery<'_>) -> Result<Vec<Found>, StorageError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM learnings l WHERE (?1 IS NULL OR l.workspace IN ('', ?1))
           AND (NOT ?2 OR l.task IS NULL)
         ORDER BY l.row DESC LIMIT ?3"
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map((query.workspace, query.said, limit(query)), |row| {
        Ok(Found { learning: learning(row)?, fit: 0.0 })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// A negative limit is none.
fn limit(query: &LearningQuery<'_>) -> i64 {
    query.limit.map_or(-1, i64::from)
}

fn learning(row: &Row<'_>) -> rusqlite::Result<Learning> {
    let (categories, workspace): (String, String) = (row.get(2)?, row.get(3)?);
    let task: Option<String> = row.get(4)?;
    Ok(Learning {
        id: row.get(0)?,
        text: row.get(1)?,
        categories: serde_json::from_str(&categories).map_err(|_| unknown_word(&categories))?,
        workspace: Some(workspace).filter(|path| !path.is_empty()),
        source: task.map_or(Source::User, |task| Source::Task(TaskId::new(task))),
        confidence: row.get(5)?,
        confirmed_ms: count(row.get(6)?),
        learnt_ms: count(row.get(7)?),
    })
}

fn moment(row: &Row<'_>) -> rusqlite::Result<Moment> {
    let word: String = row.get(1)?;
    let change = Change::ALL.into_iter().find(|change| change.word() == word);
    Ok(Moment {
        at_ms: count(row.get(0)?),
        change: change.ok_or_else(|| unknown_word(&word))?,
        text: row.get(2)?,
    })
}
