//! Questions to a person, whichever process asks, and their answers, whichever surface gives them.
//!
//! A question stays open while its task waits for the answer: in a process that stands still, or paused in the journal.

use openkoi_core::{
    approval::{Answer, ApprovalRequest},
    deliberation::assessment::UserQuestion,
    id::TaskId,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};
use serde::{Deserialize, Serialize};

use crate::{
    Storage,
    database::{count, stored},
    error::{Candidate, StorageError},
    status::unknown_word,
    webhooks,
};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "request", rename_all = "snake_case")]
pub enum Asked {
    /// Whether an effect is allowed.
    Approval(Box<ApprovalRequest>),
    /// What only the user knows.
    Question(UserQuestion),
}

/// What a person says to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// Whether the effect is allowed.
    Answer(Answer),
    /// An answer in words.
    Text(String),
}

impl Given {
    /// Returns whether it is an answer to such a question.
    pub fn fits(&self, asked: &Asked) -> bool {
        matches!(
            (self, asked),
            (Self::Answer(_), Asked::Approval(_)) | (Self::Text(_), Asked::Question(_))
        )
    }
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuestionRecord {
    /// Its id.
    pub id: String,
    /// The task that waits for the answer.
    pub task: TaskId,
    /// What is asked.
    pub asked: Asked,
    /// When it was asked, in milliseconds since 1970.
    pub asked_ms: u64,
    /// The answer, once there is one.
    pub given: Option<Given>,
    /// The surface that gave it.
    pub given_by: Option<String>,
    /// True while the task waits for it.
    pub is_open: bool,
}

impl Storage {
    /// Asks a question of a task, by this id. If the task waits for the answer to the same question already, that one
    /// is returned, with its answer if it has one.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn ask(
        &self,
        id: &str,
        task: &TaskId,
        asked: &Asked,
        at_ms: u64,
    ) -> Result<QuestionRecord, StorageError> {
        self.write(|transaction| ask(transaction, id, task, asked, at_ms))
    }

    /// Returns the question of a task that asks the same and waits for the answer.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn same_question(
        &self,
        task: &TaskId,
        asked: &Asked,
    ) -> Result<Option<QuestionRecord>, StorageError> {
        let (kind, request) = columns(asked)?;
        self.read(|connection| same(connection, task, kind, &request))
    }

    /// Returns the tasks that pause for a question which was answered since, and that the daemon had run before.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn answered_tasks(&self) -> Result<Vec<TaskId>, StorageError> {
        let sql = "SELECT DISTINCT q.task FROM questions q JOIN tasks t ON t.id = q.task
                   JOIN queue w ON w.task = q.task AND w.state = 'done'
                   WHERE q.is_open = 1 AND q.answer IS NOT NULL AND t.status = 'paused'";
        self.read(|connection| {
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map((), |row| Ok(TaskId::new(row.get::<_, String>(0)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Returns the question whose id begins with a text, or ends with it.
    ///
    /// # Errors
    ///
    /// When there is none, or more than one.
    pub fn find_question(&self, typed: &str) -> Result<QuestionRecord, StorageError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM questions WHERE substr(id, 1, length(?1)) = ?1
             OR substr(id, -length(?1)) = ?1 OR substr(id, -8, length(?1)) = ?1 ORDER BY seq"
        );
        let none = || StorageError::NoSuch { what: "question", text: typed.to_owned() };
        if typed.is_empty() {
            return Err(none());
        }
        let mut found: Vec<QuestionRecord> = self.read(|connection| {
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map([typed], record)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        if found.len() > 1 {
            let candidates = found.iter().take(8).map(|one| Candidate {
                short: one.id.get(one.id.len().saturating_sub(8)..).unwrap_or(&one.id).to_owned(),
                id: one.id.clone(),
                title: one.task.short().to_owned(),
            });
            let candidates = candidates.collect();
            return Err(StorageError::Ambiguous {
                what: "question",
                text: typed.to_owned(),
                candidates,
            });
        }
        found.pop().ok_or_else(none)
    }

    /// Returns a question.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn question(&self, id: &str) -> Result<Option<QuestionRecord>, StorageError> {
        let sql = format!("SELECT {COLUMNS} FROM questions WHERE id = ?1");
        self.read(|connection| {
            Ok(connection.prepare_cached(&sql)?.query_row([id], record).optional()?)
        })
    }

    /// Returns the questions whose tasks wait for an answer, oldest first. A task that was cancelled does not, until it is
    /// resumed.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn open_questions(&self) -> Result<Vec<QuestionRecord>, StorageError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM questions WHERE is_open = 1 AND answer IS NULL
               AND (EXISTS (SELECT 1 FROM tasks t WHERE t.id = questions.task
                            AND t.status IN ('running', 'paused'))
                    OR EXISTS (SELECT 1 FROM queue q WHERE q.task = questions.task
                               AND q.state = 'waiting'))
             ORDER BY seq"
        );
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map((), record)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Answers a question. Returns false if it does not wait for an answer any more.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn give_answer(
        &self,
        id: &str,
        given: &Given,
        by: &str,
        at_ms: u64,
    ) -> Result<bool, StorageError> {
        let text = json(given)?;
        self.write(|transaction| {
            let sql = "UPDATE questions SET answer = ?2, answered_by = ?3, answered_ms = ?4
                       WHERE id = ?1 AND is_open = 1 AND answer IS NULL";
            let row = (id, &text, by, stored(at_ms));
            Ok(transaction.prepare_cached(sql)?.execute(row)? > 0)
        })
    }

    /// Notes that nobody waits for the answer to a question any more.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn close_question(&self, id: &str) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "UPDATE questions SET is_open = 0 WHERE id = ?1";
            transaction.prepare_cached(sql)?.execute([id])?;
            Ok(())
        })
    }
}

