//! Events that are told to receivers outside: an outbox.
//!
//! A delivery becomes a row in the transaction of the entry that it tells of, so none is lost, whichever process wrote the entry.
//! Whoever delivers marks it afterwards: a receiver can get one twice, with the same id.

use openkoi_brokers::clock;
use openkoi_core::{
    event::{Entry, Event},
    hash,
    id::TaskId,
    outcome::{Ending, Outcome, Pause},
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};
use serde_json::{Value, json};

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
    ident::{self, Among},
    status::unknown_word,
};

/// How long a delivery is listed after its end, in milliseconds.
const LISTED_MS: u64 = 30 * 86_400_000;
/// The most characters of a description.
const LONGEST: usize = 4_000;
const DELIVERIES: Among =
    Among { what: "delivery", table: "deliveries", title: "event || ' to ' || url" };

/// What can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WebhookEvent {
    /// A task was accepted.
    TaskComplete,
    /// A task ended otherwise, or does not go on by itself.
    TaskFailed,
    /// A task waits for a person's answer.
    TaskNeedsApproval,
    /// Most of the day's budget is spent, or all of it.
    BudgetWarning,
    /// Nothing: the receiver is tried.
    Test,
}

impl WebhookEvent {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::TaskComplete,
        Self::TaskFailed,
        Self::TaskNeedsApproval,
        Self::BudgetWarning,
        Self::Test,
    ];

    /// Returns the type that a receiver sees.
    pub fn word(self) -> &'static str {
        match self {
            Self::TaskComplete => "task.complete",
            Self::TaskFailed => "task.failed",
            Self::TaskNeedsApproval => "task.needs_approval",
            Self::BudgetWarning => "budget.warning",
            Self::Test => "webhook.test",
        }
    }

    fn from_column(word: &str) -> rusqlite::Result<Self> {
        let found = Self::ALL.into_iter().find(|event| event.word() == word);
        found.ok_or_else(|| unknown_word(word))
    }
}

/// A receiver of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The event.
    pub event: WebhookEvent,
    /// The address that it is sent to.
    pub url: String,
    /// When the receiver said that it is gone, in milliseconds since 1970. Nothing is sent to it any more.
    pub closed_ms: Option<u64>,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is to be sent.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// It is not tried any more.
    Failed,
}

impl DeliveryState {
    const ALL: [Self; 3] = [Self::Waiting, Self::Delivered, Self::Failed];

    /// Returns the word for the state.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// One event for one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, the same at each attempt.
    pub id: String,
    /// What it tells.
    pub event: WebhookEvent,
    /// The address that it is sent to.
    pub url: String,
    /// The task that it tells of.
    pub task: Option<TaskId>,
    /// The JSON that is sent, before secrets are taken out of it.
    pub body: String,
    /// When it came about, in milliseconds since 1970.
    pub made_ms: u64,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried first.
    pub first_ms: Option<u64>,
    /// When it is tried next.
    pub next_ms: u64,
    /// When it was tried last.
    pub tried_ms: Option<u64>,
    /// What the receiver answered last.
    pub status: Option<u16>,
    /// Why the last attempt failed.
    pub why: Option<String>,
}

impl Delivery {
    /// Returns one that tells nothing, to try the receiver at `url`. `key` tells it from others.
    pub fn trial(url: &str, key: &str, at_ms: u64) -> Self {
        let event = WebhookEvent::Test;
        Self {
            id: id_of(event, url, key),
            event,
            url: url.to_owned(),
            task: None,
            body: body_of(event, at_ms, &json!({ "message": "OpenKoi can reach this receiver." })),
            made_ms: at_ms,
            state: DeliveryState::Waiting,
            attempts: 0,
            first_ms: None,
            next_ms: at_ms,
            tried_ms: None,
            status: None,
            why: None,
        }
    }
}

/// What follows from an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The receiver took it.
    Delivered,
    /// It is tried again at this time.
    Again(u64),
    /// It is not tried any more.
    GivenUp,
    /// The receiver is gone: nothing is sent to it any more.
    Closed,
}

