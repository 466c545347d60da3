//! What a task changed in its workspace, from its journal: the sum of what its calls changed, and of what was put back.

use openkoi_brokers::snapshot::SnapshotStore;
use openkoi_core::{
    change_set::{CallEffects, ChangeSet, PathEffect},
    effects,
    evaluation::Change,
    event::{Entry, Event},
};
use openkoi_storage::{
    Storage,
    prune::is_pruned,
    tasks::{TaskQuery, TaskRecord},
};
use std::path::Path;

use crate::{app::App, error::AppError, undo::UndoError};

/// The number of recent tasks among which the last one that changed files is looked for.
pub(crate) const LOOKED_AT: u32 = 200;

/// The most bytes of a task's difference.
const MOST_DIFF: usize = 8 << 20;

/// What a task changed.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskChanges {
    /// The task.
    pub task: TaskRecord,
    /// The files that it changed.
    pub changes: Vec<Change>,
    /// The same as a unified diff.
    pub diff: String,
    /// Places that changed and cannot be brought back, in words.
    pub uncovered: Vec<String>,
}

/// One step of a task that changed files.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskStep {
    /// Number of the step, counted from 1.
    pub number: usize,
    /// Name of the tool.
    pub tool: String,
    /// Target of the call.
    pub target: String,
    /// The files that it changed.
    pub changes: Vec<Change>,
}

/// Returns the newest task of a directory that changed something in it.
///
/// # Errors
///
/// When there is none, or a journal cannot be read.
pub fn last_changed(app: &App, workspace: &Path) -> Result<TaskRecord, AppError> {
    let storage = app.existing_storage()?.ok_or(UndoError::Nothing)?;
    let store = store(app)?;
    let query = TaskQuery { limit: Some(LOOKED_AT), ..TaskQuery::default() };
    let here = |task: &TaskRecord| Path::new(&task.workspace) == workspace;
    for task in storage.tasks(&query)?.into_iter().filter(here) {
        if !Journal::read(&storage.entries(&task.id)?, &store)?.work().effects().is_empty() {
            return Ok(task);
        }
    }
    Err(UndoError::Nothing.into())
}

/// Returns what the task whose id begins with `id` changed.
///
/// # Errors
///
/// When there is no such task, or what it changed is not kept any more.
pub fn task_diff(app: &App, id: &str) -> Result<TaskChanges, AppError> {
    let storage = app.existing_storage()?.ok_or(UndoError::Nothing)?;
    let task = storage.find_task(id)?;
    let store = store(app)?;
    let journal = Journal::of(&storage, &task, &store)?;
    let effects = journal.work().effects();
    Ok(TaskChanges {
        task,
        changes: openkoi_brokers::snapshot::describe(&effects),
        diff: store.effects_diff(&effects, MOST_DIFF).map_err(UndoError::Snapshot)?,
        uncovered: journal.uncovered,
    })
}

/// Returns the steps of the task whose id begins with `id` that changed files, oldest first.
///
/// # Errors
///
/// When there is no such task, or its journal cannot be read.
pub fn task_steps(app: &App, id: &str) -> Result<(TaskRecord, Vec<TaskStep>), AppError> {
    let storage = app.existing_storage()?.ok_or(UndoError::Nothing)?;
    let task = storage.find_task(id)?;
    let journal = Journal::of(&storage, &task, &store(app)?)?;
    let step = |(index, step): (usize, &JournalStep)| TaskStep {
        number: index + 1,
        tool: step.tool.clone(),
        target: step.target.clone(),
        changes: openkoi_brokers::snapshot::describe(&step.paths),
    };
    Ok((task, journal.steps().enumerate().map(step).collect()))
}

pub(crate) fn store(app: &App) -> Result<SnapshotStore, AppError> {
    let store = SnapshotStore::open(&app.paths()?.snapshots()).map_err(UndoError::Snapshot)?;
    Ok(match app.existing_storage()? {
        Some(storage) => store.beside(storage),
        None => store,
    })
}

/// What a journal says of paths, in its order.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    steps: Vec<JournalStep>,
    uncovered: Vec<String>,
}

/// Paths that were changed together.
#[derive(Debug, Default)]
struct JournalStep {
    /// The number of its entry in the journal; 0 where a journal does not say.
    seq: u64,
    tool: String,
    target: String,
    paths: Vec<PathEffect>,
    /// True if the loop put them back.
    is_restore: bool,
}

impl Journal {
    /// Reads that of a task. One that was pruned says nothing of what the task did, which is not the same as nothing.
    pub(crate) fn of(
        storage: &Storage,
        task: &TaskRecord,
        store: &SnapshotStore,
    ) -> Result<Self, AppError> {
        let entries = storage.entries(&task.id)?;
        match is_pruned(&entries) {
            true => Err(UndoError::Pruned(task.id.short().to_owned()).into()),
            false => Self::read(&entries, store),
        }
    }

