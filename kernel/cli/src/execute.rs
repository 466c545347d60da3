//! A run at the command line: its progress is printed while it goes on, and its result at the end.
//! Tasks, chats, demonstrations and resumed runs are executed here.

mod chamber;
pub(crate) mod ending;
mod lessons;

use std::{
    future::Future,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use openkoi_app::{
    alerts::Alert,
    answers::Asking,
    file,
    learning::Learned,
    now_ms, pause, prune,
    result_schema::JsonSchema,
    run::{Listeners, ResumeChanges, RunEnd},
    settings::Settings,
    task_runtime::{Surface, TaskRuntime},
};
use openkoi_core::{
    approval::ApprovalRequest,
    deliberation::futures::Futures,
    event::{Entry, Event},
    evidence::{Basis, Claim},
    gate,
    id::TaskId,
    message::Role,
    model::{ModelCard, ModelError, ModelTrouble},
    outcome::{Ending, Outcome},
    port::{Listener, ResultSchema, Steering},
    recorder::RecordError,
    run::Paused,
    task::Task,
};
use openkoi_storage::{questions::Given, tasks::TaskRecord};
use serde_json::{Value, json};

use chamber::{Ways, WholeDeliberation};
pub(crate) use lessons::Later;

use crate::{
    alerts::Alerts,
    approver::{self, Terminal},
    context::Context,
    details::Details,
    error::CommandError,
    exit::Exit,
    flags::{RunFormat, ShowFlags},
    interrupt::{Asked, Interrupts},
    keyboard::Keys,
    output::{Format, Printer, SCHEMA_VERSION, markdown, sanitise_line},
    watch::{EventStream, ProgressLines, cut},
};

/// The time between two movements of the status line.
const FRAME: Duration = Duration::from_millis(125);

/// The output of a run: its form and its places.
#[derive(Clone, Debug, Default)]
pub struct Show {
    /// The format of the result.
    pub format: RunFormat,
    /// True to leave out progress.
    pub quiet: bool,
    /// A file to which the result is written too.
    pub output: Option<PathBuf>,
    /// The JSON Schema that the result has to follow.
    pub schema: Option<Arc<JsonSchema>>,
    /// True if the person knows which model works where, so that the run does not begin with it.
    pub introduced: bool,
    /// The directory that stays as it is, if the run is a dry one.
    pub dry: Option<PathBuf>,
    /// The keys of a conversation, which are watched during a run.
    pub(crate) keys: Option<Arc<Keys>>,
    /// Where tasks are put down that are learnt from later; absent, each is learnt from when its answer was given.
    pub(crate) later: Option<Arc<Later>>,
}

impl Show {
    /// Returns the output that the flags ask for. `-` in place of a file is stdout, which gets the result anyway.
    ///
    /// # Errors
    ///
    /// When the file could not be written at the end of the run.
    pub fn of(flags: ShowFlags, context: &Context) -> Result<Self, CommandError> {
        let output = flags.output.filter(|path| path.as_os_str() != "-");
        let output = output.map(|path| context.absolute(&path));
        if let Some(path) = &output {
            file::check_writable(path).map_err(|reason| {
                let message = format!("cannot write the result to `{}`: {reason}", path.display());
                CommandError::usage(message)
            })?;
        }
        Ok(Self {
            format: flags.output_format,
            quiet: flags.quiet,
            output,
            schema: None,
            introduced: false,
            dry: None,
            keys: None,
            later: None,
        })
    }
}

/// One run of a command, with its surroundings.
pub(crate) struct Execution<'a> {
    /// The context of the command.
    pub context: &'a Context,
    /// The runtime for tasks of the workspace.
    pub runtime: &'a Arc<TaskRuntime>,
    /// The output of the run.
    pub show: &'a Show,
    /// The signals that end the run early.
    pub interrupts: &'a Interrupts,
    /// What the person says during the run.
    pub steering: Option<Arc<dyn Steering>>,
}

/// Frees what is too old, at most once a day. Nobody is told if it cannot be done: the next day is soon enough.
pub(crate) fn tidy(context: &Context, settings: &Settings) {
    if let Err(error) = prune::daily(&context.app, settings.retention) {
        tracing::debug!(%error, "what is too old stays for now");
    }
}

