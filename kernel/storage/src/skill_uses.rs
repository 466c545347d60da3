//! Which tasks were given which skills, and how they ended.

use std::collections::{BTreeMap, HashMap};

use openkoi_core::{
    event::{Entry, Event},
    id::TaskId,
    skill::{SkillEffect, SkillUse, Tally},
};
use rusqlite::{Connection, Transaction};

use crate::{Storage, database::count, error::StorageError, tasks::TaskStatus};

/// The number of decided tasks, counted from now, that say what a skill does. What was longer ago says little of today's models.
const TASKS: u32 = 2_000;

/// What is known of a skill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkillRecord {
    /// The number of tasks that were given it whole.
    pub shown: u64,
    /// The number of tasks that opened it.
    pub opened: u64,
    /// How tasks ended with it, and without it.
    pub effect: SkillEffect,
    /// When the last of its tasks began, in milliseconds since 1970.
    pub used_ms: u64,
}

/// The records of skills, by name and place.
#[derive(Clone, Debug, Default)]
pub struct SkillRecords(BTreeMap<(String, String), SkillRecord>);

impl SkillRecords {
    /// Returns the record of a skill; one without tasks where nothing is known of it. The place is that of a [`SkillUse`].
    #[must_use]
    pub fn of(&self, name: &str, place: &str) -> SkillRecord {
        self.0.get(&(name.to_owned(), place.to_owned())).copied().unwrap_or_default()
    }
}

impl FromIterator<((String, String), SkillRecord)> for SkillRecords {
    fn from_iter<I: IntoIterator<Item = ((String, String), SkillRecord)>>(records: I) -> Self {
        Self(records.into_iter().collect())
    }
}

/// A task that was decided.
struct Decided {
    id: String,
    workspace: String,
    started_ms: u64,
    accepted: bool,
}

/// A skill in a task.
struct Used {
    task: String,
    skill: (String, String),
    opened: bool,
    started_ms: u64,
}

impl Storage {
    /// Returns what is known of all skills that a task was ever given.
    ///
    /// A task that was cancelled, paused or failed says nothing of a skill. A skill is compared with the tasks that were
    /// decided without it since it was first used, in its own place if it has one.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn skill_records(&self) -> Result<SkillRecords, StorageError> {
        self.read(|connection| {
            let used = used(connection)?;
            if used.is_empty() {
                return Ok(SkillRecords::default());
            }
            Ok(compared(&used, &decided(connection)?))
        })
    }
}

/// Adds the skills of an entry to its task.
pub(crate) fn project(
    transaction: &Transaction<'_>,
    task: &TaskId,
    entry: &Entry,
) -> Result<(), StorageError> {
    match &entry.event {
        Event::TaskStarted { skills, .. } => {
            skills.iter().try_for_each(|skill| insert(transaction, task, skill, false))
        }
        Event::CallFinished { result: Ok(output), .. } => {
            output.skill.iter().try_for_each(|skill| insert(transaction, task, skill, true))
        }
        _ => Ok(()),
    }
}

fn insert(
    transaction: &Transaction<'_>,
    task: &TaskId,
    skill: &SkillUse,
    opened: bool,
) -> Result<(), StorageError> {
    let sql =
        "INSERT INTO skill_uses (task, skill, place, digest, opened) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT DO NOTHING";
    let row = (task.as_str(), &skill.name, &skill.place, &skill.digest, opened);
    transaction.prepare_cached(sql)?.execute(row)?;
    Ok(())
}

