//! `openkoi undo`: the files as they were before a task.
//!
//! Every run captures the workspace before it changes anything. Undo restores that state, and captures what was
//! there first, so that `--redo` brings it back. Each undo is one line of `undo.jsonl` in the data directory.

mod ledger;

use std::path::{Path, PathBuf};

use openkoi_brokers::{
    clock::SystemClock,
    snapshot::{IndexCache, PathChange, PathChangeKind, RestoreReport, SnapshotStore, TreeId},
};
use openkoi_core::event::{Entry, Event};
use openkoi_storage::{
    Storage,
    tasks::{TaskQuery, TaskRecord},
};
use serde_json::{Value, json};

use self::ledger::{Ledger, Line};
use super::task::first_line;
use crate::{
    commands::Reply,
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Output, Page, Style, plural},
};

/// How many tasks are looked at to find the last one that changed something.
const LOOKED_AT: u32 = 200;
/// How many paths are listed.
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

/// Undoes a task, or an undo.
///
/// # Errors
///
/// When there is nothing to undo, nobody agreed, or a file cannot be restored.
pub fn run(args: &Args, context: &Context) -> Result<Reply, CommandError> {
    let storage = context.existing_storage()?.ok_or_else(nothing)?;
    let paths = context.paths()?;
    let ledger = Ledger::at(paths.data());
    let plan = match args.redo {
        true => redo_plan(args, &storage, &ledger, context)?,
        false => undo_plan(args, &storage, &ledger, context)?,
    };
    refuse_running(&storage, &plan.task)?;
    let store = SnapshotStore::open(&paths.snapshots()).map_err(broken)?;
    let index_path = paths.snapshot_index(&plan.workspace);
    let mut index = IndexCache::load(&index_path);
    let now = store.capture(&plan.workspace, &mut index).map_err(broken)?;
    let changes = store.diff(now, plan.to).map_err(broken)?;
    let later = match plan.after {
        Some(after) => store.diff(after, now).map_err(broken)?,
        None => Vec::new(),
    };
    if changes.is_empty() {
        return Err(CommandError::failed("the files are already as they were"));
    }
    agree(args, &plan, &changes, &later, context)?;
    let report = store.restore(&plan.workspace, plan.to, &mut index).map_err(broken)?;
    keep_index(&index, &index_path);
    ledger.append(&plan.line(&report))?;
    Ok(Reply::new(Done { plan, report }, args.json))
}

/// What is going to be restored.
struct Plan {
    task: TaskRecord,
    workspace: PathBuf,
    to: TreeId,
    /// What the task left behind; what differs from it was changed by somebody else.
    after: Option<TreeId>,
    redo: bool,
}

impl Plan {
    fn line(&self, report: &RestoreReport) -> Line {
        Line {
            task: self.task.id.as_str().to_owned(),
            workspace: self.workspace.display().to_string(),
            restored: self.to.to_string(),
            before: report.before.to_string(),
            redo: self.redo,
            at_ms: SystemClock.now_ms(),
        }
    }
}

fn undo_plan(
    args: &Args,
    storage: &Storage,
    ledger: &Ledger,
    context: &Context,
) -> Result<Plan, CommandError> {
    let lines = ledger.read()?;
    let (task, (first, last)) = match &args.id {
        Some(id) => {
            let task = storage.find_task(id)?;
            let trees = trees(&storage.entries(&task.id)?).filter(|(first, last)| first != last);
            let unchanged = || format!("task {} changed no file", task.id.short());
            let trees = trees.ok_or_else(|| CommandError::failed(unchanged()))?;
            (task, trees)
        }
        None => last_change(storage, &lines, &context.workspace()?)?,
    };
    if ledger::is_undone(&lines, task.id.as_str()) {
        let message = format!("task {} is undone already", task.id.short());
        return Err(CommandError::failed(message).hint("openkoi undo --redo"));
    }
    let workspace = PathBuf::from(&task.workspace);
    Ok(Plan { task, workspace, to: first, after: Some(last), redo: false })
}

