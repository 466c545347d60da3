//! `openkoi task diff`: what a task changed, as a unified diff.

use std::borrow::Cow;

use openkoi_app::changes::{TaskChanges, task_diff};
use openkoi_core::evaluation::Change;
use openkoi_storage::tasks::TaskRecord;
use serde_json::{Value, json};

use crate::{
    context::Context,
    error::CommandError,
    output::{Output, Page, Style, diff},
    reply::Reply,
};

/// The number of characters that are shown of each end of a line on a terminal. A file or a program gets it whole.
const LINE_END: usize = 600;

pub(super) fn run(task: &TaskRecord, json: bool, context: &Context) -> Result<Reply, CommandError> {
    Ok(Reply::new(Difference(task_diff(&context.app, task.id.as_str())?), json))
}

struct Difference(TaskChanges);

impl Output for Difference {
    fn text(&self, page: &mut Page) {
        if self.0.diff.is_empty() {
            page.line(format!("task {} changed no file", self.0.task.id.short()));
        }
        let whole = !page.is_on_screen();
        for line in self.0.diff.lines() {
            let line = if whole { Cow::Borrowed(line) } else { diff::ends(line, LINE_END) };
            match line.as_bytes() {
                [b'+', ..] => page.styled(&line, Style::Good),
                [b'-', ..] => page.styled(&line, Style::Bad),
                _ => page.line(&line),
            }
        }
        for place in &self.0.uncovered {
            page.styled(format!("changed, and cannot be brought back: {place}"), Style::Caution);
        }
    }

    fn json(&self) -> Value {
        json!({
            "task_id": self.0.task.id,
            "changes": changes_json(&self.0.changes),
            "uncovered": self.0.uncovered,
            "diff": self.0.diff,
        })
    }
}

/// Returns changes as programs read them.
pub(in crate::commands) fn changes_json(changes: &[Change]) -> Value {
    json!(changes)
}