/// Prints the warnings about the sandbox and the notices about the model, once for each command.
pub(crate) fn announce(context: &Context, runtime: &TaskRuntime, show: &Show) {
    runtime.warnings().iter().for_each(|warning| context.printer.warning(warning));
    if !show.quiet {
        runtime.notices().iter().for_each(|notice| context.printer.notice(notice));
    }
}

impl Execution<'_> {
    /// Runs a new task to its end and prints the result.
    ///
    /// # Errors
    ///
    /// When the run stopped before its end; it can then be resumed.
    pub(crate) async fn start(&self, task: Task) -> Result<Exit, CommandError> {
        let alerts = self.alerts();
        let of = (&task.id, task.text.as_str(), Path::new(&task.workspace));
        let (surface, lines) = self.surface(of, &alerts);
        let run = Arc::clone(self.runtime).start(task, surface);
        let watch = self.show.keys.as_ref().map(|keys| keys.watch(self.interrupts));
        let end = self.moving(lines.as_deref(), run).await;
        drop(watch);
        self.finish(end?, lines.as_deref(), &alerts).await
    }

    /// Resumes a run where it stopped and prints the result.
    ///
    /// # Errors
    ///
    /// As [`Execution::start`].
    pub(crate) async fn resume(
        &self,
        task: &TaskRecord,
        changes: ResumeChanges,
    ) -> Result<Exit, CommandError> {
        let alerts = self.alerts();
        let of = (&task.id, task.text.as_str(), Path::new(&task.workspace));
        let (surface, lines) = self.surface(of, &alerts);
        if let Some(lines) = &lines {
            let begun = begun(&self.runtime.storage().entries(&task.id)?);
            begun.into_iter().for_each(|begun| lines.resumes(begun, self.models()));
        }
        let (id, session) = (task.id.clone(), task.session.clone());
        let run = Arc::clone(self.runtime).resume(id, session, surface, changes);
        let end = self.moving(lines.as_deref(), run).await?;
        self.finish(end, lines.as_deref(), &alerts).await
    }

    /// Prints the result of a run, has it learnt from, and waits for what went on beside it.
    async fn finish(
        &self,
        mut end: RunEnd,
        lines: Option<&ProgressLines>,
        alerts: &Alerts,
    ) -> Result<Exit, CommandError> {
        let looked_back = end.looked_back.take();
        let exit = self.tell_result(&end, lines, alerts).await;
        // It began with the run, and would end with the program.
        if let Some(looked_back) = looked_back {
            looked_back.wait().await;
        }
        exit
    }

    /// What a program reads is one document, so there the lesson comes before the result.
    async fn tell_result(
        &self,
        end: &RunEnd,
        lines: Option<&ProgressLines>,
        alerts: &Alerts,
    ) -> Result<Exit, CommandError> {
        let mut learned = end.said.clone();
        if self.show.format != RunFormat::Text {
            learned.extend(self.learn(end).await);
            let exit = self.conclude(end, lines, &learned);
            self.call_back(end, alerts);
            return exit;
        }
        let exit = self.conclude(end, lines, &learned);
        self.call_back(end, alerts);
        learned.extend(self.learn(end).await);
        self.tell(&learned);
        exit
    }

    /// Has a task learnt from, unless that is put off.
    async fn learn(&self, end: &RunEnd) -> Learned {
        if end.result.is_err() || self.interrupts.asked() != Asked::No {
            return Learned::default();
        }
        if let Some(later) = &self.show.later {
            later.put_off(end);
            return Learned::default();
        }
        let task = (end.task.clone(), end.session.clone());
        lessons::learn(self.runtime, self.interrupts, task).await
    }

    /// Has the tasks learnt from that were put off, and says what is new.
    pub(crate) async fn learn_at_last(&self) {
        for task in self.show.later.iter().flat_map(|later| later.take()) {
            self.tell(&lessons::learn(self.runtime, self.interrupts, task).await);
        }
    }

    /// Returns who tells the person of this run what they are needed for.
    fn alerts(&self) -> Arc<Alerts> {
        Arc::new(Alerts::begin(self.context, self.runtime.settings()))
    }

    /// Tells the person that a run has ended, if it took long. Who ended it knows.
    fn call_back(&self, end: &RunEnd, alerts: &Alerts) {
        if self.show.quiet || self.interrupts.asked() != Asked::No {
            return;
        }
        let task = self.runtime.storage().find_task(end.task.as_str()).ok();
        task.as_ref().and_then(Alert::of_end).iter().for_each(|alert| alerts.ended(alert));
    }

    fn tell(&self, learned: &Learned) {
        if !self.show.quiet {
            lessons::tell(&self.context.printer, learned);
        }
    }

    /// Returns the models of the roles that the first line names.
    fn models(&self) -> Vec<(String, ModelCard)> {
        let roles = [Role::EXECUTOR, Role::EVALUATOR].into_iter();
        roles.map(|role| (role.to_owned(), self.runtime.card(&Role::new(role)))).collect()
    }

    /// Waits for a run, and moves its status line meanwhile.
    async fn moving<T>(&self, lines: Option<&ProgressLines>, run: impl Future<Output = T>) -> T {
        let Some(lines) = lines else { return run.await };
        let mut run = std::pin::pin!(run);
        let done = loop {
            tokio::select! {
                done = &mut run => break done,
                () = pause(FRAME) => {}
            }
            if let Some(keys) = &self.show.keys {
                keys.news().iter().for_each(|line| lines.queued(line));
                lines.typing(keys.typing());
            }
            lines.tick(now_ms());
        };
        lines.leave();
        done
    }

    fn surface(
        &self,
        (task, text, workspace): (&TaskId, &str, &Path),
        alerts: &Arc<Alerts>,
    ) -> (Surface, Option<Arc<ProgressLines>>) {
        let mut all: Vec<Arc<dyn Listener>> = Vec::new();
        let printer = &self.context.printer;
        let lines = (!self.show.quiet).then(|| {
            let lines = ProgressLines::new(self.context, workspace);
            Arc::new(if self.show.introduced { lines.introduced() } else { lines })
        });
        if let Some(lines) = &lines {
            all.push(lines.clone());
            if self.context.verbose() > 0 {
                all.push(Arc::new(Details(lines.clone())));
                let whole = WholeDeliberation::new(lines.clone(), *printer);
                all.push(Arc::new(whole));
            }
        }
        if self.show.format == RunFormat::StreamJson {
            all.push(Arc::new(EventStream(*printer)));
        }
        let approver = self.approver((task, text, workspace), lines.as_ref(), alerts);
        let surface = Surface {
            approver: Arc::new(approver),
            listener: Arc::new(Listeners(all)),
            cancellation: Arc::new(self.interrupts.clone()),
            steering: self.steering.clone(),
            result: self.show.schema.clone().map(|schema| schema as Arc<dyn ResultSchema>),
            waiting: {
                let printer = *printer;
                Arc::new(move |why: &str| printer.notice(why))
            },
        };
        (surface, lines)
    }

    /// Returns who asks the person: here, if there is a terminal, and wherever else the person is.
    fn approver(
        &self,
        (task, text, workspace): (&TaskId, &str, &Path),
        lines: Option<&Arc<ProgressLines>>,
        alerts: &Arc<Alerts>,
    ) -> Asking {
        let app = Arc::clone(&self.context.app);
        if !self.context.questions.is_interactive() {
            return Asking::before(app, task.clone());
        }
        let storage = Arc::clone(self.runtime.storage());
        let printer = self.context.printer;
        let here = Terminal::new(self.context.questions, storage, workspace).below(
            lines.cloned(),
            printer.err().palette,
            self.show.keys.clone(),
        );
        let here = here.telling(Arc::clone(alerts), text);
        let told = move |given: &Given| printer.notice(&approver::elsewhere(given));
        Asking::beside(app, task.clone(), Arc::new(here), Arc::new(told))
    }

    fn conclude(
        &self,
        end: &RunEnd,
        lines: Option<&ProgressLines>,
        learned: &Learned,
    ) -> Result<Exit, CommandError> {
        let for_person = self.show.format == RunFormat::Text;
        let outcome = end
            .result
            .as_ref()
            .map_err(|paused| stopped(paused, &end.task, self.interrupts, for_person))
            .map_err(|error| self.resumable(error, &end.task))?;
        let printer = &self.context.printer;
        if let Some(error) = &end.unsaved {
            printer.warning(&format!("the output is not saved: {error}"));
        }
        let futures = self.futures(end, outcome)?;
        let structured = self.show.schema.as_ref().map(|schema| schema.read(&outcome.text));
        let ended = Ended { end, outcome, structured, learned, futures };
        if !self.show.quiet && outcome.iterations > 0 {
            report(printer, outcome);
        }
        let short = end.task.short();
        let mut lines_below = ending::lines(outcome, short, self.show.quiet);
        if let Some(place) = &self.show.dry {
            ending::of_dry_run(&mut lines_below, short, place);
        }
        for line in lines_below {
            printer.notice(&line);
        }
        let text = ended.text();
        let written = self.show.output.as_ref().map_or(Ok(()), |path| write(path, &text, short));
        if let Err(error) = &written {
            // The result is on stdout below, so it is not lost, and stdout stays one document.
            printer.error(error, Format::Text);
        }
        let seen = lines.is_some_and(|lines| lines.has_shown(&text)) && written.is_ok();
        self.print(&ended, &text, seen)?;
        Ok(written.err().map_or(ended.exit(), |error| error.kind))
    }

    /// Returns where each way leads, after a simulation.
    fn futures(&self, end: &RunEnd, outcome: &Outcome) -> Result<Option<Futures>, CommandError> {
        if outcome.ending != Ending::Simulated {
            return Ok(None);
        }
        let entries = self.runtime.storage().entries(&end.task)?;
        Ok(chamber::drawn(&entries).cloned())
    }

    /// Returns the error without a hint to resume a task that was never stored, as on a full disk, or whose copy is gone.
    fn resumable(&self, mut error: CommandError, task: &TaskId) -> CommandError {
        if self.show.dry.is_some() || self.runtime.storage().find_task(task.as_str()).is_err() {
            error.hints.retain(|hint| !hint.starts_with("openkoi resume"));
        }
        if self.show.dry.is_some() {
            error.hints.push("a dry run is not taken up: its copy is gone".to_owned());
        }
        error
    }

    /// Prints the result to stdout. `seen` is true if the person has just read it on stderr.
    fn print(&self, ended: &Ended<'_>, text: &str, seen: bool) -> Result<(), CommandError> {
        let (printer, show) = (&self.context.printer, self.show);
        if let Some(Err(reason)) = &ended.structured
            && !ended.outcome.because.contains(reason.as_str())
        {
            printer.warning(&format!("the result does not follow the schema: {reason}"));
        }
        match show.format {
            RunFormat::Text if let Some(futures) = &ended.futures => {
                printer.result(&Ways(futures), Format::Text)
            }
            // The answer has just streamed by on stderr, which is the same screen.
            RunFormat::Text if text.is_empty() || seen && printer.out().terminal => Ok(()),
            RunFormat::Text => {
                let text = format!("{}\n", text.trim_end_matches('\n'));
                let out = printer.out();
                match out.terminal {
                    true => printer.raw(markdown::of_text(&text, out.palette).as_bytes()),
                    false => printer.verbatim(&text),
                }
            }
            RunFormat::Json => printer.json(&ended.record()),
            RunFormat::StreamJson => printer.json_line(&ended.record()),
        }
    }
}

