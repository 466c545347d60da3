//! What grows with time, and what may be freed of it.
//!
//! A finished task that is old enough loses the course of its run, the contents of files that were kept for its undo,
//! and the file with its answer. What was asked, the outcome and the cost stay. Never touched are tasks that can go on
//! (running, interrupted, paused, cancelled, failed), and, where only the size asks for it, those of the last week.

use std::path::{Path, PathBuf};

use openkoi_brokers::{
    disk::{self, FileKind},
    durable,
    layer::{self, Layer},
};
use openkoi_core::id::SessionId;
use openkoi_storage::{StorageError, output::StateFiles, prune::OldTask, tasks::TaskQuery};

use crate::{app::App, dry_run, error::AppError, places, settings::Retention, snapshots, undo};

/// A day, in milliseconds.
pub const DAY_MS: u64 = 86_400_000;
/// The days in which nothing is removed for the sake of room.
const SAFE_DAYS: u64 = 7;
/// The parts into which what is old enough is divided, to remove no more than the size asks for.
const STEPS: usize = 8;

/// The bytes that each kind of data takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The database: journals of tasks, sessions, costs.
    pub database: u64,
    /// Contents of files, kept for undo.
    pub snapshots: u64,
    /// Answers of tasks, as files.
    pub outputs: u64,
    /// Outputs of tools that were too long for a model, and long inputs.
    pub tool_output: u64,
    /// What programs wrote into caches of tools.
    pub caches: u64,
    /// State files for other programs.
    pub state: u64,
}

impl Sizes {
    /// Returns the sum.
    pub fn total(&self) -> u64 {
        self.database + self.snapshots + self.outputs + self.tool_output + self.caches + self.state
    }

    /// Returns what everything takes now.
    ///
    /// # Errors
    ///
    /// When there is no home.
    pub fn of(app: &App) -> Result<Self, AppError> {
        let paths = app.paths()?;
        let file = openkoi_storage::opener::FILE;
        let parts = ["", "-wal", "-shm"].map(|end| paths.data().join(format!("{file}{end}")));
        Ok(Self {
            database: parts.iter().map(|path| disk::status(path).map_or(0, |it| it.length)).sum(),
            snapshots: size_below(&paths.snapshots()),
            outputs: size_below(&paths.sessions()),
            tool_output: size_below(&paths.tool_output()),
            caches: caches(app)?.iter().map(|place| size_below(place)).sum(),
            state: size_below(&paths.state()),
        })
    }
}

/// What is to be freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The age of a finished task from which it is pruned, in milliseconds.
    pub age_ms: Option<u64>,
    /// The bytes that everything may take.
    pub bytes: Option<u64>,
}

impl Limits {
    /// Returns the limits that the settings name.
    pub fn of(retention: Retention) -> Self {
        let days = Some(retention.days).filter(|days| *days > 0);
        Self { age_ms: days.map(|days| days.saturating_mul(DAY_MS)), bytes: retention.bytes }
    }
}

/// What was freed, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The tasks that lost the course of their run.
    pub tasks: usize,
    /// The files with outputs of tools that are gone.
    pub files: usize,
    /// The workspaces whose caches are gone.
    pub caches: usize,
    /// What everything took before.
    pub before: Sizes,
    /// What everything takes now.
    pub after: Sizes,
}

/// Frees what is older than the limits allow, and then, the oldest first, what is more than the size allows. With
/// `dry`, nothing is removed; for the size it then counts every task that might go.
///
/// # Errors
///
/// When something cannot be read or removed. Calling again goes on.
pub fn prune(app: &App, limits: Limits, dry: bool) -> Result<Pruned, AppError> {
    let before = Sizes::of(app)?;
    let mut done = Pruned { before, after: before, ..Pruned::default() };
    let now = app.now_ms();
    if let Some(age) = limits.age_ms {
        let limit = now.saturating_sub(age);
        done.tasks += forget(app, &old_tasks(app, limit)?, dry)?;
        done.files += forget_files(app, limit, dry)?;
        done.caches += forget_caches(app, limit, dry)?;
        done.settle(app, dry)?;
    }
    if let Some(most) = limits.bytes {
        let safe = now.saturating_sub(SAFE_DAYS * DAY_MS);
        // What can be downloaded again goes before what cannot be had again.
        if done.after.total() > most {
            done.caches += forget_caches(app, safe, dry)?;
            done.settle(app, dry)?;
        }
        let tasks = old_tasks(app, safe)?;
        let steps = tasks.chunks(tasks.len().div_ceil(STEPS).max(1));
        for (index, step) in steps.enumerate() {
            if done.after.total() <= most {
                break;
            }
            done.tasks += forget(app, step, dry)?;
            if index == 0 {
                done.files += forget_files(app, safe, dry)?;
            }
            done.settle(app, dry)?;
        }
        if tasks.is_empty() && done.after.total() > most {
            done.files += forget_files(app, safe, dry)?;
            done.settle(app, dry)?;
        }
    }
    Ok(done)
}

impl Pruned {
    /// Gives room back after something was removed, and measures again.
    fn settle(&mut self, app: &App, dry: bool) -> Result<(), AppError> {
        if dry || self.tasks + self.files + self.caches == 0 {
            return Ok(());
        }
        snapshots::collect(app)?;
        if let Some(storage) = app.existing_storage()? {
            storage.compact()?;
        }
        self.after = Sizes::of(app)?;
        Ok(())
    }
}

fn old_tasks(app: &App, before_ms: u64) -> Result<Vec<OldTask>, AppError> {
    let Some(storage) = app.existing_storage()? else { return Ok(Vec::new()) };
    Ok(storage.finished_before(before_ms)?)
}

