//! Tasks: what is submitted, and what is told of them.

use openkoi_app::request::Limits;
use openkoi_core::queue::QueuedTask;
use openkoi_storage::tasks::TaskRecord;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::value::{Effort, PATH, SAYING};

/// A task that is submitted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTask {
    /// What to do.
    #[schemars(regex(pattern = SAYING))]
    pub(crate) description: String,
    /// The most iterations; 0 executes once and evaluates nothing.
    #[schemars(range(min = 0, max = 1000))]
    pub(crate) max_iterations: Option<u32>,
    /// The score from which the work is accepted.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) quality: Option<f64>,
    /// The model: provider/model, or a name that one provider has.
    #[schemars(length(min = 1))]
    pub(crate) model: Option<String>,
    /// How much the model is asked to reason: low, medium or high.
    pub(crate) effort: Option<Effort>,
    /// The absolute path of the directory to work in.
    #[schemars(regex(pattern = PATH))]
    pub(crate) workspace: Option<String>,
    /// The most money.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub(crate) budget: Option<f64>,
    /// The most fresh tokens.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub(crate) max_tokens: Option<u64>,
    /// The most seconds of work.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub(crate) max_seconds: Option<u64>,
    /// The session that it goes on in.
    pub(crate) session: Option<String>,
    /// Higher ones go first.
    #[serde(default)]
    #[schemars(range(min = -100, max = 100))]
    pub(crate) priority: i32,
    /// False to be answered when the task has ended, or after an hour, or what `Prefer: wait` says.
    pub(crate) detach: Option<bool>,
    /// True to work in a worktree of its own.
    #[serde(default)]
    pub(crate) worktree: bool,
    /// True to have a chamber look at a plan first.
    #[serde(default)]
    pub(crate) think: bool,
    /// The JSON Schema that the result has to follow.
    #[schemars(with = "Option<Map<String, Value>>")]
    pub(crate) schema: Option<Value>,
}

impl NewTask {
    /// Returns the limits of the task.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            iterations: self.max_iterations,
            quality: self.quality,
            model: self.model.clone(),
            effort: self.effort.map(|effort| effort.word().to_owned()),
            cost_usd: self.budget,
            tokens: self.max_tokens,
            seconds: self.max_seconds,
        }
    }
}

/// A task that is to go on.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Resume {
    /// The most iterations.
    #[schemars(range(min = 0, max = 1000))]
    pub(crate) max_iterations: Option<u32>,
    /// The score from which the work is accepted.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) quality: Option<f64>,
    /// The most money.
    #[schemars(range(min = 0.0, max = 1_000_000.0))]
    pub(crate) budget: Option<f64>,
    /// The most fresh tokens.
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_u64))]
    pub(crate) max_tokens: Option<u64>,
    /// The most seconds of work.
    #[schemars(range(min = 1, max = 31_536_000))]
    pub(crate) max_seconds: Option<u64>,
    /// Why the work is done although the chamber stopped it.
    #[serde(rename = "override")]
    #[schemars(length(min = 1))]
    pub(crate) overruled: Option<String>,
    /// Higher ones go first.
    #[schemars(range(min = -100, max = 100))]
    pub(crate) priority: i32,
}

/// A task that was taken.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Submitted {
    /// Its id, everywhere.
    pub(crate) task_id: String,
    /// Its session.
    pub(crate) session_id: String,
    /// Its status.
    pub(crate) status: String,
    /// The directory that it works in.
    pub(crate) workspace: String,
    /// Where it is found.
    pub(crate) url: String,
    /// The task as it stands at its end, if that was waited for.
    pub(crate) task: Option<Task>,
}

/// A task.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Task {
    /// Its id.
    pub(crate) id: String,
    /// Its session.
    pub(crate) session_id: String,
    /// What was asked for; its beginning in a list.
    pub(crate) description: String,
    /// `queued`, `running`, `interrupted`, `accepted`, `stopped`, `cancelled`, `paused` or `failed`.
    pub(crate) status: String,
    /// The directory that it works in.
    pub(crate) workspace: String,
    /// The model that does the work; empty before it begins.
    pub(crate) model: String,
    /// When it began, or was submitted.
    pub(crate) started_ms: u64,
    /// When it ended or paused.
    pub(crate) ended_ms: Option<u64>,
    /// The iterations that it took so far.
    pub(crate) iterations: u32,
    /// Its score, 0 to 1, if it was evaluated.
    pub(crate) score: Option<f64>,
    /// What it cost so far.
    pub(crate) cost_usd: f64,
    /// True if that is an upper limit, because a price or a count was not told.
    pub(crate) is_upper_limit: bool,
    /// The tokens that it took so far.
    pub(crate) tokens: u64,
    /// How it ended, once it has.
    pub(crate) ending: Option<Value>,
    /// Where it stands in the queue, if it was handed to the daemon.
    pub(crate) queue: Option<QueuePlace>,
}

