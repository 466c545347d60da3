//! Tasks, as the journal tells them.

use std::{collections::BTreeMap, path::Path};

use openkoi_brokers::own::Process;
use openkoi_core::{
    event::{Entry, Event},
    id::{SessionId, TaskId},
    message::Role,
    outcome::{Ending, Outcome, Pause},
    task::Task,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};
use serde::{Deserialize, Serialize};

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
    ident::{self, SESSIONS, TASKS},
    lease::Lease,
    questions::{self, Asked},
    queue, sessions,
};

pub use crate::status::TaskStatus;

/// The most characters of a task's text that a list carries.
const LISTED_TEXT: u32 = 4_000;

/// One task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// Its id.
    pub id: TaskId,
    /// Its session.
    pub session: SessionId,
    /// The request of the user; its beginning in a list.
    pub text: String,
    /// Its status.
    pub status: TaskStatus,
    /// The workspace.
    pub workspace: String,
    /// The model that does the work: `provider/model`.
    pub model: String,
    /// When it began, in milliseconds since 1970.
    pub started_ms: u64,
    /// When it ended or paused.
    pub ended_ms: Option<u64>,
    /// The number of iterations it took so far.
    pub iterations: u32,
    /// The rubric's score, 0 to 1, if it was evaluated.
    pub score: Option<f64>,
    /// Money so far, in millionths of a dollar.
    pub cost_micros: u64,
    /// True if that is an upper limit, because a price or a count was not told.
    pub at_most: bool,
    /// Tokens so far.
    pub tokens: u64,
    /// The ending of its run, or the limit that stopped it, once there is one.
    pub ending: Option<Ending>,
}

/// A choice of tasks, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskQuery {
    /// Only those of this session.
    pub session: Option<SessionId>,
    /// Only those of this status.
    pub status: Option<TaskStatus>,
    /// Only those that were recorded before this one.
    pub before: Option<TaskId>,
    /// The most that are returned.
    pub limit: Option<u32>,
}

