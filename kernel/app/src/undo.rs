//! Undo, redo and rewind: brings the files that a task changed back to what they were, and forth again.
//!
//! A task's work is the sum of what its calls changed. Everything that was undone or redone since is a line of
//! `undo.jsonl` in the data directory, and counts as further changes: so what can be undone, and what an undo took away,
//! is always a sum. Each path is brought back for itself, if nobody else changed it since; otherwise it stays and is
//! named.
//!
//! A surface makes an [`UndoPlan`], shows it, and applies it once a person has agreed. What is about to be done is written
//! down before, so that after a crash the next undo or redo knows of it.

pub(crate) mod error;
mod log;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use openkoi_brokers::{
    disk,
    snapshot::{SnapshotStore, describe},
};
use openkoi_core::{
    change_set::{ChangeSet, PathEffect, PathState, name_of_text},
    evaluation::Change,
    id::{SessionId, TaskId},
};
use openkoi_storage::{
    Storage,
    conversation::WentBack,
    lease::Lease,
    memory::Undone,
    tasks::{TaskQuery, TaskRecord},
};

use self::log::{UndoLog, UndoRecord};
use crate::{
    app::App,
    changes::{self, Journal, LOOKED_AT},
    error::AppError,
};

pub use self::{error::UndoError, log::UndoLogError};

/// What is to become of a task's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoKind {
    /// It is taken back.
    Undo,
    /// What was taken back is brought forth again.
    Redo,
    /// What came after the step with this number is taken back.
    Rewind(usize),
}