/// Where a task stands in the queue.
#[derive(Serialize, JsonSchema)]
pub(crate) struct QueuePlace {
    /// `waiting`, `running` or `done`.
    pub(crate) state: String,
    /// Higher ones go first.
    pub(crate) priority: i32,
    /// How often it was given to a worker.
    pub(crate) attempts: u32,
    /// True if somebody wants its end.
    pub(crate) is_cancelled: bool,
    /// Why it waits still, or could not be run.
    pub(crate) why: Option<String>,
}

impl Task {
    /// Returns a task as clients see it.
    pub(crate) fn of(record: TaskRecord, queued: Option<QueuedTask>) -> Self {
        Self {
            id: record.id.as_str().to_owned(),
            session_id: record.session.as_str().to_owned(),
            description: record.text,
            status: record.status.word().to_owned(),
            workspace: record.workspace,
            model: record.model,
            started_ms: record.started_ms,
            ended_ms: record.ended_ms,
            iterations: record.iterations,
            score: record.score,
            cost_usd: record.cost_micros as f64 / 1e6,
            is_upper_limit: record.at_most,
            tokens: record.tokens,
            ending: record.ending.and_then(|ending| serde_json::to_value(ending).ok()),
            queue: queued.map(|queued| QueuePlace {
                state: queued.state.word().to_owned(),
                priority: queued.priority,
                attempts: queued.attempts,
                is_cancelled: queued.cancel,
                why: queued.why,
            }),
        }
    }
}

/// Tasks, newest first.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Tasks {
    /// The tasks.
    pub(crate) tasks: Vec<Task>,
    /// The cursor of the next page, if there is one.
    pub(crate) next: Option<String>,
}

/// Which tasks are wanted.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TaskList {
    /// The most that are returned; 50 if absent.
    #[schemars(range(min = 1, max = 500))]
    pub(crate) limit: Option<u32>,
    /// The cursor of a page: the id of the last task before it.
    pub(crate) cursor: Option<String>,
    /// Only those of this session.
    pub(crate) session: Option<String>,
    /// Only those of this status.
    pub(crate) status: Option<TaskStatus>,
}

/// The status of a task.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TaskStatus {
    /// It waits for the daemon.
    Queued,
    /// Somebody works on it.
    Running,
    /// Its process died.
    Interrupted,
    /// Its work was accepted.
    Accepted,
    /// It ended without being accepted.
    Stopped,
    /// The user ended it.
    Cancelled,
    /// It waits for a person.
    Paused,
    /// The model could not answer, or it could not begin.
    Failed,
}

impl From<TaskStatus> for openkoi_storage::tasks::TaskStatus {
    fn from(status: TaskStatus) -> Self {
        match status {
            TaskStatus::Queued => Self::Queued,
            TaskStatus::Running => Self::Running,
            TaskStatus::Interrupted => Self::Interrupted,
            TaskStatus::Accepted => Self::Accepted,
            TaskStatus::Stopped => Self::Stopped,
            TaskStatus::Cancelled => Self::Cancelled,
            TaskStatus::Paused => Self::Paused,
            TaskStatus::Failed => Self::Failed,
        }
    }
}

/// What became of a wish.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Done {
    /// The task.
    pub(crate) task_id: String,
    /// What became of it: `cancelled`, `cancel_requested`, `not_running`, `queued`.
    pub(crate) status: String,
}

/// The answer of a task.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Output {
    /// The task.
    pub(crate) task_id: String,
    /// What it answered; absent before there is an answer.
    pub(crate) text: Option<String>,
}

/// What a task changed.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Diff {
    /// The task.
    pub(crate) task_id: String,
    /// The files, with what became of each.
    pub(crate) changes: Vec<Value>,
    /// The same as a unified diff.
    pub(crate) diff: String,
    /// Places that changed and cannot be brought back, in words.
    pub(crate) uncovered: Vec<String>,
}

/// What is to be undone.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Undo {
    /// True to bring back what was undone.
    pub(crate) redo: bool,
}

/// What an undo does, or did.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Undone {
    /// The task.
    pub(crate) task_id: String,
    /// The files, with what becomes of each.
    pub(crate) changes: Vec<Value>,
    /// Paths that stay, because somebody else changed them since.
    pub(crate) conflicts: Vec<String>,
}
