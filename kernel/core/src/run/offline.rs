//! Ports for a replay: there is nothing behind them, because a complete journal needs nothing.

use std::{future, sync::Arc, time::Duration};

use super::ports::Ports;
use crate::{
    agencies::NoAgencies,
    approval::{Answer, ApprovalRequest, Rule},
    change_set::{Applied, PathEffect, PathState},
    evaluation::{Change, EvaluatorCard, Subject, Verdict},
    evaluators::Evaluators,
    event::Entry,
    failure::Failure,
    id::{TaskId, TreeId},
    message::{Prompt, Role, ToolCall, Turn},
    model::{ModelCard, ModelError, ModelTrouble, PriceSource},
    port::{
        Approver, Cancellation, Clock, Delta, Deltas, Journal, JournalError, Listener, Model,
        Pending, Workspace, WorkspaceError,
    },
    scope::Scope,
    tool::{Tool, ToolOutput},
    toolbox::Toolbox,
};

/// Returns ports that offer nothing.
pub(crate) fn ports() -> Ports {
    let nothing = Arc::new(Nothing);
    Ports {
        steering: None,
        model: nothing.clone(),
        toolbox: nothing.clone(),
        evaluators: nothing.clone(),
        agencies: Arc::new(NoAgencies),
        workspace: nothing.clone(),
        journal: nothing.clone(),
        approver: nothing.clone(),
        listener: nothing.clone(),
        clock: nothing.clone(),
        cancellation: nothing,
        result: None,
    }
}

struct Nothing;

const WHY: &str = "a replay has no world";

impl Model for Nothing {
    fn card(&self, role: &Role) -> ModelCard {
        ModelCard {
            name: role.0.clone(),
            context: 0,
            output: 0,
            price: None,
            price_source: PriceSource::Ceiling,
        }
    }

    fn complete<'a>(
        &'a self,
        _: &'a Role,
        _: &'a Prompt,
        _: &'a Deltas<'a>,
    ) -> Pending<'a, Result<Turn, ModelError>> {
        let error = ModelError {
            kind: ModelTrouble::Unreachable,
            message: WHY.to_owned(),
            hint: String::new(),
            received: None,
        };
        Box::pin(future::ready(Err(error)))
    }
}

impl Toolbox for Nothing {
    fn tools(&self) -> Vec<Tool> {
        Vec::new()
    }

    fn call<'a>(&'a self, _: &'a ToolCall, _: Scope) -> Pending<'a, Result<ToolOutput, Failure>> {
        Box::pin(future::ready(Err(Failure::Unsupported(WHY.to_owned()))))
    }
}

impl Evaluators for Nothing {
    fn cards(&self) -> Vec<EvaluatorCard> {
        Vec::new()
    }

    fn evaluate<'a>(
        &'a self,
        _: &'a str,
        _: &'a Subject,
        _: Scope,
    ) -> Pending<'a, Result<Verdict, Failure>> {
        Box::pin(future::ready(Err(Failure::Unsupported(WHY.to_owned()))))
    }
}

impl Workspace for Nothing {
    fn fingerprint(&self) -> Pending<'_, Result<TreeId, WorkspaceError>> {
        no_workspace()
    }

    fn states<'a>(
        &'a self,
        _: &'a [String],
    ) -> Pending<'a, Result<Vec<PathState>, WorkspaceError>> {
        no_workspace()
    }

    fn apply<'a>(&'a self, _: &'a [PathEffect]) -> Pending<'a, Result<Applied, WorkspaceError>> {
        no_workspace()
    }

    fn describe(&self, _: &[PathEffect]) -> Vec<Change> {
        Vec::new()
    }

    fn diff<'a>(
        &'a self,
        _: &'a [PathEffect],
        _: usize,
    ) -> Pending<'a, Result<String, WorkspaceError>> {
        no_workspace()
    }

    fn overview(&self) -> String {
        String::new()
    }
}

fn no_workspace<'a, T: Send + 'a>() -> Pending<'a, Result<T, WorkspaceError>> {
    Box::pin(future::ready(Err(WorkspaceError(WHY.to_owned()))))
}

impl Journal for Nothing {
    fn append(&self, _: &TaskId, _: &[Entry]) -> Result<(), JournalError> {
        Err(JournalError(WHY.to_owned()))
    }

    fn load(&self, _: &TaskId) -> Result<Vec<Entry>, JournalError> {
        Err(JournalError(WHY.to_owned()))
    }
}

impl Approver for Nothing {
    fn ask<'a>(&'a self, _: &'a ApprovalRequest) -> Pending<'a, Option<Answer>> {
        Box::pin(future::ready(None))
    }

    fn remember(&self, _: &Rule) -> Result<(), JournalError> {
        Err(JournalError(WHY.to_owned()))
    }
}

impl Listener for Nothing {
    fn event(&self, _: &Entry) {}

    fn delta(&self, _: &Role, _: Delta<'_>) -> bool {
        false
    }
}

impl Clock for Nothing {
    fn now_ms(&self) -> u64 {
        0
    }

    fn monotonic_ms(&self) -> u64 {
        0
    }

    fn sleep(&self, _: Duration) -> Pending<'static, ()> {
        Box::pin(future::pending())
    }
}

impl Cancellation for Nothing {
    fn cancelled(&self) -> Pending<'static, ()> {
        Box::pin(future::pending())
    }
}