/// Returns the task of a journal, with the settings that it had last.
fn begun(entries: &[Entry]) -> Option<Task> {
    let mut task = None;
    for entry in entries {
        match &entry.event {
            Event::TaskStarted { task: started, .. } => task = Some((**started).clone()),
            Event::TaskResumed { settings: Some(settings) } => {
                task.iter_mut().for_each(|task: &mut Task| task.settings = (**settings).clone());
            }
            _ => {}
        }
    }
    task
}

/// The end of a run, as it is printed.
struct Ended<'a> {
    end: &'a RunEnd,
    outcome: &'a Outcome,
    /// The result as data, if a schema was given.
    structured: Option<Result<Value, String>>,
    /// What was learnt from it.
    learned: &'a Learned,
    /// Where each way leads, if it was a simulation.
    futures: Option<Futures>,
}

impl Ended<'_> {
    /// Returns the result as text: the data in one form of writing, or the answer as it is.
    fn text(&self) -> String {
        match &self.structured {
            Some(Ok(value)) => value.to_string(),
            _ => self.outcome.text.clone(),
        }
    }

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
            "learned": lessons::record(self.learned),
            "schema_version": SCHEMA_VERSION,
        });
        if let (Some(futures), Some(fields)) = (&self.futures, record.as_object_mut()) {
            fields.insert("futures".to_owned(), json!(futures));
        }
        if let (Some(Err(reason)), Some(fields)) = (&self.structured, record.as_object_mut()) {
            fields.insert("schema_error".to_owned(), json!(reason));
        }
        record
    }
}

