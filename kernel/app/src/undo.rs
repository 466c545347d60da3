//! Undo and redo: brings the files back to what they were before a task.
//!
//! A run captures the workspace before it changes anything. An undo first captures the present
//! state, so that a redo can bring it back, and then restores the earlier one. Each undo is one
//! line of `undo.jsonl` in the data directory. A surface makes an [`UndoPlan`], shows it, and
//! applies it once a person has agreed.

pub(crate) mod error;
mod log;

use std::path::{Path, PathBuf};

use openkoi_brokers::snapshot::{IndexCache, SnapshotStore, TreeId};
use openkoi_core::event::{Entry, Event};
use openkoi_storage::{
    Storage,
    tasks::{TaskQuery, TaskRecord},
};

use self::log::{UndoLog, UndoRecord};
use crate::{app::App, error::AppError};

pub use self::{error::UndoError, log::UndoLogError};
pub use openkoi_brokers::snapshot::{PathChange, PathChangeKind, RestoreReport};

/// The number of recent tasks among which the last one that changed files is looked for.
const LOOKED_AT: u32 = 200;

/// The plan of an undo or a redo, for a person to agree to.
#[derive(Debug)]
pub struct UndoPlan {
    /// The task whose changes are undone or redone.
    pub task: TaskRecord,
    /// True for a redo, which takes an undo back.
    pub redo: bool,
    /// The changes that the workspace would undergo.
    pub changes: Vec<PathChange>,
    /// Changes by others since the task ended. They would be lost from the workspace.
    pub later: Vec<PathChange>,
    goal: Goal,
    store: SnapshotStore,
    index: IndexCache,
    index_path: PathBuf,
}

/// The state to restore.
#[derive(Debug)]
struct Goal {
    workspace: PathBuf,
    to: TreeId,
    /// The state that the task left behind. Differences from it are changes by others.
    after: TreeId,
}

impl UndoPlan {
    /// Plans to bring the files back to what they were before a task: the task whose id begins with
    /// `id`, or else the last task of `workspace` that changed files and is not undone.
    ///
    /// # Errors
    ///
    /// When there is nothing to undo.
    pub fn undo(app: &App, id: Option<&str>, workspace: &Path) -> Result<Self, AppError> {
        let storage = app.existing_storage()?.ok_or(UndoError::Nothing)?;
        let lines = log_of(app)?.read().map_err(UndoError::Log)?;
        let (task, (to, after)) = match id {
            Some(id) => named(&storage, id)?,
            None => last_change(&storage, &lines, workspace)?,
        };
        if log::is_undone(&lines, task.id.as_str()) {
            return Err(UndoError::Undone(task.id.short().to_owned()).into());
        }
        let goal = Goal { workspace: PathBuf::from(&task.workspace), to, after };
        Self::new(app, &storage, task, goal, false)
    }

    /// Plans to take an undo back: the undo of the task whose id begins with `id`, or else the last
    /// undo in `workspace`.
    ///
    /// # Errors
    ///
    /// When there is no undo to take back.
    pub fn redo(app: &App, id: Option<&str>, workspace: &Path) -> Result<Self, AppError> {
        let storage = app.existing_storage()?.ok_or(UndoError::Nothing)?;
        let lines = log_of(app)?.read().map_err(UndoError::Log)?;
        let line = match id {
            Some(id) => log::last_undo(&lines, storage.find_task(id)?.id.as_str()),
            None => {
                let workspace = workspace.display().to_string();
                let here = lines.iter().filter(|line| line.workspace == workspace);
                here.rev().find(|line| !line.redo && log::is_undone(&lines, &line.task))
            }
        };
        let line = line.ok_or(UndoError::NoUndo)?;
        let task = storage.find_task(&line.task)?;
        let goal = Goal {
            workspace: PathBuf::from(&line.workspace),
            to: parsed(&line.before)?,
            after: parsed(&line.restored)?,
        };
        Self::new(app, &storage, task, goal, true)
    }

