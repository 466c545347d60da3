//! What goes over the wire. Times that end in `_ms` are milliseconds since 1970, those that end in `_at` as RFC 3339 has them; money
//! is US dollars.

mod schedules;
mod value;
mod webhooks;

use openkoi_app::request::Limits;
use openkoi_core::queue::QueuedTask;
use openkoi_storage::{
    questions::{Asked, QuestionRecord},
    sessions::SessionRecord,
    tasks::TaskRecord,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::value::{Effort, PATH, SAYING};
pub(crate) use self::{schedules::*, webhooks::*};

/// That the daemon answers.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Health {
    /// `ok`.
    pub(crate) status: String,
    /// The version of the daemon.
    pub(crate) version: String,
}

/// How the daemon stands.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Status {
    /// The version of the daemon.
    pub(crate) version: String,
    /// `running`, or `stopping` once it ends.
    pub(crate) daemon: String,
    /// Its process.
    pub(crate) pid: u32,
    /// When it began.
    pub(crate) started_ms: u64,
    /// The task that runs; the one that began first, if several do.
    pub(crate) active_task: Option<Task>,
    /// How many tasks there are of each status that has any.
    pub(crate) tasks: Vec<StatusCount>,
    /// How many questions wait for a person.
    pub(crate) approvals: usize,
    /// What today cost. Days begin at midnight where the daemon runs.
    pub(crate) cost_today_usd: f64,
}

/// How many tasks have a status.
#[derive(Serialize, JsonSchema)]
pub(crate) struct StatusCount {
    /// The status.
    pub(crate) status: String,
    /// How many tasks have it.
    pub(crate) count: u64,
}

/// What today took.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Cost {
    /// The money.
    pub(crate) cost_usd: f64,
    /// True if that is an upper limit, because a price or a count was not told.
    pub(crate) is_upper_limit: bool,
    /// The tokens.
    pub(crate) tokens: u64,
    /// How often a model was asked.
    pub(crate) turns: u64,
    /// The beginning of the day.
    pub(crate) since_ms: u64,
    /// The same since there is a record.
    pub(crate) total_usd: f64,
    /// The most that the daemon spends in a day, if a limit is set.
    pub(crate) limit_usd: Option<f64>,
    /// Each model by itself, the dearest first.
    pub(crate) by_model: Vec<ModelCost>,
}

/// What a model took.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ModelCost {
    /// The model.
    pub(crate) model: String,
    /// The money.
    pub(crate) cost_usd: f64,
    /// The tokens.
    pub(crate) tokens: u64,
    /// How often it was asked.
    pub(crate) turns: u64,
}

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
    /// False to be answered when the task has ended.
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

/// Which events are wanted.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EventList {
    /// Only those after this number.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    pub(crate) after: Option<u64>,
    /// The most that are returned; 500 if absent.
    #[schemars(range(min = 1, max = 5000))]
    pub(crate) limit: Option<u32>,
}

/// The events of a task.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Events {
    /// The events, oldest first, as the journal has them.
    pub(crate) events: Vec<Value>,
    /// The number of the last one: `after` of the next page.
    pub(crate) last: u64,
    /// True if there are more.
    pub(crate) more: bool,
}

/// One event of a stream, as `EventSource` has it. A comment, of which no client hears, says now and then that the stream lives.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "a stream is written by hand; this is what it is described by")]
pub(crate) struct StreamEvent {
    /// The number to go on after, sent back as `Last-Event-ID`; the event at the end of a task has none.
    pub(crate) id: Option<String>,
    /// The kind of event.
    pub(crate) event: String,
    /// What happened, as JSON.
    pub(crate) data: String,
}

/// Questions that wait for a person.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Approvals {
    /// The questions, oldest first.
    pub(crate) approvals: Vec<Approval>,
}

/// A question to a person.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Approval {
    /// Its id.
    pub(crate) id: String,
    /// The task that waits for the answer.
    pub(crate) task_id: String,
    /// `approval`: whether something may be done; `question`: something that only the user knows.
    pub(crate) kind: String,
    /// The question: what would be done, on what, with its content; or the words and choices.
    pub(crate) request: Value,
    /// When it was asked.
    pub(crate) asked_ms: u64,
    /// True while an answer is waited for.
    pub(crate) is_open: bool,
    /// The answer, once there is one.
    pub(crate) answer: Option<Value>,
    /// The surface that gave it.
    pub(crate) answered_by: Option<String>,
}

impl Approval {
    /// Returns a question as clients see it.
    pub(crate) fn of(question: &QuestionRecord) -> Self {
        let (kind, request) = match &question.asked {
            Asked::Approval(request) => ("approval", serde_json::to_value(request)),
            Asked::Question(asked) => ("question", serde_json::to_value(asked)),
        };
        let given = question.given.as_ref();
        Self {
            id: question.id.clone(),
            task_id: question.task.as_str().to_owned(),
            kind: kind.to_owned(),
            request: request.unwrap_or_default(),
            asked_ms: question.asked_ms,
            is_open: question.is_open && given.is_none(),
            answer: given.and_then(|given| serde_json::to_value(given).ok()),
            answered_by: question.given_by.clone(),
        }
    }
}

