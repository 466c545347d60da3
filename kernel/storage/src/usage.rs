//! The turns of models and their cost, which outlive the sessions that spent it.

use openkoi_core::{
    doubts::Doubts,
    event::{Entry, Event},
    id::{SessionId, TaskId},
    ledger::{Charge, Reservation},
    message::Usage,
    model::ModelError,
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction};
use serde::{Deserialize, Serialize};

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
    payload::{decode, decode_whole},
};

/// The most tasks of which it is told why they may have cost less.
const DOUBTED: u32 = 20;

/// Sums of a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// The number of turns models were asked for.
    pub turns: u64,
    /// Tokens that were charged to budgets.
    pub tokens: u64,
    /// Money, in millionths of a dollar.
    pub cost_micros: u64,
    /// True if the money is an upper limit: a price was not known, or tokens were estimated.
    #[serde(default)]
    pub at_most: bool,
}

/// Reads sums from the columns of a row that begin with this one.
fn total(row: &Row<'_>, first: usize) -> rusqlite::Result<Total> {
    Ok(Total {
        turns: count(row.get(first)?),
        tokens: count(row.get(first + 1)?),
        cost_micros: count(row.get(first + 2)?),
        at_most: row.get(first + 3)?,
    })
}

impl Storage {
    /// Returns what all models together took since then, those of the providers `left_out` apart. With the beginning of
    /// a day it is the day's cost.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn spent_since(&self, since_ms: u64, left_out: &[String]) -> Result<Total, StorageError> {
        let sql = "SELECT count(*), coalesce(sum(tokens), 0), coalesce(sum(cost_micros), 0),
                          coalesce(max(at_most), 0)
                   FROM turns WHERE at_ms >= ?1
                     AND substr(model, 1, instr(model, '/') - 1) NOT IN (SELECT value FROM json_each(?2))";
        let left_out = serde_json::json!(left_out).to_string();
        self.read(|connection| {
            let row = (stored(since_ms), &left_out);
            Ok(connection.query_row(sql, row, |row| total(row, 0))?)
        })
    }
}