fn used(connection: &Connection) -> Result<Vec<Used>, StorageError> {
    let sql = "SELECT u.task, u.skill, u.place, u.opened, t.started_ms
               FROM skill_uses u JOIN tasks t ON t.id = u.task";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((), |row| {
        let skill = (row.get(1)?, row.get(2)?);
        let (opened, started_ms) = (row.get(3)?, count(row.get(4)?));
        Ok(Used { task: row.get(0)?, skill, opened, started_ms })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn decided(connection: &Connection) -> Result<Vec<Decided>, StorageError> {
    let sql = "SELECT id, workspace, started_ms, status FROM tasks WHERE status IN (?1, ?2)
               ORDER BY seq DESC LIMIT ?3";
    let (accepted, stopped) = (TaskStatus::Accepted.word(), TaskStatus::Stopped.word());
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((accepted, stopped, TASKS), |row| {
        let accepted = row.get::<_, String>(3)? == accepted;
        let (workspace, started_ms) = (row.get(1)?, count(row.get(2)?));
        Ok(Decided { id: row.get(0)?, workspace, started_ms, accepted })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn compared(used: &[Used], decided: &[Decided]) -> SkillRecords {
    let ended: HashMap<&str, &Decided> =
        decided.iter().map(|task| (task.id.as_str(), task)).collect();
    let mut of_skills: BTreeMap<&(String, String), Vec<&Used>> = BTreeMap::new();
    for one in used {
        of_skills.entry(&one.skill).or_default().push(one);
    }
    let record = |(skill, uses): (&(String, String), Vec<&Used>)| {
        let since = uses.iter().map(|one| one.started_ms).min().unwrap_or_default();
        let is_here = |task: &&Decided| task.started_ms >= since && task.is_in(&skill.1);
        let with: Vec<&Decided> =
            uses.iter().filter_map(|one| ended.get(one.task.as_str()).copied()).collect();
        let (here, with_here) =
            (tally(decided.iter().filter(is_here)), tally(with.iter().copied().filter(is_here)));
        let opened = uses.iter().filter(|one| one.opened).count();
        let record = SkillRecord {
            shown: (uses.len() - opened) as u64,
            opened: opened as u64,
            effect: SkillEffect {
                with: tally(with.into_iter()),
                without: Tally {
                    accepted: here.accepted - with_here.accepted,
                    decided: here.decided - with_here.decided,
                },
            },
            used_ms: uses.iter().map(|one| one.started_ms).max().unwrap_or_default(),
        };
        (skill.clone(), record)
    };
    of_skills.into_iter().map(record).collect()
}

impl Decided {
    /// Returns whether it worked in a place or below it. An empty place is everywhere.
    fn is_in(&self, place: &str) -> bool {
        let below = self.workspace.strip_prefix(place);
        place.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

fn tally<'a>(tasks: impl Iterator<Item = &'a Decided>) -> Tally {
    let mut tally = Tally::default();
    tasks.for_each(|task| tally.add(task.accepted));
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided_task(id: &str, workspace: &str, started_ms: u64, accepted: bool) -> Decided {
        Decided { id: id.to_owned(), workspace: workspace.to_owned(), started_ms, accepted }
    }

    fn used_in(task: &str, place: &str, started_ms: u64) -> Used {
        let skill = ("api".to_owned(), place.to_owned());
        Used { task: task.to_owned(), skill, opened: false, started_ms }
    }

    #[test]
    fn a_skill_is_compared_with_the_tasks_of_its_time_and_place() {
        let decided = [
            decided_task("before", "/pond", 1, false),
            decided_task("with", "/pond", 2, true),
            decided_task("without", "/pond/sub", 3, false),
            decided_task("elsewhere", "/pondlife", 4, false),
        ];
        let tally = |accepted, decided| Tally { accepted, decided };

        let here = compared(&[used_in("with", "/pond", 2)], &decided).of("api", "/pond");
        let anywhere = compared(&[used_in("with", "", 2)], &decided).of("api", "");

        assert_eq!((here.effect.with, here.effect.without), (tally(1, 1), tally(0, 1)));
        assert_eq!((anywhere.effect.with, anywhere.effect.without), (tally(1, 1), tally(0, 2)));
        assert_eq!(
            compared(&[used_in("open", "", 9)], &decided).of("api", "").effect.with,
            tally(0, 0)
        );
    }
}