/// Returns the newest task of the workspace that changed files and is not undone.
fn last_change(
    storage: &Storage,
    lines: &[Line],
    workspace: &Path,
) -> Result<(TaskRecord, (TreeId, TreeId)), CommandError> {
    let query = TaskQuery { limit: Some(LOOKED_AT), ..TaskQuery::default() };
    let here = |task: &TaskRecord| Path::new(&task.workspace) == workspace;
    for task in storage.tasks(&query)?.into_iter().filter(here) {
        if ledger::is_undone(lines, task.id.as_str()) {
            continue;
        }
        match trees(&storage.entries(&task.id)?) {
            Some(trees) if trees.0 != trees.1 => return Ok((task, trees)),
            _ => {}
        }
    }
    Err(nothing())
}

fn redo_plan(
    args: &Args,
    storage: &Storage,
    ledger: &Ledger,
    context: &Context,
) -> Result<Plan, CommandError> {
    let lines = ledger.read()?;
    let line = match &args.id {
        Some(id) => ledger::last_undo(&lines, storage.find_task(id)?.id.as_str()),
        None => {
            let workspace = context.workspace()?.display().to_string();
            let here = lines.iter().filter(|line| line.workspace == workspace);
            here.rev().find(|line| !line.redo && ledger::is_undone(&lines, &line.task))
        }
    };
    let line = line.ok_or_else(|| CommandError::failed("there is no undo to take back here"))?;
    let task = storage.find_task(&line.task)?;
    let tree = |text: &str| text.parse::<TreeId>().map_err(broken);
    Ok(Plan {
        task,
        workspace: PathBuf::from(&line.workspace),
        to: tree(&line.before)?,
        after: Some(tree(&line.restored)?),
        redo: true,
    })
}

/// Returns what the workspace was before the task and what the task left behind.
fn trees(entries: &[Entry]) -> Option<(TreeId, TreeId)> {
    let mut trees = entries.iter().filter_map(|entry| match &entry.event {
        Event::TreeCaptured { tree } | Event::TreeRestored { tree } => tree.as_str().parse().ok(),
        _ => None,
    });
    let first = trees.next()?;
    Some((first, trees.next_back().unwrap_or(first)))
}

fn refuse_running(storage: &Storage, task: &TaskRecord) -> Result<(), CommandError> {
    if storage.is_owned(&task.id)? {
        let message = format!("task {} is running; its files cannot be restored", task.id.short());
        return Err(CommandError::failed(message));
    }
    Ok(())
}

/// Shows what would happen and asks, unless the flag has answered.
fn agree(
    args: &Args,
    plan: &Plan,
    changes: &[PathChange],
    later: &[PathChange],
    context: &Context,
) -> Result<(), CommandError> {
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
    if context.prompt.confirm(&format!("restore {files}?"), &instead)? {
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

fn keep_index(index: &IndexCache, path: &Path) {
    if let Err(error) = index.save(path) {
        tracing::warn!(%error, "the snapshot index was not kept; the next capture reads more");
    }
}

fn nothing() -> CommandError {
    CommandError::failed("no task has changed anything in this directory")
}

fn broken(error: openkoi_brokers::snapshot::SnapshotError) -> CommandError {
    CommandError::from_error(Exit::NotAccepted, &error)
}

struct Done {
    plan: Plan,
    report: RestoreReport,
}

impl Output for Done {
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
mod tests {
    use openkoi_core::id;

    use super::*;

    fn entry(event: Event) -> Entry {
        Entry { key: "k".into(), at_ms: 0, elapsed_ms: 0, event }
    }

    #[test]
    fn a_task_lies_between_its_first_and_its_last_tree() {
        let tree = |digit: &str| id::TreeId::new(digit.repeat(64));
        let entries = [
            entry(Event::TaskResumed),
            entry(Event::TreeCaptured { tree: tree("a") }),
            entry(Event::TreeCaptured { tree: tree("b") }),
            entry(Event::TreeRestored { tree: tree("c") }),
        ];

        let (first, last) = trees(&entries).unwrap();

        assert_eq!((first.to_string(), last.to_string()), ("a".repeat(64), "c".repeat(64)));
        assert_eq!(trees(&entries[..1]), None);
    }
}
