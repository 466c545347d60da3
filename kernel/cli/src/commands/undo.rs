//! `openkoi undo`: brings the files that a task changed back to what they were before it.
//!
//! The plan is made and applied by [`openkoi_app::undo`]. Here it is shown, and the person is asked
//! to agree. `openkoi rewind` is shown and asked for in the same way.

use openkoi_app::{
    trust,
    undo::{UndoKind, UndoOf, UndoPlan, UndoReport},
};
use openkoi_core::{
    document::{Block, Document, Pairs, Span, Tone, Value},
    evaluation::{Change, ChangeKind},
};

use super::task::row::first_line;
use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Output, plural},
    reply::Reply,
};

/// The number of paths that are listed.
const LISTED: usize = 50;

/// Arguments of `openkoi undo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The beginning of a task's id; without it, the last task of this directory that changed something
    pub id: Option<String>,
    /// Bring back what the last undo, or a task that did not succeed, took away
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
    let kind = if args.redo { UndoKind::Redo } else { UndoKind::Undo };
    let plan = match args.id.as_deref() {
        Some(id) => UndoPlan::new(&context.app, kind, UndoOf::Task(id))?,
        None => UndoPlan::new(&context.app, kind, UndoOf::Workspace(&context.workspace()?))?,
    };
    carry_out(plan, args.yes, args.json, context)
}

/// Shows a plan, and carries it out if the person agrees. Where something had to stay, the exit code
/// says so.
pub(super) fn carry_out(
    plan: UndoPlan,
    yes: bool,
    json: bool,
    context: &Context,
) -> Result<Reply, CommandError> {
    agree(&plan, yes, context)?;
    let restored = restored(plan, context)?;
    restored.ended.iter().for_each(|notice| context.printer.notice(notice));
    let all = restored.report.conflicts.is_empty();
    let exit = if all { Exit::Accepted } else { Exit::NotAccepted };
    Ok(Reply::new(restored, json).ending(exit))
}

/// Carries out a plan.
///
/// # Errors
///
/// When a file cannot be restored.
pub(crate) fn restored(plan: UndoPlan, context: &Context) -> Result<Restored, CommandError> {
    let report = plan.apply(&context.app)?;
    let ended = trust::settle(&context.app, &*context.storage()?)?.into_iter().map(|ended| {
        let domain = ended.domain;
        format!(
            "the grant of autonomous in {domain} has ended: work that was done because of it is undone"
        )
    });
    let ended = ended.collect();
    Ok(Restored { plan, report, ended })
}

/// Returns what a plan would do, for a person to agree to.
pub(crate) fn preview(plan: &UndoPlan) -> Vec<Span> {
    let (task, short) = (first_line(&plan.task.text), plan.task.id.short());
    let mut lines = vec![Span::from(format!("{} task {short}: {task}", verb(plan.kind)))];
    lines.extend(plan.changes.iter().take(LISTED).map(|change| Span::from(listed(change))));
    if let Some(more) = plan.changes.len().checked_sub(LISTED).filter(|more| *more > 0) {
        lines.push(Span::from(format!("  … and {more} more")));
    }
    let warning = |text: String| Span::toned(text, Tone::Warning);
    let stays = |path: &String| warning(format!("`{path}` was changed since, and stays as it is"));
    lines.extend(plan.conflicts.iter().take(LISTED).map(stays));
    if let Some(more) = plan.conflicts.len().checked_sub(LISTED).filter(|more| *more > 0) {
        lines.push(warning(format!("{more} more were changed since, and stay as they are")));
    }
    lines
}

