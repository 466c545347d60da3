//! The journal as rows for components that report on it: iterations, calls, verdicts, spending.

use openkoi_core::{event::Event, id::TaskId, message::Usage};
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};

use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
    journal::decode,
    usage::usage_at,
};

/// Which records are wanted, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordQuery {
    /// Only those of this task.
    pub task: Option<TaskId>,
    /// Only those since then, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// How many at most.
    pub limit: u32,
}

/// One iteration of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IterationRecord {
    /// The task.
    pub task: TaskId,
    /// Counted from 1.
    pub number: u32,
    /// The rubric's score, 0 to 1.
    pub score: Option<f64>,
    /// `accept`, `refine`, `resample` or `stop`.
    pub decision: String,
}

/// One call of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The task.
    pub task: TaskId,
    /// The tool.
    pub tool: String,
    /// `ok`, or the word of the failure.
    pub outcome: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// One verdict of an evaluator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerdictRecord {
    /// The task.
    pub task: TaskId,
    /// The iteration; 0 is the untouched tree.
    pub iteration: u32,
    /// The evaluator.
    pub evaluator: String,
    /// The mean of its scores, 0 to 1; absent if it gave none.
    pub score: Option<f64>,
    /// How many findings it had.
    pub findings: u32,
}

/// One use of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendingRecord {
    /// The task; absent when its session was deleted.
    pub task: Option<TaskId>,
    /// `provider/model`.
    pub model: String,
    /// The role.
    pub role: String,
    /// Tokens.
    pub usage: Usage,
    /// Money, in millionths of a dollar.
    pub cost_micros: u64,
}

struct Found {
    task: TaskId,
    key: String,
    at_ms: u64,
    event: Event,
}

impl Storage {
    /// Returns iterations.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub fn iterations(&self, query: &RecordQuery) -> Result<Vec<IterationRecord>, StorageError> {
        self.each(query, "iteration.decided", |found| {
            let Event::IterationDecided { number, decision, standing, .. } = found.event else {
                return None;
            };
            Some(IterationRecord { task: found.task, number, score: standing.score, decision })
        })
    }

    /// Returns calls of tools that ended.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub fn calls(&self, query: &RecordQuery) -> Result<Vec<CallRecord>, StorageError> {
        self.each(query, "call.finished", |found| {
            let Event::CallFinished { tool, result, duration_ms } = found.event else {
                return None;
            };
            let outcome = result.map_or_else(|failure| failure.word(), |_| "ok").to_owned();
            let (task, at_ms) = (found.task, found.at_ms);
            Some(CallRecord { task, tool, outcome, at_ms, duration_ms })
        })
    }

    /// Returns verdicts of evaluators; an evaluator that failed gave none.
    ///
    /// # Errors
    ///
    /// When the journal cannot be read.
    pub fn verdicts(&self, query: &RecordQuery) -> Result<Vec<VerdictRecord>, StorageError> {
        self.each(query, "evaluation.finished", |found| {
            let Event::EvaluationFinished { evaluator, result: Ok(verdict), .. } = found.event
            else {
                return None;
            };
            let scores: Vec<f64> = verdict.scores.iter().map(|score| score.value).collect();
            let mean = || scores.iter().sum::<f64>() / scores.len() as f64;
            Some(VerdictRecord {
                task: found.task,
                iteration: iteration_of(&found.key),
                evaluator,
                score: (!scores.is_empty()).then(mean),
                findings: u32::try_from(verdict.findings.len()).unwrap_or(u32::MAX),
            })
        })
    }

    /// Returns uses of models.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn spendings(&self, query: &RecordQuery) -> Result<Vec<SpendingRecord>, StorageError> {
        let sql = "SELECT task, model, role, cost_micros, input, output, cache_read, cache_write,
                          reasoning
                   FROM turns WHERE (?1 IS NULL OR task = ?1) AND (?2 IS NULL OR at_ms >= ?2)
                   ORDER BY row DESC LIMIT ?3";
        self.read(|connection| {
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map(parameters(query), spending)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn each<T>(
        &self,
        query: &RecordQuery,
        event: &str,
        record: impl Fn(Found) -> Option<T>,
    ) -> Result<Vec<T>, StorageError> {
        let found = self.read(|connection| select(connection, query, event))?;
        Ok(found.into_iter().filter_map(record).collect())
    }
}

fn select(
    connection: &Connection,
    query: &RecordQuery,
    event: &str,
) -> Result<Vec<Found>, StorageError> {
    let sql = "SELECT task, key, at_ms, payload FROM entries
               WHERE (?1 IS NULL OR task = ?1) AND (?2 IS NULL OR at_ms >= ?2) AND event = ?4
               ORDER BY row DESC LIMIT ?3";
    let (task, since, limit) = parameters(query);
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query((task, since, limit, event))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (key, payload): (String, String) = (row.get(1)?, row.get(3)?);
        found.push(Found {
            task: TaskId::new(row.get::<_, String>(0)?),
            event: decode(&payload, &|| format!("entry {key}"))?,
            at_ms: count(row.get(2)?),
            key,
        });
    }
    Ok(found)
}

fn parameters(query: &RecordQuery) -> (Option<&str>, Option<i64>, u32) {
    (query.task.as_ref().map(TaskId::as_str), query.since_ms.map(stored), query.limit)
}

fn spending(row: &Row<'_>) -> rusqlite::Result<SpendingRecord> {
    Ok(SpendingRecord {
        task: row.get::<_, Option<String>>(0)?.map(TaskId::new),
        model: row.get(1)?,
        role: row.get(2)?,
        cost_micros: count(row.get(3)?),
        usage: usage_at(row, 4)?,
    })
}

/// Reads the iteration from a key such as `i2/e/rubric`; every other key belongs to none.
fn iteration_of(key: &str) -> u32 {
    let first = key.split('/').next().unwrap_or_default();
    first.strip_prefix('i').and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::iteration_of;

    #[test]
    fn the_iteration_is_the_first_part_of_the_key() {
        let keys = ["i1/e/rubric", "i12", "baseline/e/checks", "", "i"];

        assert_eq!(keys.map(iteration_of), [1, 12, 0, 0, 0]);
    }
}
