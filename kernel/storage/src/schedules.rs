//! Tasks that begin by themselves, at times or when files change. What makes one due is said in words that its owner reads; here it
//! is text.

use openkoi_core::id::TaskId;
use rusqlite::{Connection, Row};

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
    ident::{self, Among},
};

const SCHEDULES: Among =
    Among { what: "schedule", table: "schedules", title: "substr(text, 1, 200)" };
/// The most runs that are kept of a schedule.
const RUNS: u32 = 1_000;

/// A schedule that is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSchedule {
    /// Its id.
    pub id: String,
    /// The words of the task.
    pub text: String,
    /// The directory to work in.
    pub workspace: String,
    /// The rest, as JSON.
    pub spec: String,
}

/// One schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRecord {
    /// Its id.
    pub id: String,
    /// The words of the task.
    pub text: String,
    /// The directory to work in.
    pub workspace: String,
    /// The rest, as JSON.
    pub spec: String,
    /// When it was made, in milliseconds since 1970.
    pub made_ms: u64,
    /// The time until which everything that was due is dealt with.
    pub looked_ms: u64,
    /// True if nothing begins until it is resumed.
    pub is_paused: bool,
    /// What is to be said of the last time that it was due, with when that was.
    pub note: Option<(String, u64)>,
    /// The last run: its task, and when it was due.
    pub last: Option<(TaskId, u64)>,
}

