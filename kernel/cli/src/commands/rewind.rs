//! `openkoi rewind`: brings the files back to what they were after one step of a task, and its conversation with them.

use openkoi_app::{
    changes::{TaskStep, task_steps},
    undo::{UndoKind, UndoOf, UndoPlan},
};
use openkoi_core::document::{Block, Column, ColumnKind, Document, Table, Value};

use super::{task::changed, undo};
use crate::{
    context::Context,
    error::CommandError,
    output::{Choice, Output, plural},
    reply::Reply,
};

/// The number of paths of a step that are named.
const NAMED: usize = 4;

/// Arguments of `openkoi rewind`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The beginning of a task's id; without it, the last task of this directory that changed something
    pub id: Option<String>,
    /// The number of a step; without it the steps are listed
    #[arg(value_name = "STEP", value_parser = clap::value_parser!(u32).range(1..))]
    pub step: Option<u32>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Lists the steps of a task, or brings the files back to what they were after one.
///
/// # Errors
///
/// When there is no such task or step, the person does not agree, or a file cannot be restored.
pub fn run(args: Args, context: &Context) -> Result<Reply, CommandError> {
    let task = changed(args.id, "openkoi rewind", context)?;
    let step = match args.step {
        Some(step) => usize::try_from(step).unwrap_or(usize::MAX),
        None => {
            let (task, steps) = task_steps(&context.app, task.id.as_str())?;
            let short = task.id.short().to_owned();
            return Ok(Reply::new(Steps { short, steps }, args.json));
        }
    };
    let of = UndoOf::Task(task.id.as_str());
    let plan = UndoPlan::new(&context.app, UndoKind::Rewind(step), of)?;
    undo::carry_out(plan, args.yes, args.json, context)
}

struct Steps {
    short: String,
    steps: Vec<TaskStep>,
}

impl Output for Steps {
    fn document(&self) -> Document {
        let columns = [
            Column::for_programs("step", ColumnKind::Count),
            Column::for_programs("tool", ColumnKind::Text),
            Column::for_programs("target", ColumnKind::Text),
            Column::for_programs("changes", ColumnKind::Data),
        ];
        let rows = self.steps.iter().map(|step| {
            [
                Value::count(step.number),
                (&step.tool).into(),
                (&step.target).into(),
                Value::data(&step.changes),
            ]
        });
        let end = match self.steps.is_empty() {
            true => format!("task {} changed no file", self.short),
            false => format!("to go back to one: openkoi rewind {} STEP", self.short),
        };
        Document::new("Steps")
            .with_all(self.steps.iter().map(line).map(Block::paragraph))
            .with(Block::paragraph(end))
            .with(Table::new("steps", columns).rows(rows))
    }
}

fn line(step: &TaskStep) -> String {
    let Choice { argument, description } = choice(step);
    format!("{argument:>3}  {description}")
}

fn choice(step: &TaskStep) -> Choice {
    let named: Vec<&str> =
        step.changes.iter().take(NAMED).map(|change| change.path.as_str()).collect();
    let more = step.changes.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let what = if step.tool.is_empty() { "the task" } else { &step.tool };
    let target = if step.target.is_empty() { String::new() } else { format!(" {}", step.target) };
    let files = plural(step.changes.len(), "file");
    let description = format!("{what}{target}: {files}: {}{more}", named.join(", "));
    Choice { argument: step.number.to_string(), description }
}