fn write(path: &Path, text: &str, task: &str) -> Result<(), CommandError> {
    // An existing file keeps its mode.
    let mode = file::status(path).map_or(0o644, |status| status.mode & 0o777);
    file::put(path, text.as_bytes(), mode).map_err(|error| {
        CommandError::from_error(Exit::NotAccepted, &error)
            .hint(format!("openkoi task replay {task} > FILE"))
    })
}

/// Prints each criterion with its evidence.
fn report(printer: &Printer, outcome: &Outcome) {
    for claim in &outcome.claims {
        printer.notice(&claim_line(claim));
    }
}

pub(crate) fn claim_line(claim: &Claim) -> String {
    let mark = if claim.holds { "holds" } else { "open " };
    let basis = match &claim.basis {
        Basis::Verified { command, exit_code, receipts, tree, changed, by_exit_code, .. } => {
            let code = exit_code.map_or("a signal".to_owned(), |code| format!("exit {code}"));
            let receipt =
                receipts.last().map_or("none".to_owned(), |id| short_receipt(id).to_owned());
            let tree = tree.as_ref().map_or("-", |tree| short_tree(tree.as_str()));
            // What the run itself could have decided is checked, and not verified, and so is what names no test.
            let is_sure = claim.holds && changed.is_empty() && !by_exit_code;
            let word = if is_sure { "verified" } else { "checked" };
            let with = match changed.is_empty() {
                true => String::new(),
                false => format!(" with changed {}", sanitise_line(&changed.join(", "))),
            };
            format!("{word}: `{command}` {code} on tree {tree}{with}, receipt {receipt}")
        }
        Basis::Judged { by, score } => format!("judged by {by}: {:.1}", score * 10.0),
        Basis::Unverified => "unverified".to_owned(),
    };
    format!("  {mark} {} ({basis})", sanitise_line(&claim.criterion.text))
}

