//! The append-only record of runs.
//!
//! Entries, the rows they change and their places in the order are one transaction, and one `fsync`: when
//! [`Journal::append`] returns, they survive a power cut. Only the process that holds the task's lease
//! appends to it.

use openkoi_brokers::failpoint::{Point, hit};
use openkoi_core::{
    evaluation::Verdict,
    event::{Entry, Event},
    id::{SessionId, TaskId, TreeId},
    port::{Journal, JournalError},
};
use rusqlite::{Connection, Row, Transaction};

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
    payload::{decode, encode},
    tasks, usage,
};

impl Journal for Storage {
    fn append(&self, task: &TaskId, entries: &[Entry]) -> Result<(), JournalError> {
        Ok(self.append_entries(task, entries)?)
    }

    fn load(&self, task: &TaskId) -> Result<Vec<Entry>, JournalError> {
        Ok(self.entries(task)?)
    }
}

impl Storage {
    /// Appends `entries` to the task's journal; they are durable when this returns.
    ///
    /// # Errors
    ///
    /// None of the entries is there, or all are, unacknowledged.
    pub fn append_entries(&self, task: &TaskId, entries: &[Entry]) -> Result<(), StorageError> {
        self.leases().ensure_task(task)?;
        let payloads = entries.iter().map(|entry| encode(task, &entry.event));
        let payloads = payloads.collect::<Result<Vec<_>, _>>()?;
        self.pass(Point::JournalAppendBefore)?;
        self.write(|transaction| {
            let mut rows = entries.iter().zip(&payloads);
            rows.try_for_each(|(entry, payload)| insert(transaction, task, entry, payload))
        })?;
        self.pass(Point::JournalAppendAfter)?;
        let ends = |entry: &Entry| {
            matches!(entry.event, Event::TaskFinished { .. } | Event::TaskPaused { .. })
        };
        if entries.iter().any(ends) {
            self.leases().release_implied(task);
        }
        Ok(())
    }

    /// Returns all entries of the task, oldest first.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read. A task that is not known has no entries.
    pub fn entries(&self, task: &TaskId) -> Result<Vec<Entry>, StorageError> {
        self.read(|connection| entries(connection, task))
    }

    /// Returns what `evaluator` said of this tree for one of the last tasks of the session, at `since_ms` or later.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub fn verdict_on(
        &self,
        session: &SessionId,
        evaluator: &str,
        tree: &TreeId,
        since_ms: u64,
    ) -> Result<Option<Verdict>, StorageError> {
        let sql = "SELECT payload FROM entries
                   WHERE event = 'evaluation.finished' AND at_ms >= ?2
                     AND task IN (SELECT id FROM tasks WHERE session = ?1 ORDER BY seq DESC LIMIT 3)
                   ORDER BY row DESC LIMIT 20";
        let what = || format!("the verdicts of session {}", session.short());
        self.read(|connection| {
            let mut statement = connection.prepare(sql)?;
            let mut rows = statement.query((session.as_str(), stored(since_ms)))?;
            while let Some(row) = rows.next()? {
                let payload: String = row.get(0)?;
                if let Event::EvaluationFinished { evaluator: by, result: Ok(verdict), tree: of } =
                    decode(&payload, &what)?
                    && by == evaluator
                    && of.as_ref() == Some(tree)
                {
                    return Ok(Some(verdict));
                }
            }
            Ok(None)
        })
    }

    fn pass(&self, point: Point) -> Result<(), StorageError> {
        hit(point).map_err(|error| StorageError::io(self.path(), error))
    }
}

fn insert(
    transaction: &Transaction<'_>,
    task: &TaskId,
    entry: &Entry,
    payload: &str,
) -> Result<(), StorageError> {
    tasks::project(transaction, task, entry)?;
    usage::project(transaction, task, entry)?;
    let sql = "INSERT INTO entries (task, seq, key, event, at_ms, elapsed_ms, payload)
               SELECT ?1, 1 + coalesce(max(seq), 0), ?2, ?3, ?4, ?5, ?6
               FROM entries WHERE task = ?1";
    let (at, elapsed) = (stored(entry.at_ms), stored(entry.elapsed_ms));
    let row = (task.as_str(), &entry.key, entry.event.name(), at, elapsed, payload);
    transaction.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

fn entries(connection: &Connection, task: &TaskId) -> Result<Vec<Entry>, StorageError> {
    let sql = "SELECT key, at_ms, elapsed_ms, payload FROM entries WHERE task = ?1 ORDER BY seq";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([task.as_str()])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let number = entries.len() + 1;
        entries.push(entry(row, &|| format!("entry {number} of task {}", task.short()))?);
    }
    Ok(entries)
}

/// Reads an entry from the columns key, at_ms, elapsed_ms and payload.
fn entry(row: &Row<'_>, what: &dyn Fn() -> String) -> Result<Entry, StorageError> {
    let payload: String = row.get(3)?;
    Ok(Entry {
        key: row.get(0)?,
        at_ms: count(row.get(1)?),
        elapsed_ms: count(row.get(2)?),
        event: decode(&payload, what)?,
    })
}
