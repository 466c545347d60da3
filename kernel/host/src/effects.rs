//! What a call changes in the workspace, noted in the log of the call while it happens.
//!
//! The host's own file functions know their paths: the state before is kept and the intent is durable before anything is
//! changed. A program is looked at from outside, before and after. What checks and judges run is nobody's change and is
//! not noted.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use openkoi_brokers::{
    disk,
    files::{Touch, Wanted},
    snapshot::{Before, Keeper, SnapshotError, SnapshotStore},
};
use openkoi_core::{
    change_set::{CallEffects, PathEffect, PathState, name_of_text, text_of_name},
    effects::EffectLog,
    failure::Failure,
};

use crate::seen::Seen;

/// The most paths of a directory that is renamed whose states are kept.
const MOST_MOVED: usize = 20_000;

/// Who keeps what a call changes: the states in the workspace's store, the changes in the log of the call.
pub(crate) struct KeptBy {
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) log: Arc<EffectLog>,
    pub(crate) seen: Arc<Seen>,
}

/// Notes the changes of one file function.
pub(crate) struct Witness {
    keeper: Arc<Keeper>,
    /// An entry of the log tells of each change before it is made.
    store: SnapshotStore,
    log: Arc<EffectLog>,
    seen: Arc<Seen>,
    noted: Mutex<CallEffects>,
}

impl Witness {
    /// Returns a witness for the changes of a call; `None` if nobody keeps them.
    pub(crate) fn of(kept_by: Option<KeptBy>) -> Option<Self> {
        let KeptBy { keeper, log, seen } = kept_by?;
        let store = keeper.store().before_an_entry();
        Some(Self { keeper, store, log, seen, noted: Mutex::default() })
    }

    /// Notes a path that is about to be changed.
    pub(crate) fn note(&self, touch: &Touch<'_>) -> io::Result<()> {
        let path = text_of_name(touch.path.as_os_str());
        if !touch.is_workspace {
            let place = touch.root.join(&touch.path).display().to_string();
            self.noted().uncovered.push(format!("{place} (outside of the workspace)"));
            return Ok(());
        }
        let mut effects = self.effects(path, &touch.wanted).map_err(io::Error::other)?;
        self.keeper.tell_ignored(&mut effects).map_err(io::Error::other)?;
        let is_there =
            matches!(touch.wanted, Wanted::Nothing | Wanted::File { is_there: true, .. });
        // Somebody moves the directories of the path: what would be lost could not be brought back.
        if is_there && effects.iter().any(|effect| effect.before == PathState::Absent) {
            return Err(io::Error::other("its path leads elsewhere just now; try again"));
        }
        self.log.intend(&effects).map_err(io::Error::other)?;
        let not_kept = |state: &PathState| !state.is_kept();
        let is_lost = |effect: &&PathEffect| not_kept(&effect.before) || not_kept(&effect.after);
        let lost = effects.iter().filter(is_lost);
        let lost = lost.map(|effect| format!("{} (too large, or unreadable)", effect.path));
        let mut noted = self.noted();
        noted.uncovered.extend(lost.collect::<Vec<_>>());
        noted.paths.extend(effects);
        Ok(())
    }

    fn effects(&self, path: String, wanted: &Wanted<'_>) -> Result<Vec<PathEffect>, SnapshotError> {
        let after = match wanted {
            Wanted::File { contents, mode, .. } => self.store.wanted(contents, *mode)?,
            Wanted::Directory => PathState::Directory { mode: 0o777 & !disk::umask() },
            Wanted::Nothing => PathState::Absent,
            // It is looked at afterwards.
            Wanted::Unknown => PathState::Uncovered,
            Wanted::MovedFrom(from) => return self.moved(from, &path),
        };
        let before = self.states(std::slice::from_ref(&path))?.pop().unwrap_or(PathState::Absent);
        Ok(vec![PathEffect::new(path, before, after)])
    }

