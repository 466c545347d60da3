//! What tasks taught: confirmed when it is taught again, counted by what the user did with the work that taught it, and dropped
//! when it never helped or there is too much of it.

use openkoi_core::{
    id::TaskId,
    memory::{Change, Learning, Moment, State, TaskEnd},
    records::Reaction,
};
use rusqlite::{OptionalExtension, Transaction};

use super::rows::{self, COLUMNS, add, learning, no_such};
use crate::{Storage, database::stored, error::StorageError};

/// The most learnings of tasks in one workspace that hold, and the most that are kept of those that do not any more.
pub const CAP: usize = 500;
/// What is less sure than this is of no use.
const TOO_UNSURE: f64 = 0.15;
/// What as many tasks were shown, and helped less than a quarter of them, is of no use either.
const TRIED: u32 = 8;
/// The share of them that it has to have helped.
const HELPED: f64 = 0.25;

/// What was dropped of a workspace's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Learnings that hold no more.
    pub retired: usize,
    /// Learnings that were removed with their history.
    pub removed: usize,
}

impl Storage {
    /// Counts that a task taught again what is known.
    ///
    /// # Errors
    ///
    /// [`StorageError::NoSuch`] if it is not there any more.
    pub fn confirm(&self, id: &str, at_ms: u64) -> Result<(), StorageError> {
        self.write(|transaction| {
            let sql = "UPDATE learnings SET accepted = accepted + (task IS NOT NULL),
                              confirmed_ms = max(confirmed_ms, ?2) WHERE id = ?1 RETURNING row";
            let row =
                transaction.query_row(sql, (id, stored(at_ms)), |row| row.get(0)).optional()?;
            let row: i64 = row.ok_or_else(|| no_such(id))?;
            super::credit::happened(transaction, row, &Moment::new(at_ms, Change::Confirmed, ""))
        })
    }

    /// Returns whether these words were remembered in this workspace and hold no more: whoever dropped them does not want them
    /// back.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn was_dropped(&self, workspace: &str, text: &str) -> Result<bool, StorageError> {
        self.read(|connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM learnings
                       WHERE workspace IN ('', ?1) AND text = ?2 AND state != 'active')";
            Ok(connection.query_row(sql, (workspace, text), |row| row.get(0))?)
        })
    }

    /// Counts what the user did with the work of a task for what that work taught. Each task counts as the user left it last.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or written.
    pub fn count_reaction(
        &self,
        task: &TaskId,
        reaction: Reaction,
        at_ms: u64,
    ) -> Result<(), StorageError> {
        let end = match reaction {
            Reaction::Kept => TaskEnd::Accepted,
            Reaction::Undone => TaskEnd::Undone,
            Reaction::Edited | Reaction::Repeated => TaskEnd::Refused,
        };
        self.write(|transaction| {
            let sql = "SELECT row, taught FROM learnings
                       WHERE task = ?1 AND (taught IS NULL OR taught != ?2)";
            let mut statement = transaction.prepare_cached(sql)?;
            let values = (task.as_str(), end.word());
            let rows = statement.query_map(values, |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?))
            })?;
            for (row, before) in rows.collect::<Result<Vec<_>, _>>()? {
                let before = before.map(|word| rows::word(word, &TaskEnd::ALL, TaskEnd::word));
                taught(transaction, row, before.transpose()?, end, at_ms)?;
            }
            Ok(())
        })
    }

    /// Retires what never helped and what there is too much of in a workspace, and removes the oldest of what holds no more.
    /// What the user said stays.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or written.
    pub fn tend(&self, workspace: &str, now_ms: u64) -> Result<Lost, StorageError> {
        let useless = self.read(|connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM learnings l
                 WHERE l.workspace = ?1 AND l.task IS NOT NULL AND l.state = 'active'"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let all = statement.query_map([workspace], learning)?;
            Ok(useless(all.collect::<Result<_, _>>()?, now_ms))
        })?;
        for id in &useless {
            self.set_state(id, State::Retired, now_ms)?;
        }
        let removed = self.write(|transaction| {
            let sql = "DELETE FROM learnings WHERE row IN (
                         SELECT row FROM learnings WHERE workspace = ?1 AND task IS NOT NULL AND state != 'active'
                         ORDER BY row DESC LIMIT -1 OFFSET ?2)";
            let most = i64::try_from(CAP).unwrap_or(i64::MAX);
            Ok(transaction.prepare_cached(sql)?.execute((workspace, most))?)
        })?;
        Ok(Lost { retired: useless.len(), removed })
    }
}

/// Counts the end of the task that taught a learning.
fn taught(
    transaction: &Transaction<'_>,
    row: i64,
    before: Option<TaskEnd>,
    now: TaskEnd,
    at_ms: u64,
) -> Result<(), StorageError> {
    let sql = format!("SELECT {COLUMNS} FROM learnings l WHERE l.row = ?1");
    let mut one = transaction.prepare_cached(&sql)?.query_row([row], learning)?;
    one.uses.count(before, now);
    let sql =
        "UPDATE learnings SET accepted = ?2, refused = ?3, undone = ?4, taught = ?5 WHERE row = ?1";
    let uses = one.uses;
    let values = (row, uses.accepted, uses.refused, uses.undone, now.word());
    transaction.prepare_cached(sql)?.execute(values)?;
    let is_good = now == TaskEnd::Accepted;
    let change = if is_good { Change::Confirmed } else { Change::Contradicted };
    add(transaction, row, &Moment::new(at_ms, change, ""))
}

/// Returns the ids of those that are of no use, and of the least sure of those that are too many.
fn useless(all: Vec<Learning>, now_ms: u64) -> Vec<String> {
    let is_of_use = |one: &Learning| {
        let uses = one.uses;
        let helped = f64::from(uses.accepted) / f64::from(uses.shown().max(1));
        one.confidence_at(now_ms) >= TOO_UNSURE && (uses.shown() < TRIED || helped >= HELPED)
    };
    let (mut good, bad): (Vec<Learning>, Vec<Learning>) = all.into_iter().partition(is_of_use);
    let sure = |one: &Learning| one.confidence_at(now_ms);
    good.sort_by(|one, other| sure(other).total_cmp(&sure(one)));
    let many = good.split_off(good.len().min(CAP));
    bad.into_iter().chain(many).map(|one| one.id).collect()
}

#[cfg(test)]
mod tests {
    use openkoi_core::memory::{Source, Uses};

    use super::*;

    fn learnt(id: usize, confidence: f64, uses: Uses) -> Learning {
        Learning {
            id: format!("{id:03}"),
            text: "x".to_owned(),
            categories: Vec::new(),
            workspace: Some("/w".to_owned()),
            source: Source::Task(TaskId::new("t")),
            confidence,
            confirmed_ms: 0,
            learnt_ms: 0,
            state: State::Active,
            uses,
            evidence: Vec::new(),
        }
    }

    #[test]
    fn what_never_helped_and_the_least_sure_beyond_the_cap_are_of_no_use() {
        let many = (0..CAP + 2).map(|id| learnt(id, 0.3 + id as f64 / 1_000.0, Uses::default()));
        let failed = Uses { accepted: 1, refused: 6, undone: 1 };
        let tried = [learnt(900, 0.9, failed), learnt(901, 0.1, Uses::default())];

        let found = useless(many.chain(tried).collect(), 0);

        assert_eq!(found, ["900", "901", "001", "000"]);
    }
}
