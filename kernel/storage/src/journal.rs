//! The append-only record of runs.
//!
//! Entries with their hashes, the rows they change and their places in the order are one transaction. When
//! [`Journal::append`] returns they survive the end of the program; with an `fsync`, that facts may share which nothing
//! outside follows from, they survive a power cut, but for what was asked of models within a second. The numbers that entries come with are not
//! believed: each gets the number after the last one's. Only the process that holds the task's lease
//! appends to it.

use std::sync::atomic::Ordering;

use openkoi_brokers::failpoint::{Point, hit};
use openkoi_core::{
    evaluation::Verdict,
    event::{Durability, Entry, Event},
    id::{SessionId, TaskId, TreeId},
    port::{Journal, JournalError},
};
use rusqlite::{Connection, Row, Transaction};

use crate::{
    Storage,
    chain::{self, Link, Tail},
    contents,
    database::{CommitSpeed, count, stored},
    error::StorageError,
    lines::Folded,
    memory,
    payload::{decode, decode_whole, encode},
    records, skill_uses, tasks, usage, webhooks,
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
    /// Appends `entries` to the task's journal. They outlive the program when this returns, and a power cut too unless they
    /// may reach the disk later.
    ///
    /// # Errors
    ///
    /// None of the entries is there, or all are, unacknowledged.
    pub fn append_entries(&self, task: &TaskId, entries: &[Entry]) -> Result<(), StorageError> {
        self.leases().ensure_task(task)?;
        let folded = entries.iter().map(|entry| encode(task, &entry.event));
        let folded = folded.collect::<Result<Vec<_>, _>>()?;
        self.pass(Point::JournalAppendBefore)?;
        let at_ms = entries.last().map_or(0, |entry| entry.at_ms);
        let speed = self.speed_of(entries, at_ms);
        let contents = self.waiting_contents();
        let written = self.write_at(speed, |transaction| {
            contents::keep(transaction, &contents, at_ms)?;
            let mut tail = Tail::of(transaction, task)?;
            for (entry, folded) in entries.iter().zip(&folded) {
                tail = insert(transaction, task, entry, folded, &tail)?;
            }
            Ok(())
        });
        if written.is_err() {
            self.give_back(contents);
        }
        written?;
        if speed == CommitSpeed::DiskFirst {
            self.synced_ms().store(at_ms, Ordering::Relaxed);
        }
        self.pass(Point::JournalAppendAfter)?;
        if entries.iter().any(ends) {
            self.leases().release_implied(task);
        }
        Ok(())
    }

    fn speed_of(&self, entries: &[Entry], at_ms: u64) -> CommitSpeed {
        // A clock that went back says nothing.
        let since = at_ms.checked_sub(self.synced_ms().load(Ordering::Relaxed));
        match Entry::durability(entries) {
            Durability::Soon if since.is_some_and(|since| since < Durability::SOON_MS) => {
                CommitSpeed::DiskLater
            }
            Durability::Now | Durability::Soon => CommitSpeed::DiskFirst,
            Durability::Later => CommitSpeed::DiskLater,
        }
    }

    /// Returns all entries of the task, oldest first.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read. A task that is not known has no entries.
    pub fn entries(&self, task: &TaskId) -> Result<Vec<Entry>, StorageError> {
        self.read(|connection| entries(connection, task))
    }

    /// Returns at most `limit` entries of the task after the one with this number, oldest first.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read. A task that is not known has no entries.
    pub fn entries_after(
        &self,
        task: &TaskId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Entry>, StorageError> {
        let sql = "SELECT key, at_ms, elapsed_ms, payload, seq, event FROM entries
                   WHERE task = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query((task.as_str(), stored(after), limit))?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                let what = || format!("an entry of task {}", task.short());
                entries.push(entry(connection, row, &what)?);
            }
            Ok(entries)
        })
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

/// Returns whether the run is over after this entry, until it is resumed.
fn ends(entry: &Entry) -> bool {
    matches!(entry.event, Event::TaskFinished { .. } | Event::TaskPaused { .. })
}

/// Inserts an entry after `tail`, and returns where the next one goes.
fn insert(
    transaction: &Transaction<'_>,
    task: &TaskId,
    entry: &Entry,
    folded: &Folded,
    tail: &Tail,
) -> Result<Tail, StorageError> {
    // What an entry is numbered is decided here; what it came with is not believed.
    let seq = tail.seq + 1;
    tasks::project(transaction, task, entry, seq)?;
    usage::project(transaction, task, entry)?;
    webhooks::project(transaction, task, entry, seq)?;
    memory::credit::project(transaction, task, &entry.event)?;
    skill_uses::project(transaction, task, entry)?;
    records::project(transaction, task, entry)?;
    folded.keep(transaction)?;
    let payload = &folded.payload;
    let name = entry.event.name();
    let (at_ms, elapsed_ms) = (stored(entry.at_ms), stored(entry.elapsed_ms));
    let (key, event, said) = (entry.key.as_bytes(), name.as_bytes(), payload.as_bytes());
    let link = Link { seq, key, event, at_ms, elapsed_ms, payload: said };
    let hash = link.hash_after(&tail.hash);
    let sql = "INSERT INTO entries (task, seq, key, event, at_ms, elapsed_ms, payload, chain)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let row = (task.as_str(), seq, &entry.key, name, at_ms, elapsed_ms, payload, &hash);
    transaction.prepare_cached(sql)?.execute(row)?;
    if ends(entry) {
        chain::keep_end(transaction, task, &hash)?;
    }
    Ok(Tail { seq, hash })
}

fn entries(connection: &Connection, task: &TaskId) -> Result<Vec<Entry>, StorageError> {
    let sql = "SELECT key, at_ms, elapsed_ms, payload, seq, event FROM entries WHERE task = ?1 ORDER BY seq";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([task.as_str()])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let number = entries.len() + 1;
        entries
            .push(entry(connection, row, &|| format!("entry {number} of task {}", task.short()))?);
    }
    Ok(entries)
}

/// Reads an entry from the columns key, at_ms, elapsed_ms, payload, seq and event.
fn entry(
    connection: &Connection,
    row: &Row<'_>,
    what: &dyn Fn() -> String,
) -> Result<Entry, StorageError> {
    let (payload, name): (String, String) = (row.get(3)?, row.get(5)?);
    Ok(Entry {
        seq: count(row.get(4)?),
        key: row.get(0)?,
        at_ms: count(row.get(1)?),
        elapsed_ms: count(row.get(2)?),
        event: decode_whole(connection, &name, &payload, what)?,
    })
}
