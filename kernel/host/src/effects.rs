//! What a call changes in the workspace, noted in the log of the call while it happens.
//!
//! The host's own file functions know their paths: the state before is kept and the intent is durable before anything is
//! changed. A program writes in a layer that is committed when it ended, or, where there are none, the workspace is looked
//! at before and after. What checks and judges run is nobody's change: their layer is dropped, and nothing is noted.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

#[cfg(target_os = "linux")]
use openkoi_brokers::layer::{Layer, LayerChangeKind, LayerError, LayerMount};
use openkoi_brokers::{
    disk,
    files::{Touch, Wanted},
    places::is_by_product,
    processes::Processes,
    snapshot::{Before, Keeper, SnapshotError},
};
use openkoi_core::{
    change_set::{PathEffect, PathState, name_of_text, text_of_name},
    effects::{CallEffects, EffectLog},
    failure::Failure,
};

use crate::instance::Caller;

/// The most paths of a directory that is renamed whose states are kept.
const MOST_MOVED: usize = 20_000;

/// Notes the changes of one file function.
pub(crate) struct Witness {
    keeper: Arc<Keeper>,
    log: Arc<EffectLog>,
    noted: Mutex<CallEffects>,
}

impl Witness {
    /// Returns a witness for the changes of a call; `None` if nobody keeps them.
    pub(crate) fn of(caller: &Caller) -> Option<Self> {
        let keeper = caller.workdir.keeper.clone().filter(|_| caller.keeps_effects)?;
        Some(Self { keeper, log: Arc::clone(&caller.scope.effects), noted: Mutex::default() })
    }

    /// Notes a path that is about to be changed.
    pub(crate) fn note(&self, touch: &Touch<'_>) -> io::Result<()> {
        let path = text_of_name(touch.path.as_os_str());
        if !touch.is_workspace {
            let place = touch.root.join(&touch.path).display().to_string();
            self.noted().uncovered.push(format!("{place} (outside of the workspace)"));
            return Ok(());
        }
        let effects = self.effects(path, &touch.wanted).map_err(io::Error::other)?;
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
            Wanted::File { contents, mode } => self.keeper.store().wanted(contents, *mode)?,
            Wanted::Directory => PathState::Directory { mode: 0o777 & !disk::umask() },
            Wanted::Nothing => PathState::Absent,
            // It is looked at afterwards.
            Wanted::Unknown => PathState::Uncovered,
            Wanted::MovedFrom(from) => return self.moved(from, &path),
        };
        let before = self.states(std::slice::from_ref(&path))?.pop().unwrap_or(PathState::Absent);
        Ok(vec![PathEffect { path, before, after }])
    }

    /// Returns the effects of a rename: everything in it is gone here and new there.
    fn moved(&self, from: &Path, to: &str) -> Result<Vec<PathEffect>, SnapshotError> {
        let from = text_of_name(from.as_os_str());
        let (store, root) = (self.keeper.store(), self.keeper.root());
        let Some(gone) = store.below(root, &from, MOST_MOVED)? else {
            self.noted().uncovered.push(format!("{from} → {to} (too many files were renamed)"));
            return Ok(Vec::new());
        };
        let states = self.states(&gone)?;
        let there = gone.iter().map(|path| format!("{to}{}", &path[from.len()..]));
        let come = there.zip(&states).map(|(path, state)| PathEffect {
            path,
            before: PathState::Absent,
            after: state.clone(),
        });
        let come: Vec<PathEffect> = come.collect();
        let gone = gone.iter().zip(states).map(|(path, before)| PathEffect {
            path: path.clone(),
            before,
            after: PathState::Absent,
        });
        Ok(gone.chain(come).collect())
    }

    fn states(&self, paths: &[String]) -> Result<Vec<PathState>, SnapshotError> {
        self.keeper.store().states(self.keeper.root(), paths)
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
    /// The command as a person reads it.
    command: String,
    /// How it is told what the program changed; nothing once it was told.
    way: Option<Way>,
}