/// The task whose work it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoOf<'a> {
    /// The one whose id begins with this text.
    Task(&'a str),
    /// The last one of this workspace of which something can be undone or redone.
    Workspace(&'a Path),
    /// The last such one of this session.
    Session(&'a SessionId),
}

/// The plan of an undo, a redo or a rewind, for a person to agree to.
pub struct UndoPlan {
    /// The task whose changes are undone or redone.
    pub task: TaskRecord,
    /// What is to become of its work.
    pub kind: UndoKind,
    /// The changes that the workspace would undergo.
    pub changes: Vec<Change>,
    /// Paths that somebody else changed since, or that are not covered. They stay.
    pub conflicts: Vec<String>,
    steps: Vec<PathEffect>,
    /// Of a rewind: the last entry of the journal that counts for the conversation.
    upto: Option<u64>,
    workspace: PathBuf,
    store: SnapshotStore,
    _lease: Lease,
}

/// What an undo, a redo or a rewind did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UndoReport {
    /// The changes that the workspace underwent.
    pub changes: Vec<Change>,
    /// Paths that stayed, because somebody else changed them or because they are not covered.
    pub conflicts: Vec<String>,
    /// Stores of objects that stay of repositories which were removed: a redo brings these back with them.
    pub objects: Vec<String>,
}

/// What is known of one task.
struct Known {
    task: TaskRecord,
    journal: Journal,
    /// What was done to its work since it ended.
    since: Vec<PathEffect>,
}

impl Known {
    /// Returns what of its work is there.
    fn work(&self) -> ChangeSet {
        let mut work = self.journal.work();
        work.absorb(&self.since);
        work
    }

    /// Returns what was taken back of its work.
    fn taken(&self) -> ChangeSet {
        ChangeSet::of(self.journal.taken_back().iter().chain(&self.since))
    }

    fn wanted(&self, kind: UndoKind) -> Option<Vec<PathEffect>> {
        let back = |set: ChangeSet| set.effects().iter().map(PathEffect::inverse).collect();
        Some(match kind {
            UndoKind::Undo => back(self.work()),
            UndoKind::Redo => back(self.taken()),
            UndoKind::Rewind(step) => self.work().to(&self.journal.work_after(step)?),
        })
    }
}

impl UndoPlan {
    /// Plans what is to become of the work of a task.
    ///
    /// # Errors
    ///
    /// When there is nothing to do, or a task works in the directory.
    pub fn new(app: &App, kind: UndoKind, of: UndoOf<'_>) -> Result<Self, AppError> {
        let storage = app.existing_storage()?.ok_or(UndoError::Nothing)?;
        let store = changes::store(app)?;
        let log = log_of(app)?;
        let known = match of {
            UndoOf::Task(id) => {
                let task = storage.find_task(id)?;
                running(&storage, &task)?;
                known(&storage, &log, &store, app.now_ms(), task)?
            }
            of => last(&storage, &log, &store, app.now_ms(), kind, of)?,
        };
        let wanted = known.wanted(kind).filter(|steps| !steps.is_empty());
        let wanted = wanted.ok_or_else(|| nothing(&known, kind))?;
        let upto = match kind {
            UndoKind::Rewind(step) => known.journal.seq_of(step),
            UndoKind::Undo | UndoKind::Redo => None,
        };
        Ok(Self { upto, ..Self::of(&storage, store, known.task, kind, &wanted)? })
    }

    fn of(
        storage: &Storage,
        store: SnapshotStore,
        task: TaskRecord,
        kind: UndoKind,
        wanted: &[PathEffect],
    ) -> Result<Self, AppError> {
        running(storage, &task)?;
        let workspace = PathBuf::from(&task.workspace);
        let lease = storage.claim_workspace(&workspace, &task.id)?;
        let plan = store.plan(&workspace, wanted).map_err(UndoError::Snapshot)?;
        if plan.ready.is_empty() && plan.conflicts.is_empty() {
            return Err(UndoError::Same.into());
        }
        let conflicts = plan.conflicts.into_iter().map(|step| step.path).collect();
        let (changes, steps) = (describe(&plan.ready), plan.ready);
        Ok(Self {
            task,
            kind,
            changes,
            conflicts,
            steps,
            upto: None,
            workspace,
            store,
            _lease: lease,
        })
    }

    /// Brings the files back or forth. What is about to be done, and what was done, is written down.
    ///
    /// # Errors
    ///
    /// When a file cannot be written, or the log cannot.
    pub fn apply(&self, app: &App) -> Result<UndoReport, AppError> {
        let log = log_of(app)?;
        let mut line = UndoRecord {
            task: self.task.id.as_str().to_owned(),
            workspace: self.workspace.display().to_string(),
            redo: self.kind == UndoKind::Redo,
            at_ms: app.now_ms(),
            intended: true,
            steps: self.steps.clone(),
            upto: self.upto,
            ..UndoRecord::default()
        };
        log.append(&line).map_err(UndoError::Log)?;
        let applied = self.store.apply(&self.workspace, &self.steps);
        let applied = applied.map_err(UndoError::Snapshot)?;
        line.intended = false;
        line.steps.retain(|step| applied.done.contains(&step.path));
        log.append(&line).map_err(UndoError::Log)?;
        let mut conflicts = [self.conflicts.clone(), applied.conflicts].concat();
        conflicts.sort_unstable();
        let objects = self.objects_left(&line.steps);
        Ok(UndoReport { changes: describe(&line.steps), conflicts, objects })
    }
}

impl UndoPlan {
    /// Returns the session whose conversation goes on from where a rewind goes back to.
    pub fn goes_on_in(&self) -> Option<&SessionId> {
        self.upto.and(Some(&self.task.session))
    }

    /// Returns the stores of objects that stay of repositories which these steps removed.
    fn objects_left(&self, steps: &[PathEffect]) -> Vec<String> {
        let is_repository = |step: &&PathEffect| {
            let is_directory = matches!(step.before, PathState::Directory { .. });
            let name = step.path.rsplit('/').next();
            is_directory && step.after == PathState::Absent && name == Some(".git")
        };
        let stores =
            steps.iter().filter(is_repository).map(|step| format!("{}/objects", step.path));
        stores
            .filter(|store| disk::is_directory(&self.workspace.join(name_of_text(store))))
            .collect()
    }
}

fn log_of(app: &App) -> Result<UndoLog, AppError> {
    Ok(UndoLog::at(app.paths()?.data()))
}

/// What was taken back of the work of a task, for whoever goes on with its conversation: its last words may say that all is
/// done.
#[derive(Clone, Debug, PartialEq)]
pub struct TakenBack {
    /// The task.
    pub task: TaskRecord,
    /// The files that are not as the task left them.
    pub files: Vec<String>,
    /// Whether the user did it; otherwise the work was not accepted.
    pub by_user: bool,
    /// Whether nothing of the work is left.
    pub is_all: bool,
}

/// The number of tasks of a conversation that are looked at.
const OF_SESSION: u32 = 20;

/// Returns what was taken back of the work of a session's tasks, newest first.
///
/// # Errors
///
/// When a journal or the log cannot be read.
pub fn taken_back(
    app: &App,
    storage: &Storage,
    session: &SessionId,
) -> Result<Vec<TakenBack>, AppError> {
    let session = Some(session.clone());
    let query = TaskQuery { limit: Some(OF_SESSION), session, ..TaskQuery::default() };
    let tasks = storage.tasks(&query)?;
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let (log, store) = (log_of(app)?, changes::store(app)?);
    let lines = log.read().map_err(UndoError::Log)?;
    // From there on nothing was said, so that nothing of it can be wrong.
    let back = line_of_rewind(&lines, &tasks).and_then(|line| place(&tasks, line));
    let mut found = Vec::new();
    for (at, task) in tasks.into_iter().enumerate().skip(back.map_or(0, |back| back + 1)) {
        let by_user = lines.iter().any(|line| line.task == task.id.as_str());
        // What was not accepted is told with the next question, and is in the conversation from then on.
        if !by_user && at > 0 {
            continue;
        }
        let known = match known(storage, &log, &store, app.now_ms(), task) {
            Err(AppError::Undo(UndoError::Pruned(_))) => continue,
            known => known?,
        };
        let left = known.work();
        let is_there = |effect: &PathEffect| left.effects().contains(effect);
        let done = known.journal.done().effects();
        let files: Vec<String> =
            done.into_iter().filter(|one| !is_there(one)).map(|one| one.path).collect();
        if !files.is_empty() {
            let is_all = left.effects().is_empty();
            found.push(TakenBack { task: known.task, files, by_user, is_all });
        }
    }
    Ok(found)
}

/// Returns the tasks whose work was taken back as a whole, or brought forth again, in the order in which that was done.
///
/// # Errors
///
/// When the log of undos cannot be read.
pub(crate) fn undone(app: &App) -> Result<Vec<Undone>, AppError> {
    let lines = log_of(app)?.read().map_err(UndoError::Log)?;
    let whole = lines.into_iter().filter(|line| !line.intended && line.upto.is_none());
    let undone = |line: UndoRecord| Undone {
        task: TaskId::new(line.task),
        is_undone: !line.redo,
        at_ms: line.at_ms,
    };
    Ok(whole.map(undone).collect())
}

/// Returns the ids of the tasks whose work is taken back as a whole now.
///
/// # Errors
///
/// As [`undone`].
pub(crate) fn still_undone(app: &App) -> Result<BTreeSet<String>, AppError> {
    let mut still = BTreeSet::new();
    for one in undone(app)? {
        match one.is_undone {
            true => still.insert(one.task.as_str().to_owned()),
            false => still.remove(one.task.as_str()),
        };
    }
    Ok(still)
}

/// Returns the place in the conversation of a session that a rewind went back to, if nothing was said or undone since.
///
/// # Errors
///
/// When a journal or the log cannot be read.
pub(crate) fn went_back(
    app: &App,
    storage: &Storage,
    session: &SessionId,
) -> Result<Option<WentBack>, AppError> {
    let session = Some(session.clone());
    let query = TaskQuery { limit: Some(OF_SESSION), session, ..TaskQuery::default() };
    let tasks = storage.tasks(&query)?;
    let log = log_of(app)?;
    let lines = log.read().map_err(UndoError::Log)?;
    let Some(line) = line_of_rewind(&lines, &tasks) else { return Ok(None) };
    let (Some(at), Some(seq)) = (place(&tasks, line), line.upto) else { return Ok(None) };
    let journal = Journal::of(storage, &tasks[at], &changes::store(app)?)?;
    let steps: Vec<String> =
        journal.steps_up_to(seq).map(|(tool, target)| format!("{tool} {target}")).collect();
    let said = format!(
        "(Done so far: {}. Then the user went back to here: what was done and said after it is not there any more.)",
        steps.join("; ")
    );
    Ok(Some(WentBack { task: tasks[at].id.clone(), seq, said }))
}

/// Returns the newest line about these tasks if it is that of a rewind and none of them worked since.
fn line_of_rewind<'a>(lines: &'a [UndoRecord], tasks: &[TaskRecord]) -> Option<&'a UndoRecord> {
    let line = lines.iter().rev().find(|line| !line.intended && place(tasks, line).is_some())?;
    let newest = tasks.first()?;
    let worked = newest.ended_ms.unwrap_or_default().max(newest.started_ms);
    (line.upto.is_some() && line.at_ms > worked).then_some(line)
}

