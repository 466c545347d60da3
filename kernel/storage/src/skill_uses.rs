//! Which tasks were given which skills and judged by which evaluators, and how they ended.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use openkoi_core::{
    evaluation::{RubricPart, Verdict},
    event::{Entry, Event},
    id::TaskId,
    skill::{SkillEffect, SkillUse, Tally},
};
use rusqlite::{Connection, Transaction};

use crate::{Storage, database::count, error::StorageError, tasks::TaskStatus};

/// The number of tasks, counted from now, that say what a skill does. What was longer ago says little of today's models.
const TASKS: u32 = 4_000;

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

/// What is known of an evaluator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JudgeRecord {
    /// The number of tasks that it judged.
    pub judged: u64,
    /// Of those that were accepted, how many the user did not take back.
    pub stands: Tally,
}

/// A name, and the place of a [`SkillUse`].
type Placed = (String, String);

/// The records of skills and evaluators.
#[derive(Clone, Debug, Default)]
pub struct SkillRecords {
    skills: BTreeMap<Placed, SkillRecord>,
    judges: BTreeMap<Placed, JudgeRecord>,
}

impl SkillRecords {
    /// Returns the record of a skill; one without tasks where nothing is known of it. The place is that of a [`SkillUse`].
    #[must_use]
    pub fn of(&self, name: &str, place: &str) -> SkillRecord {
        self.skills.get(&(name.to_owned(), place.to_owned())).copied().unwrap_or_default()
    }

    /// Returns the record of an evaluator, as [`SkillRecords::of`] that of a skill.
    #[must_use]
    pub fn of_judge(&self, name: &str, place: &str) -> JudgeRecord {
        self.judges.get(&(name.to_owned(), place.to_owned())).copied().unwrap_or_default()
    }
}

impl FromIterator<((String, String), SkillRecord)> for SkillRecords {
    fn from_iter<I: IntoIterator<Item = ((String, String), SkillRecord)>>(records: I) -> Self {
        Self { skills: records.into_iter().collect(), ..Self::default() }
    }
}

/// A task that was decided.
struct Decided {
    id: String,
    workspace: String,
    started_ms: u64,
    /// Whether its work was accepted, and the user left it so.
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
    /// Returns what is known of all skills that one of the last tasks was given. Work of the tasks `undone` was taken back by the user, so
    /// it counts as not accepted.
    ///
    /// A task that was cancelled, paused or failed says nothing of a skill. A skill is compared with the tasks that were
    /// decided without it since it was first used, in its own place if it has one.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn skill_records(&self, undone: &BTreeSet<String>) -> Result<SkillRecords, StorageError> {
        self.read(|connection| {
            let (used, judges) = (used(connection)?, judges(connection, undone)?);
            if used.is_empty() {
                return Ok(SkillRecords { judges, ..SkillRecords::default() });
            }
            let records = compared(&used, &decided(connection, undone)?);
            Ok(SkillRecords { judges, ..records })
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
        Event::PlanMade { rubric: Some(rubric), .. } => {
            choose_judges(transaction, task, &rubric.parts)
        }
        Event::EvaluationFinished { result: Ok(Verdict { scores, .. }), .. }
            if !scores.is_empty() =>
        {
            let sql = "UPDATE judge_uses SET judged = 1 WHERE task = ?1";
            transaction.prepare_cached(sql)?.execute([task.as_str()])?;
            Ok(())
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

/// Keeps the evaluators that are to judge a task, in the place of those that have not judged it.
fn choose_judges(
    transaction: &Transaction<'_>,
    task: &TaskId,
    parts: &[RubricPart],
) -> Result<(), StorageError> {
    let sql = "DELETE FROM judge_uses WHERE task = ?1 AND judged = 0";
    transaction.prepare_cached(sql)?.execute([task.as_str()])?;
    for RubricPart { skill, .. } in parts {
        let sql =
            "INSERT INTO judge_uses (task, skill, place, digest, judged) VALUES (?1, ?2, ?3, ?4, 0)
                   ON CONFLICT DO NOTHING";
        let row = (task.as_str(), &skill.name, &skill.place, &skill.digest);
        transaction.prepare_cached(sql)?.execute(row)?;
    }
    Ok(())
}

fn judges(
    connection: &Connection,
    undone: &BTreeSet<String>,
) -> Result<BTreeMap<Placed, JudgeRecord>, StorageError> {
    let sql = "SELECT j.task, j.skill, j.place, t.status
               FROM tasks t CROSS JOIN judge_uses j ON j.task = t.id
               WHERE t.seq > (SELECT max(seq) FROM tasks) - ?1 AND j.judged = 1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([TASKS])?;
    let mut judges: BTreeMap<Placed, JudgeRecord> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (task, status): (String, String) = (row.get(0)?, row.get(3)?);
        let record = judges.entry((row.get(1)?, row.get(2)?)).or_default();
        record.judged += 1;
        if status == TaskStatus::Accepted.word() {
            record.stands.add(!undone.contains(&task));
        }
    }
    Ok(judges)
}

fn used(connection: &Connection) -> Result<Vec<Used>, StorageError> {
    let sql = "SELECT u.task, u.skill, u.place, u.opened, t.started_ms
               FROM tasks t CROSS JOIN skill_uses u ON u.task = t.id
               WHERE t.seq > (SELECT max(seq) FROM tasks) - ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([TASKS], |row| {
        let skill = (row.get(1)?, row.get(2)?);
        let (opened, started_ms) = (row.get(3)?, count(row.get(4)?));
        Ok(Used { task: row.get(0)?, skill, opened, started_ms })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn decided(
    connection: &Connection,
    undone: &BTreeSet<String>,
) -> Result<Vec<Decided>, StorageError> {
    let sql = "SELECT id, workspace, started_ms, status FROM tasks
               WHERE seq > (SELECT max(seq) FROM tasks) - ?3 AND status IN (?1, ?2)";
    let (accepted, stopped) = (TaskStatus::Accepted.word(), TaskStatus::Stopped.word());
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((accepted, stopped, TASKS), |row| {
        let id: String = row.get(0)?;
        let accepted = row.get::<_, String>(3)? == accepted && !undone.contains(&id);
        let (workspace, started_ms) = (row.get(1)?, count(row.get(2)?));
        Ok(Decided { id, workspace, started_ms, accepted })
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
