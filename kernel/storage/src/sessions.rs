//! Sessions: chats, and tasks by themselves.
//!
//! The cost of a session is the sum of its tasks, made when it is shown.

use std::collections::BTreeSet;

use openkoi_core::{
    id::{SessionId, TaskId},
    queue::Submission,
    task::Task,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};
use serde::{Deserialize, Serialize};

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
    ident::{self, SESSIONS, TASKS, title_of},
    lease::Lease,
    lines,
    status::{TaskStatus, unknown_word},
};

/// The kind of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionKind {
    /// A conversation.
    Chat,
    /// One task by itself.
    Task,
}

impl SessionKind {
    /// Returns the word for the kind.
    pub fn word(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Task => "task",
        }
    }
}

/// The status of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionStatus {
    /// Somebody works in it.
    Active,
    /// Its process died. The database says that it is active; that nobody has its lease tells.
    Interrupted,
    /// It waits for a person.
    Paused,
    /// It is over; a chat can be resumed.
    Ended,
}

impl SessionStatus {
    /// Returns the word for the status.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Interrupted => "interrupted",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }
}

/// A session to be begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// Its kind.
    pub kind: SessionKind,
    /// Its title, cut to one line. An empty one becomes the text of the first task.
    pub title: String,
    /// The workspace.
    pub workspace: String,
}

/// One session with the sums of its tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    /// Its id.
    pub id: SessionId,
    /// Its kind.
    pub kind: SessionKind,
    /// Its status.
    pub status: SessionStatus,
    /// Its title.
    pub title: String,
    /// The workspace.
    pub workspace: String,
    /// When it began, in milliseconds since 1970.
    pub created_ms: u64,
    /// When something last happened in it, in milliseconds since 1970.
    pub updated_ms: u64,
    /// The number of tasks it has.
    pub tasks: u64,
    /// Tokens of all of them.
    pub tokens: u64,
    /// Money of all of them, in millionths of a dollar.
    pub cost_micros: u64,
    /// True if that is an upper limit, because a price or a count was not told.
    pub at_most: bool,
}

/// A choice of sessions, the one with the latest news first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionQuery {
    /// Only those of this kind.
    pub kind: Option<SessionKind>,
    /// Only those of this workspace. A chat of an earlier version does not say where it was held, but its tasks do.
    pub workspace: Option<String>,
    /// The most that are returned.
    pub limit: Option<u32>,
}

impl Storage {
    /// Begins a session. A task by itself needs none: its session is made with its first entry.
    ///
    /// # Errors
    ///
    /// [`StorageError::Exists`] if its id is taken.
    pub fn begin_session(&self, session: &NewSession, at_ms: u64) -> Result<(), StorageError> {
        self.write(|transaction| {
            if insert(transaction, session, at_ms)? {
                return Ok(());
            }
            Err(StorageError::Exists { what: "session", id: session.id.as_str().to_owned() })
        })
    }

