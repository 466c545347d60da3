//! `openkoi task show`: the details of one task.

use openkoi_core::{
    doubts::Doubts,
    evaluation::{Change, ChangeKind},
    event::{Entry, Event},
    outcome::Ending,
    tool::Receipt,
};
use openkoi_storage::tasks::TaskRecord;
use serde_json::{Value, json};

use super::row::{reasoned_cost, score, style, task_json};
use crate::{
    execute::short_receipt,
    output::{Output, Page, Style, duration, sanitise_line},
};

/// The number of lines that are shown of the output.
const PREVIEW: usize = 20;
/// The number of files, and of programs, that are listed.
const LISTED: usize = 50;

/// A task with its output, its changes and the programs that it ran.
pub(super) struct TaskDetails {
    task: TaskRecord,
    output: Option<String>,
    /// The changed files, or `None` if the task has not ended.
    changes: Option<Vec<Change>>,
    /// The receipts of programs that the task ran, in their order.
    receipts: Vec<Receipt>,
    /// Reasons for which the cost may be less than it is said to be.
    doubts: Doubts,
}

impl TaskDetails {
    /// Returns the details of a task, with the facts of its journal.
    pub(super) fn new(task: TaskRecord, output: Option<String>, journal: Vec<Entry>) -> Self {
        let mut shown =
            Self { task, output, changes: None, receipts: Vec::new(), doubts: Doubts::default() };
        for entry in journal {
            shown.doubts.take(&entry.event);
            match entry.event {
                Event::ProcessFinished { receipt, .. } => shown.receipts.push(receipt),
                Event::TaskFinished { outcome } => shown.changes = Some(outcome.changes),
                _ => {}
            }
        }
        shown
    }

    fn changed_files(&self, page: &mut Page) {
        let Some(changes) = &self.changes else { return };
        page.title("Changed files");
        if changes.is_empty() {
            page.line("none");
        }
        self.listed(page, changes, change_line);
    }

    fn programs(&self, page: &mut Page) {
        if !self.receipts.is_empty() {
            page.title("Programs");
            self.listed(page, &self.receipts, receipt_line);
        }
    }

    fn listed<T>(&self, page: &mut Page, all: &[T], line: impl Fn(&T) -> String) {
        all.iter().take(LISTED).for_each(|one| page.line(sanitise_line(&line(one))));
        if let Some(more) = all.len().checked_sub(LISTED).filter(|more| *more > 0) {
            let short = self.task.id.short();
            let whole = format!("… {more} more: openkoi task show {short} --json");
            page.styled(whole, Style::Faint);
        }
    }

    fn preview(&self, page: &mut Page) {
        let Some(output) = &self.output else { return };
        page.title("Output");
        let lines: Vec<&str> = output.lines().collect();
        page.line(lines.iter().take(PREVIEW).copied().collect::<Vec<_>>().join("\n"));
        if let Some(more) = lines.len().checked_sub(PREVIEW).filter(|more| *more > 0) {
            let short = self.task.id.short();
            page.styled(format!("… {more} more lines: openkoi task replay {short}"), Style::Faint);
        }
    }
}

impl Output for TaskDetails {
    fn text(&self, page: &mut Page) {
        let task = &self.task;
        page.field_styled("task", task.id.short(), Style::Strong);
        page.field("session", task.session.short());
        page.field_styled("status", task.status.word(), style(task.status));
        if let Some(ending) = &task.ending {
            page.field("ending", ending_in_words(ending));
        }
        page.field("workspace", &task.workspace);
        page.field("model", &task.model);
        page.field("started", page.ago(task.started_ms));
        if let Some(ended) = task.ended_ms {
            page.field("took", duration(ended.saturating_sub(task.started_ms)));
        }
        page.field("iterations", task.iterations.to_string());
        page.field("score", score(task.score));
        let spent = (task.cost_micros, task.at_most, task.tokens);
        page.field("cost", reasoned_cost(spent, self.doubts.reason().as_deref()));
        page.title("Task");
        page.line(task.text.trim_end());
        self.changed_files(page);
        self.programs(page);
        self.preview(page);
    }

    fn json(&self) -> Value {
        let mut shown = task_json(&self.task);
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("output".to_owned(), self.output.clone().into());
            fields.insert("changes".to_owned(), json!(self.changes));
            fields.insert("receipts".to_owned(), json!(self.receipts));
            fields.insert("cost_is_at_most_because".to_owned(), json!(self.doubts.reason()));
        }
        shown
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
        Ending::Tripped { trip } => trip.to_string(),
    }
}