const COLUMNS: &str = "id, task, kind, request, asked_ms, answer, answered_by, is_open";

/// Asks a question, or returns the one that the task waits for already.
pub(crate) fn ask(
    transaction: &Transaction<'_>,
    id: &str,
    task: &TaskId,
    asked: &Asked,
    at_ms: u64,
) -> Result<QuestionRecord, StorageError> {
    let (kind, request) = columns(asked)?;
    if let Some(open) = same(transaction, task, kind, &request)? {
        return Ok(open);
    }
    let sql = "INSERT INTO questions (id, task, kind, request, asked_ms, is_open)
               VALUES (?1, ?2, ?3, ?4, ?5, 1)";
    let row = (id, task.as_str(), kind, &request, stored(at_ms));
    transaction.prepare_cached(sql)?.execute(row)?;
    let words = match asked {
        Asked::Approval(request) => format!("{} {}", request.action, request.target),
        Asked::Question(question) => question.text.clone(),
    };
    webhooks::asked(transaction, (id, kind, &words), task, at_ms)?;
    Ok(QuestionRecord {
        id: id.to_owned(),
        task: task.clone(),
        asked: asked.clone(),
        asked_ms: at_ms,
        given: None,
        given_by: None,
        is_open: true,
    })
}

fn columns(asked: &Asked) -> Result<(&'static str, String), StorageError> {
    Ok(match asked {
        Asked::Approval(request) => ("approval", json(request)?),
        Asked::Question(question) => ("question", json(question)?),
    })
}

fn same(
    connection: &Connection,
    task: &TaskId,
    kind: &str,
    request: &str,
) -> Result<Option<QuestionRecord>, StorageError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM questions
         WHERE task = ?1 AND kind = ?2 AND request = ?3 AND is_open = 1"
    );
    let row = (task.as_str(), kind, request);
    Ok(connection.prepare_cached(&sql)?.query_row(row, record).optional()?)
}

/// Closes the questions of a task that is over.
pub(crate) fn close_all(transaction: &Transaction<'_>, task: &TaskId) -> Result<(), StorageError> {
    let sql = "UPDATE questions SET is_open = 0 WHERE task = ?1 AND is_open = 1";
    transaction.prepare_cached(sql)?.execute([task.as_str()])?;
    Ok(())
}