impl Storage {
    /// Returns the tasks that `query` asks for, newest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn tasks(&self, query: &TaskQuery) -> Result<Vec<TaskRecord>, StorageError> {
        let found = self.read(|connection| select(connection, query))?;
        let seen = found.into_iter().map(|task| self.seen(task));
        // Whether a task runs or was interrupted is seen, and not in its row.
        let wanted = |task: &Result<TaskRecord, StorageError>| match (task, query.status) {
            (Ok(task), Some(status)) => task.status == status,
            _ => true,
        };
        seen.filter(wanted).collect()
    }

    /// Returns the tasks that can go on or do, newest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn open_tasks(&self, limit: u32) -> Result<Vec<TaskRecord>, StorageError> {
        let found = self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS}, substr(text, 1, {LISTED_TEXT}) FROM tasks
                 WHERE status NOT IN ('accepted', 'stopped') ORDER BY seq DESC LIMIT ?1"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query([limit])?;
            let mut tasks = Vec::new();
            while let Some(row) = rows.next()? {
                tasks.push(record(row)?);
            }
            Ok(tasks)
        })?;
        found.into_iter().map(|task| self.seen(task)).collect()
    }

    /// Returns the accepted tasks of a workspace, newest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn accepted_in(
        &self,
        workspace: &str,
        limit: u32,
    ) -> Result<Vec<TaskRecord>, StorageError> {
        self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS}, substr(text, 1, {LISTED_TEXT}) FROM tasks
                 WHERE workspace = ?1 AND status = 'accepted' ORDER BY seq DESC LIMIT ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query((workspace, limit))?;
            let mut tasks = Vec::new();
            while let Some(row) = rows.next()? {
                tasks.push(record(row)?);
            }
            Ok(tasks)
        })
    }

    /// Returns how many tasks there are of each status that has any, in the order of [`TaskStatus::ALL`].
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn task_counts(&self) -> Result<Vec<(TaskStatus, u64)>, StorageError> {
        let mut counts = self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT status, count(*) FROM tasks GROUP BY status")?;
            let rows = statement.query_map((), |row| {
                let status: String = row.get(0)?;
                Ok((TaskStatus::from_column(&status)?, count(row.get(1)?)))
            })?;
            Ok(rows.collect::<Result<BTreeMap<TaskStatus, u64>, _>>()?)
        })?;
        for (marked, waiting) in self.read(waiting_by_mark)? {
            *counts.entry(TaskStatus::Queued).or_default() += waiting;
            counts.entry(marked).and_modify(|count| *count = count.saturating_sub(waiting));
        }
        let running = TaskStatus::Running;
        if counts.contains_key(&running) {
            let mut alive = 0;
            for task in self.read(marked_running)? {
                alive += u64::from(self.is_owned(&task)?);
            }
            let marked = counts.insert(running, alive).unwrap_or_default();
            counts.insert(TaskStatus::Interrupted, marked.saturating_sub(alive));
        }
        let counted = TaskStatus::ALL.map(|status| (status, counts.get(&status).copied()));
        let some = counted.into_iter().filter_map(|(status, count)| Some((status, count?)));
        Ok(some.filter(|(_, count)| *count > 0).collect())
    }

    /// Returns how many tasks that began since then ended or paused with each status, in the order of
    /// [`TaskStatus::ALL`].
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn outcomes_since(&self, since_ms: u64) -> Result<Vec<(TaskStatus, u64)>, StorageError> {
        let sql = "SELECT status, count(*) FROM tasks
                   WHERE started_ms >= ?1 AND ended_ms IS NOT NULL GROUP BY status";
        let mut counts = self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([stored(since_ms)], |row| {
                let status: String = row.get(0)?;
                Ok((TaskStatus::from_column(&status)?, count(row.get(1)?)))
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })?;
        counts.sort_unstable();
        Ok(counts)
    }

    /// Returns the task as it is now: if its process died, the database still says that it runs.
    fn seen(&self, mut task: TaskRecord) -> Result<TaskRecord, StorageError> {
        if task.status == TaskStatus::Running && !self.is_owned(&task.id)? {
            task.status = TaskStatus::Interrupted;
        }
        Ok(task)
    }

    /// Returns the task that a person means by `typed`: the beginning of the shown or of the whole id.
    ///
    /// # Errors
    ///
    /// [`StorageError::NoSuch`], [`StorageError::OtherKind`] with the tasks of a session, and
    /// [`StorageError::Ambiguous`] with the candidates.
    pub fn find_task(&self, typed: &str) -> Result<TaskRecord, StorageError> {
        let found = self.read(|connection| {
            let id = ident::find(connection, &TASKS, typed).map_err(|error| match error {
                StorageError::NoSuch { .. } => of_session(connection, typed).unwrap_or(error),
                other => other,
            })?;
            let none = || StorageError::NoSuch { what: "task", text: typed.to_owned() };
            by_id(connection, &id)?.ok_or_else(none)
        })?;
        self.seen(found)
    }

    /// Claims a task for the caller, before its journal is read to go on with it.
    ///
    /// # Errors
    ///
    /// [`StorageError::Owned`] if anybody, in this process or another, works on it.
    pub fn claim_task(&self, task: &TaskId) -> Result<Lease, StorageError> {
        self.leases().claim("task", task.as_str())
    }

    /// Claims a directory for the work of a task, so that no two tasks change its files at once.
    ///
    /// # Errors
    ///
    /// [`StorageError::Occupied`] if a task works in it, in this process or another.
    pub fn claim_workspace(&self, workspace: &Path, task: &TaskId) -> Result<Lease, StorageError> {
        self.leases().claim_workspace(workspace, task)
    }

    /// Claims the place of the one daemon of this home.
    ///
    /// # Errors
    ///
    /// [`StorageError::Owned`] if there is one.
    pub fn claim_daemon(&self) -> Result<Lease, StorageError> {
        self.leases().claim("daemon", "home")
    }

    /// Returns the process of the daemon, if one runs.
    ///
    /// # Errors
    ///
    /// When the lock cannot be looked at.
    pub fn daemon(&self) -> Result<Option<Process>, StorageError> {
        self.leases().holder("daemon", "home")
    }

    /// Returns the process that works on the task, if one does and claimed it.
    ///
    /// # Errors
    ///
    /// When the lock cannot be looked at.
    pub fn owner(&self, task: &TaskId) -> Result<Option<Process>, StorageError> {
        self.leases().holder("task", task.as_str())
    }

    /// Returns whether somebody works on the task. A running task that nobody works on was interrupted.
    ///
    /// # Errors
    ///
    /// When the lock cannot be looked at.
    pub fn is_owned(&self, task: &TaskId) -> Result<bool, StorageError> {
        self.leases().is_held("task", task.as_str())
    }
}

