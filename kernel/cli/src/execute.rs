//! A run as a person or a program at the command line sees it: progress while it goes on, its result at the end.
//! Tasks, chats, demos and resumed runs all come through here.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use openkoi_app::{
    run::{Listeners, RunEnd},
    task_runtime::{Surface, TaskRuntime},
};
use openkoi_core::{
    evidence::{Basis, Claim},
    id::TaskId,
    outcome::Outcome,
    port::{Listener, ModelError, ModelTrouble},
    recorder::RecordError,
    run::Paused,
    task::Task,
};
use openkoi_storage::tasks::TaskRecord;
use serde_json::{Value, json};

use crate::{
    approver::Terminal,
    context::Context,
    error::CommandError,
    exit::Exit,
    flags::{RunFormat, ShowFlags},
    interrupt::{Asked, Interrupts},
    output::{Printer, SCHEMA_VERSION, sanitise_line},
    watch::{EventStream, ProgressLines, cut},
};

/// What a run prints, and where to.
#[derive(Clone, Debug, Default)]
pub struct Show {
    /// How the result is printed.
    pub format: RunFormat,
    /// Whether progress is left out.
    pub quiet: bool,
    /// Where the result is written too.
    pub output: Option<PathBuf>,
    /// The schema that the result has to follow.
    pub schema: Option<Value>,
}

impl Show {
    /// Returns what the flags ask for.
    pub fn of(flags: ShowFlags, context: &Context) -> Self {
        Self {
            format: flags.output_format,
            quiet: flags.quiet,
            output: flags.output.map(|path| context.absolute(&path)),
            schema: None,
        }
    }
}

/// One run of a command: what it works with and what it prints.
pub struct Execution<'a> {
    /// The context of the command.
    pub context: &'a Context,
    /// What tasks of the workspace run with.
    pub runtime: &'a Arc<TaskRuntime>,
    /// What is printed.
    pub show: &'a Show,
    /// What ends the run early.
    pub interrupts: &'a Interrupts,
}

/// Says, once, what the user has to know of the sandbox and of the model that answers.
pub fn announce(context: &Context, runtime: &TaskRuntime, show: &Show) {
    runtime.warnings().iter().for_each(|warning| context.printer.warning(warning));
    if !show.quiet {
        runtime.notices().iter().for_each(|notice| context.printer.notice(notice));
    }
}