    fn new(
        app: &App,
        storage: &Storage,
        task: TaskRecord,
        goal: Goal,
        redo: bool,
    ) -> Result<Self, AppError> {
        if storage.is_owned(&task.id)? {
            return Err(UndoError::Running(task.id.short().to_owned()).into());
        }
        let paths = app.paths()?;
        let index_path = paths.snapshot_index(&goal.workspace);
        let mut index = IndexCache::load(&index_path);
        let store = SnapshotStore::open(&paths.snapshots()).map_err(UndoError::Snapshot)?;
        let now = store.capture(&goal.workspace, &mut index).map_err(UndoError::Snapshot)?;
        let changes = store.diff(now, goal.to).map_err(UndoError::Snapshot)?;
        let later = store.diff(goal.after, now).map_err(UndoError::Snapshot)?;
        if changes.is_empty() {
            return Err(UndoError::Same.into());
        }
        Ok(Self { task, redo, changes, later, goal, store, index, index_path })
    }

    /// Restores the files. Their present state is captured first, so that it can be brought back.
    ///
    /// # Errors
    ///
    /// When a file cannot be restored, or the undo cannot be recorded.
    pub fn apply(&mut self, app: &App) -> Result<RestoreReport, AppError> {
        let report = self.store.restore(&self.goal.workspace, self.goal.to, &mut self.index);
        let report = report.map_err(UndoError::Snapshot)?;
        if let Err(error) = self.index.save(&self.index_path) {
            tracing::warn!(%error, "the snapshot index was not kept; the next capture reads more");
        }
        let line = UndoRecord {
            task: self.task.id.as_str().to_owned(),
            workspace: self.goal.workspace.display().to_string(),
            restored: self.goal.to.to_string(),
            before: report.before.to_string(),
            redo: self.redo,
            at_ms: app.now_ms(),
        };
        log_of(app)?.append(&line).map_err(UndoError::Log)?;
        Ok(report)
    }
}

fn log_of(app: &App) -> Result<UndoLog, AppError> {
    Ok(UndoLog::at(app.paths()?.data()))
}

type ChangedTask = (TaskRecord, (TreeId, TreeId));

fn named(storage: &Storage, id: &str) -> Result<ChangedTask, AppError> {
    let task = storage.find_task(id)?;
    let trees = trees(&storage.entries(&task.id)?).filter(|(first, last)| first != last);
    let trees = trees.ok_or_else(|| UndoError::Unchanged(task.id.short().to_owned()))?;
    Ok((task, trees))
}

/// Returns the newest task of the workspace that changed files and is not undone.
fn last_change(
    storage: &Storage,
    lines: &[UndoRecord],
    workspace: &Path,
) -> Result<ChangedTask, AppError> {
    let query = TaskQuery { limit: Some(LOOKED_AT), ..TaskQuery::default() };
    let here = |task: &TaskRecord| Path::new(&task.workspace) == workspace;
    for task in storage.tasks(&query)?.into_iter().filter(here) {
        if log::is_undone(lines, task.id.as_str()) {
            continue;
        }
        match trees(&storage.entries(&task.id)?) {
            Some(trees) if trees.0 != trees.1 => return Ok((task, trees)),
            _ => {}
        }
    }
    Err(UndoError::Nothing.into())
}

fn parsed(tree: &str) -> Result<TreeId, UndoError> {
    Ok(tree.parse::<TreeId>()?)
}

/// Returns the states of the workspace before and after the task.
fn trees(entries: &[Entry]) -> Option<(TreeId, TreeId)> {
    let mut trees = entries.iter().filter_map(|entry| match &entry.event {
        Event::TreeCaptured { tree } | Event::TreeRestored { tree: Some(tree), .. } => {
            tree.as_str().parse().ok()
        }
        _ => None,
    });
    let first = trees.next()?;
    Some((first, trees.next_back().unwrap_or(first)))
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
            entry(Event::TaskResumed { settings: None }),
            entry(Event::TreeCaptured { tree: tree("a") }),
            entry(Event::TreeCaptured { tree: tree("b") }),
            entry(Event::TreeRestored {
                tree: Some(tree("c")),
                steps: Vec::new(),
                done: Vec::new(),
                conflicts: Vec::new(),
                changes: Vec::new(),
            }),
        ];

        let (first, last) = trees(&entries).unwrap();

        assert_eq!((first.to_string(), last.to_string()), ("a".repeat(64), "c".repeat(64)));
        assert_eq!(trees(&entries[..1]), None);
    }
}
