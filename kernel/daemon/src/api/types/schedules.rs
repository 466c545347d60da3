//! Schedules over the wire: the documents that the command line prints as JSON.

use openkoi_app::{
    request,
    schedules::{self, Missed, Trigger},
    wall_clock::timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::{Effort, PATH, SAYING};

/// The schedules, oldest first.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Schedules {
    /// The schedules.
    pub(crate) schedules: Vec<Schedule>,
}

/// A task that begins by itself.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Schedule {
    /// Its id.
    pub(crate) id: String,
    /// `time`, or `files` if it begins when files change.
    pub(crate) kind: String,
    /// When it is due: plain words or a cron expression.
    pub(crate) when: Option<String>,
    /// The time zone of these words.
    pub(crate) timezone: Option<String>,
    /// The file or directory whose change makes it due.
    pub(crate) path: Option<String>,
    /// What to do.
    pub(crate) description: String,
    /// The directory to work in.
    pub(crate) workspace: String,
    /// The limits of each run.
    pub(crate) limits: ScheduleLimits,
    /// The most money of a day.
    pub(crate) max_cost_per_day_usd: Option<f64>,
    /// `once` or `skip`: what happens with times at which nobody was there.
    pub(crate) missed: String,
    /// True if nothing begins until it is resumed.
    pub(crate) paused: bool,
    /// When it is due next.
    pub(crate) next_at: Option<String>,
    /// The task of its last run.
    pub(crate) last_task_id: Option<String>,
    /// When that was due.
    pub(crate) last_due_at: Option<String>,
    /// What is to be said of the last time that it was due.
    pub(crate) note: Option<String>,
}

impl Schedule {
    /// Returns a schedule as clients see it at `now_ms`.
    pub(crate) fn of(schedule: schedules::Schedule, now_ms: u64) -> Self {
        let next_at = schedule.next_ms(now_ms).map(timestamp);
        let schedules::Schedule { record, spec } = schedule;
        let (kind, when, timezone, path) = match spec.trigger {
            Trigger::Time { when, zone } => ("time", Some(when), Some(zone), None),
            Trigger::Files { path, .. } => ("files", None, None, Some(path)),
        };
        let missed = match spec.missed {
            Missed::Once => "once",
            Missed::Skip => "skip",
        };
        let (last, due_ms) = record.last.unzip();
        Self {
            id: record.id,
            kind: kind.to_owned(),
            when,
            timezone,
            path,
            description: record.text,
            workspace: record.workspace,
            limits: ScheduleLimits::of(spec.limits),
            max_cost_per_day_usd: spec.day_usd,
            missed: missed.to_owned(),
            paused: record.is_paused,
            next_at,
            last_task_id: last.map(|task| task.as_str().to_owned()),
            last_due_at: due_ms.map(timestamp),
            note: record.note.map(|(note, _)| note),
        }
    }
}

/// The limits of each run of a schedule. What is absent is as the settings say.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ScheduleLimits {
    /// The most iterations; 0 executes once and evaluates nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub(crate) iterations: Option<u32>,
    /// The score from which the work is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) quality: Option<f64>,
    /// The model: provider/model, or a name that one provider has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub(crate) model: Option<String>,
    /// How much the model is asked to reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) effort: Option<Effort>,
    /// The most money.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub(crate) cost_usd: Option<f64>,
    /// The most fresh tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub(crate) tokens: Option<u64>,
    /// The most seconds of work.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 31_536_000))]
    pub(crate) seconds: Option<u64>,
}

impl ScheduleLimits {
    fn of(limits: request::Limits) -> Self {
        Self {
            iterations: limits.iterations,
            quality: limits.quality,
            model: limits.model,
            effort: limits.effort.as_deref().and_then(Effort::of),
            cost_usd: limits.cost_usd,
            tokens: limits.tokens,
            seconds: limits.seconds,
        }
    }
}

impl From<ScheduleLimits> for request::Limits {
    fn from(limits: ScheduleLimits) -> Self {
        Self {
            iterations: limits.iterations,
            quality: limits.quality,
            model: limits.model,
            effort: limits.effort.map(|effort| effort.word().to_owned()),
            cost_usd: limits.cost_usd,
            tokens: limits.tokens,
            seconds: limits.seconds,
        }
    }
}

/// A schedule that is new.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum NewSchedule {
    /// One that is due at times.
    Timed(TimedSchedule),
    /// One that is due when files change.
    Watching(WatchingSchedule),
}

/// A schedule that is due at times.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimedSchedule {
    /// What to do.
    #[schemars(regex(pattern = SAYING))]
    pub(crate) description: String,
    /// When: plain words ("every weekday at 9", "every 15 minutes") or a cron expression of five fields. Other words are understood
    /// too, as long as they say the same; what is not understood is answered with examples.
    #[schemars(extend("x-pattern" = schedules::pattern()))]
    pub(crate) when: String,
    /// The time zone, such as Europe/Berlin; that of the system if absent.
    pub(crate) timezone: Option<String>,
    /// What happens with times at which nobody was there.
    #[serde(default)]
    pub(crate) missed: MissedRuns,
    /// The absolute path of the directory to work in.
    #[schemars(regex(pattern = PATH))]
    pub(crate) workspace: Option<String>,
    /// The limits of each run.
    #[serde(default)]
    pub(crate) limits: ScheduleLimits,
    /// The most money of a day.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub(crate) max_cost_per_day_usd: Option<f64>,
}

/// A schedule that is due when files change.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchingSchedule {
    /// What to do.
    #[schemars(regex(pattern = SAYING))]
    pub(crate) description: String,
    /// The absolute path of the file or directory.
    #[schemars(regex(pattern = PATH))]
    pub(crate) path: String,
    /// How long nothing may change before the task begins; 2 if absent.
    #[schemars(range(min = 1, max = 3600))]
    pub(crate) quiet_seconds: Option<u64>,
    /// The absolute path of the directory to work in.
    #[schemars(regex(pattern = PATH))]
    pub(crate) workspace: Option<String>,
    /// The limits of each run.
    #[serde(default)]
    pub(crate) limits: ScheduleLimits,
    /// The most money of a day.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub(crate) max_cost_per_day_usd: Option<f64>,
}

/// What happens with times at which nobody was there.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MissedRuns {
    /// The task begins as soon as it can, once for all of them.
    #[default]
    Once,
    /// They are left out.
    Skip,
}

impl From<MissedRuns> for Missed {
    fn from(missed: MissedRuns) -> Self {
        match missed {
            MissedRuns::Once => Self::Once,
            MissedRuns::Skip => Self::Skip,
        }
    }
}

/// A run of a schedule that begins now.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Begun {
    /// The schedule.
    pub(crate) schedule_id: String,
    /// Its task.
    pub(crate) task_id: String,
    /// Where that is found.
    pub(crate) url: String,
}
