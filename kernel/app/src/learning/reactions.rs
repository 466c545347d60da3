//! What the user did with the work of earlier tasks, seen when the next one begins in the same workspace, beside it: undone,
//! changed by hand, asked for again, or kept.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use openkoi_brokers::snapshot::SnapshotStore;
use openkoi_core::{
    change_set::PathEffect,
    id::TaskId,
    memory::ranking,
    records::{Reaction, RecordQuery},
    port::Records,
    task::own_words,
};
use openkoi_storage::{Storage, tasks::TaskRecord};
use tokio::sync::oneshot;

use crate::{
    app::App,
    changes::{self, Journal},
    error::AppError,
    task_runtime::TaskRuntime,
    thread,
    undo::{self, UndoError},
};

/// The number of earlier tasks of a workspace that are looked at.
const LOOKED_AT: u32 = 8;
/// A task that is asked for again within this time was asked again because of what came of it, in milliseconds: a day.
const AGAIN_MS: u64 = 24 * 3_600_000;
/// The least words of a text that can be asked again: "go on" is said often.
const FEWEST_WORDS: usize = 4;
/// The name of the thread that looks.
const THREAD: &str = "reactions";

impl TaskRuntime {
    /// Looks, on a thread of its own, what became of the work of earlier tasks here. What is returned is ready when that is done.
    pub(crate) fn look_back(&self, task: &TaskId, text: &str) -> Option<oneshot::Receiver<()>> {
        if !self.learns() {
            return None;
        }
        let (done, looked_back) = oneshot::channel();
        let (app, storage) = (Arc::clone(self.app_handle()), Arc::clone(self.storage()));
        let (workspace, task, text) =
            (self.workspace().to_owned(), task.clone(), own_words(text));
        thread::beside(THREAD, move || {
            let seen = Looking { app: &app, storage: &storage, workspace: &workspace }.look(&task, &text);
            if let Err(error) = seen {
                tracing::debug!(%error, "what became of earlier work is not known");
            }
            // Whoever waits hears of it.
            drop(done);
        });
        Some(looked_back)
    }
}

struct Looking<'a> {
    app: &'a App,
    storage: &'a Storage,
    workspace: &'a Path,
}

impl Looking<'_> {
    fn look(&self, now: &TaskId, text: &str) -> Result<(), AppError> {
        let workspace = self.workspace.to_string_lossy();
        let earlier = self.storage.accepted_in(&workspace, LOOKED_AT)?;
        let earlier: Vec<TaskRecord> = earlier.into_iter().filter(|task| task.id != *now).collect();
        if earlier.is_empty() {
            return Ok(());
        }
        let undone = undo::still_undone(self.app)?;
        let store = changes::store(self.app)?;
        // What a later task changed is not the user's.
        let mut later = BTreeSet::new();
        for (at, task) in earlier.iter().enumerate() {
            let known = self.known(&task.id)?;
            let reaction = match known {
                _ if undone.contains(task.id.as_str()) => Some(Reaction::Undone),
                // It was brought forth again.
                Some(Reaction::Undone) => Some(Reaction::Kept),
                _ if at == 0 && self.is_asked_again(task, text) => Some(Reaction::Repeated),
                Some(known) => Some(known),
                None => self.of_files(task, &store, &later)?,
            };
            if let Some(reaction) = reaction.filter(|reaction| known != Some(*reaction)) {
                let at_ms = self.app.now_ms();
                self.storage.react(&task.id, reaction, at_ms)?;
                self.storage.count_reaction(&task.id, reaction, at_ms)?;
            }
            later.extend(self.files(&task.id)?);
        }
        Ok(())
    }

    fn known(&self, task: &TaskId) -> Result<Option<Reaction>, AppError> {
        let found = self.storage.reactions(&of_task(task)).map_err(AppError::Records)?;
        Ok(found.first().map(|one| one.reaction))
    }

    fn files(&self, task: &TaskId) -> Result<Vec<String>, AppError> {
        let found = self.storage.changed_files(&of_task(task)).map_err(AppError::Records)?;
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
        later: &BTreeSet<String>,
    ) -> Result<Option<Reaction>, AppError> {
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
    RecordQuery { task: Some(task.as_str().to_owned()), since_ms: None, limit: 1_000 }
}
