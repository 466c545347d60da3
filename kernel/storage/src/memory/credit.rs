//! Credit: how the tasks ended that were shown a learning. It is worked out from their rows, whenever somebody asks: each task
//! counts once, whoever counts it and whatever broke off before.

use openkoi_core::{
    event::Event,
    id::TaskId,
    memory::{Change, Moment, TaskEnd},
};
use rusqlite::{Connection, Transaction};

use super::rows;
use crate::{
    Storage,
    database::{count, stored},
    error::StorageError,
    status::TaskStatus,
};

/// The most moments of one learning that are ends of tasks. Beyond, the oldest are told together.
const MOST_MOMENTS: i64 = 32;

/// A task whose work was taken back, or brought forth again after that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// The task.
    pub task: TaskId,
    /// False once it was brought forth again.
    pub is_undone: bool,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

/// A task whose end is to be counted.
struct Due {
    task: String,
    before: Option<TaskEnd>,
    now: TaskEnd,
    at_ms: u64,
}

impl Storage {
    /// Counts the ends of tasks for the learnings that they were shown, as far as that was not done yet. Of `undone` those
    /// count that are told last.
    ///
    /// # Errors
    ///
    /// When the database cannot be read or written.
    pub fn credit_tasks(&self, undone: &[Undone]) -> Result<(), StorageError> {
        if self.read(|connection| due(connection, undone))?.is_empty() {
            return Ok(());
        }
        self.write(|transaction| {
            let due = due(transaction, undone)?;
            due.iter().try_for_each(|one| credit(transaction, one))
        })
    }
}

/// Notes that a task is shown learnings, and later that it has ended. In the transaction of the entry that says so.
pub(crate) fn project(
    transaction: &Transaction<'_>,
    task: &TaskId,
    event: &Event,
) -> Result<(), StorageError> {
    let sql = match event {
        Event::TaskStarted { notes, .. } if !notes.is_empty() => {
            "INSERT INTO task_notes (task) VALUES (?1)"
        }
        Event::TaskFinished { .. } => "UPDATE task_notes SET due = 1 WHERE task = ?1",
        _ => return Ok(()),
    };
    transaction.prepare_cached(sql)?.execute([task.as_str()])?;
    Ok(())
}

fn due(connection: &Connection, undone: &[Undone]) -> Result<Vec<Due>, StorageError> {
    let ended = "n.due = 1";
    let mut due = Vec::new();
    let of = |condition: &str| {
        format!(
            "SELECT n.task, n.counted, t.status, t.ended_ms FROM task_notes n JOIN tasks t ON t.id = n.task
             WHERE t.status IN ('accepted', 'stopped') AND {condition}"
        )
    };
    let mut statement = connection.prepare_cached(&of(ended))?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        due.extend(Due::read(row, None)?);
    }
    let mut statement = connection.prepare_cached(&of("n.task = ?1"))?;
    for (at, one) in undone.iter().enumerate() {
        if undone[at + 1..].iter().any(|later| later.task == one.task) {
            continue;
        }
        let mut rows = statement.query([one.task.as_str()])?;
        while let Some(row) = rows.next()? {
            let found = Due::read(row, Some(one))?;
            due.retain(|due| due.task != one.task.as_str());
            due.extend(found);
        }
    }
    Ok(due)
}

impl Due {
    /// Reads a task, unless it counts as it ended already.
    fn read(
        row: &rusqlite::Row<'_>,
        undone: Option<&Undone>,
    ) -> Result<Option<Self>, StorageError> {
        let (counted, status): (Option<String>, String) = (row.get(1)?, row.get(2)?);
        let before = counted.map(|word| rows::word(word, &TaskEnd::ALL, TaskEnd::word));
        let before = before.transpose()?;
        let is_accepted = status == TaskStatus::Accepted.word();
        let now = match undone {
            Some(undone) if undone.is_undone => TaskEnd::Undone,
            _ if is_accepted => TaskEnd::Accepted,
            _ => TaskEnd::Refused,
        };
        let ended: i64 = row.get::<_, Option<i64>>(3)?.unwrap_or_default();
        let at_ms = undone.map_or(count(ended), |undone| undone.at_ms);
        let due = Self { task: row.get(0)?, before, now, at_ms };
        Ok((before != Some(now)).then_some(due))
    }
}

