//! Contents of files that were kept for undo, and are removed when no task refers to them any more.

use std::{collections::BTreeSet, time::Duration};

use openkoi_core::id::SessionId;
use openkoi_storage::{
    Storage, hashes_in,
    tasks::{TaskQuery, TaskRecord, TaskStatus},
};

use crate::{
    app::App,
    changes,
    error::AppError,
    undo::{self, UndoError},
};

pub use openkoi_brokers::snapshot::Collected;

/// While a task runs, objects stay for this time: it may refer to one of them before it writes that down.
const YOUNG: Duration = Duration::from_secs(60 * 60);

/// Removes the kept contents of files that neither a task's journal nor an undo of a task refers to, such as those of a
/// session that was deleted. While a task runs, nothing of the last hour is removed.
///
/// # Errors
///
/// When another collection is at work, or a journal cannot be read. Nothing that is referred to is removed.
pub fn collect(app: &App) -> Result<Collected, AppError> {
    let Some(storage) = app.existing_storage()? else { return Ok(Collected::default()) };
    let store = changes::store(app)?;
    let tasks = storage.tasks(&TaskQuery::default())?;
    let age = if is_quiet(&storage, &tasks)? { Duration::ZERO } else { YOUNG };
    let mut kept = BTreeSet::new();
    let collected = store.collect(age, || {
        kept = named(app, &storage, None)?;
        Ok::<_, AppError>(kept.clone())
    })?;
    // What came with entries that are gone goes with them.
    let before_ms = app.now_ms().saturating_sub(age.as_millis() as u64).saturating_add(1);
    let mut unneeded = storage.contents_before(before_ms)?;
    unneeded.retain(|hash| !kept.contains(hash));
    storage.drop_contents(&unneeded)?;
    Ok(collected)
}

/// Drops from the database the contents of files that came with entries more than an hour ago, once the disk has them in the
/// store.
///
/// # Errors
///
/// When the disk or the database fails. Nothing is dropped then.
pub(crate) fn settle(app: &App) -> Result<(), AppError> {
    let Some(storage) = app.existing_storage()? else { return Ok(()) };
    let before_ms = app.now_ms().saturating_sub(YOUNG.as_millis() as u64);
    let hashes = storage.contents_before(before_ms)?;
    if hashes.is_empty() {
        return Ok(());
    }
    changes::store(app)?.settle_journaled(&hashes).map_err(UndoError::Snapshot)?;
    Ok(storage.drop_contents(&hashes)?)
}

fn is_quiet(storage: &Storage, tasks: &[TaskRecord]) -> Result<bool, AppError> {
    for task in tasks.iter().filter(|task| task.status == TaskStatus::Running) {
        if storage.is_owned(&task.id)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns whether contents of files are kept of which a hash is the name.
///
/// # Errors
///
/// When the database cannot be read.
pub(crate) fn keeps_any(
    app: &App,
    storage: &Storage,
    hashes: &BTreeSet<String>,
) -> Result<bool, AppError> {
    if hashes.is_empty() {
        return Ok(false);
    }
    let journaled = storage.contents_before(u64::MAX)?;
    let store = changes::store(app)?;
    Ok(journaled.iter().any(|hash| hashes.contains(hash))
        || hashes.iter().any(|hash| store.holds(hash)))
}

/// Returns every hash that the journals of a session and its undos have in them, whatever it stands for; without a session, that of
/// all.
///
/// # Errors
///
/// When journals or the log of undos cannot be read.
pub(crate) fn named(
    app: &App,
    storage: &Storage,
    session: Option<&SessionId>,
) -> Result<BTreeSet<String>, AppError> {
    let mut found = storage.hashes_named(session)?;
    let query = TaskQuery { session: session.cloned(), ..TaskQuery::default() };
    let tasks = storage.tasks(&query)?;
    let tasks = tasks.into_iter().map(|task| task.id.as_str().to_owned()).collect();
    for line in undo::lines_of(app, &tasks)? {
        found.extend(hashes_in(&line).map(str::to_owned));
    }
    Ok(found)
}