fn place(tasks: &[TaskRecord], line: &UndoRecord) -> Option<usize> {
    tasks.iter().position(|task| task.id.as_str() == line.task)
}

/// Returns the lines of the log that are about these tasks, as text.
pub(crate) fn lines_of(app: &App, tasks: &BTreeSet<String>) -> Result<Vec<String>, AppError> {
    let lines = log_of(app)?.read().map_err(UndoError::Log)?;
    let of_tasks = lines.iter().filter(|line| tasks.contains(&line.task));
    let texts = of_tasks.map(serde_json::to_string).collect::<Result<_, _>>();
    Ok(texts.map_err(UndoError::Unwritable)?)
}

/// Takes the lines out of the log that are about these tasks: there is nothing left that could be undone.
pub(crate) fn forget(app: &App, tasks: &BTreeSet<String>) -> Result<(), AppError> {
    Ok(log_of(app)?.forget(tasks).map_err(UndoError::Log)?)
}

fn running(storage: &Storage, task: &TaskRecord) -> Result<(), AppError> {
    match storage.is_owned(&task.id)? {
        true => Err(UndoError::Running(task.id.short().to_owned()).into()),
        false => Ok(()),
    }
}

fn nothing(known: &Known, kind: UndoKind) -> AppError {
    let task = known.task.id.short().to_owned();
    let error = match kind {
        UndoKind::Redo => UndoError::NoUndo,
        UndoKind::Rewind(step) if known.journal.work_after(step).is_none() => {
            UndoError::NoStep(task, step)
        }
        UndoKind::Rewind(_) => UndoError::Same,
        UndoKind::Undo if known.taken().is_empty() => UndoError::Unchanged(task),
        UndoKind::Undo => UndoError::Undone(task),
    };
    error.into()
}

