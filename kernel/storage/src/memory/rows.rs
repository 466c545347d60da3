//! Learnings and the moments of their lives, as rows.

use openkoi_core::{
    id::TaskId,
    memory::{Change, Learning, Moment, Source, State, Uses},
};
use rusqlite::{Row, Transaction};

use crate::{
    database::{count, stored},
    error::StorageError,
    status::unknown_word,
};

/// The columns of a learning, as [`learning`] reads them.
pub(super) const COLUMNS: &str = "l.id, l.text, l.categories, l.workspace, l.task, l.confidence, l.confirmed_ms, l.learnt_ms, \
                       l.state, l.accepted, l.refused, l.undone, l.evidence";

/// Says that there is no learning of this id.
pub(super) fn no_such(id: &str) -> StorageError {
    StorageError::NoSuch { what: "memory", text: id.to_owned() }
}

/// Lets a learning be found by these words.
pub(super) fn index(
    transaction: &Transaction<'_>,
    row: i64,
    text: &str,
    categories: &str,
) -> Result<(), StorageError> {
    unindex(transaction, row)?;
    let sql = "INSERT INTO learnings_words (rowid, text, categories) VALUES (?1, ?2, ?3)";
    transaction.execute(sql, (row, text, categories))?;
    Ok(())
}

/// Lets a learning be found by no words.
pub(super) fn unindex(transaction: &Transaction<'_>, row: i64) -> Result<(), StorageError> {
    transaction.execute("DELETE FROM learnings_words WHERE rowid = ?1", [row])?;
    Ok(())
}

/// Adds a moment to the history of a learning.
pub(super) fn add(
    transaction: &Transaction<'_>,
    row: i64,
    moment: &Moment,
) -> Result<(), StorageError> {
    let sql = "INSERT INTO learning_moments (learning, at_ms, change, text, times)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let Moment { at_ms, change, text, times } = moment;
    transaction.execute(sql, (row, stored(*at_ms), change.word(), text, times))?;
    Ok(())
}

/// Reads a learning.
pub(super) fn learning(row: &Row<'_>) -> rusqlite::Result<Learning> {
    let (categories, workspace): (String, String) = (row.get(2)?, row.get(3)?);
    let (task, evidence): (Option<String>, String) = (row.get(4)?, row.get(12)?);
    Ok(Learning {
        id: row.get(0)?,
        text: row.get(1)?,
        categories: serde_json::from_str(&categories).map_err(|_| unknown_word(&categories))?,
        workspace: Some(workspace).filter(|path| !path.is_empty()),
        source: task.map_or(Source::User, |task| Source::Task(TaskId::new(task))),
        confidence: row.get(5)?,
        confirmed_ms: count(row.get(6)?),
        learnt_ms: count(row.get(7)?),
        state: word(row.get(8)?, &State::ALL, State::word)?,
        uses: Uses { accepted: row.get(9)?, refused: row.get(10)?, undone: row.get(11)? },
        evidence: serde_json::from_str(&evidence).map_err(|_| unknown_word(&evidence))?,
    })
}

/// Reads a moment.
pub(super) fn moment(row: &Row<'_>) -> rusqlite::Result<Moment> {
    Ok(Moment {
        at_ms: count(row.get(0)?),
        change: word(row.get(1)?, &Change::ALL, Change::word)?,
        text: row.get(2)?,
        times: row.get(3)?,
    })
}

/// Returns that one of `all` which has this word.
pub(crate) fn word<T: Copy>(
    found: String,
    all: &[T],
    of: fn(T) -> &'static str,
) -> rusqlite::Result<T> {
    all.iter().copied().find(|one| of(*one) == found).ok_or_else(|| unknown_word(&found))
}