/// An attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it ended, in milliseconds since 1970.
    pub at_ms: u64,
    /// What the receiver answered, if it did.
    pub status: Option<u16>,
    /// Why it failed, if it did.
    pub why: Option<String>,
    /// What follows.
    pub fate: Fate,
}

impl Storage {
    /// Returns the receivers.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn webhooks(&self) -> Result<Vec<Webhook>, StorageError> {
        self.read(webhooks)
    }

    /// Keeps who receives what. Nothing is written if it is known. What still waits for an address that is not among them
    /// any more is given up.
    ///
    /// # Errors
    ///
    /// When the database cannot be used.
    pub fn set_webhooks(
        &self,
        wanted: &[(WebhookEvent, String)],
        at_ms: u64,
    ) -> Result<(), StorageError> {
        let is_known = |known: &[Webhook]| {
            known.len() == wanted.len()
                && wanted.iter().all(|(event, url)| {
                    known.iter().any(|one| one.event == *event && one.url == *url)
                })
        };
        if is_known(&self.webhooks()?) {
            return Ok(());
        }
        self.write(|transaction| {
            for known in webhooks(transaction)? {
                if !wanted.iter().any(|(event, _)| *event == known.event) {
                    let sql = "DELETE FROM webhooks WHERE event = ?1";
                    transaction.execute(sql, [known.event.word()])?;
                }
            }
            for (event, url) in wanted {
                let sql = "INSERT INTO webhooks (event, url) VALUES (?1, ?2)
                           ON CONFLICT (event) DO UPDATE SET url = excluded.url, closed_ms = NULL
                           WHERE url != excluded.url";
                transaction.execute(sql, (event.word(), url))?;
            }
            let sql = "UPDATE deliveries SET state = 'failed', tried_ms = ?1,
                              why = 'its address was taken out of the configuration'
                       WHERE state = 'waiting' AND url NOT IN (SELECT url FROM webhooks)";
            transaction.execute(sql, [stored(at_ms)])?;
            Ok(())
        })
    }

    /// Puts an event into the outbox that no journal tells of, once for each `key`.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn tell(
        &self,
        event: WebhookEvent,
        key: &str,
        at_ms: u64,
        data: &Value,
    ) -> Result<(), StorageError> {
        self.write(|transaction| put(transaction, event, None, key, at_ms, || Ok(data.clone())))
    }

    /// Keeps a delivery that tries a receiver, with what became of it. It is never sent by anybody else.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn keep_trial(&self, trial: &Delivery, attempt: &Attempt) -> Result<(), StorageError> {
        let fate = if attempt.fate == Fate::Delivered { Fate::Delivered } else { Fate::GivenUp };
        let attempt = Attempt { fate, ..attempt.clone() };
        self.write(|transaction| {
            let Delivery { event, url, id, made_ms, body, .. } = trial;
            insert(transaction, *event, None, url, id, (*made_ms, body))?;
            attempted(transaction, trial, &attempt)
        })
    }

    /// Returns the deliveries that come next: of each task the oldest for each receiver.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn next_deliveries(&self) -> Result<Vec<Delivery>, StorageError> {
        self.read(|connection| {
            select(
                connection,
                "WHERE d.state = 'waiting' AND NOT EXISTS
                    (SELECT 1 FROM deliveries e WHERE e.state = 'waiting' AND e.url = d.url
                                                  AND e.task IS d.task AND e.seq < d.seq)
                 ORDER BY d.next_ms, d.seq LIMIT 500",
                (),
            )
        })
    }

    /// Returns the last deliveries, newest first; with the id of one, those from before it.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn deliveries(
        &self,
        before: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Delivery>, StorageError> {
        let condition = "WHERE ?1 IS NULL OR d.seq < (SELECT seq FROM deliveries WHERE id = ?1)
                         ORDER BY d.seq DESC LIMIT ?2";
        self.read(|connection| select(connection, condition, (before, limit)))
    }

    /// Returns the delivery that a person means by `typed`: the beginning of the shown or of the whole id.
    ///
    /// # Errors
    ///
    /// [`StorageError::NoSuch`], and [`StorageError::Ambiguous`] with the candidates.
    pub fn delivery(&self, typed: &str) -> Result<Delivery, StorageError> {
        self.read(|connection| {
            let id = ident::find(connection, &DELIVERIES, typed)?;
            let found = select(connection, "WHERE d.id = ?1", [&id])?.pop();
            found.ok_or_else(|| StorageError::NoSuch { what: "delivery", text: typed.to_owned() })
        })
    }

    /// Notes what became of an attempt. Old deliveries that are over go.
    ///
    /// # Errors
    ///
    /// When the database cannot be written: the delivery is tried again.
    pub fn attempted(&self, delivery: &Delivery, attempt: &Attempt) -> Result<(), StorageError> {
        self.write(|transaction| attempted(transaction, delivery, attempt))
    }

    /// Lets a delivery be tried again at once, and its receiver be sent to again if it was gone. Returns false if it is not
    /// over, or was taken.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn retry_delivery(&self, delivery: &Delivery, at_ms: u64) -> Result<bool, StorageError> {
        self.write(|transaction| {
            let sql = "UPDATE deliveries SET state = 'waiting', attempts = 0, first_ms = NULL, next_ms = ?2
                       WHERE id = ?1 AND state = 'failed'";
            let is_again = transaction.execute(sql, (&delivery.id, stored(at_ms)))? > 0;
            if is_again {
                open(transaction, &delivery.url)?;
            }
            Ok(is_again)
        })
    }
}