/// Reads what is known of a task. What an undo did before it was cut is written down now.
fn known(
    storage: &Storage,
    log: &UndoLog,
    store: &SnapshotStore,
    now_ms: u64,
    task: TaskRecord,
) -> Result<Known, AppError> {
    let mut lines = log.read().map_err(UndoError::Log)?;
    if let Some(cut) = log::cut(&lines, task.id.as_str()) {
        let left =
            store.plan(Path::new(&cut.workspace), &cut.steps).map_err(UndoError::Snapshot)?;
        let is_left = |step: &PathEffect| {
            left.ready.iter().chain(&left.conflicts).any(|one| one.path == step.path)
        };
        let mut line = UndoRecord { intended: false, at_ms: now_ms, ..cut.clone() };
        line.steps.retain(|step| !is_left(step));
        log.append(&line).map_err(UndoError::Log)?;
        lines.push(line);
    }
    let journal = Journal::of(storage, &task, store)?;
    let since = log::done(&lines, task.id.as_str(), store).map_err(UndoError::Snapshot)?;
    Ok(Known { task, journal, since })
}

/// Returns the newest task of a workspace or a session of which something can be undone or redone. What was undone last is redone
/// first.
fn last(
    storage: &Storage,
    log: &UndoLog,
    store: &SnapshotStore,
    now_ms: u64,
    kind: UndoKind,
    of: UndoOf<'_>,
) -> Result<Known, AppError> {
    let session = match of {
        UndoOf::Session(session) => Some(session.clone()),
        _ => None,
    };
    let query = TaskQuery { limit: Some(LOOKED_AT), session, ..TaskQuery::default() };
    let here = |task: &TaskRecord| match of {
        UndoOf::Workspace(workspace) => Path::new(&task.workspace) == workspace,
        _ => true,
    };
    let mut tasks: Vec<TaskRecord> = storage.tasks(&query)?.into_iter().filter(here).collect();
    if kind == UndoKind::Redo {
        let lines = log.read().map_err(UndoError::Log)?;
        let touched = |task: &TaskRecord| {
            let at = lines.iter().rposition(|line| line.task == task.id.as_str());
            at.map(|at| lines[at].at_ms).max(task.ended_ms).unwrap_or(task.started_ms)
        };
        tasks.sort_by_key(|task| std::cmp::Reverse(touched(task)));
    }
    for task in tasks {
        running(storage, &task)?;
        let known = match known(storage, log, store, now_ms, task) {
            Err(AppError::Undo(UndoError::Pruned(_))) => continue,
            known => known?,
        };
        if known.wanted(kind).is_some_and(|steps| !steps.is_empty()) {
            return Ok(known);
        }
    }
    let none = if kind == UndoKind::Redo { UndoError::NoUndo } else { UndoError::Nothing };
    Err(none.into())
}
