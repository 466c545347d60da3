//! Tasks that begin by themselves: at times, or when files change.
//!
//! A run is a task that is handed to the queue by a key of its schedule and its moment, so that a crash between the queue and the note of it
//! does nothing twice. [`Plan`] says when a schedule is due; what is due, missed, or left out is decided in [`look`] by the time that
//! it is given.

mod cron;
mod due;
pub(crate) mod error;
mod files;
mod pattern;
mod plan;
mod words;

use std::path::{Path, PathBuf};

use openkoi_brokers::disk;
use openkoi_core::{
    id::TaskId,
    queue::{Queue, QueueState, SubmissionKey},
};
use openkoi_storage::{
    Storage,
    schedules::{NewSchedule, ScheduleRecord},
};
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    day,
    error::AppError,
    handed::{self, HandedRequest, NewTask},
    request::Limits,
};

pub use due::{Due, Missed};
pub use error::{PlanError, ScheduleError};
pub use files::{FileWatch, own_changes};
pub use pattern::pattern;
pub use plan::{Plan, shown};

/// How long nothing may change before a task begins, unless the user says otherwise, in milliseconds.
pub const QUIET_MS: u64 = 2_000;

/// What makes a schedule due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trigger {
    /// A time.
    Time {
        /// Plain words or a cron expression, as they were typed.
        when: String,
        /// The name of the time zone.
        zone: String,
    },
    /// A change of files.
    Files {
        /// The file or directory, absolute and without links.
        path: String,
        /// How long nothing may change before the task begins, in milliseconds.
        quiet_ms: u64,
    },
}

/// Everything about a schedule but its words and its directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// What makes it due.
    pub trigger: Trigger,
    /// What happens with times that were missed.
    #[serde(default)]
    pub missed: Missed,
    /// Limits of each run.
    #[serde(default)]
    pub limits: Limits,
    /// The most money of a day, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_usd: Option<f64>,
}

/// A schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// What is kept of it.
    pub record: ScheduleRecord,
    /// What it says.
    pub spec: Spec,
}

impl Schedule {
    /// Returns the schedule that a row says.
    ///
    /// # Errors
    ///
    /// When another version wrote it.
    pub fn of(record: ScheduleRecord) -> Result<Self, ScheduleError> {
        let spec = serde_json::from_str(&record.spec)
            .map_err(|_| ScheduleError::Unreadable(short(&record.id).to_owned()))?;
        Ok(Self { record, spec })
    }

    /// Returns the part of the id that is shown.
    pub fn short(&self) -> &str {
        short(&self.record.id)
    }

    /// Returns when it is due; nothing if files make it so.
    ///
    /// # Errors
    ///
    /// When this version or this machine does not understand it.
    pub fn plan(&self) -> Result<Option<Plan>, ScheduleError> {
        match &self.spec.trigger {
            Trigger::Time { when, zone } => Ok(Some(Plan::parse(when, zone, self.record.made_ms)?)),
            Trigger::Files { .. } => Ok(None),
        }
    }

    /// Returns when it is due next, if time makes it so and it is not paused.
    pub fn next_ms(&self, now_ms: u64) -> Option<u64> {
        if self.record.is_paused {
            return None;
        }
        self.plan().ok()??.next(due::dealt_with(self.record.looked_ms, now_ms))
    }
}

