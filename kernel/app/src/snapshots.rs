//! Contents of files that were kept for undo, and are removed when no task refers to them any more.

use std::{collections::BTreeSet, time::Duration};

use openkoi_storage::{
    Storage,
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
        kept = referred(app, &storage)?;
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

/// Returns every hash that journals and the log of undos have in them, whatever it stands for.
fn referred(app: &App, storage: &Storage) -> Result<BTreeSet<String>, AppError> {
    let mut found = BTreeSet::new();
    let mut tasks = BTreeSet::new();
    for task in storage.tasks(&TaskQuery::default())? {
        for entry in storage.entries(&task.id)? {
            let text = serde_json::to_string(&entry.event).map_err(UndoError::Unwritable)?;
            found.extend(hashes_in(&text));
        }
        tasks.insert(task.id.as_str().to_owned());
    }
    for line in undo::lines_of(app, &tasks)? {
        found.extend(hashes_in(&line));
    }
    Ok(found)
}

/// Returns the runs of exactly 64 digits of hexadecimal numbers in a text.
fn hashes_in(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !matches!(c, '0'..='9' | 'a'..='f'));
    words.filter(|word| word.len() == 64).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::hashes_in;

    #[test]
    fn hashes_are_found_wherever_they_stand() {
        let (a, b) = ("0f".repeat(32), "a1".repeat(32));
        let text = format!("{{\"hash\":\"{a}\",\"x\":[\"{b}\", \"{a}0\", \"abc\"]}}");
        assert_eq!(hashes_in(&text).collect::<Vec<_>>(), [a, b]);
    }
}
