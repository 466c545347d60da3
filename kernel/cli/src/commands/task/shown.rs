//! `openkoi task show`: the details of one task.

use openkoi_core::{
    deliberation::names,
    document::{Block, Document, Heading, Pairs, Span, Value, Verbatim},
    doubts::Doubts,
    evaluation::{Change, ChangeKind},
    event::{Entry, Event},
    outcome::Ending,
    tool::Receipt,
};
use openkoi_storage::tasks::TaskRecord;

use super::row::{reasoned_cost, status, task_facts};
use crate::{
    execute::short_receipt,
    output::{Output, duration},
};

/// The number of lines that are shown of the output.
const PREVIEW: usize = 20;
/// The number of files, and of programs, that are listed.
const LISTED: usize = 50;

/// A task with its output, its changes and the programs that it ran.
pub(crate) struct TaskDetails {
    pub(crate) task: TaskRecord,
    pub(crate) output: Option<String>,
    /// The changed files, or `None` if the task has not ended.
    changes: Option<Vec<Change>>,
    /// The receipts of programs that the task ran, in their order.
    receipts: Vec<Receipt>,
    /// Reasons for which the cost may be less than it is said to be.
    doubts: Doubts,
}

impl TaskDetails {
    /// Returns the details of a task of whose journal nothing is known yet.
    pub(crate) fn new(task: TaskRecord) -> Self {
        let doubts = Doubts::default();
        Self { task, output: None, changes: None, receipts: Vec::new(), doubts }
    }

    /// Returns the details of a task, with the facts of its journal.
    pub(crate) fn of(task: TaskRecord, output: Option<String>, journal: Vec<Entry>) -> Self {
        let mut details = Self { output, ..Self::new(task) };
        journal.iter().for_each(|entry| details.take(entry));
        details
    }

    /// Takes the next entry of the journal in.
    pub(crate) fn take(&mut self, entry: &Entry) {
        self.doubts.take(&entry.event);
        match &entry.event {
            Event::ProcessFinished { receipt, .. } => self.receipts.push(receipt.clone()),
            Event::TaskFinished { outcome } => self.changes = Some(outcome.changes.clone()),
            _ => {}
        }
    }

    /// Returns the details, with more blocks behind the words of the task.
    pub(crate) fn with(&self, more: Vec<Block>) -> Document {
        let mut document = Document::new("Task")
            .with(self.about())
            .with(Heading::new("", "Task"))
            .with(Verbatim::new("", self.task.text.trim_end()))
            .with_all(more);
        self.changed_files(&mut document);
        self.programs(&mut document);
        self.preview(&mut document);
        document
    }

    fn about(&self) -> Pairs {
        let (task, why) = (&self.task, self.doubts.reason());
        let spent = (task.cost_micros, task.at_most, task.tokens);
        let took = task.ended_ms.map(|ended| ended.saturating_sub(task.started_ms));
        let mut pairs = Pairs::new("")
            .pair("id", "task", Value::id(&task.id))
            .pair("session_id", "session", Value::id(&task.session))
            .pair("status", "status", status(task.status));
        if let Some(ending) = &task.ending {
            pairs = pairs.for_people("ending", ending_in_words(ending));
        }
        pairs = pairs
            .pair("workspace", "workspace", &task.workspace)
            .pair("model", "model", &task.model)
            .pair("started_at", "started", Value::Instant(task.started_ms));
        if let Some(took) = took {
            pairs = pairs.for_people("took", Value::Duration(took));
        }
        pairs = pairs
            .pair("iterations", "iterations", Value::count(task.iterations))
            .pair("score", "score", task.score.map_or(Value::Nothing, Value::Score))
            .for_people("cost", reasoned_cost(spent, why.as_deref()))
            .for_programs("output", self.output.as_ref())
            .for_programs("changes", Value::data(&self.changes))
            .for_programs("receipts", Value::data(&self.receipts))
            .for_programs("cost_is_at_most_because", why);
        let told: Vec<String> = pairs.entries.iter().map(|pair| pair.key.clone()).collect();
        let facts = task_facts(task, &told).into_iter();
        facts.fold(pairs, |pairs, (key, value)| pairs.for_programs(key, value))
    }