fn forget(app: &App, tasks: &[OldTask], dry: bool) -> Result<usize, AppError> {
    if let (false, Some(storage)) = (dry, app.existing_storage()?) {
        storage.forget_runs(tasks)?;
        undo::forget(app, &tasks.iter().map(|task| task.id.as_str().to_owned()).collect())?;
    }
    Ok(tasks.len())
}

/// Removes the outputs of tools from before a time.
fn forget_files(app: &App, before_ms: u64, dry: bool) -> Result<usize, AppError> {
    let directory = app.paths()?.tool_output();
    let mut removed = 0;
    for entry in disk::list(&directory).unwrap_or_default() {
        let path = directory.join(&entry.name);
        let is_old = disk::link_status(&path).is_ok_and(|status| status.modified_ms() < before_ms);
        if entry.kind == FileKind::File && is_old {
            removed += 1;
            if !dry {
                let failed = |error| StorageError::from_io(&path, error);
                disk::remove_file(&path).map_err(failed)?;
            }
        }
    }
    Ok(removed)
}

/// Returns the directories for what programs write into caches of tools: in OpenKoi's data, and outside of it for a home that
/// was worked in.
fn caches(app: &App) -> Result<Vec<PathBuf>, AppError> {
    let outside = places::outside(app).into_iter().map(|place| place.join("caches"));
    Ok(std::iter::once(app.paths()?.caches()).chain(outside).collect())
}

/// Removes what programs wrote into caches of tools, of workspaces in which none ran since a time. Layers outside of OpenKoi's
/// data that nobody has any more go too.
fn forget_caches(app: &App, before_ms: u64, dry: bool) -> Result<usize, AppError> {
    let mut removed = 0;
    for directory in caches(app)? {
        for entry in disk::list(&directory).unwrap_or_default() {
            let path = directory.join(&entry.name);
            let used = disk::link_status(&path.join("used"));
            if used.is_ok_and(|status| status.modified_ms() < before_ms) {
                removed += 1;
                if !dry {
                    let failed = |error| StorageError::from_io(&path, error);
                    layer::remove_all(&path).map_err(failed)?;
                }
            }
        }
    }
    if !dry {
        places::outside(app).iter().for_each(|place| Layer::sweep(&place.join("layers")));
        dry_run::sweep(app);
    }
    Ok(removed)
}

/// Deletes a session with everything that is kept of it: its tasks and their journals, what the state files say of it,
/// long outputs of its tools, and contents of files.
///
/// # Errors
///
/// When somebody works on it: nothing is deleted then. Or when a part cannot be removed.
pub fn forget_session(app: &App, session: &SessionId) -> Result<(), AppError> {
    let storage = app.storage()?;
    let outputs = app.paths()?.tool_output();
    let directory = outputs.file_name().unwrap_or_default().to_string_lossy();
    let named = storage.files_named(session, &directory)?;
    let hashes = snapshots::named(app, &storage, Some(session))?;
    let query = TaskQuery { session: Some(session.clone()), ..TaskQuery::default() };
    let tasks =
        storage.tasks(&query)?.into_iter().map(|task| task.id.as_str().to_owned()).collect();
    storage.delete_session(session)?;
    undo::forget(app, &tasks)?;
    StateFiles::new(app.paths()?.home()).forget(session)?;
    for name in named {
        let path = outputs.join(name);
        if disk::is_file(&path) {
            disk::remove_file(&path).map_err(|error| StorageError::from_io(&path, error))?;
        }
    }
    // What is kept for nobody else goes too; that is found by looking through all journals. Where it cannot be now, the next time
    // does it.
    let collected = match snapshots::keeps_any(app, &storage, &hashes) {
        Ok(false) => Ok(()),
        _ => snapshots::collect(app).map(drop),
    };
    if let Err(error) = collected {
        tracing::warn!(%error, "kept contents of files stay for now");
    }
    Ok(())
}

/// Frees what is too old, at most once a day. It gives no room back to the disk, which takes long; what comes next uses
/// the room.
///
/// # Errors
///
/// As [`prune`].
pub fn daily(app: &App, retention: Retention) -> Result<(), AppError> {
    let (now, mark) = (app.now_ms(), app.paths()?.state().join("pruned"));
    let last = disk::read_text(&mark, 64).ok().and_then(|text| text.trim().parse::<u64>().ok());
    if last.is_some_and(|last| last.saturating_add(DAY_MS) > now) {
        return Ok(());
    }
    durable::put_whole(&mark, now.to_string().as_bytes(), 0o600).map_err(StorageError::from)?;
    snapshots::settle(app)?;
    let Some(age) = Limits::of(retention).age_ms else { return Ok(()) };
    let limit = now.saturating_sub(age);
    let tasks = forget(app, &old_tasks(app, limit)?, false)?;
    let files = forget_files(app, limit, false)?;
    let caches = forget_caches(app, limit, false)?;
    if tasks > 0 {
        snapshots::collect(app)?;
    }
    tracing::info!(tasks, files, caches, "what was too old is removed");
    Ok(())
}

/// Returns the bytes of the files below a directory. What cannot be read counts nothing.
fn size_below(directory: &Path) -> u64 {
    let mut size = 0;
    for entry in disk::list(directory).unwrap_or_default() {
        let path = directory.join(&entry.name);
        size += match entry.kind {
            FileKind::Directory => size_below(&path),
            _ => disk::link_status(&path).map_or(0, |status| status.length),
        };
    }
    size
}
