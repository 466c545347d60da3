//! The queue of the daemon, in the database. See [`Queue`].
//!
//! A task that waits has its row among the tasks from the moment of its submission, so its id is known everywhere.

use openkoi_core::{
    id::{SessionId, TaskId},
    port::JournalError,
    queue::{Queue, QueueState, QueuedTask, Submission, Submitted},
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use crate::{
    Storage,
    database::{CommitSpeed, count, stored},
    error::StorageError,
    ident, sessions,
    status::unknown_word,
    webhooks,
};

impl Queue for Storage {
    fn submit(&self, submission: &Submission, at_ms: u64) -> Result<Submitted, JournalError> {
        ident::as_file_name(submission.task.as_str())?;
        Ok(self.write(|transaction| submit(transaction, submission, at_ms))?)
    }

    fn take_up(
        &self,
        task: &TaskId,
        request: &str,
        priority: i32,
        at_ms: u64,
    ) -> Result<(), JournalError> {
        // A submission that was never begun keeps what it asked for.
        let sql = "INSERT INTO queue (task, state, request, priority, attempts, cancel, queued_ms)
                   VALUES (?1, 'waiting', ?2, ?3, 0, 0, ?4)
                   ON CONFLICT (task) DO UPDATE
                   SET state = 'waiting', priority = excluded.priority, attempts = 0, cancel = 0,
                       queued_ms = excluded.queued_ms, why = NULL,
                       request = CASE WHEN EXISTS
                           (SELECT 1 FROM entries e WHERE e.task = queue.task LIMIT 1)
                           THEN excluded.request ELSE queue.request END
                   WHERE state = 'done'";
        Ok(self.write(|transaction| {
            let row = (task.as_str(), request, priority, stored(at_ms));
            transaction.prepare_cached(sql)?.execute(row)?;
            Ok(())
        })?)
    }

    fn unfinished(&self) -> Result<Vec<QueuedTask>, JournalError> {
        Ok(self.read(|connection| {
            select(connection, "WHERE q.state IN ('waiting', 'running') ORDER BY q.seq", ())
        })?)
    }

    fn running(&self) -> Result<Vec<QueuedTask>, JournalError> {
        Ok(self.read(|connection| {
            select(connection, "WHERE q.state = 'running' ORDER BY q.seq", ())
        })?)
    }

    fn has_waiting(&self) -> Result<bool, JournalError> {
        let sql = "SELECT 1 FROM queue WHERE state = 'waiting' LIMIT 1";
        Ok(self.read(|connection| Ok(connection.prepare_cached(sql)?.exists(())?))?)
    }

    fn queued(&self, task: &TaskId) -> Result<Option<QueuedTask>, JournalError> {
        let found =
            self.read(|connection| select(connection, "WHERE q.task = ?1", [task.as_str()]));
        Ok(found?.pop())
    }

    fn give(&self, task: &TaskId, at_ms: u64) -> Result<bool, JournalError> {
        let sql = "UPDATE queue SET state = 'running', attempts = attempts + 1, given_ms = ?2,
                                    why = NULL
                   WHERE task = ?1 AND state = 'waiting' AND cancel = 0";
        Ok(self.write(|transaction| {
            let row = (task.as_str(), stored(at_ms));
            Ok(transaction.prepare_cached(sql)?.execute(row)? > 0)
        })?)
    }

    fn put_back(&self, task: &TaskId, why: &str) -> Result<(), JournalError> {
        let sql =
            "UPDATE queue SET state = 'waiting', why = ?2 WHERE task = ?1 AND state = 'running'";
        Ok(self.write(|transaction| {
            transaction.prepare_cached(sql)?.execute((task.as_str(), why))?;
            Ok(())
        })?)
    }

    fn finish(&self, task: &TaskId, why: Option<&str>, at_ms: u64) -> Result<(), JournalError> {
        Ok(self.write(|transaction| finish(transaction, task, why, at_ms))?)
    }

    fn note_waiting(&self, why: &str) -> Result<(), JournalError> {
        let sql = "UPDATE queue SET why = ?1 WHERE state = 'waiting' AND why IS NOT ?1";
        Ok(self.write_at(CommitSpeed::DiskLater, |transaction| {
            transaction.prepare_cached(sql)?.execute([why])?;
            Ok(())
        })?)
    }

    fn cancel(&self, task: &TaskId, at_ms: u64) -> Result<bool, JournalError> {
        Ok(self.write(|transaction| cancel(transaction, task, at_ms))?)
    }
}

fn submit(
    transaction: &Transaction<'_>,
    new: &Submission,
    at_ms: u64,
) -> Result<Submitted, StorageError> {
    if let Some(key) = &new.key {
        let sql = "SELECT task, body FROM queue WHERE key = ?1";
        let mut statement = transaction.prepare_cached(sql)?;
        let before = statement
            .query_row([&key.key], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
        match before.optional()? {
            Some((task, body)) if body == key.body => {
                return Ok(Submitted::Before(TaskId::new(task)));
            }
            Some(_) => return Ok(Submitted::OtherBody),
            None => {}
        }
    }
    sessions::ensure_waiting(transaction, new, at_ms)?;
    let sql = "INSERT INTO tasks (id, session, text, status, workspace, model, started_ms,
                                  iterations, cost_micros, tokens)
               VALUES (?1, ?2, ?3, 'paused', ?4, '', ?5, 0, 0, 0)";
    let (task, session) = (new.task.as_str(), new.session.as_str());
    let row = (task, session, &new.text, &new.workspace, stored(at_ms));
    transaction.prepare_cached(sql)?.execute(row)?;
    let sql = "INSERT INTO queue
                   (task, state, request, priority, attempts, cancel, queued_ms, key, body)
               VALUES (?1, 'waiting', ?2, ?3, 0, 0, ?4, ?5, ?6)";
    let (key, body) = new.key.as_ref().map(|key| (&key.key, &key.body)).unzip();
    let row = (task, &new.request, new.priority, stored(at_ms), key, body);
    transaction.prepare_cached(sql)?.execute(row)?;
    Ok(Submitted::Now)
}

fn finish(
    transaction: &Transaction<'_>,
    task: &TaskId,
    why: Option<&str>,
    at_ms: u64,
) -> Result<(), StorageError> {
    let sql = "UPDATE queue SET state = 'done', ended_ms = ?2, why = ?3 WHERE task = ?1";
    let row = (task.as_str(), stored(at_ms), why);
    transaction.prepare_cached(sql)?.execute(row)?;
    // What never began has no journal that tells how it went.
    let sql = "UPDATE tasks SET status = iif(?3 IS NULL, 'cancelled', 'failed'), ended_ms = ?2
               WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM entries e WHERE e.task = ?1)";
    transaction.prepare_cached(sql)?.execute(row)?;
    webhooks::unrun(transaction, task, why, at_ms)
}