impl Execution<'_> {
    /// Runs a new task to its end and prints what came of it.
    ///
    /// # Errors
    ///
    /// When the run stopped before its end; it can then be resumed.
    pub async fn start(&self, task: Task) -> Result<Exit, CommandError> {
        let (surface, lines) = self.surface();
        let end = Arc::clone(self.runtime).start(task, surface).await?;
        self.conclude(end, lines.as_deref())
    }

    /// Takes up a run where it stopped and prints what came of it.
    ///
    /// # Errors
    ///
    /// As [`Execution::start`].
    pub async fn resume(&self, task: &TaskRecord) -> Result<Exit, CommandError> {
        let (surface, lines) = self.surface();
        let (id, session) = (task.id.clone(), task.session.clone());
        let end = Arc::clone(self.runtime).resume(id, session, surface).await?;
        self.conclude(end, lines.as_deref())
    }

    fn surface(&self) -> (Surface, Option<Arc<ProgressLines>>) {
        let mut all: Vec<Arc<dyn Listener>> = Vec::new();
        let printer = &self.context.printer;
        let lines = (!self.show.quiet).then(|| Arc::new(ProgressLines::new(printer)));
        if let Some(lines) = &lines {
            all.push(lines.clone());
        }
        if self.show.format == RunFormat::StreamJson {
            all.push(Arc::new(EventStream(*printer)));
        }
        let storage = Arc::clone(self.runtime.storage());
        let surface = Surface {
            approver: Arc::new(Terminal::new(self.context.prompt, storage)),
            listener: Arc::new(Listeners(all)),
            cancellation: Arc::new(self.interrupts.clone()),
        };
        (surface, lines)
    }

    fn conclude(&self, end: RunEnd, lines: Option<&ProgressLines>) -> Result<Exit, CommandError> {
        let for_person = self.show.format == RunFormat::Text;
        let outcome = end
            .result
            .as_ref()
            .map_err(|paused| stopped(paused, &end.task, self.interrupts, for_person))?;
        let printer = &self.context.printer;
        if let Some(error) = &end.unsaved {
            printer.warning(&format!("the output is not saved: {error}"));
        }
        let structured = self.show.schema.as_ref().map(|schema| fit(schema, &outcome.text));
        let ended = Ended { end: &end, outcome, structured };
        if !self.show.quiet {
            report(printer, outcome);
        }
        self.print(&ended, lines)?;
        Ok(ended.exit())
    }

    fn print(&self, ended: &Ended<'_>, lines: Option<&ProgressLines>) -> Result<(), CommandError> {
        let (printer, show) = (&self.context.printer, self.show);
        if let Some(Err(reason)) = &ended.structured {
            printer.warning(&format!("the result does not follow the schema: {reason}"));
        }
        let text = match &ended.structured {
            Some(Ok(value)) => value.to_string(),
            _ => ended.outcome.text.clone(),
        };
        if let Some(path) = &show.output {
            write(path, &text)?;
        }
        let shown = lines.is_some_and(|lines| lines.has_shown(&text));
        match show.format {
            // Both streams are the same screen, and the answer has just streamed by on it.
            RunFormat::Text if text.is_empty() || shown && printer.out().terminal => Ok(()),
            RunFormat::Text => printer.verbatim(&format!("{}\n", text.trim_end_matches('\n'))),
            RunFormat::Json => printer.json(&ended.record()),
            RunFormat::StreamJson => printer.json_line(&ended.record()),
        }
    }
}

/// Everything there is to print at the end of a run.
struct Ended<'a> {
    end: &'a RunEnd,
    outcome: &'a Outcome,
    /// The result as data, where a schema was given.
    structured: Option<Result<Value, String>>,
}

impl Ended<'_> {
    fn exit(&self) -> Exit {
        match (&self.structured, Exit::of(&self.outcome.ending)) {
            (Some(Err(_)), Exit::Accepted) => Exit::NotAccepted,
            (_, exit) => exit,
        }
    }

    fn record(&self) -> Value {
        let outcome = self.outcome;
        let result = match &self.structured {
            Some(Ok(value)) => value.clone(),
            _ => Value::String(outcome.text.clone()),
        };
        let mut record = json!({
            "type": "result",
            "is_error": self.exit() != Exit::Accepted,
            "session_id": self.end.session,
            "task_id": self.end.task,
            "num_turns": outcome.turns,
            "duration_ms": outcome.elapsed_ms,
            "total_cost_usd": outcome.spent.cost_micros as f64 / 1e6,
            "usage": outcome.usage,
            "result": result,
            "exit_code": self.exit().code(),
            "outcome": outcome,
            "schema_version": SCHEMA_VERSION,
        });
        if let (Some(Err(reason)), Some(fields)) = (&self.structured, record.as_object_mut()) {
            fields.insert("schema_error".to_owned(), json!(reason));
        }
        record
    }
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    // The user's own file keeps the mode that new files of theirs have.
    let mode = fs::metadata(path).map_or(0o644, |meta| {
        use std::os::unix::fs::PermissionsExt as _;
        meta.permissions().mode() & 0o777
    });
    openkoi_app::file::put(path, text.as_bytes(), mode).map_err(|error| {
        CommandError::failed(format!("cannot write `{}`: {error}", path.display()))
    })
}

/// Says what each criterion rests on.
fn report(printer: &Printer, outcome: &Outcome) {
    for claim in &outcome.claims {
        printer.notice(&claim_line(claim));
    }
}