    /// Returns the effects of a rename: everything in it is gone here and new there.
    fn moved(&self, from: &Path, to: &str) -> Result<Vec<PathEffect>, SnapshotError> {
        let from = text_of_name(from.as_os_str());
        let root = self.keeper.root();
        let Some(gone) = self.store.below(root, &from, MOST_MOVED)? else {
            self.noted().uncovered.push(format!("{from} → {to} (too many files were renamed)"));
            return Ok(Vec::new());
        };
        let states = self.states(&gone)?;
        let there = gone.iter().map(|path| format!("{to}{}", &path[from.len()..]));
        let come = there
            .zip(&states)
            .map(|(path, state)| PathEffect::new(path, PathState::Absent, state.clone()));
        let come: Vec<PathEffect> = come.collect();
        let gone = gone
            .iter()
            .zip(states)
            .map(|(path, before)| PathEffect::new(path, before, PathState::Absent));
        Ok(gone.chain(come).collect())
    }

    fn states(&self, paths: &[String]) -> Result<Vec<PathState>, SnapshotError> {
        self.store.states(self.keeper.root(), paths)
    }

    /// Keeps what was done, as it is now. Of a change that failed only what happened before it did is kept.
    pub(crate) fn keep(&self, is_done: bool) -> Result<(), Failure> {
        let mut noted = std::mem::take(&mut *self.noted());
        let unsure = |effect: &PathEffect| match effect.after {
            PathState::Directory { .. } | PathState::Uncovered => true,
            _ => !is_done,
        };
        let looked_at: Vec<String> =
            noted.paths.iter().filter(|one| unsure(one)).map(|one| one.path.clone()).collect();
        let mut states = self.states(&looked_at).map_err(failed)?.into_iter();
        noted.paths.retain_mut(|effect| {
            if !unsure(effect) {
                return true;
            }
            let now = states.next().unwrap_or(PathState::Absent);
            let is_directory = |state: &PathState| matches!(state, PathState::Directory { .. });
            let is_wanted =
                now == effect.after || (is_directory(&now) && is_directory(&effect.after));
            effect.after = now;
            (is_done || is_wanted) && effect.after != effect.before
        });
        if !is_done {
            noted.uncovered.clear();
        }
        let own: Vec<_> = noted.paths.iter().map(|one| name_of_text(&one.path)).collect();
        self.seen.forget(self.keeper.root(), own.iter().map(Path::new));
        self.log.keep(noted);
        Ok(())
    }

    fn noted(&self) -> MutexGuard<'_, CallEffects> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A program at work in the workspace. What it changed is kept when it ended, and also if its caller went away.
pub(crate) struct AtWork {
    keeper: Arc<Keeper>,
    log: Arc<EffectLog>,
    seen: Arc<Seen>,
    before: Option<Before>,
}

impl AtWork {
    /// Looks at the workspace before a program of the call runs; `None` if nobody keeps what it changes. Blocks.
    pub(crate) fn begin(kept_by: Option<KeptBy>, line: &str) -> Result<Option<Self>, Failure> {
        let Some(KeptBy { keeper, log, seen }) = kept_by else { return Ok(None) };
        let before = Some(keeper.before_program(line).map_err(failed)?);
        Ok(Some(Self { keeper, log, seen, before }))
    }

    /// Keeps what the program changed. Blocks.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        self.keep().map_err(failed)
    }

    fn keep(&mut self) -> Result<(), SnapshotError> {
        let Some(before) = self.before.take() else { return Ok(()) };
        let effects = self.keeper.after_program(&before)?;
        let own: Vec<_> = effects.paths.iter().map(|one| name_of_text(&one.path)).collect();
        self.seen.forget(self.keeper.root(), own.iter().map(Path::new));
        self.log.keep(effects);
        Ok(())
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Err(error) = self.keep() {
            tracing::warn!(%error, "what a program changed cannot be told");
        }
    }
}

fn failed(error: SnapshotError) -> Failure {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    Failure::Failed(text)
}
