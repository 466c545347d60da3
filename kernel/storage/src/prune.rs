//! What a finished task may lose with time: the course of its run. Its row, its request and its outcome stay.

use openkoi_core::{
    event::{Entry, Event},
    id::{SessionId, TaskId},
};
use rusqlite::Connection;

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
    output, records,
};

/// The entries that stay: they say what was asked and what came of it. A conversation is read from them.
const STAYS: &str = "('task.started', 'task.steered', 'task.finished')";

/// Returns true if a journal has the beginning and the end of a run, and nothing of what was between them.
pub fn is_pruned(entries: &[Entry]) -> bool {
    let stays = |entry: &Entry| STAYS.contains(&format!("'{}'", entry.event.name()));
    let ran = |entry: &Entry| matches!(&entry.event, Event::TaskFinished { outcome } if outcome.iterations > 0);
    entries.iter().all(stays) && entries.iter().any(ran)
}

/// A finished task that still has the course of its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldTask {
    /// Its id.
    pub id: TaskId,
    /// Its session.
    pub session: SessionId,
    /// When it ended, in milliseconds since 1970.
    pub ended_ms: u64,
}

impl Storage {
    /// Returns the finished tasks that ended before a time and were not pruned yet, the oldest first. A task that can
    /// still go on without a changed limit is never among them.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn finished_before(&self, before_ms: u64) -> Result<Vec<OldTask>, StorageError> {
        self.read(|connection| old_tasks(connection, before_ms))
    }

    /// Removes the course of the runs of these tasks, and the files with their answers. What was asked, what came of
    /// it and what it cost stays; a task on which somebody works is left as it is.
    ///
    /// # Errors
    ///
    /// When the database or a file cannot be written; calling again goes on.
    pub fn forget_runs(&self, tasks: &[OldTask]) -> Result<(), StorageError> {
        for task in tasks {
            let Ok(_lease) = self.claim_task(&task.id) else { continue };
            self.write(|transaction| {
                let sql = format!("DELETE FROM entries WHERE task = ?1 AND event NOT IN {STAYS}");
                transaction.prepare_cached(&sql)?.execute([task.id.as_str()])?;
                records::forget_course(transaction, &task.id)
            })?;
            output::remove(self, &task.session, &task.id)?;
        }
        Ok(())
    }

    /// Gives the room of what was removed back to the disk.
    ///
    /// # Errors
    ///
    /// When the disk has no room for the smaller copy that this makes first.
    pub fn compact(&self) -> Result<(), StorageError> {
        self.with_writer(&mut |connection| Ok(connection.execute_batch("VACUUM")?))?;
        self.empty_log()
    }
}

fn old_tasks(connection: &Connection, before_ms: u64) -> Result<Vec<OldTask>, StorageError> {
    let sql = format!(
        "SELECT id, session, ended_ms FROM tasks t
         WHERE status IN ('accepted', 'stopped') AND ended_ms < ?1
           AND EXISTS (SELECT 1 FROM entries e WHERE e.task = t.id AND e.event NOT IN {STAYS})
         ORDER BY ended_ms"
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map([stored(before_ms)], |row| {
        Ok(OldTask {
            id: TaskId::new(row.get::<_, String>(0)?),
            session: SessionId::new(row.get::<_, String>(1)?),
            ended_ms: count(row.get(2)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
