//! What records tell of earlier tasks: few columns of each fact, so that no journal is read for them.

use crate::{deliberation::assessment::Vote, id::TaskId, message::Usage, tool::Effect};

/// Which records are wanted, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordQuery {
    /// Only those of this task.
    pub task: Option<String>,
    /// Only those since then, in milliseconds since 1970.
    pub since_ms: Option<u64>,
    /// How many at most.
    pub limit: u32,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskStage {
    /// Somebody works on it.
    Running,
    /// Its process died.
    Interrupted,
    /// It waits for a person.
    Paused,
    /// Its work was accepted.
    Accepted,
    /// It ended without being accepted.
    Stopped,
    /// The user ended it.
    Cancelled,
    /// The model could not answer.
    Failed,
}

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct PastTask {
    /// Its id.
    pub id: TaskId,
    /// Its session.
    pub session: String,
    /// Its workspace.
    pub workspace: String,
    /// The beginning of its text.
    pub text: String,
    /// Where it stands.
    pub stage: TaskStage,
    /// When it began, in milliseconds since 1970.
    pub started_ms: u64,
    /// When it ended.
    pub ended_ms: Option<u64>,
    /// The number of its iterations.
    pub iterations: u32,
    /// Its score, 0 to 1.
    pub score: Option<f64>,
    /// Money, in millionths of a dollar.
    pub cost_micros: u64,
}

/// An iteration of a task.
#[derive(Clone, Debug, PartialEq)]
pub struct PastIteration {
    /// The task.
    pub task: TaskId,
    /// Its number, from 1.
    pub number: u32,
    /// Its score, 0 to 1.
    pub score: Option<f64>,
    /// What was decided: `accept`, `refine`, `resample` or `stop`.
    pub decision: String,
}

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// It did what was asked.
    Ok,
    /// It failed.
    Failed,
    /// Policy or a person refused it.
    Denied,
}

impl CallEnd {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Failed, Self::Denied];

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Denied => "denied",
        }
    }
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCall {
    /// The task.
    pub task: TaskId,
    /// The tool.
    pub tool: String,
    /// What became of it.
    pub end: CallEnd,
    /// The kind of its failure, as one word; empty if it did not fail.
    pub failure: String,
    /// When it ended, in milliseconds since 1970.
    pub at_ms: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// What the gate decided about something that is more than looking, or reaches a place outside of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastDecision {
    /// The task.
    pub task: TaskId,
    /// The key of the entry in its journal.
    pub key: String,
    /// The component, or the loop.
    pub origin: String,
    /// The tool or the capability.
    pub action: String,
    /// Its effect.
    pub effect: Effect,
    /// The domain.
    pub domain: String,
    /// The beginning of its target.
    pub target: String,
    /// Why it was allowed: `grant`, `rule`, `answer`, `trust:LEVEL`; empty if it was refused.
    pub ground: String,
    /// Whether it was allowed.
    pub allowed: bool,
    /// Whether a person was asked and answered.
    pub answered: bool,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
}

/// A verdict of an evaluator.
#[derive(Clone, Debug, PartialEq)]
pub struct PastVerdict {
    /// The task.
    pub task: TaskId,
    /// The iteration; 0 is the untouched tree.
    pub iteration: u32,
    /// The evaluator.
    pub evaluator: String,
    /// The mean of its scores, 0 to 1.
    pub score: Option<f64>,
    /// The number of its findings.
    pub findings: u32,
}

/// What an agency said to a task before it was begun.
#[derive(Clone, Debug, PartialEq)]
pub struct PastAssessment {
    /// The task.
    pub task: TaskId,
    /// The agency.
    pub agency: String,
    /// The kind of work, as the contract has it.
    pub kind: String,
    /// What it said.
    pub vote: Vote,
    /// How sure it was, 0 to 1.
    pub confidence: f64,
    /// How likely it thought that the work is accepted, 0 to 1.
    pub success: f64,
    /// Its reason, one sentence.
    pub reason: String,
    /// The number of its caveats.
    pub caveats: u32,
    /// Requests that it made.
    pub requests: u32,
    /// Money, in millionths of a dollar.
    pub cost_micros: u64,
    /// Whether what followed would have been another thing without it.
    pub changed: bool,
    /// Whether the chamber let the motion pass, or the user overruled it.
    pub passed: bool,
    /// When the chamber came to its conclusion, in milliseconds since 1970.
    pub at_ms: u64,
}

/// What a model was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastSpending {
    /// The task.
    pub task: TaskId,
    /// The model, `provider/model`.
    pub model: String,
    /// The role.
    pub role: String,
    /// Tokens.
    pub usage: Usage,
    /// Money, in millionths of a dollar.
    pub cost_micros: u64,
}

/// A program that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCommand {
    /// The task.
    pub task: TaskId,
    /// The beginning of the command.
    pub command: String,
    /// Its exit code; absent if a signal ended it.
    pub exit_code: Option<i32>,
    /// When it ended, in milliseconds since 1970.
    pub at_ms: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// A run of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCheck {
    /// The task.
    pub task: TaskId,
    /// Its id.
    pub id: String,
    /// Its category.
    pub category: String,
    /// The beginning of its command.
    pub command: String,
    /// Whether it passed.
    pub passed: bool,
    /// When it ended, in milliseconds since 1970.
    pub at_ms: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// A file that the work of a task changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastFile {
    /// The task.
    pub task: TaskId,
    /// Its path.
    pub path: String,
}

/// What the user did with the work of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastReaction {
    /// The task.
    pub task: TaskId,
    /// What the user did.
    pub reaction: Reaction,
    /// When that was seen, in milliseconds since 1970.
    pub at_ms: u64,
}

/// A learning that a task was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownLearning {
    /// The task.
    pub task: TaskId,
    /// The learning's id.
    pub learning: String,
}

/// What the user did with accepted work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// It was kept as it is.
    Kept,
    /// It was kept and changed by hand.
    Edited,
    /// It was undone.
    Undone,
    /// It was asked for again.
    Repeated,
}

impl Reaction {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Kept, Self::Edited, Self::Undone, Self::Repeated];

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Edited => "edited",
            Self::Undone => "undone",
            Self::Repeated => "repeated",
        }
    }
}
