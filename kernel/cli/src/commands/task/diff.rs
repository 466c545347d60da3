//! `openkoi task diff`: what a task changed, as a unified diff.

use openkoi_app::changes::{TaskChanges, task_diff};
use openkoi_core::document::{Block, Document, Pairs, Span, Tone, Value, Verbatim};
use openkoi_storage::tasks::TaskRecord;

use crate::{context::Context, error::CommandError, output::Output, reply::Reply};

pub(super) fn run(task: &TaskRecord, json: bool, context: &Context) -> Result<Reply, CommandError> {
    Ok(Reply::new(Difference(task_diff(&context.app, task.id.as_str())?), json))
}

struct Difference(TaskChanges);

impl Output for Difference {
    fn document(&self) -> Document {
        let TaskChanges { task, changes, uncovered, diff, .. } = &self.0;
        let none = diff
            .is_empty()
            .then(|| Block::paragraph(format!("task {} changed no file", task.id.short())));
        let uncovered_lines = uncovered.iter().map(|place| {
            let words = format!("changed, and cannot be brought back: {place}");
            Block::paragraph(Span::toned(words, Tone::Warning))
        });
        let facts = Pairs::new("")
            .for_programs("task_id", Value::id(&task.id))
            .for_programs("changes", Value::data(changes))
            .for_programs("uncovered", Value::list(uncovered));
        Document::new("Changes")
            .with_all(none)
            .with(Verbatim::new("diff", diff).keyed("diff"))
            .with_all(uncovered_lines)
            .with(facts)
    }
}