/// How it is told what a program changed.
enum Way {
    /// It wrote in a layer, which nobody else writes in.
    #[cfg(target_os = "linux")]
    Layer {
        layer: Layer,
        /// Ignored directories that it wrote in themselves, with the newest time in each.
        through: BTreeMap<String, i128>,
    },
    /// The whole workspace is compared with what it was before.
    Scan(Before),
}

impl AtWork {
    /// Prepares for a program of the call; `None` if nobody keeps what it changes. Blocks.
    pub(crate) fn begin(
        caller: &Caller,
        processes: &Processes,
        command: String,
    ) -> Result<Option<Self>, Failure> {
        let Some(keeper) = caller.workdir.keeper.clone().filter(|_| caller.keeps_effects) else {
            return Ok(None);
        };
        let way = match layer_of(caller, processes, &keeper) {
            #[cfg(target_os = "linux")]
            Some((layer, ignored)) => Way::Layer { layer, through: keeper.times(&ignored) },
            #[cfg(not(target_os = "linux"))]
            Some(never) => match never {},
            None => Way::Scan(keeper.before_program().map_err(failed)?),
        };
        let log = Arc::clone(&caller.scope.effects);
        Ok(Some(Self { keeper, log, command, way: Some(way) }))
    }

    /// Returns the layer that the program has to run over, if there is one.
    #[cfg(target_os = "linux")]
    pub(crate) fn mount(&self) -> Option<LayerMount> {
        match self.way.as_ref()? {
            Way::Layer { layer, .. } => Some(layer.mount()),
            Way::Scan(_) => None,
        }
    }