fn json(value: &impl Serialize) -> Result<String, StorageError> {
    serde_json::to_string(value)
        .map_err(|source| StorageError::Unwritable { what: "a question".to_owned(), source })
}

fn record(row: &Row<'_>) -> rusqlite::Result<QuestionRecord> {
    let (kind, request): (String, String) = (row.get(2)?, row.get(3)?);
    let unread = |_| unknown_word(&kind);
    let asked = match kind.as_str() {
        "approval" => Asked::Approval(serde_json::from_str(&request).map_err(unread)?),
        _ => Asked::Question(serde_json::from_str(&request).map_err(unread)?),
    };
    let given: Option<String> = row.get(5)?;
    let given = given.map(|text| serde_json::from_str(&text)).transpose().map_err(unread)?;
    Ok(QuestionRecord {
        id: row.get(0)?,
        task: TaskId::new(row.get::<_, String>(1)?),
        asked,
        asked_ms: count(row.get(4)?),
        given,
        given_by: row.get(6)?,
        is_open: row.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use openkoi_core::{
        id::SessionId,
        queue::{Queue, Submission},
    };

    use super::*;

    fn home() -> (tempfile::TempDir, Storage, TaskId) {
        let home = tempfile::tempdir().unwrap();
        let storage = Storage::open(home.path()).unwrap();
        let submission = Submission {
            task: TaskId::new("a1"),
            session: SessionId::new("s1"),
            text: "feed the fish".to_owned(),
            workspace: "/pond".to_owned(),
            request: "{}".to_owned(),
            priority: 0,
            key: None,
        };
        storage.submit(&submission, 1).unwrap();
        (home, storage, TaskId::new("a1"))
    }

    fn question(text: &str) -> Asked {
        Asked::Question(UserQuestion {
            text: text.to_owned(),
            why: String::new(),
            choices: Vec::new(),
            assumed: "flakes".to_owned(),
        })
    }

    #[test]
    fn a_question_is_asked_once_and_answered_once() {
        let (_home, storage, task) = home();

        let first = storage.ask("q1", &task, &question("What do koi eat?"), 2).unwrap();
        let again = storage.ask("q2", &task, &question("What do koi eat?"), 3).unwrap();
        assert_eq!((&*first.id, &*again.id), ("q1", "q1"));
        assert_eq!(storage.open_questions().unwrap(), [first]);

        let pellets = Given::Text("pellets".to_owned());
        assert!(storage.give_answer("q1", &pellets, "web", 4).unwrap());
        assert!(!storage.give_answer("q1", &Given::Text("bread".to_owned()), "rest", 5).unwrap());

        assert_eq!(storage.open_questions().unwrap(), []);
        let answered = storage.ask("q3", &task, &question("What do koi eat?"), 6).unwrap();
        assert_eq!(answered.given, Some(pellets));
        assert_eq!(answered.given_by.as_deref(), Some("web"));
    }

    #[test]
    fn a_question_that_nobody_waits_for_takes_no_answer_and_can_be_asked_anew() {
        let (_home, storage, task) = home();
        storage.ask("q1", &task, &question("What do koi eat?"), 2).unwrap();

        storage.close_question("q1").unwrap();

        let given = Given::Text("pellets".to_owned());
        assert!(!storage.give_answer("q1", &given, "web", 4).unwrap());
        assert!(!storage.give_answer("none", &given, "web", 4).unwrap());
        let anew = storage.ask("q2", &task, &question("What do koi eat?"), 3).unwrap();
        assert_eq!((&*anew.id, anew.given), ("q2", None));
    }

    #[test]
    fn an_answer_fits_its_kind_of_question() {
        let text = Given::Text("pellets".to_owned());
        let yes = Given::Answer(Answer::AllowOnce);

        assert!(text.fits(&question("What do koi eat?")));
        assert!(!yes.fits(&question("What do koi eat?")));
    }
}