fn attempted(
    transaction: &Transaction<'_>,
    delivery: &Delivery,
    attempt: &Attempt,
) -> Result<(), StorageError> {
    let Attempt { at_ms, status, why, fate } = attempt;
    let (state, next_ms) = match fate {
        Fate::Delivered => (DeliveryState::Delivered, *at_ms),
        Fate::Again(next_ms) => (DeliveryState::Waiting, *next_ms),
        Fate::GivenUp | Fate::Closed => (DeliveryState::Failed, *at_ms),
    };
    let sql = "UPDATE deliveries
               SET state = ?2, attempts = attempts + 1, first_ms = coalesce(first_ms, ?3), tried_ms = ?3,
                   next_ms = ?4, status = ?5, why = ?6
               WHERE id = ?1";
    let row = (&delivery.id, state.word(), stored(*at_ms), stored(next_ms), *status, why);
    transaction.prepare_cached(sql)?.execute(row)?;
    match fate {
        Fate::Closed => {
            let sql = "UPDATE webhooks SET closed_ms = ?2 WHERE url = ?1";
            transaction.execute(sql, (&delivery.url, stored(*at_ms)))?;
            let sql = "UPDATE deliveries SET state = 'failed', tried_ms = ?2, why = ?3
                       WHERE url = ?1 AND state = 'waiting'";
            transaction.execute(sql, (&delivery.url, stored(*at_ms), why))?;
        }
        Fate::Delivered => open(transaction, &delivery.url)?,
        Fate::Again(_) | Fate::GivenUp => {}
    }
    let sql = "DELETE FROM deliveries WHERE state != 'waiting' AND made_ms < ?1";
    transaction.prepare_cached(sql)?.execute([stored(at_ms.saturating_sub(LISTED_MS))])?;
    Ok(())
}

fn open(transaction: &Transaction<'_>, url: &str) -> Result<(), StorageError> {
    let sql = "UPDATE webhooks SET closed_ms = NULL WHERE url = ?1 AND closed_ms IS NOT NULL";
    transaction.execute(sql, [url])?;
    Ok(())
}

