//! What is remembered: rows with their history, and the words and the meaning by which they are found.

pub(crate) mod credit;
mod forget;
mod lessons;
mod recall;
mod rows;
mod vectors;
mod words;

use openkoi_core::memory::{Change, Learning, Moment, Source, State};
use rusqlite::{OptionalExtension, Transaction};

use crate::{
    Storage,
    database::stored,
    error::StorageError,
    ident::{self, Among},
};
use rows::{COLUMNS, add, index, learning, moment, no_such, unindex};

pub(crate) use rows::word;

pub use credit::Undone;
pub use forget::Forgotten;
pub use lessons::{CAP, Lost};
pub use recall::Question;
pub(crate) use vectors::StoredVector;
pub use vectors::Unembedded;

/// All learnings.
const LEARNINGS: Among =
    Among { what: "memory", table: "learnings", title: "substr(text, 1, 200)" };

/// Which learnings are wanted, the newest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct LearningQuery<'a> {
    /// Only those that hold in this directory, which those are too that hold everywhere.
    pub workspace: Option<&'a str>,
    /// Only those that the user said.
    pub said: bool,
    /// Those too that hold no more.
    pub past: bool,
    /// At most so many.
    pub limit: Option<u32>,
}

impl Storage {
    /// Keeps something new, with its history. Returns false, and keeps nothing, if a learning with its id is there.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn remember(&self, learning: &Learning, history: &[Moment]) -> Result<bool, StorageError> {
        self.write(|transaction| keep(transaction, learning, history))
    }

    /// Keeps what is new of all these, or nothing, and returns how many were new.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn remember_all(&self, all: &[(Learning, Vec<Moment>)]) -> Result<usize, StorageError> {
        self.write(|transaction| {
            let mut new = 0;
            for (learning, history) in all {
                new += usize::from(keep(transaction, learning, history)?);
            }
            Ok(new)
        })
    }

    /// Returns learnings.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn learnings(&self, query: &LearningQuery<'_>) -> Result<Vec<Learning>, StorageError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM learnings l WHERE (?1 IS NULL OR l.workspace IN ('', ?1))
                   AND (NOT ?2 OR l.task IS NULL) AND (?3 OR l.state = 'active')
                 ORDER BY l.row DESC LIMIT ?4"
            );
            let mut statement = connection.prepare(&sql)?;
            // A negative limit is none.
            let limit = query.limit.map_or(-1, i64::from);
            let values = (query.workspace, query.said, query.past, limit);
            let rows = statement.query_map(values, learning)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Returns whether there is a learning that holds.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn remembers(&self) -> Result<bool, StorageError> {
        self.read(|connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM learnings WHERE state = 'active')";
            Ok(connection.query_row(sql, (), |row| row.get(0))?)
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
            let sql = "SELECT at_ms, change, text, times FROM learning_moments
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
            let sql = "UPDATE learnings SET text = ?2, confirmed_ms = ?3 WHERE id = ?1
                       RETURNING row, categories, state";
            let changed = transaction
                .query_row(sql, (id, text, stored(at_ms)), |row| {
                    Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
                })
                .optional()?;
            let (row, categories, state): (i64, _, _) = changed.ok_or_else(|| no_such(id))?;
            vectors::remove(transaction, row)?;
            if state == State::Active.word() {
                index(transaction, row, text, &categories)?;
            }
            add(transaction, row, &Moment::new(at_ms, Change::Edited, text))
        })
    }

    /// Says whether a learning holds. Its history has the moment; nothing else of it changes.
    ///
    /// # Errors
    ///
    /// [`StorageError::NoSuch`] if it is not there any more.
    pub fn set_state(&self, id: &str, state: State, at_ms: u64) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "SELECT row, text, categories, state FROM learnings WHERE id = ?1";
            let found = transaction.query_row(sql, [id], |row| {
                let texts = (row.get::<_, String>(1)?, row.get::<_, String>(2)?);
                Ok((row.get::<_, i64>(0)?, texts, row.get::<_, String>(3)?))
            });
            let (row, (text, categories), before) = found.optional()?.ok_or_else(|| no_such(id))?;
            if before == state.word() {
                return Ok(());
            }
            transaction
                .execute("UPDATE learnings SET state = ?2 WHERE row = ?1", (row, state.word()))?;
            match state {
                State::Active => index(transaction, row, &text, &categories)?,
                // What does not hold is not found.
                State::Superseded | State::Retired => {
                    vectors::remove(transaction, row)?;
                    unindex(transaction, row)?;
                }
            }
            add(transaction, row, &Moment::new(at_ms, state.change(), ""))
        })
    }
}

fn keep(
    transaction: &Transaction<'_>,
    learning: &Learning,
    history: &[Moment],
) -> Result<bool, StorageError> {
    let Some(row) = insert(transaction, learning)? else { return Ok(false) };
    history.iter().try_for_each(|moment| add(transaction, row, moment))?;
    Ok(true)
}

/// Inserts a learning, and returns its row unless its id is there.
fn insert(transaction: &Transaction<'_>, learning: &Learning) -> Result<Option<i64>, StorageError> {
    let sql = "INSERT INTO learnings
               (id, text, categories, workspace, task, confidence, confirmed_ms, learnt_ms, state,
                accepted, refused, undone, evidence)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
               ON CONFLICT (id) DO NOTHING RETURNING row";
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
        learning.state.word(),
        learning.uses.accepted,
        learning.uses.refused,
        learning.uses.undone,
        serde_json::json!(learning.evidence).to_string(),
    );
    let row = transaction.query_row(sql, values, |row| row.get(0)).optional()?;
    if let Some(row) = row
        && learning.state == State::Active
    {
        index(transaction, row, &learning.text, &categories)?;
    }
    Ok(row)
}
