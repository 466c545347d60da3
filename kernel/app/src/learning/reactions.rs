//! What the user did with the work of earlier tasks, seen beside the next one that calls a tool in the same workspace: undone,
//! changed by hand, asked for again, or kept.

use std::{collections::BTreeSet, path::Path};

use openkoi_brokers::snapshot::SnapshotStore;
use openkoi_core::{
    change_set::PathEffect,
    id::TaskId,
    memory::ranking,
    port::Records,
    records::{Reaction, RecordQuery},
    task::own_words,
};
use openkoi_storage::{Storage, tasks::TaskRecord};

use crate::{
    app::App,
    changes::{self, Journal},
    error::AppError,
    undo::{self, UndoError},
};

/// The number of earlier tasks of a workspace that are looked at.
const LOOKED_AT: u32 = 8;
/// The most files of later tasks that are looked up.
const MOST_FILES: u32 = 5_000;
/// A task that is asked for again within this time was asked again because of what came of it, in milliseconds: a day.
const AGAIN_MS: u64 = 24 * 3_600_000;
/// The least words of a text that can be asked again: "go on" is said often.
const FEWEST_WORDS: usize = 4;

/// A task, and what the user is now known to have done with its work.
pub(super) type Reacted = (TaskRecord, Reaction);

/// Looks what became of the work of earlier tasks of a workspace, keeps it, and returns what is new. `now` is the task that
/// begins, with this text.
pub(super) fn look(
    app: &App,
    storage: &Storage,
    workspace: &Path,
    (now, text): (&TaskId, &str),
) -> Result<Vec<Reacted>, AppError> {
    Looking { app, storage, workspace }.look(now, text)
}

struct Looking<'a> {
    app: &'a App,
    storage: &'a Storage,
    workspace: &'a Path,
}

impl Looking<'_> {
    fn look(&self, now: &TaskId, text: &str) -> Result<Vec<Reacted>, AppError> {
        let workspace = self.workspace.to_string_lossy();
        let earlier = self.storage.accepted_in(&workspace, LOOKED_AT)?;
        let earlier: Vec<TaskRecord> = earlier.into_iter().filter(|task| task.id != *now).collect();
        let mut news = Vec::new();
        if earlier.is_empty() {
            return Ok(news);
        }
        let undone = undo::still_undone(self.app)?;
        let store = changes::store(self.app)?;
        for (at, task) in earlier.iter().enumerate() {
            let known = self.known(&task.id)?;
            let reaction = match known {
                _ if undone.contains(task.id.as_str()) => Some(Reaction::Undone),
                // It was brought forth again.
                Some(Reaction::Undone) => Some(Reaction::Kept),
                _ if at == 0 && self.is_asked_again(task, text) => Some(Reaction::Repeated),
                Some(known) => Some(known),
                None => self.of_files(task, &store)?,
            };
            if let Some(reaction) = reaction.filter(|reaction| known != Some(*reaction)) {
                let at_ms = self.app.now_ms();
                self.storage.react(&task.id, reaction, at_ms)?;
                self.storage.count_reaction(&task.id, reaction, at_ms)?;
                news.push((task.clone(), reaction));
            }
        }
        Ok(news)
    }

    fn known(&self, task: &TaskId) -> Result<Option<Reaction>, AppError> {
        let found = self.storage.reactions(&of_task(task)).map_err(AppError::Records)?;
        Ok(found.first().map(|one| one.reaction))
    }

    /// Returns the files that a task changed.
    fn changed_by(&self, task: &TaskRecord) -> Result<BTreeSet<String>, AppError> {
        self.changed(&RecordQuery { limit: MOST_FILES, ..of_task(&task.id) })
    }

    /// Returns the files that tasks changed which ended later than this one, whatever became of them.
    fn changed_since(&self, task: &TaskRecord) -> Result<BTreeSet<String>, AppError> {
        let since_ms = task.ended_ms.map(|ended| ended + 1);
        self.changed(&RecordQuery { task: None, since_ms, limit: MOST_FILES })
    }

    fn changed(&self, query: &RecordQuery) -> Result<BTreeSet<String>, AppError> {
        let found = self.storage.changed_files(query).map_err(AppError::Records)?;
        Ok(found.into_iter().map(|one| one.path).collect())
    }

    fn is_asked_again(&self, task: &TaskRecord, text: &str) -> bool {
        let before = own_words(&task.text);
        let ended = task.ended_ms.unwrap_or(task.started_ms);
        text.split_whitespace().count() >= FEWEST_WORDS
            && self.app.now_ms().saturating_sub(ended) < AGAIN_MS
            && ranking::are_alike(text, &before)
    }

    /// Compares what a task left with what stands there. Files that a later task changed say nothing.
    fn of_files(
        &self,
        task: &TaskRecord,
        store: &SnapshotStore,
    ) -> Result<Option<Reaction>, AppError> {
        // A journal is large, and this is looked at before each task: most changed nothing, or nothing that is left.
        let own = self.changed_by(task)?;
        let later = if own.is_empty() { BTreeSet::new() } else { self.changed_since(task)? };
        if own.is_subset(&later) {
            return Ok(None);
        }
        let journal = match Journal::of(self.storage, task, store) {
            Err(AppError::Undo(UndoError::Pruned(_))) => return Ok(None),
            journal => journal?,
        };
        let effects = journal.work().effects().into_iter();
        let back: Vec<PathEffect> = effects
            .filter(|effect| !later.contains(&effect.path))
            .map(|effect| effect.inverse())
            .collect();
        if back.is_empty() {
            return Ok(None);
        }
        let plan = store.plan(self.workspace, &back).map_err(UndoError::Snapshot)?;
        // Ready to be taken back is what is as the task left it.
        Ok(Some(if plan.ready.len() == back.len() { Reaction::Kept } else { Reaction::Edited }))
    }
}

fn of_task(task: &TaskId) -> RecordQuery {
    RecordQuery { task: Some(task.as_str().to_owned()), since_ms: None, limit: 1 }
}
