//! The surroundings of a tool call or an evaluation: its place in the journal, its time, its gate, its model turns.

use std::{sync::Arc, time::Duration};

use crate::{
    effects::EffectLog,
    failure::Failure,
    frozen::View,
    gate::Gate,
    id::TaskId,
    message::{Prompt, Role, Turn},
    port::Pending,
};

/// Surroundings of one tool call or one evaluation.
#[derive(Clone)]
pub struct Scope {
    /// Task that the call belongs to.
    pub task: TaskId,
    /// Key of the call in the journal.
    pub key: String,
    /// Longest time for the call.
    pub deadline: Duration,
    /// The gate, for uses of capabilities inside the call.
    pub gate: Arc<Gate>,
    /// Model turns on behalf of the call, paid from the task's budget.
    pub turns: Arc<dyn Turns>,
    /// Log of what the call changes in the workspace.
    pub effects: Arc<EffectLog>,
    /// Files that its programs see in another state than they are in.
    pub view: Arc<View>,
}

/// Model turns for a component, metered and journaled by the run.
pub trait Turns: Send + Sync {
    /// Asks the model of `role` for one turn.
    fn turn<'a>(&'a self, role: Role, prompt: Prompt) -> Pending<'a, Result<Turn, Failure>>;
}