    /// Sets how a session stands: a chat is ended and taken up again by its surface.
    ///
    /// # Errors
    ///
    /// [`StorageError::NoSuch`] if it is not there.
    pub fn set_session_status(
        &self,
        session: &SessionId,
        status: SessionStatus,
        at_ms: u64,
    ) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "UPDATE sessions SET status = ?2, updated_ms = max(updated_ms, ?3)
                       WHERE id = ?1";
            let row = (session.as_str(), status.word(), stored(at_ms));
            existing(transaction.prepare_cached(sql)?.execute(row)?, session)
        })
    }

    /// Gives a session another title, cut to one line.
    ///
    /// # Errors
    ///
    /// [`StorageError::NoSuch`] if it is not there.
    pub fn rename_session(&self, session: &SessionId, title: &str) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "UPDATE sessions SET title = ?2 WHERE id = ?1";
            existing(
                transaction.prepare_cached(sql)?.execute((session.as_str(), title_of(title)))?,
                session,
            )
        })
    }

    /// Returns the sessions that `query` asks for, the one with the latest news first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn sessions(&self, query: &SessionQuery) -> Result<Vec<SessionRecord>, StorageError> {
        let found: Vec<SessionRecord> = self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM sessions s
                 WHERE (?1 IS NULL OR kind = ?1)
                   AND (?2 IS NULL OR workspace = ?2 OR workspace = '' AND EXISTS
                        (SELECT 1 FROM tasks t WHERE t.session = s.id AND t.workspace = ?2))
                 ORDER BY updated_ms DESC, seq DESC LIMIT ?3"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let kind = query.kind.map(SessionKind::word);
            let limit = query.limit.map_or(-1, i64::from);
            let rows = statement.query_map((kind, query.workspace.as_deref(), limit), record)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        found.into_iter().map(|session| self.seen_session(session)).collect()
    }

    /// Returns the session as it is now: if its process died, the database still says that it is active.
    fn seen_session(&self, mut session: SessionRecord) -> Result<SessionRecord, StorageError> {
        let active = session.status == SessionStatus::Active;
        if active && !self.leases().is_held("session", session.id.as_str())? {
            let tasks = self.read(|connection| running(connection, &session.id))?;
            let mut works = false;
            for task in tasks {
                works |= self.is_owned(&task)?;
            }
            if !works {
                session.status = SessionStatus::Interrupted;
            }
        }
        Ok(session)
    }

    /// Returns the session that a person means by `typed`: the beginning of the shown or of the whole id.
    ///
    /// # Errors
    ///
    /// [`StorageError::NoSuch`], [`StorageError::OtherKind`] with the session of a task, and
    /// [`StorageError::Ambiguous`] with the candidates.
    pub fn find_session(&self, typed: &str) -> Result<SessionRecord, StorageError> {
        let found = self.read(|connection| {
            let id = ident::find(connection, &SESSIONS, typed).map_err(|error| match error {
                StorageError::NoSuch { .. } => of_task(connection, typed).unwrap_or(error),
                other => other,
            })?;
            let none = || StorageError::NoSuch { what: "session", text: typed.to_owned() };
            by_id(connection, &id)?.ok_or_else(none)
        })?;
        self.seen_session(found)
    }

    /// Returns the session with exactly this id.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn session(&self, id: &SessionId) -> Result<Option<SessionRecord>, StorageError> {
        let found = self.read(|connection| by_id(connection, id.as_str()))?;
        found.map(|session| self.seen_session(session)).transpose()
    }

    /// Deletes a session with its tasks, their journals and their outputs. What it cost stays known.
    ///
    /// # Errors
    ///
    /// [`StorageError::Owned`] while somebody works on it or on one of its tasks; nothing is deleted then.
    pub fn delete_session(&self, session: &SessionId) -> Result<(), StorageError> {
        let _leases = self.claim_with_tasks(session)?;
        self.write(|transaction| {
            let lines = lines::named(transaction, Some(session))?;
            let sql = "DELETE FROM sessions WHERE id = ?1";
            existing(transaction.prepare_cached(sql)?.execute([session.as_str()])?, session)?;
            transaction
                .execute("DELETE FROM approval_rules WHERE session = ?1", [session.as_str()])?;
            lines::forget(transaction, lines)?;
            Ok(())
        })?;
        self.empty_log()?;
        self.remove_orphaned_outputs()
    }

    /// Returns the names of the files in `directory` that the journals of a session speak of.
    ///
    /// # Errors
    ///
    /// When the journals cannot be read.
    pub fn files_named(
        &self,
        session: &SessionId,
        directory: &str,
    ) -> Result<BTreeSet<String>, StorageError> {
        let sql = "SELECT payload FROM entries
                   WHERE task IN (SELECT id FROM tasks WHERE session = ?1)";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query([session.as_str()])?;
            let place = format!("{directory}/");
            let mut names = BTreeSet::new();
            while let Some(row) = rows.next()? {
                let payload: String = row.get(0)?;
                let places = payload.split(place.as_str()).skip(1);
                let is_end = |c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c));
                names
                    .extend(places.filter_map(|rest| rest.split(is_end).next()).map(str::to_owned));
            }
            Ok(names)
        })
    }

    /// Claims a session for the caller.
    ///
    /// # Errors
    ///
    /// [`StorageError::Owned`] if anybody, in this process or another, works on it.
    pub fn claim_session(&self, session: &SessionId) -> Result<Lease, StorageError> {
        self.leases().claim("session", session.as_str())
    }

    fn claim_with_tasks(&self, session: &SessionId) -> Result<Vec<Lease>, StorageError> {
        let mut leases = vec![self.claim_session(session)?];
        for task in self.read(|connection| running(connection, session))? {
            leases.push(self.leases().claim("task", task.as_str())?);
        }
        Ok(leases)
    }
}

const COLUMNS: &str = "id, kind, status, title, workspace, created_ms, updated_ms,
    (SELECT count(*) FROM tasks WHERE session = s.id),
    (SELECT coalesce(sum(tokens), 0) FROM tasks WHERE session = s.id),
    (SELECT coalesce(sum(cost_micros), 0) FROM tasks WHERE session = s.id),
    EXISTS (SELECT 1 FROM tasks t JOIN turns u ON u.task = t.id WHERE t.session = s.id AND u.at_most = 1)";

