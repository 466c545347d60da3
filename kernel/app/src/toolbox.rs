//! Decorators of the toolbox of a run: one leaves tools out, one adds the rules of directories, one says what
//! is wrong with files that a call has written, one adds fail points.

mod diagnostics;
mod looks;
mod syntax;

use std::{collections::BTreeSet, path::Path, sync::Arc};

use openkoi_brokers::failpoint::{self, Point};
use openkoi_core::{
    effects::HeldBack,
    failure::Failure,
    gate::target_of,
    id::TaskId,
    message::ToolCall,
    port::Pending,
    scope::Scope,
    tool::{Tool, ToolOutput},
    toolbox::{EndedProgram, PreparedCall, Toolbox},
};

use crate::rules::NestedRules;

pub(crate) use self::{diagnostics::WithDiagnostics, looks::QuickLooks};

/// Decorates a toolbox so that some of its tools are left out.
pub(crate) struct Without {
    inner: Arc<dyn Toolbox>,
    names: BTreeSet<String>,
}

impl Without {
    /// Returns `inner` without the tools of these names.
    pub(crate) fn new(inner: Arc<dyn Toolbox>, names: &[String]) -> Self {
        Self { inner, names: names.iter().cloned().collect() }
    }
}

impl Toolbox for Without {
    fn holds_back(&self) -> bool {
        self.inner.holds_back()
    }

    fn left_behind<'a>(
        &'a self,
        task: &'a TaskId,
        key: &'a str,
        command: &'a str,
    ) -> Pending<'a, Option<Box<dyn HeldBack>>> {
        self.inner.left_behind(task, key, command)
    }

    fn has_programs(&self, task: &TaskId) -> bool {
        self.inner.has_programs(task)
    }

    fn end_programs<'a>(&'a self, task: &'a TaskId) -> Pending<'a, Vec<EndedProgram>> {
        self.inner.end_programs(task)
    }

    fn tools(&self) -> Vec<Tool> {
        let mut tools = self.inner.tools();
        tools.retain(|tool| !self.names.contains(&tool.name));
        tools
    }

    fn prepared(&self, call: &ToolCall) -> Result<PreparedCall, Failure> {
        self.inner.prepared(call)
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        scope: Scope,
    ) -> Pending<'a, Result<ToolOutput, Failure>> {
        if self.names.contains(&call.name) {
            let missing = Failure::NotFound(format!("the tool `{}`", call.name));
            return Box::pin(std::future::ready(Err(missing)));
        }
        self.inner.call(call, scope)
    }
}

/// Decorates a toolbox so that a result also has the project's rules of the directories that the
/// call touches.
pub(crate) struct WithRules {
    inner: Arc<dyn Toolbox>,
    rules: NestedRules,
}

impl WithRules {
    /// Returns `inner` with the rules of directories below `workspace`, a path without links.
    pub(crate) fn new(inner: Arc<dyn Toolbox>, workspace: &Path) -> Self {
        Self { inner, rules: NestedRules::new(workspace) }
    }
}

impl Toolbox for WithRules {
    fn holds_back(&self) -> bool {
        self.inner.holds_back()
    }

    fn left_behind<'a>(
        &'a self,
        task: &'a TaskId,
        key: &'a str,
        command: &'a str,
    ) -> Pending<'a, Option<Box<dyn HeldBack>>> {
        self.inner.left_behind(task, key, command)
    }

    fn has_programs(&self, task: &TaskId) -> bool {
        self.inner.has_programs(task)
    }

    fn end_programs<'a>(&'a self, task: &'a TaskId) -> Pending<'a, Vec<EndedProgram>> {
        self.inner.end_programs(task)
    }

    fn tools(&self) -> Vec<Tool> {
        self.inner.tools()
    }

    fn prepared(&self, call: &ToolCall) -> Result<PreparedCall, Failure> {
        self.inner.prepared(call)
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        scope: Scope,
    ) -> Pending<'a, Result<ToolOutput, Failure>> {
        Box::pin(async move {
            let task = scope.task.clone();
            let mut output = self.inner.call(call, scope).await?;
            let tools = self.inner.tools();
            let tool = tools.iter().find(|tool| tool.name == call.name);
            // A tool without a target touches no directory.
            let tool = tool.filter(|tool| tool.target.is_some());
            output
                .text
                .extend(tool.and_then(|tool| self.rules.about(&task, &target_of(tool, call))));
            Ok(output)
        })
    }
}

/// Decorates a toolbox with fail points, at which a test makes a call fail or the process die.
pub(crate) struct WithFailPoints(pub(crate) Arc<dyn Toolbox>);

impl Toolbox for WithFailPoints {
    fn holds_back(&self) -> bool {
        self.0.holds_back()
    }

    fn left_behind<'a>(
        &'a self,
        task: &'a TaskId,
        key: &'a str,
        command: &'a str,
    ) -> Pending<'a, Option<Box<dyn HeldBack>>> {
        self.0.left_behind(task, key, command)
    }

    fn has_programs(&self, task: &TaskId) -> bool {
        self.0.has_programs(task)
    }

    fn end_programs<'a>(&'a self, task: &'a TaskId) -> Pending<'a, Vec<EndedProgram>> {
        self.0.end_programs(task)
    }

    fn tools(&self) -> Vec<Tool> {
        self.0.tools()
    }

    fn prepared(&self, call: &ToolCall) -> Result<PreparedCall, Failure> {
        self.0.prepared(call)
    }

    fn call<'a>(
        &'a self,
        call: &'a ToolCall,
        scope: Scope,
    ) -> Pending<'a, Result<ToolOutput, Failure>> {
        Box::pin(async move {
            let failed = |error: std::io::Error| Failure::Failed(error.to_string());
            failpoint::hit(Point::EffectBefore).map_err(failed)?;
            let output = self.0.call(call, scope).await?;
            failpoint::hit(Point::EffectAfter).map_err(failed)?;
            Ok(output)
        })
    }
}
