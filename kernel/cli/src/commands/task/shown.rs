//! One task in full.

use openkoi_core::outcome::Ending;
use openkoi_storage::tasks::TaskRecord;
use serde_json::Value;

use super::{cost, score, style, task_json};
use crate::output::{Output, Page, Style, duration};

/// How many lines of the output are shown.
const PREVIEW: usize = 20;

/// A task and its output.
pub(super) struct Shown {
    task: TaskRecord,
    output: Option<String>,
}

impl Shown {
    pub(super) fn new(task: TaskRecord, output: Option<String>) -> Self {
        Self { task, output }
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

impl Output for Shown {
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
        page.field("cost", cost(task.cost_micros, task.tokens));
        page.title("Task");
        page.line(task.text.trim_end());
        self.preview(page);
    }

    fn json(&self) -> Value {
        let mut shown = task_json(&self.task);
        if let Some(fields) = shown.as_object_mut() {
            fields.insert("output".to_owned(), self.output.clone().into());
        }
        shown
    }
}

/// Returns how a run ended, as one sentence.
pub(super) fn ending_in_words(ending: &Ending) -> String {
    match ending {
        Ending::Accepted => "accepted".to_owned(),
        Ending::Exhausted => "all iterations are used and the work was not accepted".to_owned(),
        Ending::Stalled { reason } => format!("stalled: {reason}"),
        Ending::Tripped { trip } => trip.to_string(),
    }
}