fn running(connection: &Connection, session: &SessionId) -> Result<Vec<TaskId>, StorageError> {
    let sql = "SELECT id FROM tasks WHERE session = ?1 AND status = ?2 ORDER BY seq DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let row = (session.as_str(), TaskStatus::Running.word());
    let rows = statement.query_map(row, |row| Ok(TaskId::new(row.get::<_, String>(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Returns the error for the id of a task in place of a session's, if it is one.
fn of_task(connection: &Connection, typed: &str) -> Option<StorageError> {
    let task = ident::find(connection, &TASKS, typed).ok()?;
    let sql = "SELECT session FROM tasks WHERE id = ?1";
    let session: String =
        connection.prepare_cached(sql).ok()?.query_row([task], |row| row.get(0)).ok()?;
    Some(StorageError::OtherKind {
        what: "session",
        text: typed.to_owned(),
        other: "task",
        meant: vec![SessionId::new(session).short().to_owned()],
    })
}

fn by_id(connection: &Connection, id: &str) -> Result<Option<SessionRecord>, StorageError> {
    let sql = format!("SELECT {COLUMNS} FROM sessions s WHERE id = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([id], record).optional()?)
}

fn record(row: &Row<'_>) -> rusqlite::Result<SessionRecord> {
    let (kind, status): (String, String) = (row.get(1)?, row.get(2)?);
    let kinds = [SessionKind::Chat, SessionKind::Task];
    let kind =
        kinds.into_iter().find(|known| known.word() == kind).ok_or_else(|| unknown_word(&kind));
    let all = [SessionStatus::Active, SessionStatus::Paused, SessionStatus::Ended];
    let status =
        all.into_iter().find(|known| known.word() == status).ok_or_else(|| unknown_word(&status));
    Ok(SessionRecord {
        id: SessionId::new(row.get::<_, String>(0)?),
        kind: kind?,
        status: status?,
        title: row.get(3)?,
        workspace: row.get(4)?,
        created_ms: count(row.get(5)?),
        updated_ms: count(row.get(6)?),
        tasks: count(row.get(7)?),
        tokens: count(row.get(8)?),
        cost_micros: count(row.get(9)?),
        at_most: row.get(10)?,
    })
}

fn existing(changed: usize, session: &SessionId) -> Result<(), StorageError> {
    if changed > 0 {
        return Ok(());
    }
    Err(StorageError::NoSuch { what: "session", text: session.as_str().to_owned() })
}

/// Inserts a session unless its id is taken; returns whether it did.
fn insert(
    transaction: &Transaction<'_>,
    session: &NewSession,
    at_ms: u64,
) -> Result<bool, StorageError> {
    ident::as_file_name(session.id.as_str())?;
    let sql = "INSERT INTO sessions (id, kind, status, title, workspace, created_ms, updated_ms)
               VALUES (?1, ?2, 'active', ?3, ?4, ?5, ?5) ON CONFLICT (id) DO NOTHING";
    let title = title_of(&session.title);
    let row = (session.id.as_str(), session.kind.word(), title, &session.workspace, stored(at_ms));
    Ok(transaction.prepare_cached(sql)?.execute(row)? > 0)
}

/// Makes sure that the session of a task is there, and active.
pub(crate) fn ensure(
    transaction: &Transaction<'_>,
    task: &Task,
    at_ms: u64,
) -> Result<(), StorageError> {
    let session = NewSession {
        id: task.session.clone(),
        kind: SessionKind::Task,
        title: task.text.clone(),
        workspace: task.workspace.clone(),
    };
    if !insert(transaction, &session, at_ms)? {
        let sql = "UPDATE sessions SET status = 'active',
                       title = CASE title WHEN '' THEN ?2 ELSE title END WHERE id = ?1";
        transaction.prepare_cached(sql)?.execute((task.session.as_str(), title_of(&task.text)))?;
        touch(transaction, task.session.as_str(), at_ms)?;
    }
    Ok(())
}

/// Makes sure that the session of a task that waits is there. One that is new pauses until the task begins.
pub(crate) fn ensure_waiting(
    transaction: &Transaction<'_>,
    waiting: &Submission,
    at_ms: u64,
) -> Result<(), StorageError> {
    let session = NewSession {
        id: waiting.session.clone(),
        kind: SessionKind::Task,
        title: waiting.text.clone(),
        workspace: waiting.workspace.clone(),
    };
    if insert(transaction, &session, at_ms)? {
        let id = session.id.as_str();
        follow(transaction, id, SessionStatus::Paused)?;
    }
    Ok(())
}

/// Notes that something happened in the session.
pub(crate) fn touch(
    transaction: &Transaction<'_>,
    session: &str,
    at_ms: u64,
) -> Result<(), StorageError> {
    let sql = "UPDATE sessions SET updated_ms = max(updated_ms, ?2) WHERE id = ?1";
    transaction.prepare_cached(sql)?.execute((session, stored(at_ms)))?;
    Ok(())
}

/// Lets a session of one task follow that task. A chat goes on until its surface ends it.
pub(crate) fn follow(
    transaction: &Transaction<'_>,
    session: &str,
    status: SessionStatus,
) -> Result<(), StorageError> {
    let sql = "UPDATE sessions SET status = ?2 WHERE id = ?1 AND kind = 'task'";
    transaction.prepare_cached(sql)?.execute((session, status.word()))?;
    Ok(())
}

/// Returns whether a session of this id is there.
pub(crate) fn is_known(connection: &Connection, id: &str) -> Result<bool, StorageError> {
    let sql = "SELECT 1 FROM sessions WHERE id = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([id], |_| Ok(())).optional()?.is_some())
}
