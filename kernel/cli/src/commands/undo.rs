//! `openkoi undo`: brings the files back to what they were before a task.
//!
//! The plan is made and applied by [`openkoi_app::undo`]. Here it is shown, and the person is asked
//! to agree.

use std::path::PathBuf;

use openkoi_app::undo::{PathChange, PathChangeKind, RestoreReport, UndoPlan};
use serde_json::{Value, json};

use super::task::row::first_line;
use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Output, Page, Style, plural},
    reply::Reply,
};

/// The number of paths that are listed.
const LISTED: usize = 50;

/// Arguments of `openkoi undo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The beginning of a task's id; without it, the last task of this directory that changed something
    pub id: Option<String>,
    /// Bring back what the last undo took away
    #[arg(long)]
    pub redo: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Undoes a task, or takes an undo back.
///
/// # Errors
///
/// When there is no change to undo, the person does not agree, or a file cannot be restored.
pub fn run(args: &Args, context: &Context) -> Result<Reply, CommandError> {
    let (id, app) = (args.id.as_deref(), &context.app);
    let workspace = match id {
        Some(_) => PathBuf::new(),
        None => context.workspace()?,
    };
    let mut plan = match args.redo {
        true => UndoPlan::redo(app, id, &workspace)?,
        false => UndoPlan::undo(app, id, &workspace)?,
    };
    agree(args, &plan, context)?;
    let report = plan.apply(app)?;
    Ok(Reply::new(Restored { plan, report }, args.json))
}

/// Shows the changes and asks the person, unless the flag has answered.
fn agree(args: &Args, plan: &UndoPlan, context: &Context) -> Result<(), CommandError> {
    let (changes, later) = (&plan.changes, &plan.later);
    let (short, verb) = (plan.task.id.short(), if plan.redo { "redo" } else { "undo" });
    let printer = &context.printer;
    printer.notice(&format!("{verb} task {short}: {}", first_line(&plan.task.text)));
    changes.iter().take(LISTED).for_each(|change| printer.notice(&listed(change)));
    if let Some(more) = changes.len().checked_sub(LISTED).filter(|more| *more > 0) {
        printer.notice(&format!("  … and {more} more"));
    }
    for change in later.iter().take(LISTED) {
        printer.warning(&format!("`{}` was changed since, and that goes too", change.path));
    }
    if args.yes {
        return Ok(());
    }
    let flag = if plan.redo { " --redo" } else { "" };
    let instead = format!("openkoi undo {short}{flag} --yes");
    let files = plural(changes.len(), "file");
    if context.questions.confirm(&format!("restore {files}?"), &instead)? {
        return Ok(());
    }
    Err(CommandError::new(Exit::NotAccepted, "nothing was restored"))
}

fn listed(change: &PathChange) -> String {
    let what = match change.kind {
        PathChangeKind::Added => "bring back",
        PathChangeKind::Removed => "remove    ",
        PathChangeKind::Modified | PathChangeKind::Retyped => "put back  ",
        PathChangeKind::Mode => "mode      ",
    };
    format!("  {what} {}", change.path)
}

struct Restored {
    plan: UndoPlan,
    report: RestoreReport,
}

impl Output for Restored {
    fn text(&self, page: &mut Page) {
        let (short, report) = (self.plan.task.id.short(), &self.report);
        let verb = if self.plan.redo { "redone" } else { "undone" };
        let files = plural(report.written.len() + report.removed.len(), "file");
        page.styled(format!("task {short} is {verb}: {files} restored"), Style::Good);
        for path in &report.blocked {
            page.styled(format!("not restored, something is in the way: {path}"), Style::Caution);
        }
        if !self.plan.redo {
            page.styled("to take it back: openkoi undo --redo", Style::Faint);
        }
    }

    fn json(&self) -> Value {
        json!({
            "task_id": self.plan.task.id,
            "redo": self.plan.redo,
            "written": self.report.written,
            "removed": self.report.removed,
            "blocked": self.report.blocked,
            "before": self.report.before.to_string(),
        })
    }
}

#[cfg(test)]
mod tests;