fn short(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

/// Keeps a new schedule, and returns it.
///
/// # Errors
///
/// When its words are no plan, or the storage cannot be written.
pub fn add(app: &App, text: &str, workspace: &Path, spec: Spec) -> Result<Schedule, AppError> {
    let now_ms = app.now_ms();
    if let Trigger::Time { when, zone } = &spec.trigger {
        Plan::parse(when, zone, now_ms).map_err(ScheduleError::from)?;
    }
    let new = NewSchedule {
        id: app.new_id()?,
        text: text.to_owned(),
        workspace: workspace.display().to_string(),
        spec: serde_json::to_string(&spec).unwrap_or_default(),
    };
    let storage = app.storage()?;
    storage.add_schedule(&new, now_ms)?;
    Ok(Schedule { record: storage.find_schedule(&new.id)?, spec })
}

/// Returns the trigger of plain words or a cron expression; without a time zone it is that of the system.
///
/// # Errors
///
/// When they are not understood.
pub fn at_times(when: &str, zone: Option<&str>, now_ms: u64) -> Result<Trigger, ScheduleError> {
    let zone = zone.map_or_else(plan::system_zone, str::to_owned);
    plan::zone_of(&zone).map_err(ScheduleError::Zone)?;
    Plan::parse(when, &zone, now_ms)?;
    Ok(Trigger::Time { when: when.trim().to_owned(), zone })
}

/// Returns a file or directory as a trigger has it: absolute and without links.
///
/// # Errors
///
/// When there is none.
pub fn watched(path: &Path) -> Result<PathBuf, ScheduleError> {
    disk::canonical(path)
        .map_err(|source| ScheduleError::Unwatched { path: path.to_owned(), source })
}

/// Begins what is due of a schedule at `now_ms`, or notes why it does not. Returns when it is due next.
///
/// # Errors
///
/// When the storage cannot be used: it is still due.
pub fn look(app: &App, schedule: &Schedule, now_ms: u64) -> Result<Option<u64>, AppError> {
    let record = &schedule.record;
    if record.is_paused {
        return Ok(None);
    }
    let Some(plan) = schedule.plan()? else { return Ok(None) };
    let storage = app.storage()?;
    match due::look(&plan, record.looked_ms, now_ms, schedule.spec.missed) {
        Due::Later(next_ms) => return Ok(next_ms),
        Due::Missed { due_ms } => {
            let note = "it was missed, and missed runs are left out";
            storage.note_look(&record.id, now_ms, Some((note, due_ms)))?;
        }
        Due::Now { due_ms } => match begin(app, schedule, &due_ms.to_string(), due_ms, now_ms) {
            Ok(_) => {}
            Err(AppError::Schedule(why)) => {
                let note = format!("it was left out: {why}");
                storage.note_look(&record.id, now_ms, Some((&note, due_ms)))?;
            }
            Err(error) => return Err(error),
        },
    }
    Ok(plan.next(now_ms))
}

/// Hands the task of a schedule to the queue, for the moment `due_ms`. `moment` names it: the same one is begun once.
///
/// # Errors
///
/// When the run before still goes on, the day's money is spent, or the storage cannot be used.
pub fn begin(
    app: &App,
    schedule: &Schedule,
    moment: &str,
    due_ms: u64,
    now_ms: u64,
) -> Result<TaskId, AppError> {
    let (record, spec) = (&schedule.record, &schedule.spec);
    let storage = app.storage()?;
    let key = format!("schedule-{}-{moment}", record.id);
    // A key says which run it is; that the money left has changed meanwhile makes no other of it.
    let key = SubmissionKey { body: key.clone(), key };
    if let Some(run) = going_on(&storage, schedule)? {
        return Err(ScheduleError::Overlaps(run.short().to_owned()).into());
    }
    let cost_usd = money(&storage, schedule, now_ms)?;
    let limits = Limits { cost_usd, ..spec.limits.clone() };
    let new = NewTask {
        text: &record.text,
        workspace: Path::new(&record.workspace),
        session: None,
        request: &HandedRequest { limits, ..HandedRequest::default() },
        priority: 0,
        key: Some(key),
    };
    let task = handed::submit(app, new)?.task;
    storage.note_run(&record.id, &task, due_ms, now_ms, None)?;
    Ok(task)
}

/// Returns the last run of a schedule if it waits or runs.
///
/// # Errors
///
/// When the queue cannot be read.
pub fn going_on(storage: &Storage, schedule: &Schedule) -> Result<Option<TaskId>, AppError> {
    let Some((task, _)) = &schedule.record.last else { return Ok(None) };
    let queued = storage.queued(task)?;
    Ok(queued.filter(|one| one.state != QueueState::Done).map(|one| one.task))
}

/// Returns the most money of the next run: the limit of a run, or what is left of the day's if that is less.
fn money(storage: &Storage, schedule: &Schedule, now_ms: u64) -> Result<Option<f64>, AppError> {
    let Some(limit) = schedule.spec.day_usd else { return Ok(schedule.spec.limits.cost_usd) };
    let day_ms = schedule.plan()?.map_or_else(|| day::began_ms(now_ms), |plan| plan.day_of(now_ms));
    let spent = storage.spent_by_schedule(&schedule.record.id, day_ms)? as f64 / 1e6;
    let left = limit - spent;
    if left < 0.000_001 {
        return Err(ScheduleError::Spent { spent, limit }.into());
    }
    Ok(Some(schedule.spec.limits.cost_usd.map_or(left, |cost| cost.min(left))))
}

#[cfg(test)]
mod tests;