fn cancel(transaction: &Transaction<'_>, task: &TaskId, at_ms: u64) -> Result<bool, StorageError> {
    let Some(found) = select(transaction, "WHERE q.task = ?1", [task.as_str()])?.pop() else {
        return Ok(false);
    };
    match found.state {
        QueueState::Done => return Ok(false),
        QueueState::Running => {}
        QueueState::Waiting => {
            finish(transaction, task, None, at_ms)?;
        }
    }
    let sql = "UPDATE queue SET cancel = 1 WHERE task = ?1";
    transaction.prepare_cached(sql)?.execute([task.as_str()])?;
    Ok(true)
}

/// Makes way for the first entry of a task that waited: from now on its journal tells of it. Returns whether it did.
pub(crate) fn begin(transaction: &Transaction<'_>, task: &TaskId) -> Result<bool, StorageError> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM entries WHERE task = ?1)
               FROM queue WHERE task = ?1";
    let found = transaction.prepare_cached(sql)?.query_row([task.as_str()], |row| row.get(0));
    Ok(found.optional()?.unwrap_or(false))
}

fn select(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<QueuedTask>, StorageError> {
    let sql = format!(
        "SELECT q.task, t.session, t.workspace, q.request, q.priority, q.state, q.attempts,
                q.cancel, EXISTS (SELECT 1 FROM entries e WHERE e.task = q.task), q.queued_ms,
                q.given_ms, q.why
         FROM queue q JOIN tasks t ON t.id = q.task {condition}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(parameters, record)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn record(row: &Row<'_>) -> rusqlite::Result<QueuedTask> {
    let state: String = row.get(5)?;
    let found = QueueState::ALL.into_iter().find(|known| known.word() == state);
    Ok(QueuedTask {
        task: TaskId::new(row.get::<_, String>(0)?),
        session: SessionId::new(row.get::<_, String>(1)?),
        workspace: row.get(2)?,
        request: row.get(3)?,
        priority: row.get(4)?,
        state: found.ok_or_else(|| unknown_word(&state))?,
        attempts: row.get(6)?,
        cancel: row.get(7)?,
        has_begun: row.get(8)?,
        queued_ms: count(row.get(9)?),
        given_ms: row.get::<_, Option<i64>>(10)?.map(count),
        why: row.get(11)?,
    })
}

#[cfg(test)]
mod tests {
    use openkoi_core::queue::SubmissionKey;

    use super::*;
    use crate::{status::TaskStatus, tasks::TaskQuery};

    fn home() -> (tempfile::TempDir, Storage) {
        let home = tempfile::tempdir().unwrap();
        let storage = Storage::open(home.path()).unwrap();
        (home, storage)
    }

    fn submission(task: &str) -> Submission {
        Submission {
            task: TaskId::new(task),
            session: SessionId::new(format!("of-{task}")),
            text: "feed the fish".to_owned(),
            workspace: "/pond".to_owned(),
            request: "{}".to_owned(),
            priority: 0,
            key: None,
        }
    }

    fn keyed(task: &str, key: &str, body: &str) -> Submission {
        let key = SubmissionKey { key: key.to_owned(), body: body.to_owned() };
        Submission { key: Some(key), ..submission(task) }
    }

    fn status(storage: &Storage, task: &str) -> TaskStatus {
        storage.find_task(task).unwrap().status
    }

    #[test]
    fn a_task_that_waits_is_a_task_everywhere() {
        let (_home, storage) = home();

        storage.submit(&submission("a1"), 7).unwrap();

        assert_eq!(status(&storage, "a1"), TaskStatus::Queued);
        assert_eq!(storage.tasks(&TaskQuery::default()).unwrap().len(), 1);
        assert_eq!(storage.task_counts().unwrap(), [(TaskStatus::Queued, 1)]);
        assert_eq!(storage.sessions(&Default::default()).unwrap().len(), 1);
        let waiting = storage.unfinished().unwrap().pop().unwrap();
        assert_eq!((waiting.state, waiting.queued_ms), (QueueState::Waiting, 7));
        assert!(!waiting.has_begun);
    }

    #[test]
    fn a_submission_that_is_sent_again_is_the_same_task() {
        let (_home, storage) = home();

        let submit = |one: Submission| storage.submit(&one, 7).unwrap();

        assert_eq!(submit(keyed("a1", "k", "x")), Submitted::Now);
        assert_eq!(submit(keyed("a2", "k", "x")), Submitted::Before(TaskId::new("a1")));
        assert_eq!(submit(keyed("a3", "k", "y")), Submitted::OtherBody);
        assert_eq!(storage.unfinished().unwrap().len(), 1);
    }

    #[test]
    fn a_task_is_given_once() {
        let (_home, storage) = home();
        storage.submit(&submission("a1"), 7).unwrap();
        let task = TaskId::new("a1");

        assert!(storage.give(&task, 8).unwrap());
        assert!(!storage.give(&task, 9).unwrap());

        storage.put_back(&task, "its worker died").unwrap();
        let waiting = storage.queued(&task).unwrap().unwrap();
        assert_eq!(waiting.why.as_deref(), Some("its worker died"));
        assert!(storage.give(&task, 10).unwrap());
        assert_eq!(storage.queued(&task).unwrap().unwrap().attempts, 2);
    }

    #[test]
    fn what_was_not_begun_is_cancelled_at_once_and_what_runs_is_asked_to_end() {
        let (_home, storage) = home();
        for task in ["a1", "b2"] {
            storage.submit(&submission(task), 7).unwrap();
        }
        let (waits, runs) = (TaskId::new("a1"), TaskId::new("b2"));
        storage.give(&runs, 8).unwrap();

        assert!(storage.cancel(&waits, 9).unwrap());
        assert!(storage.cancel(&runs, 9).unwrap());

        assert_eq!(status(&storage, "a1"), TaskStatus::Cancelled);
        let unfinished = storage.unfinished().unwrap();
        let left: Vec<_> = unfinished.iter().map(|one| (one.task.as_str(), one.cancel)).collect();
        assert_eq!(left, [("b2", true)]);
        storage.finish(&runs, None, 10).unwrap();
        assert!(!storage.cancel(&runs, 11).unwrap());
    }

    #[test]
    fn a_task_that_is_over_can_be_taken_up_again() {
        let (_home, storage) = home();
        storage.submit(&submission("a1"), 7).unwrap();
        let task = TaskId::new("a1");
        storage.cancel(&task, 8).unwrap();

        storage.take_up(&task, r#"{"more":1}"#, 3, 9).unwrap();

        let waiting = storage.queued(&task).unwrap().unwrap();
        assert_eq!((waiting.state, waiting.priority), (QueueState::Waiting, 3));
        // It was never begun, so what it asked for holds.
        assert_eq!(waiting.request, "{}");
        assert!(!waiting.cancel);
        assert_eq!(status(&storage, "a1"), TaskStatus::Queued);
    }
}