fn claim_line(claim: &Claim) -> String {
    let mark = if claim.holds { "holds" } else { "open " };
    let basis = match &claim.basis {
        Basis::Verified { command, exit_code, receipts, tree, .. } => {
            let code = exit_code.map_or("a signal".to_owned(), |code| format!("exit {code}"));
            let receipt =
                receipts.last().map_or("none".to_owned(), |id| short_receipt(id).to_owned());
            let tree = tree.as_ref().map_or("-", |tree| short_tree(tree.as_str()));
            let word = if claim.holds { "verified" } else { "checked" };
            format!("{word}: `{command}` {code} on tree {tree}, receipt {receipt}")
        }
        Basis::Judged { by, score } => format!("judged by {by}: {:.1}", score * 10.0),
        Basis::Unverified => "unverified".to_owned(),
    };
    format!("  {mark} {} ({basis})", sanitise_line(&claim.criterion.text))
}

/// Returns a receipt's id as people see it: its end, where ids of the same time differ.
pub(crate) fn short_receipt(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

fn short_tree(tree: &str) -> &str {
    tree.get(..8).unwrap_or(tree)
}

/// Returns the result as data if it is JSON that follows the schema.
fn fit(schema: &Value, text: &str) -> Result<Value, String> {
    let body = text.trim();
    let body = body.strip_prefix("```json").or_else(|| body.strip_prefix("```")).unwrap_or(body);
    let body = body.strip_suffix("```").unwrap_or(body).trim();
    let value: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    openkoi_host::kinds::check_schema(schema, &value).map_err(|failure| failure.to_string())?;
    Ok(value)
}

/// Returns what a run that stopped before its end comes to. `for_person` leaves out what is on the screen already.
fn stopped(
    paused: &Paused,
    task: &TaskId,
    interrupts: &Interrupts,
    for_person: bool,
) -> CommandError {
    let resume = format!("openkoi resume {}", task.short());
    match paused {
        Paused::Cancelled => {
            let exit = match interrupts.asked() {
                Asked::Terminate => Exit::Terminated,
                _ => Exit::Interrupted,
            };
            CommandError::new(exit, "the task was cancelled; nothing is lost").hint(resume)
        }
        Paused::Approval(request) => {
            let message = format!(
                "`{}` on {:?} needs an approval, and there is nobody to ask",
                request.action, request.target
            );
            CommandError::new(Exit::NeedsApproval, message)
                .hint(format!("{resume}   (on a terminal, to answer)"))
        }
        Paused::Model(error) => {
            let kind = of_trouble(error.kind);
            let hint = Some(error.hint.clone()).filter(|hint| !hint.is_empty());
            let received = match &error.received {
                Some(received) if !for_person => received.text(),
                Some(received) if !received.shown => cut(&received.text(), RECEIVED),
                _ => String::new(),
            };
            CommandError::new(kind, broken_off(error)).hints(hint).hint(resume).received(received)
        }
        Paused::Record(error @ RecordError::Diverged { .. }) => {
            CommandError::failed(error.to_string())
        }
        Paused::Workspace(_) | Paused::Record(_) => {
            CommandError::from_error(Exit::Configuration, paused).hint(resume)
        }
    }
}

/// How much of an answer that broke off a person is shown with the error, in characters. All of it is in the journal.
const RECEIVED: usize = 4_000;

/// Returns the sentence of an error, which says that an answer had begun where it had.
fn broken_off(error: &ModelError) -> String {
    let begun = error.received.as_ref().is_some_and(|received| !received.text().is_empty());
    if !begun {
        return error.message.clone();
    }
    format!("{}; the answer that had begun is kept as far as it came", error.message)
}

fn of_trouble(kind: ModelTrouble) -> Exit {
    match kind {
        ModelTrouble::Credentials => Exit::Credentials,
        ModelTrouble::UnknownModel => Exit::Usage,
        ModelTrouble::Denied => Exit::Denied,
        _ => Exit::Provider,
    }
}

#[cfg(test)]
mod tests;