/// Whether a task waits for the daemon.
macro_rules! queued {
    () => {
        "EXISTS (SELECT 1 FROM queue q WHERE q.task = tasks.id AND q.state = 'waiting')"
    };
}

const QUEUED: &str = queued!();

const COLUMNS: &str = concat!(
    "id, session, iif(",
    queued!(),
    ", 'queued', status), workspace, model, started_ms, ended_ms, iterations, score, cost_micros, tokens,
     ending, EXISTS (SELECT 1 FROM turns u WHERE u.task = tasks.id AND u.at_most = 1)"
);

fn select(connection: &Connection, query: &TaskQuery) -> Result<Vec<TaskRecord>, StorageError> {
    // In the order in which they were recorded: the wall clock may go back.
    let sql = format!(
        "SELECT {COLUMNS}, substr(text, 1, {LISTED_TEXT}) FROM tasks
         WHERE (?1 IS NULL OR session = ?1)
           AND (?3 IS NULL OR seq < (SELECT seq FROM tasks WHERE id = ?3))
           AND (?4 IS NULL OR ?4 = 'queued' AND {QUEUED}
                OR status = iif(?4 = 'interrupted', 'running', ?4) AND NOT {QUEUED})
         ORDER BY seq DESC LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let session = query.session.as_ref().map(SessionId::as_str);
    let status = query.status.map(TaskStatus::word);
    let limit = query.limit.map_or(-1, i64::from);
    let mut rows =
        statement.query((session, limit, query.before.as_ref().map(TaskId::as_str), status))?;
    let mut tasks = Vec::new();
    while let Some(row) = rows.next()? {
        tasks.push(record(row)?);
    }
    Ok(tasks)
}

/// Returns how many tasks wait for the daemon, by the status that their rows have.
fn waiting_by_mark(connection: &Connection) -> Result<Vec<(TaskStatus, u64)>, StorageError> {
    let sql = "SELECT t.status, count(*) FROM queue q JOIN tasks t ON t.id = q.task
               WHERE q.state = 'waiting' GROUP BY t.status";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((), |row| {
        let status: String = row.get(0)?;
        Ok((TaskStatus::from_column(&status)?, count(row.get(1)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn marked_running(connection: &Connection) -> Result<Vec<TaskId>, StorageError> {
    let mut statement = connection.prepare_cached("SELECT id FROM tasks WHERE status = ?1")?;
    let rows = statement
        .query_map([TaskStatus::Running.word()], |row| Ok(TaskId::new(row.get::<_, String>(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns the error for the id of a session in place of a task's, if it is one.
fn of_session(connection: &Connection, typed: &str) -> Option<StorageError> {
    let session = ident::find(connection, &SESSIONS, typed).ok()?;
    let session = Some(SessionId::new(session));
    let query = TaskQuery { session, limit: Some(3), ..TaskQuery::default() };
    let tasks = select(connection, &query).ok()?;
    Some(StorageError::OtherKind {
        what: "task",
        text: typed.to_owned(),
        other: "session",
        meant: tasks.iter().map(|task| task.id.short().to_owned()).collect(),
    })
}

fn by_id(connection: &Connection, id: &str) -> Result<Option<TaskRecord>, StorageError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS}, text FROM tasks WHERE id = ?1"))?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(record).transpose()
}

fn record(row: &Row<'_>) -> Result<TaskRecord, StorageError> {
    let id: String = row.get(0)?;
    let status: String = row.get(2)?;
    let ending: Option<String> = row.get(11)?;
    let ending = ending.map(|text| serde_json::from_str(&text)).transpose();
    let what = || format!("the ending of task {id}");
    let ending = ending.map_err(|source| StorageError::Unreadable { what: what(), source })?;
    Ok(TaskRecord {
        id: TaskId::new(id),
        session: SessionId::new(row.get::<_, String>(1)?),
        status: TaskStatus::from_column(&status)?,
        workspace: row.get(3)?,
        model: row.get(4)?,
        started_ms: count(row.get(5)?),
        ended_ms: row.get::<_, Option<i64>>(6)?.map(count),
        iterations: row.get(7)?,
        score: row.get(8)?,
        cost_micros: count(row.get(9)?),
        tokens: count(row.get(10)?),
        ending,
        at_most: row.get(12)?,
        text: row.get(13)?,
    })
}

/// Changes the rows of task and session as `entry` says, which is number `seq` of its journal.
pub(crate) fn project(
    transaction: &Transaction<'_>,
    id: &TaskId,
    entry: &Entry,
    seq: i64,
) -> Result<(), StorageError> {
    if let Event::TaskStarted { task, models, .. } = &entry.event {
        let model = models.iter().find(|(role, _)| role == Role::EXECUTOR).or(models.first());
        return begin(transaction, id, task, model.map_or("", |(_, card)| &card.name), entry.at_ms);
    }
    let session = session_of(transaction, id)?;
    if dates(&entry.event) {
        sessions::touch(transaction, &session, entry.at_ms)?;
    }
    match &entry.event {
        Event::TaskResumed { .. } => {
            set_status(transaction, id, TaskStatus::Running, None)?;
            sessions::follow(transaction, &session, sessions::SessionStatus::Active)
        }
        Event::TaskPaused { reason, cause, outcome } => {
            if let Some(outcome) = outcome {
                finish(transaction, id, outcome, entry.at_ms)?;
            }
            let last = last_event(transaction, id)?;
            if let Some(Pause::Question { request }) = cause {
                let asked = Asked::Approval(request.clone());
                let question = format!("{}-{seq}", id.as_str());
                questions::ask(transaction, &question, id, &asked, entry.at_ms)?;
            }
            let status = TaskStatus::of_pause(cause.as_ref(), reason, &last);
            set_status(transaction, id, status, Some(entry.at_ms))?;
            sessions::follow(transaction, &session, sessions::SessionStatus::Paused)
        }
        Event::TaskFinished { outcome } => {
            finish(transaction, id, outcome, entry.at_ms)?;
            questions::close_all(transaction, id)?;
            sessions::follow(transaction, &session, sessions::SessionStatus::Ended)
        }
        event => progress(transaction, id, event),
    }
}

/// Returns whether a session is as recent as this event. Not each one counts: a date costs two more pages of a commit.
fn dates(event: &Event) -> bool {
    matches!(
        event,
        Event::TaskResumed { .. }
            | Event::TaskPaused { .. }
            | Event::TaskFinished { .. }
            | Event::IterationStarted { .. }
    )
}

fn begin(
    transaction: &Transaction<'_>,
    id: &TaskId,
    task: &Task,
    model: &str,
    at_ms: u64,
) -> Result<(), StorageError> {
    if queue::begin(transaction, id)? {
        sessions::ensure(transaction, task, at_ms)?;
        let sql = "UPDATE tasks SET status = ?2, text = ?3, workspace = ?4, model = ?5,
                                    started_ms = ?6, ended_ms = NULL WHERE id = ?1";
        let status = TaskStatus::Running.word();
        let row = (id.as_str(), status, &task.text, &task.workspace, model, stored(at_ms));
        transaction.prepare_cached(sql)?.execute(row)?;
        return Ok(());
    }
    let known = "SELECT 1 FROM tasks WHERE id = ?1";
    if transaction.prepare_cached(known)?.query_row([id.as_str()], |_| Ok(())).optional()?.is_some()
    {
        return Err(StorageError::Exists { what: "task", id: id.as_str().to_owned() });
    }
    sessions::ensure(transaction, task, at_ms)?;
    let sql = "INSERT INTO tasks (id, session, text, status, workspace, model, started_ms,
                                  iterations, cost_micros, tokens)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0)";
    let status = TaskStatus::Running.word();
    let (session, text) = (task.session.as_str(), &task.text);
    let row = (id.as_str(), session, text, status, &task.workspace, model, stored(at_ms));
    transaction.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

fn session_of(transaction: &Transaction<'_>, id: &TaskId) -> Result<String, StorageError> {
    let sql = "SELECT session FROM tasks WHERE id = ?1";
    let found =
        transaction.prepare_cached(sql)?.query_row([id.as_str()], |row| row.get(0)).optional()?;
    found.ok_or_else(|| StorageError::NoSuch { what: "task", text: id.as_str().to_owned() })
}

fn last_event(transaction: &Transaction<'_>, id: &TaskId) -> Result<String, StorageError> {
    let sql = "SELECT event FROM entries WHERE task = ?1 ORDER BY seq DESC LIMIT 1";
    let last =
        transaction.prepare_cached(sql)?.query_row([id.as_str()], |row| row.get(0)).optional()?;
    Ok(last.unwrap_or_default())
}

fn set_status(
    transaction: &Transaction<'_>,
    id: &TaskId,
    status: TaskStatus,
    ended_ms: Option<u64>,
) -> Result<(), StorageError> {
    let sql = "UPDATE tasks SET status = ?2, ended_ms = ?3 WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute((id.as_str(), status.word(), ended_ms.map(stored)))?;
    Ok(())
}

fn finish(
    transaction: &Transaction<'_>,
    id: &TaskId,
    outcome: &Outcome,
    at_ms: u64,
) -> Result<(), StorageError> {
    let ending = serde_json::to_string(&outcome.ending).map_err(|source| {
        StorageError::Unwritable { what: format!("the ending of task {}", id.short()), source }
    })?;
    let sql = "UPDATE tasks SET status = ?2, ended_ms = ?3, iterations = ?4, score = ?5,
                                cost_micros = ?6, tokens = ?7, ending = ?8 WHERE id = ?1";
    let row = (
        id.as_str(),
        TaskStatus::of(&outcome.ending).word(),
        stored(at_ms),
        outcome.iterations,
        outcome.standing.score,
        stored(outcome.spent.cost_micros),
        stored(outcome.spent.tokens),
        ending,
    );
    transaction.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

fn progress(transaction: &Transaction<'_>, id: &TaskId, event: &Event) -> Result<(), StorageError> {
    match event {
        Event::IterationStarted { number } => {
            let sql = "UPDATE tasks SET iterations = max(iterations, ?2) WHERE id = ?1";
            transaction.prepare_cached(sql)?.execute((id.as_str(), *number))?;
        }
        Event::IterationDecided { standing, .. } => {
            let sql = "UPDATE tasks SET score = ?2 WHERE id = ?1";
            transaction.prepare_cached(sql)?.execute((id.as_str(), standing.score))?;
        }
        Event::ModelsResolved { role, models } if role == Role::EXECUTOR => {
            let sql = "UPDATE tasks SET model = ?2 WHERE id = ?1";
            let name = models.first().map_or("", |card| &card.name);
            transaction.prepare_cached(sql)?.execute((id.as_str(), name))?;
        }
        Event::TurnFinished { spent, .. }
        | Event::TurnFailed { spent, .. }
        | Event::TurnLost { reserved: spent } => {
            if let Event::TurnFinished { role, model, .. } = event
                && role == Role::EXECUTOR
            {
                let sql = "UPDATE tasks SET model = ?2 WHERE id = ?1 AND model != ?2";
                transaction.prepare_cached(sql)?.execute((id.as_str(), model))?;
            }
            let sql = "UPDATE tasks SET cost_micros = cost_micros + ?2, tokens = tokens + ?3
                       WHERE id = ?1";
            let row = (id.as_str(), stored(spent.cost_micros), stored(spent.tokens));
            transaction.prepare_cached(sql)?.execute(row)?;
        }
        _ => {}
    }
    Ok(())
}