/// Returns the short form of a receipt's id: its end, because ids of the same time begin alike.
pub(crate) fn short_receipt(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

fn short_tree(tree: &str) -> &str {
    tree.get(..8).unwrap_or(tree)
}

/// Returns the error of a run that stopped before its end. `for_person` leaves out the text that is
/// on the screen already.
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
            let error = CommandError::new(Exit::NeedsApproval, message)
                .hint(format!("{resume}   (on a terminal, to answer)"));
            let error = match request.origin == LOOP {
                true => error.hint(format!(
                    "openkoi task diff {}   (the work stays as it is)",
                    task.short()
                )),
                false => error,
            };
            match instead_of_this_place(request) {
                Some(instead) => error.hint(instead),
                None => error,
            }
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

/// Origin of questions about work that is done.
const LOOP: &str = "the loop";

/// The number of characters that a person is shown of an answer that broke off. The journal has all
/// of it.
const RECEIVED: usize = 4_000;

/// Returns the sentence of an error, which also says so if an answer had begun.
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

/// Returns what to do where the question is whether there is to be work in this workspace at all.
fn instead_of_this_place(request: &ApprovalRequest) -> Option<String> {
    let details: Value = serde_json::from_str(&request.details).ok()?;
    let instead = details["instead"].as_str()?;
    (request.domain == gate::PLACE).then(|| sanitise_line(instead).into_owned())
}

#[cfg(test)]
mod tests;
