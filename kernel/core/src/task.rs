//! The user's task, with its limits.

use serde::{Deserialize, Serialize};

use crate::id::{SessionId, TaskId};

/// One task, as surfaces build it and the loop reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Id of the task and of its run.
    pub id: TaskId,
    /// Id of the session that it belongs to.
    pub session: SessionId,
    /// Text of the user, standard input included.
    pub text: String,
    /// The absolute path of the workspace, for messages and records.
    pub workspace: String,
    /// Conversation of the session so far, oldest first; empty for a task by itself.
    pub history: Vec<crate::message::Message>,
    /// Limits and switches.
    pub settings: TaskSettings,
}

/// Limits and switches of one task. All of them can be narrowed by a project, none widened by anything but
/// the user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSettings {
    /// Most iterations; 0 executes once and evaluates nothing.
    pub max_iterations: u32,
    /// The rubric score, 0 to 1, from which work is accepted.
    pub quality: f64,
    /// True if the planner makes a contract first. Chat turns skip it.
    pub plan: bool,
    /// True if the project's own checks may be run.
    pub checks: bool,
    /// Most tokens, input and output together.
    pub max_tokens: u64,
    /// Most money, in millionths of a US dollar.
    pub max_cost_micros: u64,
    /// Most time, in milliseconds of running.
    pub max_time_ms: u64,
    /// Most rounds of tool calls in an iteration.
    pub max_tool_rounds: u32,
    /// Identical calls after which the model is warned.
    pub repeat_warn: u32,
    /// Identical calls after which the run ends.
    pub repeat_stop: u32,
    /// Most tokens of one turn.
    pub max_turn_tokens: u32,
    /// A fall of the rubric score by more than this counts as a regression.
    pub regression: f64,
}

impl TaskSettings {
    /// Limits of a task for which the user set none.
    pub const STANDARD: Self = Self {
        max_iterations: 3,
        quality: 0.8,
        plan: true,
        checks: true,
        max_tokens: 200_000,
        max_cost_micros: 2_000_000,
        max_time_ms: 300_000,
        max_tool_rounds: 20,
        repeat_warn: 3,
        repeat_stop: 5,
        max_turn_tokens: 8_192,
        regression: 0.2,
    };
}
