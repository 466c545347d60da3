//! What is cheap to know of a file that was just written: whether it parses, and if so what the project's own formatters,
//! linters and type checkers say of it. A model that hears of it at once mends it in the next turn, and not after a run of
//! the tests.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use openkoi_brokers::{
    disk, durable,
    processes::{Command, Happening, Processes},
    within,
};
use openkoi_core::{
    change_set::name_of_text,
    effects::HeldBack,
    failure::Failure,
    hash,
    id::TaskId,
    message::ToolCall,
    port::Pending,
    scope::Scope,
    tool::{Effect, Tool, ToolOutput},
    toolbox::{EndedProgram, PreparedCall, Toolbox},
};

use super::{
    looks::QuickLooks,
    syntax::{self, Parser},
};

/// The longest time that all parsers of one call may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Most files of one call that are looked at.
const MOST: usize = 4;

/// The largest file that is looked at, in bytes.
const LARGEST: u64 = 1 << 20;

/// Decorates a toolbox so that the result of a call that writes files also says what is wrong with them.
pub(crate) struct WithDiagnostics {
    inner: Arc<dyn Toolbox>,
    processes: Processes,
    workspace: PathBuf,
    /// A directory of its own for parsers, so that they write nothing in the workspace.
    scratch: PathBuf,
    /// What the project's own programs say of a file that parses.
    looks: Option<QuickLooks>,
}

impl WithDiagnostics {
    pub(crate) fn new(
        inner: Arc<dyn Toolbox>,
        processes: Processes,
        workspace: &Path,
        scratch: PathBuf,
        looks: Option<QuickLooks>,
    ) -> Self {
        let workspace = workspace.to_owned();
        Self { inner, processes, workspace, scratch, looks }
    }

    fn writes(&self, call: &ToolCall) -> bool {
        self.inner.tools().iter().any(|tool| tool.name == call.name && tool.effect == Effect::Write)
    }

    /// Returns a note for each of the files that does not parse. What cannot be known in time is not said.
    async fn notes(&self, written: &[String]) -> Vec<String> {
        let mut notes = Vec::new();
        let looked = async {
            for path in written.iter().take(MOST) {
                if let Some(fault) = self.fault(path).await {
                    notes.push(format!("`{path}` does not parse: {fault}"));
                }
            }
        };
        if tokio::time::timeout(PATIENCE, looked).await.is_err() {
            tracing::debug!("not every file was looked at in time");
        }
        notes
    }

    async fn fault(&self, path: &str) -> Option<String> {
        let path = self.workspace.join(name_of_text(path));
        let text = within::read_text(&self.workspace, &path, LARGEST).ok()??;
        match syntax::parser(&path, &text)? {
            Parser::Inside(parse) => parse(&text),
            Parser::Programs(programs) => {
                // What one of them can read is no fault: a script may be a module.
                let mut fault = None;
                for program in programs {
                    fault = Some(self.run(&program, &path, &text).await?);
                }
                fault
            }
        }
    }

    /// Runs a parser, and returns what it finds wrong; nothing if it finds nothing or cannot be run.
    async fn run(&self, parser: &syntax::Program, path: &Path, text: &str) -> Option<String> {
        durable::create_private_dir(&self.scratch).ok()?;
        let Some(end) = parser.copy else { return self.asked(parser, path, text).await };
        // Tasks at once have a copy each, unless it is of the same text.
        let copy = self.scratch.join(format!("{}.{end}", hash::of_bytes(text.as_bytes())));
        durable::put_whole(&copy, text.as_bytes(), 0o600).ok()?;
        let fault = self.asked(parser, &copy, text).await;
        if let Err(error) = disk::remove_file(&copy) {
            tracing::debug!(%error, "a copy for a parser stays");
        }
        fault
    }

    async fn asked(&self, parser: &syntax::Program, file: &Path, text: &str) -> Option<String> {
        let mut arguments: Vec<String> = parser.arguments.clone();
        if !parser.from_input {
            arguments.push(file.display().to_string());
        }
        let command = Command {
            arguments,
            input: parser.from_input.then(|| text.as_bytes().to_vec()),
            read: vec![self.workspace.clone()],
            deadline: Some(PATIENCE),
            ..Command::new(parser.name, &self.scratch)
        };
        let mut child = self.processes.spawn(command).await.ok()?;
        let (mut said, mut code) = (Vec::new(), None);
        while let Some(happening) = child.next().await {
            match happening {
                Happening::Stderr(bytes) => said.extend(bytes),
                Happening::Stdout(bytes) if !parser.from_input => said.extend(bytes),
                Happening::Stdout(_) => {}
                Happening::Exited(exit) => code = exit.code,
            }
        }
        if code.is_none_or(|code| code == 0) {
            return None;
        }
        let said = String::from_utf8_lossy(&said);
        let fault = (parser.fault)(&said)?;
        Some(format!("{} ({})", syntax::short(&fault), parser.name))
    }
}

impl Toolbox for WithDiagnostics {
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
            let around = scope.clone();
            let output = self.inner.call(call, scope).await?;
            if !self.writes(call) {
                return Ok(output);
            }
            let written = around.effects.written();
            let mut notes = self.notes(&written).await;
            if let Some(looks) = self.looks.as_ref().filter(|_| notes.is_empty()) {
                notes = looks.notes(&written, &around).await;
            }
            Ok(output.noted(&notes))
        })
    }
}