impl Storage {
    /// Returns what each model took since then, the dearest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn spent_by_model(&self, since_ms: u64) -> Result<Vec<(String, Total)>, StorageError> {
        let sql = "SELECT model, count(*), coalesce(sum(tokens), 0), coalesce(sum(cost_micros), 0),
                          coalesce(max(at_most), 0)
                   FROM turns WHERE at_ms >= ?1 GROUP BY model ORDER BY 4 DESC, 3 DESC, 1";
        self.read(|connection| {
            let mut statement = connection.prepare(sql)?;
            let rows =
                statement.query_map([stored(since_ms)], |row| Ok((row.get(0)?, total(row, 1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

impl Storage {
    /// Returns what each role took since then, models of the providers `left_out` apart, by name.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn spent_by_role(
        &self,
        since_ms: u64,
        left_out: &[String],
    ) -> Result<Vec<(String, Total)>, StorageError> {
        let sql = "SELECT role, count(*), sum(tokens), sum(cost_micros), max(at_most)
                   FROM turns WHERE at_ms >= ?1
                     AND substr(model, 1, instr(model, '/') - 1) NOT IN (SELECT value FROM json_each(?2))
                   GROUP BY role ORDER BY role";
        let left_out = serde_json::json!(left_out).to_string();
        self.read(|connection| {
            let mut statement = connection.prepare(sql)?;
            let row = (stored(since_ms), &left_out);
            let rows = statement.query_map(row, |row| Ok((row.get(0)?, total(row, 1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps what a request took that belongs to no task. It counts in every sum.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub fn charge(&self, charge: &Charge, at_ms: u64) -> Result<(), StorageError> {
        let Charge { role, model, usage, spent } = charge;
        // Tokens are kept as the provider told them.
        let usage = if usage.estimated { Usage::default() } else { *usage };
        let (role, model) = (role.clone(), model.clone());
        let turn = Spending { role, model, answered: true, usage, spent: *spent };
        self.write(|transaction| insert(transaction, None, at_ms, &turn))
    }
}

/// A quarter of an hour, in milliseconds. The days of every time zone begin with one.
pub const QUARTER_MS: u64 = 900_000;

/// What one model took in a quarter of an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpentQuarter {
    /// `provider/model`.
    pub model: String,
    /// The beginning of the quarter, in milliseconds since 1970.
    pub at_ms: u64,
    /// What it took.
    pub total: Total,
}

impl Storage {
    /// Returns what each model took since then, those of the providers `left_out` apart, by quarters of an hour and oldest
    /// first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn spending_since(
        &self,
        since_ms: u64,
        left_out: &[String],
    ) -> Result<Vec<SpentQuarter>, StorageError> {
        let sql = "SELECT model, at_ms / ?3 * ?3 AS quarter, count(*), sum(tokens), sum(cost_micros), max(at_most)
                   FROM turns WHERE at_ms >= ?1
                     AND substr(model, 1, instr(model, '/') - 1) NOT IN (SELECT value FROM json_each(?2))
                   GROUP BY quarter, model ORDER BY quarter, model";
        let left_out = serde_json::json!(left_out).to_string();
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let row = (stored(since_ms), &left_out, stored(QUARTER_MS));
            let rows = statement.query_map(row, |row| {
                let (model, at_ms) = (row.get(0)?, count(row.get(1)?));
                Ok(SpentQuarter { model, at_ms, total: total(row, 2)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// The tasks of which it is asked why their cost is an upper limit.
#[derive(Clone, Copy, Debug)]
pub enum Doubted<'a> {
    /// One task.
    Task(&'a TaskId),
    /// All tasks of a session.
    Session(&'a SessionId),
    /// All tasks with turns since then.
    Since(u64),
}

impl Storage {
    /// Adds to `doubts` why what these tasks took is an upper limit: of the last ones, if they are many.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn doubt(&self, of: Doubted<'_>, doubts: &mut Doubts) -> Result<(), StorageError> {
        *doubts = self.read(|connection| {
            let mut doubts = doubts.clone();
            for task in doubted(connection, of)? {
                doubt(connection, &task, &mut doubts)?;
            }
            if let Doubted::Since(since_ms) = of {
                doubt_charges(connection, since_ms, &mut doubts)?;
            }
            Ok(doubts)
        })?;
        Ok(())
    }
}

fn doubted(connection: &Connection, of: Doubted<'_>) -> Result<Vec<TaskId>, StorageError> {
    let (task, session, since) = match of {
        Doubted::Task(task) => (Some(task.as_str()), None, 0),
        Doubted::Session(session) => (None, Some(session.as_str()), 0),
        Doubted::Since(since_ms) => (None, None, since_ms),
    };
    let sql = "SELECT id FROM tasks
               WHERE (?1 IS NULL OR id = ?1) AND (?2 IS NULL OR session = ?2)
                 AND EXISTS (SELECT 1 FROM turns u
                             WHERE u.task = tasks.id AND u.at_most = 1 AND u.at_ms >= ?3)
               ORDER BY seq DESC LIMIT ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let row = (task, session, stored(since), DOUBTED);
    let rows = statement.query_map(row, |row| Ok(TaskId::new(row.get::<_, String>(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Takes in the models that a task knows of, and then its turns.
fn doubt(connection: &Connection, task: &TaskId, doubts: &mut Doubts) -> Result<(), StorageError> {
    let sql = "SELECT event, payload FROM entries
               WHERE task = ?1 AND event IN ('task.started', 'models.resolved') ORDER BY seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([task.as_str()])?;
    let what = || format!("the models of task {}", task.short());
    while let Some(row) = rows.next()? {
        let (name, payload): (String, String) = (row.get(0)?, row.get(1)?);
        doubts.take(&decode_whole(connection, &name, &payload, &what)?);
    }
    let sql = "SELECT DISTINCT model FROM turns WHERE task = ?1 AND at_most = 1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([task.as_str()])?;
    while let Some(row) = rows.next()? {
        doubts.doubt(&row.get::<_, String>(0)?);
    }
    Ok(())
}

/// Takes in the charges that belong to no task. Of those whose tokens were told, the price was not known.
fn doubt_charges(
    connection: &Connection,
    since_ms: u64,
    doubts: &mut Doubts,
) -> Result<(), StorageError> {
    let sql = "SELECT DISTINCT model, input IS NOT NULL FROM turns
               WHERE at_ms >= ?1 AND task IS NULL AND at_most = 1 AND role = 'embedder'";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([stored(since_ms)])?;
    while let Some(row) = rows.next()? {
        doubts.charged(&row.get::<_, String>(0)?, row.get(1)?);
    }
    Ok(())
}

/// Adds a turn that ended, however it did.
pub(crate) fn project(
    transaction: &Transaction<'_>,
    task: &TaskId,
    entry: &Entry,
) -> Result<(), StorageError> {
    let mut turn = Spending::default();
    match &entry.event {
        Event::TurnFinished { role, model, result, spent } => {
            (turn.role, turn.model) = (role.clone(), model.clone());
            turn.answered = result.is_ok();
            turn.usage = match result {
                Ok(turn) => turn.usage,
                Err(error) => received(error),
            };
            turn.spent = *spent;
        }
        Event::TurnFailed { role, model, error, spent } => {
            (turn.role, turn.model) = (role.clone(), model.clone());
            turn.usage = received(error);
            turn.spent = *spent;
        }
        Event::TurnLost { reserved } => {
            (turn.role, turn.model) = asked(transaction, task, &entry.key)?;
            turn.spent = *reserved;
        }
        _ => return Ok(()),
    }
    insert(transaction, Some(task), entry.at_ms, &turn)
}

/// Returns what a turn took that did not become complete.
fn received(error: &ModelError) -> Usage {
    error.received.as_ref().map(|received| received.usage).unwrap_or_default()
}

#[derive(Default)]
struct Spending {
    role: String,
    model: String,
    answered: bool,
    usage: Usage,
    spent: Reservation,
}

/// Returns role and model of the turn whose key begins this one.
fn asked(
    transaction: &Transaction<'_>,
    task: &TaskId,
    key: &str,
) -> Result<(String, String), StorageError> {
    let sql = "SELECT payload FROM entries
               WHERE task = ?1 AND event = 'turn.started' AND substr(?2, 1, length(key)) = key
               ORDER BY length(key) DESC, seq DESC LIMIT 1";
    let row = (task.as_str(), key);
    let payload: Option<String> =
        transaction.prepare_cached(sql)?.query_row(row, |row| row.get(0)).optional()?;
    let Some(payload) = payload else { return Ok(Default::default()) };
    match decode(&payload, &|| format!("the start of turn {key}"))? {
        Event::TurnStarted { role, model, .. } => Ok((role, model)),
        _ => Ok(Default::default()),
    }
}

fn insert(
    transaction: &Transaction<'_>,
    task: Option<&TaskId>,
    at_ms: u64,
    turn: &Spending,
) -> Result<(), StorageError> {
    let Usage { input, output, cache_read, cache_write, reasoning, .. } = turn.usage;
    let sql = "INSERT INTO turns (task, role, model, at_ms, answered, input, output, cache_read,
                                  cache_write, reasoning, tokens, cost_micros, at_most)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let row = (
        task.map(TaskId::as_str),
        &turn.role,
        &turn.model,
        stored(at_ms),
        turn.answered,
        input.map(stored),
        output.map(stored),
        cache_read.map(stored),
        cache_write.map(stored),
        reasoning.map(stored),
        stored(turn.spent.tokens),
        stored(turn.spent.cost_micros),
        turn.spent.at_most && turn.spent.cost_micros > 0,
    );
    transaction.prepare_cached(sql)?.execute(row)?;
    Ok(())
}