/// The answer to a question.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum GivenAnswer {
    /// Whether it may be done.
    Permission(GivenPermission),
    /// What the user says.
    Words(GivenWords),
}

/// Whether it may be done.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenPermission {
    /// Whether it may be done.
    pub(crate) answer: Permission,
}

/// What the user says.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenWords {
    /// The words.
    #[schemars(regex(pattern = SAYING))]
    pub(crate) text: String,
}

/// Whether something may be done.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Permission {
    /// Yes, this once.
    AllowOnce,
    /// Yes, and in this session always.
    AllowSession,
    /// Yes, and in this workspace always.
    AllowAlways,
    /// Yes, and to every command that begins alike.
    AllowAlike,
    /// No, this once.
    RejectOnce,
    /// No, and never in this workspace.
    RejectAlways,
}

/// Sessions, the one with the latest news first.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Sessions {
    /// The sessions.
    pub(crate) sessions: Vec<Session>,
}

/// A session: a conversation, or a task by itself.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Session {
    /// Its id.
    pub(crate) id: String,
    /// `chat` or `task`.
    pub(crate) kind: String,
    /// How it stands.
    pub(crate) status: String,
    /// What it is about.
    pub(crate) title: String,
    /// The directory that it is held in.
    pub(crate) workspace: String,
    /// When it began.
    pub(crate) created_ms: u64,
    /// When there was last news.
    pub(crate) updated_ms: u64,
    /// How many tasks it has.
    pub(crate) tasks: u64,
    /// What they cost.
    pub(crate) cost_usd: f64,
}

impl Session {
    /// Returns a session as clients see it.
    pub(crate) fn of(record: SessionRecord) -> Self {
        Self {
            id: record.id.as_str().to_owned(),
            kind: record.kind.word().to_owned(),
            status: record.status.word().to_owned(),
            title: record.title,
            workspace: record.workspace,
            created_ms: record.created_ms,
            updated_ms: record.updated_ms,
            tasks: record.tasks,
            cost_usd: record.cost_micros as f64 / 1e6,
        }
    }
}

/// Which of many are wanted.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Page {
    /// The most that are returned; 50 if absent.
    #[schemars(range(min = 1, max = 500))]
    pub(crate) limit: Option<u32>,
}

/// A conversation that begins.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NewSession {
    /// The absolute path of the directory that it is held in.
    #[schemars(regex(pattern = PATH))]
    pub(crate) workspace: Option<String>,
    /// What it is about.
    #[schemars(regex(pattern = SAYING))]
    pub(crate) title: Option<String>,
}

/// The next message of a conversation.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTurn {
    /// What the user says.
    #[schemars(regex(pattern = SAYING))]
    pub(crate) message: String,
    /// The model: provider/model, or a name that one provider has.
    #[schemars(length(min = 1))]
    pub(crate) model: Option<String>,
    /// False to be answered when the answer is there.
    pub(crate) detach: Option<bool>,
}

/// What was said in a session.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Turns {
    /// The messages, oldest first.
    pub(crate) messages: Vec<Value>,
}

/// The models of the connected providers.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Models {
    /// The models.
    pub(crate) models: Vec<Model>,
}

/// A model.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Model {
    /// Its name: provider/model.
    pub(crate) id: String,
    /// Its provider.
    pub(crate) provider: String,
    /// The most tokens of a request, if known.
    pub(crate) context: Option<u64>,
    /// The price of a million tokens of a request, if known.
    pub(crate) input_usd: Option<f64>,
    /// The price of a million tokens of an answer, if known.
    pub(crate) output_usd: Option<f64>,
}

/// What is remembered.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Learnings {
    /// The learnings, newest first.
    pub(crate) learnings: Vec<Value>,
}

/// Which learnings are wanted.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LearningList {
    /// Only those that hold in this directory.
    pub(crate) workspace: Option<String>,
    /// The most that are returned; 50 if absent.
    #[schemars(range(min = 1, max = 500))]
    pub(crate) limit: Option<u32>,
}

/// The reports that there are.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ViewList {
    /// The reports, each as view and name.
    pub(crate) views: Vec<ViewName>,
}

/// A report of a view.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ViewName {
    /// The view.
    pub(crate) view: String,
    /// The report.
    pub(crate) report: String,
    /// Where it is found.
    pub(crate) url: String,
}

/// What a report is asked with.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ViewQuery {
    /// The directory that it is about.
    #[schemars(regex(pattern = PATH))]
    pub(crate) workspace: Option<String>,
}

/// The settings, as the daemon has them.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Settings {
    /// The settings, in the order of their keys.
    pub(crate) settings: Vec<Setting>,
}

/// A setting.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Setting {
    /// Its key.
    pub(crate) key: String,
    /// Its value; `[hidden]` if it is a secret.
    pub(crate) value: Value,
    /// Where the value comes from: `default`, a file with its line, or a variable.
    pub(crate) origin: String,
    /// True if this version acts on it.
    pub(crate) used: bool,
}

/// A code that opens the web page once.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// The code.
    pub(crate) code: String,
}

/// What the web page calls the API with.
#[derive(Serialize, JsonSchema)]
pub(crate) struct LoggedIn {
    /// The token.
    pub(crate) token: String,
}

/// A body without members.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Nothing {}