/// Puts what `entry` tells into the outbox, once the row of its task is as the entry leaves it. It is entry number `seq`.
pub(crate) fn project(
    transaction: &Transaction<'_>,
    task: &TaskId,
    entry: &Entry,
    seq: i64,
) -> Result<(), StorageError> {
    let (event, ended) = match &entry.event {
        Event::TaskFinished { outcome } => match outcome.ending {
            Ending::Accepted | Ending::Simulated => {
                (WebhookEvent::TaskComplete, Ended::with(outcome))
            }
            _ => (WebhookEvent::TaskFailed, Ended::with(outcome)),
        },
        // What waits for an answer is told when the question is asked.
        Event::TaskPaused { cause: Some(Pause::Question { .. }), .. } => return Ok(()),
        Event::TaskPaused { cause: Some(Pause::Cancelled), .. } if goes_on(transaction, task)? => {
            return Ok(());
        }
        Event::TaskPaused { reason, outcome, .. } => {
            let outcome = outcome.as_deref();
            (WebhookEvent::TaskFailed, Ended { outcome, error: Some(reason) })
        }
        _ => return Ok(()),
    };
    let key = format!("{}-{seq}", task.as_str());
    put(transaction, event, Some(task), &key, entry.at_ms, || of_task(transaction, task, &ended))
}

/// Puts into the outbox that a task of the queue came to no end of its own: nobody could run it, or it was cancelled before anybody
/// did.
pub(crate) fn unrun(
    transaction: &Transaction<'_>,
    task: &TaskId,
    why: Option<&str>,
    at_ms: u64,
) -> Result<(), StorageError> {
    let sql = "SELECT event FROM entries WHERE task = ?1 ORDER BY seq DESC LIMIT 1";
    let last: Option<String> =
        transaction.prepare_cached(sql)?.query_row([task.as_str()], |row| row.get(0)).optional()?;
    let error = match last.as_deref() {
        None => why.or(Some("cancelled")),
        Some("task.paused" | "task.finished") => None,
        Some(_) => why,
    };
    if error.is_none() {
        return Ok(());
    }
    let ended = Ended { outcome: None, error };
    let key = format!("{}-{at_ms}", task.as_str());
    let data = || of_task(transaction, task, &ended);
    put(transaction, WebhookEvent::TaskFailed, Some(task), &key, at_ms, data)
}

/// Puts into the outbox that a person is asked something: by this id, of this kind, with these words.
pub(crate) fn asked(
    transaction: &Transaction<'_>,
    (id, kind, words): (&str, &str, &str),
    task: &TaskId,
    at_ms: u64,
) -> Result<(), StorageError> {
    let event = WebhookEvent::TaskNeedsApproval;
    put(transaction, event, Some(task), id, at_ms, || {
        let mut data = of_task(transaction, task, &Ended { outcome: None, error: None })?;
        data["question"] = json!({ "id": id, "kind": kind, "text": cut(words) });
        Ok(data)
    })
}

/// Returns whether a task that the daemon runs was stopped without anybody having wished for its end: it is taken up again.
fn goes_on(transaction: &Transaction<'_>, task: &TaskId) -> Result<bool, StorageError> {
    let sql = "SELECT 1 FROM queue WHERE task = ?1 AND state = 'running' AND cancel = 0";
    let found = transaction.prepare_cached(sql)?.query_row([task.as_str()], |_| Ok(()));
    Ok(found.optional()?.is_some())
}

/// How a run ended.
struct Ended<'a> {
    outcome: Option<&'a Outcome>,
    error: Option<&'a str>,
}

impl<'a> Ended<'a> {
    fn with(outcome: &'a Outcome) -> Self {
        let error = Some(outcome.because.as_str()).filter(|because| !because.is_empty());
        Self { outcome: Some(outcome), error }
    }
}