    fn changed_files(&self, document: &mut Document) {
        let Some(changes) = &self.changes else { return };
        document.push(Heading::new("", "Changed files"));
        if changes.is_empty() {
            document.push(Block::paragraph("none"));
        }
        self.listed(document, changes, change_line);
    }

    fn programs(&self, document: &mut Document) {
        if !self.receipts.is_empty() {
            document.push(Heading::new("", "Programs"));
            self.listed(document, &self.receipts, receipt_line);
        }
    }

    fn listed<T>(&self, document: &mut Document, all: &[T], line: impl Fn(&T) -> String) {
        all.iter().take(LISTED).for_each(|one| document.push(Block::paragraph(line(one))));
        if let Some(more) = all.len().checked_sub(LISTED).filter(|more| *more > 0) {
            let short = self.task.id.short();
            let whole = format!("… {more} more: openkoi task show {short} --json");
            document.push(Block::paragraph(Span::muted(whole)));
        }
    }

    fn preview(&self, document: &mut Document) {
        let Some(output) = &self.output else { return };
        document.push(Heading::new("", "Output"));
        let lines: Vec<&str> = output.lines().collect();
        let first = lines.iter().take(PREVIEW).copied().collect::<Vec<_>>().join("\n");
        document.push(Verbatim::new("", first));
        if let Some(more) = lines.len().checked_sub(PREVIEW).filter(|more| *more > 0) {
            let short = self.task.id.short();
            let whole = format!("… {more} more lines: openkoi task replay {short}");
            document.push(Block::paragraph(Span::muted(whole)));
        }
    }
}

impl Output for TaskDetails {
    fn document(&self) -> Document {
        self.with(Vec::new())
    }
}

fn change_line(change: &Change) -> String {
    let what = match change.kind {
        ChangeKind::Added => "added   ",
        ChangeKind::Modified => "modified",
        ChangeKind::Removed => "removed ",
    };
    let control = if change.control { "   (steers agents or tools)" } else { "" };
    format!("{what}  {}{control}", change.path)
}

fn receipt_line(receipt: &Receipt) -> String {
    let exit = receipt.exit_code.map_or("signal".to_owned(), |code| format!("exit {code}"));
    let (took, id) = (duration(receipt.duration_ms), short_receipt(&receipt.id));
    format!("{exit}  {}   ({took}, receipt {id})", meant(&receipt.command))
}

/// Returns the command that was meant: a shell that only carries out its arguments (`sh -c 'exec "$@" 2>&1' sh make`)
/// is left out. `--json` has the whole line.
fn meant(command: &str) -> &str {
    let wrapped = command.strip_prefix("sh -c '").and_then(|rest| rest.split_once("' sh "));
    match wrapped {
        Some((script, arguments)) if script.contains("\"$@\"") => arguments,
        _ => command,
    }
}

/// Returns one sentence on how a run ended.
pub(super) fn ending_in_words(ending: &Ending) -> String {
    match ending {
        Ending::Accepted => "accepted".to_owned(),
        Ending::Exhausted => "all iterations are used and the work was not accepted".to_owned(),
        Ending::Stalled { reason } => format!("stalled: {reason}"),
        Ending::Vetoed { stops } => {
            let told =
                stops.iter().map(|stop| format!("{}: {}", names::shown(&stop.agency), stop.reason));
            format!("stopped by the chamber: {}", told.collect::<Vec<_>>().join("; "))
        }
        Ending::Simulated => "simulated, nothing was done".to_owned(),
        Ending::Tripped { trip } => trip.to_string(),
    }
}