    /// Keeps what the program changed; a layer is committed. Blocks.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        self.keep()
    }

    fn keep(&mut self) -> Result<(), Failure> {
        match self.way.take() {
            None => Ok(()),
            Some(Way::Scan(before)) => {
                self.log.keep(self.keeper.after_program(&before).map_err(failed)?);
                Ok(())
            }
            #[cfg(target_os = "linux")]
            Some(Way::Layer { layer, through }) => self.commit(layer, &through),
        }
    }

    /// Brings the changes of a layer into the workspace, after they are durable as an intent.
    #[cfg(target_os = "linux")]
    fn commit(&self, layer: Layer, through: &BTreeMap<String, i128>) -> Result<(), Failure> {
        let told = |error: LayerError| failed_with(&error);
        let keeper = &self.keeper;
        // Nothing is committed yet: these are the rules from before the program.
        let rules = keeper.rules().map_err(failed)?;
        let passes = |path: &Path| {
            let path = text_of_name(path.as_os_str());
            rules.is_passed_over(&path, true) && keeper.is_bulky(&path)
        };
        let mut plan = layer.plan(keeper.store(), &passes).map_err(told)?;
        let (intended, _) = keeper.sorted_out(plan.effects(), &rules, &self.command);
        if let Err(error) = self.log.intend(&intended) {
            plan.discard().map_err(told)?;
            return Err(Failure::Failed(error.to_string()));
        }
        let committed = plan.commit().map_err(told);
        // What a commit that broke off did is found by comparing with the intent.
        let committed = committed?;
        let (paths, ignored) = keeper.sorted_out(committed.effects, &rules, &self.command);
        let conflicts = committed.conflicts.into_iter();
        let (theirs, kept): (Vec<String>, Vec<PathState>) =
            conflicts.map(|conflict| (conflict.path, conflict.kept)).unzip();
        let present = keeper.store().states(keeper.root(), &theirs).map_err(failed)?;
        let conflicts = theirs.into_iter().zip(present).zip(kept);
        let conflicts =
            conflicts.map(|((path, before), after)| PathEffect { path, before, after }).collect();
        let places: Vec<String> = through.keys().cloned().collect();
        let is_named = |path: &String| !is_by_product(Path::new(path));
        let passed = committed.passed.iter().filter(|path| is_named(path));
        let passed: Vec<String> = passed.map(|path| format!("{path} (ignored)")).collect();
        keeper.passed(&committed.passed);
        let mut uncovered = Keeper::told(through, &keeper.times(&places));
        uncovered.extend(passed);
        uncovered.extend(ignored);
        let is_work = |path: &String| !rules.is_passed_over(path, false);
        let lost = committed.uncovered.into_iter().filter(is_work);
        uncovered.extend(lost.map(|path| format!("{path} (too large, or unreadable)")));
        let left_out = committed.left_out.into_iter();
        uncovered
            .extend(left_out.map(|path| format!("{path} (a socket, pipe or device; it is gone)")));
        self.log.keep(CallEffects { paths, conflicts, uncovered });
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

/// The layer that the programs of one evaluation share, so that a test finds what the build before it made. It is dropped
/// with the evaluation.
pub(crate) struct CheckLayer {
    #[cfg(target_os = "linux")]
    layer: Layer,
    #[cfg(target_os = "linux")]
    keeper: Arc<Keeper>,
}

impl CheckLayer {
    /// Makes the layer of an evaluation; `None` if there can be none, or the call is no evaluation.
    #[cfg(target_os = "linux")]
    pub(crate) fn of(caller: &Caller, processes: &Processes) -> Option<Self> {
        let keeper = caller.workdir.keeper.as_ref().filter(|_| !caller.keeps_effects)?;
        let (layer, _) = layer_of(caller, processes, keeper)?;
        Some(Self { layer, keeper: Arc::clone(keeper) })
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn of(_: &Caller, _: &Processes) -> Option<Self> {
        None
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn mount(&self) -> LayerMount {
        self.layer.mount()
    }
}

/// Makes the ignored directories that an evaluation began, empty: the next one builds in them itself, and is warm.
#[cfg(target_os = "linux")]
impl Drop for CheckLayer {
    fn drop(&mut self) {
        let (Ok(changes), Ok(rules)) = (self.layer.changes(), self.keeper.rules()) else { return };
        let mut made = Vec::new();
        for change in changes.iter().filter(|change| change.kind == LayerChangeKind::Made) {
            let path = &text_of_name(change.path.as_os_str());
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let is_first = parent.is_empty() || !rules.is_passed_over(parent, true);
            let full = self.keeper.root().join(&change.path);
            if is_first && rules.is_passed_over(path, true) && !is_by_product(Path::new(path)) {
                let is_made = disk::make_directory(&full).is_ok();
                made.extend(is_made.then(|| path.clone()));
            }
        }
        self.keeper.passed(&made);
    }
}

/// Makes a layer for programs of the call, with the ignored directories that it leaves through; `None` if there can be none.
#[cfg(target_os = "linux")]
fn layer_of(
    caller: &Caller,
    processes: &Processes,
    keeper: &Keeper,
) -> Option<(Layer, Vec<String>)> {
    let base = caller.workdir.layers.as_ref()?;
    processes.layers().ok()?;
    let mut ignored = keeper.ignored_directories().ok()?;
    // A directory that is bound through cannot be removed. What tools change is committed, so that builds stay warm
    // anyway; only from another file system that would be a copy.
    let is_far = || disk::device(base).zip(disk::device(keeper.root())).is_none_or(|(a, b)| a != b);
    if caller.keeps_effects {
        ignored.retain(|path| is_far() && keeper.is_bulky(path));
    }
    let through = ignored.iter().map(|path| PathBuf::from(name_of_text(path))).collect();
    match processes.layer(base, keeper.root(), through) {
        Ok(layer) => Some((layer, ignored)),
        Err(error) => {
            tracing::debug!(%error, "programs run without a layer");
            None
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn layer_of(_: &Caller, _: &Processes, _: &Keeper) -> Option<std::convert::Infallible> {
    None
}

fn failed(error: SnapshotError) -> Failure {
    failed_with(&error)
}

/// Returns the failure with its causes.
fn failed_with(error: &dyn std::error::Error) -> Failure {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    Failure::Failed(text)
}