/// Returns what is told of a task.
fn of_task(
    transaction: &Transaction<'_>,
    task: &TaskId,
    ended: &Ended<'_>,
) -> Result<Value, StorageError> {
    let sql =
        "SELECT session, text, workspace, model, iterations, score, cost_micros, tokens, status
               FROM tasks WHERE id = ?1";
    let mut data = transaction.prepare_cached(sql)?.query_row([task.as_str()], |row| {
        let text: String = row.get(1)?;
        Ok(json!({
            "task_id": task.as_str(),
            "session_id": row.get::<_, String>(0)?,
            "description": cut(&text),
            "workspace": row.get::<_, String>(2)?,
            "model": row.get::<_, String>(3)?,
            "iterations": row.get::<_, u32>(4)?,
            "final_score": row.get::<_, Option<f64>>(5)?,
            "cost_usd": count(row.get(6)?) as f64 / 1e6,
            "total_tokens": count(row.get(7)?),
            "status": row.get::<_, String>(8)?,
        }))
    })?;
    if let Some(outcome) = ended.outcome {
        data["files_changed"] = outcome.changes.len().into();
        data["duration_ms"] = outcome.elapsed_ms.into();
    }
    if let Some(error) = ended.error {
        data["error"] = cut(error).into();
    }
    Ok(data)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Puts an event into the outbox, for whoever receives it.
fn put(
    transaction: &Transaction<'_>,
    event: WebhookEvent,
    task: Option<&TaskId>,
    key: &str,
    at_ms: u64,
    data: impl FnOnce() -> Result<Value, StorageError>,
) -> Result<(), StorageError> {
    let sql = "SELECT url FROM webhooks WHERE event = ?1 AND closed_ms IS NULL";
    let url = transaction.prepare_cached(sql)?.query_row([event.word()], |row| row.get(0));
    let Some(url) = url.optional()? else { return Ok(()) };
    let url: String = url;
    let body = body_of(event, at_ms, &data()?);
    insert(transaction, event, task, &url, &id_of(event, &url, key), (at_ms, &body))
}

fn insert(
    transaction: &Transaction<'_>,
    event: WebhookEvent,
    task: Option<&TaskId>,
    url: &str,
    id: &str,
    (at_ms, body): (u64, &str),
) -> Result<(), StorageError> {
    let sql = "INSERT INTO deliveries
                   (id, event, url, task, body, made_ms, state, attempts, next_ms)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'waiting', 0, ?6)
               ON CONFLICT (id) DO NOTHING";
    let row = (id, event.word(), url, task.map(TaskId::as_str), body, stored(at_ms));
    transaction.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

/// Returns the id of a delivery: the same for the same event, so that none is there twice.
fn id_of(event: WebhookEvent, url: &str, key: &str) -> String {
    let digest = hash::of_json(&(event.word(), url, key));
    format!("msg_{}", digest.get(..24).unwrap_or(&digest))
}

fn body_of(event: WebhookEvent, at_ms: u64, data: &Value) -> String {
    json!({ "type": event.word(), "timestamp": clock::timestamp(at_ms), "data": data }).to_string()
}

fn webhooks(connection: &Connection) -> Result<Vec<Webhook>, StorageError> {
    let sql = "SELECT event, url, closed_ms FROM webhooks ORDER BY event";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((), |row| {
        Ok(Webhook {
            event: WebhookEvent::from_column(&row.get::<_, String>(0)?)?,
            url: row.get(1)?,
            closed_ms: row.get::<_, Option<i64>>(2)?.map(count),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn select(
    connection: &Connection,
    condition: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<Delivery>, StorageError> {
    let sql = format!(
        "SELECT d.id, d.event, d.url, d.task, d.body, d.made_ms, d.state, d.attempts, d.first_ms,
                d.next_ms, d.tried_ms, d.status, d.why
         FROM deliveries d {condition}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(parameters, record)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn record(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let (event, state): (String, String) = (row.get(1)?, row.get(6)?);
    let found = DeliveryState::ALL.into_iter().find(|known| known.word() == state);
    Ok(Delivery {
        id: row.get(0)?,
        event: WebhookEvent::from_column(&event)?,
        url: row.get(2)?,
        task: row.get::<_, Option<String>>(3)?.map(TaskId::new),
        body: row.get(4)?,
        made_ms: count(row.get(5)?),
        state: found.ok_or_else(|| unknown_word(&state))?,
        attempts: row.get(7)?,
        first_ms: row.get::<_, Option<i64>>(8)?.map(count),
        next_ms: count(row.get(9)?),
        tried_ms: row.get::<_, Option<i64>>(10)?.map(count),
        status: row.get(11)?,
        why: row.get(12)?,
    })
}

#[cfg(test)]
mod tests;