    fn read(entries: &[Entry], store: &SnapshotStore) -> Result<Self, AppError> {
        let mut journal = Self::default();
        for entry in entries {
            match &entry.event {
                Event::EffectsKept { effects } => journal.kept(entries, entry, effects),
                Event::TreeRestored { steps, done, .. } => {
                    let done = steps.iter().filter(|step| done.contains(&step.path));
                    let paths = done.cloned().collect();
                    journal.add(JournalStep { paths, is_restore: true, ..JournalStep::default() });
                }
                _ => {}
            }
        }
        if let Some((first, last)) = trees_of_an_old_journal(entries) {
            let between = first.parse().and_then(|first| store.between(first, last.parse()?));
            let paths = between.map_err(UndoError::Snapshot)?;
            journal.add(JournalStep { paths, ..JournalStep::default() });
        }
        Ok(journal)
    }

    fn kept(&mut self, entries: &[Entry], at: &Entry, kept: &CallEffects) {
        let key = effects::call_of(&at.key);
        let mut call = entries.iter().filter(|entry| entry.key == key);
        let call = call.find_map(|entry| match &entry.event {
            Event::CallStarted { call, target, .. } => Some((call.name.as_str(), target.as_str())),
            _ => None,
        });
        let (tool, target) = call.unwrap_or_default();
        self.uncovered.extend(kept.uncovered.iter().cloned());
        let (tool, target) = (tool.to_owned(), target.to_owned());
        let paths = kept.paths.clone();
        self.add(JournalStep { seq: at.seq, tool, target, paths, is_restore: false });
    }

    fn add(&mut self, step: JournalStep) {
        if !step.paths.is_empty() {
            self.steps.push(step);
        }
    }

    /// Returns what the task left behind.
    pub(crate) fn work(&self) -> ChangeSet {
        ChangeSet::of(self.steps.iter().flat_map(|step| &step.paths))
    }

    /// Returns what the task did, whatever was put back of it.
    pub(crate) fn done(&self) -> ChangeSet {
        ChangeSet::of(self.steps().flat_map(|step| &step.paths))
    }

    /// Returns what was there after the step with this number, counted from 1.
    pub(crate) fn work_after(&self, number: usize) -> Option<ChangeSet> {
        let last = self.steps().nth(number.checked_sub(1)?)?;
        let upto = self.steps.iter().take_while(|step| !std::ptr::eq(*step, last));
        Some(ChangeSet::of(upto.chain([last]).flat_map(|step| &step.paths)))
    }

    /// Returns the number of the journal's entry that ends the step with this number.
    pub(crate) fn seq_of(&self, number: usize) -> Option<u64> {
        let step = self.steps().nth(number.checked_sub(1)?)?;
        (step.seq > 0).then_some(step.seq)
    }

    /// Returns what was done up to an entry of the journal: tool and target of each step.
    pub(crate) fn steps_up_to(&self, seq: u64) -> impl Iterator<Item = (&str, &str)> {
        let steps = self.steps().take_while(move |step| step.seq <= seq);
        steps.map(|step| (step.tool.as_str(), step.target.as_str()))
    }

    /// Returns what was put back after the last change.
    pub(crate) fn taken_back(&self) -> Vec<PathEffect> {
        let last = self.steps.iter().rposition(|step| !step.is_restore);
        let restored = &self.steps[last.map_or(0, |at| at + 1)..];
        restored.iter().flat_map(|step| step.paths.iter().cloned()).collect()
    }

    /// Returns the paths that were changed or put back, again and again where they were more than once.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().flat_map(|step| &step.paths).map(|effect| effect.path.as_str())
    }

    fn steps(&self) -> impl Iterator<Item = &JournalStep> {
        self.steps.iter().filter(|step| !step.is_restore)
    }
}

/// Returns the first and the last tree of a journal from before calls kept their own effects: it has a tree from before
/// a call.
fn trees_of_an_old_journal(entries: &[Entry]) -> Option<(&str, &str)> {
    let is_kept = |entry: &Entry| matches!(entry.event, Event::EffectsKept { .. });
    let is_call = |key: &str| {
        let mut of_key = entries.iter().filter(|entry| entry.key == key);
        of_key.any(|entry| matches!(entry.event, Event::CallStarted { .. }))
    };
    let trees: Vec<(&str, &str)> = entries
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::TreeCaptured { tree } => Some((entry.key.as_str(), tree.as_str())),
            _ => None,
        })
        .collect();
    let is_old = !entries.iter().any(is_kept) && trees.iter().any(|(key, _)| is_call(key));
    let (first, last) = (trees.first()?.1, trees.last()?.1);
    (is_old && first != last).then_some((first, last))
}