/// Shows the changes and asks the person, unless the flag has answered.
fn agree(plan: &UndoPlan, yes: bool, context: &Context) -> Result<(), CommandError> {
    for line in preview(plan) {
        match line.tone {
            Tone::Warning => context.printer.warning(&line.text),
            _ => context.printer.notice(&line.text),
        }
    }
    let short = plan.task.id.short();
    if plan.changes.is_empty() {
        let message = "nothing was restored: whatever the task changed was changed again since";
        let hint = format!("openkoi task diff {short}");
        return Err(CommandError::new(Exit::NotAccepted, message).hint(hint));
    }
    if yes {
        return Ok(());
    }
    let instead = match plan.kind {
        UndoKind::Undo => format!("openkoi undo {short} --yes"),
        UndoKind::Redo => format!("openkoi undo {short} --redo --yes"),
        UndoKind::Rewind(step) => format!("openkoi rewind {short} {step} --yes"),
    };
    let files = plural(plan.changes.len(), "file");
    if context.questions.confirm(&format!("restore {files}?"), &instead)? {
        return Ok(());
    }
    Err(CommandError::new(Exit::NotAccepted, "nothing was restored"))
}

fn verb(kind: UndoKind) -> String {
    match kind {
        UndoKind::Undo => "undo".to_owned(),
        UndoKind::Redo => "redo".to_owned(),
        UndoKind::Rewind(step) => format!("rewind to step {step} of"),
    }
}

fn listed(change: &Change) -> String {
    let what = match change.kind {
        ChangeKind::Added => "bring back",
        ChangeKind::Removed => "remove    ",
        ChangeKind::Modified => "put back  ",
    };
    format!("  {what} {}", change.path)
}

/// What a plan did.
pub(crate) struct Restored {
    plan: UndoPlan,
    report: UndoReport,
    /// Grants that have ended with it, in words.
    ended: Vec<String>,
}

impl Restored {
    fn paths(&self, wanted: impl Fn(ChangeKind) -> bool) -> Vec<&str> {
        let changes = self.report.changes.iter().filter(|change| wanted(change.kind));
        changes.map(|change| change.path.as_str()).collect()
    }
}

impl Output for Restored {
    fn document(&self) -> Document {
        let facts = Pairs::new("")
            .for_programs("task_id", Value::id(&self.plan.task.id))
            .for_programs("redo", self.plan.kind == UndoKind::Redo)
            .for_programs("written", Value::list(self.paths(|kind| kind != ChangeKind::Removed)))
            .for_programs("removed", Value::list(self.paths(|kind| kind == ChangeKind::Removed)))
            .for_programs("conflicts", Value::list(&self.report.conflicts))
            .for_programs("objects_left", Value::list(&self.report.objects))
            .for_programs("session", self.plan.goes_on_in().map_or(Value::Nothing, Value::id));
        let lines = self.lines().into_iter().map(Block::paragraph);
        Document::new("Restored").with_all(lines).with(facts)
    }
}

impl Restored {
    /// Says what was restored, what was not, and how it goes on from here.
    fn lines(&self) -> Vec<Span> {
        let (short, report) = (self.plan.task.id.short(), &self.report);
        let verb = match self.plan.kind {
            UndoKind::Undo => "undone".to_owned(),
            UndoKind::Redo => "redone".to_owned(),
            UndoKind::Rewind(step) => format!("as after its step {step}"),
        };
        let files = plural(report.changes.len(), "file");
        let done = format!("task {short} is {verb}: {files} restored");
        let mut lines = vec![Span::toned(done, Tone::Good)];
        lines.extend(report.conflicts.iter().map(|path| {
            Span::toned(format!("not restored, it was changed since: {path}"), Tone::Warning)
        }));
        lines.extend(report.objects.iter().map(|store| {
            let why = "so that it can be brought back; without that, it can be removed";
            Span::from(format!("of the repository, {store} stays, {why}"))
        }));
        if let Some(session) = self.plan.goes_on_in() {
            let session = session.short();
            lines.push(Span::muted(format!(
                "to go on from there, also in what was said: openkoi -r {session} \"…\""
            )));
        }
        if self.plan.kind != UndoKind::Redo {
            lines.push(Span::muted(format!("to take it back: openkoi undo {short} --redo")));
        }
        lines
    }
}

#[cfg(test)]
mod tests;