fn credit(transaction: &Transaction<'_>, due: &Due) -> Result<(), StorageError> {
    let sql = "SELECT l.row FROM entries e, json_each(e.payload, '$.notes') n
               JOIN learnings l ON l.id = n.value ->> 'id'
               WHERE e.task = ?1 AND e.event = 'task.started'";
    let mut statement = transaction.prepare_cached(sql)?;
    let rows = statement.query_map([&due.task], |row| row.get::<_, i64>(0))?;
    for row in rows.collect::<Result<Vec<_>, _>>()? {
        counted(transaction, row, due)?;
    }
    let sql = "UPDATE task_notes SET counted = ?2, due = 0 WHERE task = ?1";
    transaction.prepare_cached(sql)?.execute((&due.task, due.now.word()))?;
    Ok(())
}

/// Counts the end of a task for one learning.
fn counted(transaction: &Transaction<'_>, row: i64, due: &Due) -> Result<(), StorageError> {
    let sql = format!("SELECT {} FROM learnings l WHERE l.row = ?1", rows::COLUMNS);
    let found = transaction.prepare_cached(&sql)?.query_row([row], rows::learning);
    let mut learning = found?;
    learning.uses.count(due.before, due.now);
    let is_good = due.now == TaskEnd::Accepted;
    let confirmed =
        if is_good { learning.confirmed_ms.max(due.at_ms) } else { learning.confirmed_ms };
    let sql = "UPDATE learnings SET accepted = ?2, refused = ?3, undone = ?4, confirmed_ms = ?5
               WHERE row = ?1";
    let uses = learning.uses;
    let values = (row, uses.accepted, uses.refused, uses.undone, stored(confirmed));
    transaction.prepare_cached(sql)?.execute(values)?;
    let change = if is_good { Change::Confirmed } else { Change::Contradicted };
    happened(transaction, row, &Moment::new(due.at_ms, change, ""))
}

/// Adds the end of a task to a history: to its last moment, if that was alike, so that it does not grow with each task.
pub(super) fn happened(
    transaction: &Transaction<'_>,
    row: i64,
    moment: &Moment,
) -> Result<(), StorageError> {
    let sql = "UPDATE learning_moments SET times = times + 1 WHERE change = ?2 AND row =
               (SELECT max(row) FROM learning_moments WHERE learning = ?1)";
    if transaction.prepare_cached(sql)?.execute((row, moment.change.word()))? == 0 {
        rows::add(transaction, row, moment)?;
        together(transaction, row)?;
    }
    Ok(())
}

/// Tells the oldest ends of tasks together, beyond the number that is kept.
fn together(transaction: &Transaction<'_>, row: i64) -> Result<(), StorageError> {
    let sql = "SELECT row, change, times FROM learning_moments
               WHERE learning = ?1 AND change IN ('confirmed', 'contradicted') ORDER BY row";
    let mut statement = transaction.prepare_cached(sql)?;
    let all = statement.query_map([row], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, u32>(2)?))
    });
    let all = all?.collect::<Result<Vec<_>, _>>()?;
    let Some((first, rest)) = all.split_first().filter(|_| all.len() as i64 > MOST_MOMENTS) else {
        return Ok(());
    };
    let Some((alike, ..)) = rest.iter().find(|(_, change, _)| *change == first.1) else {
        return Ok(());
    };
    let sql = "UPDATE learning_moments SET times = times + ?2,
               at_ms = (SELECT at_ms FROM learning_moments WHERE row = ?3) WHERE row = ?1";
    transaction.prepare_cached(sql)?.execute((alike, first.2, first.0))?;
    transaction
        .prepare_cached("DELETE FROM learning_moments WHERE row = ?1")?
        .execute([first.0])?;
    Ok(())
}