impl Storage {
    /// Keeps a new schedule.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn add_schedule(&self, new: &NewSchedule, at_ms: u64) -> Result<(), StorageError> {
        let sql = "INSERT INTO schedules (id, text, workspace, spec, made_ms, looked_ms, is_paused)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0)";
        self.write(|transaction| {
            let row = (&new.id, &new.text, &new.workspace, &new.spec, stored(at_ms));
            transaction.execute(sql, row)?;
            Ok(())
        })
    }

    /// Returns all schedules, oldest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn schedules(&self) -> Result<Vec<ScheduleRecord>, StorageError> {
        self.read(|connection| select(connection, "ORDER BY s.seq", ()))
    }

    /// Returns the schedule that a person means by `typed`: the beginning of the shown or of the whole id.
    ///
    /// # Errors
    ///
    /// [`StorageError::NoSuch`], and [`StorageError::Ambiguous`] with the candidates.
    pub fn find_schedule(&self, typed: &str) -> Result<ScheduleRecord, StorageError> {
        self.read(|connection| {
            let id = ident::find(connection, &SCHEDULES, typed)?;
            let found = select(connection, "WHERE s.id = ?1", [&id])?.pop();
            found.ok_or_else(|| StorageError::NoSuch { what: "schedule", text: typed.to_owned() })
        })
    }

    /// Stops a schedule from beginning anything, or lets it go on from now.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn pause_schedule(&self, id: &str, paused: bool, at_ms: u64) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "UPDATE schedules
                       SET is_paused = ?2, looked_ms = ?3, note = NULL, noted_ms = NULL
                       WHERE id = ?1 AND is_paused != ?2";
            transaction.execute(sql, (id, paused, stored(at_ms)))?;
            Ok(())
        })
    }

    /// Removes a schedule. Its tasks stay.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn remove_schedule(&self, id: &str) -> Result<(), StorageError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM schedules WHERE id = ?1", [id])?;
            Ok(())
        })
    }

    /// Notes that a schedule began a task that was due then, and that all until `looked_ms` is dealt with. Noting it again
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn note_run(
        &self,
        id: &str,
        task: &TaskId,
        due_ms: u64,
        looked_ms: u64,
        note: Option<&str>,
    ) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "INSERT INTO schedule_runs (schedule, task, due_ms)
                       SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM schedules WHERE id = ?1)
                       ON CONFLICT (task) DO NOTHING";
            transaction.execute(sql, (id, task.as_str(), stored(due_ms)))?;
            let sql = "DELETE FROM schedule_runs WHERE schedule = ?1 AND seq <=
                       (SELECT seq FROM schedule_runs WHERE schedule = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)";
            transaction.execute(sql, (id, RUNS))?;
            looked(transaction, id, looked_ms, note.map(|note| (note, due_ms)))
        })
    }

    /// Notes that all until `looked_ms` is dealt with, and what is to be said of it.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn note_look(
        &self,
        id: &str,
        looked_ms: u64,
        note: Option<(&str, u64)>,
    ) -> Result<(), StorageError> {
        self.write(|transaction| looked(transaction, id, looked_ms, note))
    }

    /// Returns what the tasks of a schedule that were due since then cost, in millionths of a dollar.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn spent_by_schedule(&self, id: &str, since_ms: u64) -> Result<u64, StorageError> {
        let sql = "SELECT coalesce(sum(t.cost_micros), 0)
                   FROM schedule_runs r JOIN tasks t ON t.id = r.task
                   WHERE r.schedule = ?1 AND r.due_ms >= ?2";
        self.read(|connection| {
            let row = (id, stored(since_ms));
            Ok(count(connection.prepare_cached(sql)?.query_row(row, |row| row.get(0))?))
        })
    }

    /// Returns the tasks that a schedule began, newest first, with when they were due.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn schedule_runs(&self, id: &str, limit: u32) -> Result<Vec<(TaskId, u64)>, StorageError> {
        let sql =
            "SELECT task, due_ms FROM schedule_runs WHERE schedule = ?1 ORDER BY seq DESC LIMIT ?2";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map((id, limit), |row| {
                Ok((TaskId::new(row.get::<_, String>(0)?), count(row.get(1)?)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

fn looked(
    connection: &Connection,
    id: &str,
    looked_ms: u64,
    note: Option<(&str, u64)>,
) -> Result<(), StorageError> {
    let sql = "UPDATE schedules SET looked_ms = ?2, note = ?3, noted_ms = ?4 WHERE id = ?1";
    let (note, noted_ms) = note.unzip();
    connection.prepare_cached(sql)?.execute((id, stored(looked_ms), note, noted_ms.map(stored)))?;
    Ok(())
}

fn select(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<ScheduleRecord>, StorageError> {
    let sql = format!(
        "SELECT s.id, s.text, s.workspace, s.spec, s.made_ms, s.looked_ms, s.is_paused, s.note,
                s.noted_ms, r.task, r.due_ms
         FROM schedules s LEFT JOIN schedule_runs r ON r.seq =
             (SELECT max(seq) FROM schedule_runs WHERE schedule = s.id) {condition}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(parameters, record)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn record(row: &Row<'_>) -> rusqlite::Result<ScheduleRecord> {
    let note: Option<String> = row.get(7)?;
    let task: Option<String> = row.get(9)?;
    Ok(ScheduleRecord {
        id: row.get(0)?,
        text: row.get(1)?,
        workspace: row.get(2)?,
        spec: row.get(3)?,
        made_ms: count(row.get(4)?),
        looked_ms: count(row.get(5)?),
        is_paused: row.get(6)?,
        note: note.zip(row.get::<_, Option<i64>>(8)?.map(count)),
        last: task.map(TaskId::new).zip(row.get::<_, Option<i64>>(10)?.map(count)),
    })
}

#[cfg(test)]
mod tests {
    use openkoi_core::{
        id::SessionId,
        queue::{Queue, Submission},
    };

    use super::*;

    #[test]
    fn a_schedule_keeps_its_runs_and_its_last_word_until_it_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let storage = Storage::open(home.path()).unwrap();
        let new = NewSchedule {
            id: "01pond".to_owned(),
            text: "feed the fish".to_owned(),
            workspace: "/pond".to_owned(),
            spec: "{}".to_owned(),
        };
        storage.add_schedule(&new, 5).unwrap();
        let task = TaskId::new("a1");
        let submission = Submission {
            task: task.clone(),
            session: SessionId::new("s1"),
            text: new.text.clone(),
            workspace: new.workspace.clone(),
            request: "{}".to_owned(),
            priority: 0,
            key: None,
        };
        storage.submit(&submission, 7).unwrap();

        storage.note_run(&new.id, &task, 7, 8, None).unwrap();
        storage.note_run(&new.id, &task, 7, 8, None).unwrap();
        storage.note_look(&new.id, 9, Some(("left out", 9))).unwrap();

        let kept = storage.find_schedule("01p").unwrap();
        assert_eq!((kept.made_ms, kept.looked_ms, kept.is_paused), (5, 9, false));
        assert_eq!(
            (kept.last, kept.note),
            (Some((task.clone(), 7)), Some(("left out".to_owned(), 9)))
        );
        assert_eq!(storage.schedule_runs(&new.id, 9).unwrap(), [(task, 7)]);
        storage.pause_schedule(&new.id, true, 11).unwrap();
        storage.pause_schedule(&new.id, true, 12).unwrap();
        let paused = storage.schedules().unwrap().pop().unwrap();
        assert_eq!((paused.is_paused, paused.looked_ms, paused.note), (true, 11, None));
        storage.remove_schedule(&new.id).unwrap();
        assert!(matches!(storage.find_schedule("01p"), Err(StorageError::NoSuch { .. })));
        assert_eq!(storage.find_task("a1").unwrap().text, "feed the fish");
    }
}
