//! The chain of a journal: whether its entries are still what was written.
//!
//! Each entry is stored with a hash over the hash before it and over everything that the entry says. A replay notices
//! what would change the run; the chain also notices what would not: an answer of a person, a time, a target. A task
//! keeps the hash of its last end, so that a journal without its last entries is noticed too.
//!
//! There is no key in it. It finds damage and edits, not somebody who computes the whole chain anew.

use openkoi_core::{hash, id::TaskId};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, types::ValueRef};

use crate::{Storage, error::StorageError, lines};

/// The result of checking the chain of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chain {
    /// No entry has a hash: an earlier release wrote all of them.
    None,
    /// Every entry from this number on is as it was written. Those before it, if any, are of an earlier release.
    Whole {
        /// The number of the first entry that has a hash, counted from 1.
        from: u64,
    },
    /// An entry is not as it was written.
    Broken(BrokenEntry),
}

/// The first entry of a journal that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokenEntry {
    /// It says something else, or stands in another place, or did not come from a run.
    Altered {
        /// Its number, counted from 1.
        seq: u64,
        /// The key that it has now.
        key: String,
        /// The name of the event that it has now.
        event: String,
    },
    /// It is not there any more.
    Removed {
        /// The number that it had.
        seq: u64,
    },
}

impl Storage {
    /// Checks the chain of a task's journal, and finds the first entry that is not as it was written.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub fn check_chain(&self, task: &TaskId) -> Result<Chain, StorageError> {
        self.read(|connection| check(connection, task))
    }
}

/// An entry as its row says it.
pub(crate) struct Link<'a> {
    pub(crate) seq: i64,
    pub(crate) key: &'a [u8],
    pub(crate) event: &'a [u8],
    pub(crate) at_ms: i64,
    pub(crate) elapsed_ms: i64,
    pub(crate) payload: &'a [u8],
}

/// The end of a journal, where the next entry is appended.
pub(crate) struct Tail {
    /// The number of the last entry; 0 if there is none.
    pub(crate) seq: i64,
    /// The hash that the next entry follows. The first one follows the task's id, so that entries of another task do
    /// not fit.
    pub(crate) hash: String,
}

impl Tail {
    /// Returns the end of the task's journal.
    pub(crate) fn of(transaction: &Transaction<'_>, task: &TaskId) -> Result<Self, StorageError> {
        let sql = "SELECT seq, chain FROM entries WHERE task = ?1 ORDER BY seq DESC LIMIT 1";
        let last = transaction
            .prepare_cached(sql)?
            .query_row([task.as_str()], |row| Ok((row.get(0)?, row.get::<_, Option<String>>(1)?)))
            .optional()?;
        let (seq, hash) = last.unwrap_or_default();
        Ok(Self { seq, hash: hash.unwrap_or_else(|| task.as_str().to_owned()) })
    }
}

impl Link<'_> {
    /// Returns the hash of this entry after the hash `before`.
    pub(crate) fn hash_after(&self, before: &str) -> String {
        let [seq, at, elapsed] = [self.seq, self.at_ms, self.elapsed_ms].map(i64::to_be_bytes);
        hash::of_parts(&[
            before.as_bytes(),
            &seq,
            self.key,
            self.event,
            &at,
            &elapsed,
            self.payload,
        ])
    }

    /// Returns whether the lists that the entry names are as they were written.
    fn has_its_lines(&self, connection: &Connection) -> Result<bool, StorageError> {
        if self.event != lines::EVENT.as_bytes() {
            return Ok(true);
        }
        let Ok(payload) = std::str::from_utf8(self.payload) else { return Ok(false) };
        Ok(lines::unfold(connection, payload)?.is_ok())
    }

    fn altered(&self) -> Chain {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Chain::Broken(BrokenEntry::Altered {
            seq: number(self.seq),
            key: text(self.key),
            event: text(self.event),
        })
    }
}

/// Keeps the hash of an entry with which a run ended or paused.
pub(crate) fn keep_end(
    transaction: &Transaction<'_>,
    task: &TaskId,
    hash: &str,
) -> Result<(), StorageError> {
    let sql = "UPDATE tasks SET chain = ?2 WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute((task.as_str(), hash))?;
    Ok(())
}

/// What is known while a journal is walked through.
struct Walk {
    /// The number of the first entry that has a hash.
    from: Option<u64>,
    /// The entry before.
    last: i64,
    before: String,
    /// What to say of the last entry without a hash, if it should have one.
    bare: Option<Chain>,
    /// The hash of the last end, until the entry is found that has it.
    end: Option<String>,
}

fn check(connection: &Connection, task: &TaskId) -> Result<Chain, StorageError> {
    let sql = "SELECT seq, key, event, at_ms, elapsed_ms, payload, chain FROM entries
               WHERE task = ?1 ORDER BY seq";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([task.as_str()])?;
    let (before, end) = (task.as_str().to_owned(), end(connection, task)?);
    let mut walk = Walk { from: None, last: 0, before, bare: None, end };
    while let Some(row) = rows.next()? {
        if let Some(broken) = walk.step(connection, row)? {
            return Ok(broken);
        }
    }
    Ok(walk.over())
}

/// Returns the hash of the task's last end, if it was kept.
fn end(connection: &Connection, task: &TaskId) -> Result<Option<String>, StorageError> {
    let sql = "SELECT chain FROM tasks WHERE id = ?1";
    let end = connection.query_row(sql, [task.as_str()], |row| row.get(0)).optional()?;
    Ok(end.flatten())
}

impl Walk {
    /// Takes the next entry, and says so if it does not follow from the one before.
    fn step(
        &mut self,
        connection: &Connection,
        row: &Row<'_>,
    ) -> Result<Option<Chain>, StorageError> {
        let link = link(row)?;
        if link.seq != self.last + 1 {
            return Ok(Some(removed(self.last + 1)));
        }
        self.last = link.seq;
        let Some(stored) = row.get::<_, Option<String>>(6)? else {
            // Once there is a chain, every entry is part of it.
            self.bare = Some(link.altered());
            return Ok(self.bare.take_if(|_| self.from.is_some()));
        };
        if stored != link.hash_after(&self.before) || !link.has_its_lines(connection)? {
            return Ok(Some(link.altered()));
        }
        self.from.get_or_insert(number(link.seq));
        self.end.take_if(|end| *end == stored);
        self.before = stored;
        Ok(None)
    }

    /// Says what the whole journal comes to.
    fn over(self) -> Chain {
        match (self.from, self.end) {
            (Some(_), Some(_)) => removed(self.last + 1),
            (None, Some(_)) => self.bare.unwrap_or_else(|| removed(self.last + 1)),
            (Some(from), None) => Chain::Whole { from },
            (None, None) => Chain::None,
        }
    }
}

fn removed(seq: i64) -> Chain {
    Chain::Broken(BrokenEntry::Removed { seq: number(seq) })
}

fn number(seq: i64) -> u64 {
    crate::database::count(seq)
}

/// Reads the columns seq, key, event, at_ms, elapsed_ms and payload.
fn link<'a>(row: &'a Row<'_>) -> Result<Link<'a>, StorageError> {
    // What is damaged need not be UTF-8.
    let bytes = |column: usize| match row.get_ref(column) {
        Ok(ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => Ok(bytes),
        Ok(_) => Ok(&[][..]),
        Err(error) => Err(error),
    };
    Ok(Link {
        seq: row.get(0)?,
        key: bytes(1)?,
        event: bytes(2)?,
        at_ms: row.get(3)?,
        elapsed_ms: row.get(4)?,
        payload: bytes(5)?,
    })
}
