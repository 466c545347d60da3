//! The layer of a call: what its programs change lies apart from the workspace until the loop lets it through, or is
//! dropped.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use openkoi_brokers::{
    disk,
    layer::{Committed, Layer, LayerChangeKind, LayerConflict, LayerMount, LayerPlan},
    places::is_by_product,
    processes::{Command, Processes},
    snapshot::{Keeper, LiveRules},
    within,
};
use openkoi_core::{
    change_set::{CallEffects, PathEffect, PathState, name_of_text, text_of_name},
    effects::HeldBack,
    failure::{Failure, sentence},
    frozen::View,
    port::Pending,
};

use crate::{
    copies::{MOST_REWRITTEN, without_built},
    purpose::Purpose,
    seen::Seen,
};

/// The longest time that a program which was killed may take to be gone.
const LONGEST_DEATH: Duration = Duration::from_secs(10);

/// The layer of one call. Its programs run over it one after the other, so that a test finds what the build before it
/// made.
#[derive(Debug)]
pub(crate) struct CallLayer {
    keeper: Arc<Keeper>,
    seen: Arc<Seen>,
    mount: LayerMount,
    /// Ignored directories that programs write in themselves, with the newest time in each.
    through: BTreeMap<String, i128>,
    /// The commands as a person reads them.
    commands: Mutex<String>,
    /// Whether what the programs change may become the run's.
    keeps: bool,
    /// Files that the programs see in another state than they are in.
    view: View,
    stage: Mutex<Stage>,
}

#[derive(Debug)]
enum Stage {
    Open(Box<Layer>),
    Planned(Box<LayerPlan>),
    Over,
}

impl CallLayer {
    /// Makes a layer in a directory of its own below `base`, for programs that are used as `purpose` says. Blocks for some milliseconds.
    ///
    /// # Errors
    ///
    /// There can be none here, in words.
    pub(crate) fn create(
        processes: &Processes,
        keeper: &Arc<Keeper>,
        base: &Path,
        seen: &Arc<Seen>,
        purpose: Purpose,
        view: &View,
    ) -> Result<Arc<Self>, String> {
        let mut ignored = keeper.ignored_directories().map_err(|error| error.to_string())?;
        // A directory that is bound through cannot be removed. What tools change is committed, so that builds stay warm
        // anyway; only from another file system that would be a copy.
        let is_far =
            || disk::device(base).zip(disk::device(keeper.root())).is_none_or(|(a, b)| a != b);
        if !view.is_of_now() || purpose == Purpose::Trial {
            // What is built from files in another state must not lie beside what is built from those that are there, and
            // nothing of a trial is there before a person has seen it.
            ignored.clear();
        } else if purpose == Purpose::Call {
            ignored.retain(|path| is_far() && keeper.is_bulky(path));
        }
        // Nor is anything hidden in a directory that is bound through.
        let is_below = |place: &String, path: &str| Path::new(place).starts_with(path);
        ignored.retain(|path| !view.by_products.iter().any(|place| is_below(place, path)));
        let through = ignored.iter().map(|path| PathBuf::from(name_of_text(path))).collect();
        let layer = processes.layer(base, keeper.root(), through).map_err(|e| e.to_string())?;
        let hidden = without_built(keeper, view)?;
        let shown = [view, &hidden].map(|view| layer.show(view, keeper.store()));
        shown.into_iter().collect::<Result<(), _>>().map_err(|error| sentence(&error))?;
        Ok(Arc::new(Self {
            through: keeper.times(&ignored),
            keeper: Arc::clone(keeper),
            seen: Arc::clone(seen),
            mount: layer.mount(),
            commands: Mutex::default(),
            keeps: purpose != Purpose::Evaluation,
            view: view.clone(),
            stage: Mutex::new(Stage::Open(Box::new(layer))),
        }))
    }

    /// Writes down the call that the layer belongs to, so that [`CallLayer::left`] finds it when this process is killed.
    pub(crate) fn belongs_to(&self, owner: &str) {
        if let Stage::Open(layer) = &*self.stage()
            && let Err(error) = layer.belongs_to(owner)
        {
            tracing::warn!(%error, "if OpenKoi is killed now, what the program writes is lost");
        }
    }

    /// Returns the layer that a process which is gone left for this call; `command` is what it ran.
    pub(crate) fn left(
        keeper: &Arc<Keeper>,
        base: &Path,
        seen: &Arc<Seen>,
        owner: &str,
        command: &str,
    ) -> Option<Arc<Self>> {
        let layer = Layer::left(base, owner)?;
        let root = disk::canonical(keeper.root()).ok()?;
        (layer.mount().workspace() == root).then(|| {
            Arc::new(Self {
                through: BTreeMap::new(),
                keeper: Arc::clone(keeper),
                seen: Arc::clone(seen),
                mount: layer.mount(),
                commands: Mutex::new(format!("{command}\n")),
                keeps: true,
                view: View::default(),
                stage: Mutex::new(Stage::Open(Box::new(layer))),
            })
        })
    }

    /// Lets a program run over the layer.
    pub(crate) fn enter(&self, command: &mut Command, line: &str) {
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        commands.push_str(line);
        commands.push('\n');
        command.layer = Some(self.mount.clone());
    }

    /// Compares the layer with the workspace.
    fn plan(&self) -> Result<CallEffects, String> {
        if !self.mount.wait_for_guests(LONGEST_DEATH) {
            return Err("a program of the call did not end; what it changed is dropped".to_owned());
        }
        let mut stage = self.stage();
        let Stage::Open(layer) = std::mem::replace(&mut *stage, Stage::Over) else {
            return Err("the layer is gone".to_owned());
        };
        let rules = self.rules()?;
        let passes = |path: &Path| {
            let path = text_of_name(path.as_os_str());
            rules.is_passed_over(&path, true) && self.keeper.is_bulky(&path)
        };
        let dropped = |error| {
            format!("what the program changed is not in the workspace: {}", sentence(&error))
        };
        let plan = layer.plan(self.keeper.store(), &passes).map_err(dropped)?;
        let sorted =
            self.keeper.sorted_out(plan.effects(), plan.passed(), &rules, &self.commands());
        let mut uncovered = self.lost(plan.uncovered(), plan.passed(), &rules);
        uncovered.extend(plan.touches_repository().then(|| "the repository".to_owned()));
        uncovered.extend(sorted.uncovered);
        *stage = Stage::Planned(Box::new(plan));
        Ok(CallEffects { uncovered, ..sorted })
    }

    /// Drops what was planned, which would wait otherwise for whoever resumes the run.
    fn discard(&self) -> Result<CallEffects, String> {
        match std::mem::replace(&mut *self.stage(), Stage::Over) {
            Stage::Planned(plan) => plan.discard().map_err(|error| sentence(&error))?,
            // Nobody comes back for it.
            Stage::Open(_) | Stage::Over => {}
        }
        Ok(CallEffects::default())
    }

    /// Makes the changes in the workspace.
    fn commit(&self) -> Result<CallEffects, String> {
        let mut stage = self.stage();
        let Stage::Planned(mut plan) = std::mem::replace(&mut *stage, Stage::Over) else {
            return Err("nothing is planned".to_owned());
        };
        // Nothing is committed yet: these are the rules from before the program, which may have written others.
        let rules = self.rules()?;
        let committed = plan.commit().map_err(|error| sentence(&error))?;
        let own: Vec<_> = committed.effects.iter().map(|one| name_of_text(&one.path)).collect();
        self.seen.forget(self.keeper.root(), own.iter().map(Path::new));
        let (effects, passed) = (committed.effects.clone(), &committed.passed);
        let sorted = self.keeper.sorted_out(effects, passed, &rules, &self.commands());
        let conflicts = self.conflicts(&committed.conflicts)?;
        let mut uncovered = self.uncovered(&committed, &rules);
        uncovered.extend(sorted.uncovered);
        Ok(CallEffects { conflicts, uncovered, ..sorted })
    }

    fn conflicts(&self, conflicts: &[LayerConflict]) -> Result<Vec<PathEffect>, String> {
        let paths: Vec<String> = conflicts.iter().map(|conflict| conflict.path.clone()).collect();
        let present = self.keeper.store().states(self.keeper.root(), &paths);
        let present: Vec<PathState> = present.map_err(|error| sentence(&error))?;
        let conflict = |(conflict, before): (&LayerConflict, PathState)| {
            PathEffect::new(&*conflict.path, before, conflict.kept.clone())
        };
        Ok(conflicts.iter().zip(present).map(conflict).collect())
    }

    /// Returns what a commit changed that no state covers, in words.
    fn uncovered(&self, committed: &Committed, rules: &LiveRules) -> Vec<String> {
        let keeper = &self.keeper;
        keeper.passed(&committed.passed);
        let places: Vec<String> = self.through.keys().cloned().collect();
        let mut told = Keeper::told(&self.through, &keeper.times(&places));
        told.extend(self.lost(&committed.uncovered, &committed.passed, rules));
        told.extend(committed.repository.iter().cloned());
        let left_out = committed.left_out.iter();
        told.extend(left_out.map(|path| format!("{path} (a socket, pipe or device; it is gone)")));
        let closed = committed.closed.iter();
        told.extend(closed.map(|path| format!("{path} (a place of secrets; it is gone)")));
        told
    }

    /// Returns what is changed of which no states are kept, in words: places that are passed over, and contents that are
    /// too large.
    fn lost(&self, uncovered: &[String], passed: &[String], rules: &LiveRules) -> Vec<String> {
        let passed = passed.iter().filter(|path| !is_by_product(Path::new(path)));
        let place = |path: &String| {
            self.keeper.built(path, rules, &BTreeSet::new()).unwrap_or_else(|| path.clone())
        };
        let passed = passed.map(|path| format!("{} (ignored)", place(path)));
        let is_work = |path: &&String| !rules.is_passed_over(path, false);
        let large = uncovered.iter().filter(is_work);
        passed.chain(large.map(|path| format!("{path} (too large, or unreadable)"))).collect()
    }

    fn commands(&self) -> String {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the ignored directories that an evaluation began, empty: the next one builds in them itself, and is warm.
    fn keep_warm(&self, layer: &Layer) {
        let (Ok(changes), Ok(rules)) = (layer.changes(), self.keeper.rules()) else { return };
        let mut made = Vec::new();
        for change in changes.iter().filter(|change| change.kind == LayerChangeKind::Made) {
            let path = &text_of_name(change.path.as_os_str());
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let is_first = parent.is_empty() || !rules.is_passed_over(parent, true);
            if is_first && rules.is_passed_over(path, true) && !is_by_product(Path::new(path)) {
                let made_here = within::make_directory(self.keeper.root(), &change.path);
                let is_made = made_here.is_ok();
                made.extend(is_made.then(|| path.clone()));
            }
        }
        self.keeper.passed(&made);
    }

    /// Returns files of the workspace that programs rewrote, but for what is ignored: what checks change of what decides
    /// about the work.
    pub(crate) fn rewritten(&self) -> Vec<String> {
        let stage = self.stage();
        let Stage::Open(layer) = &*stage else { return Vec::new() };
        let (Ok(changes), Ok(rules)) = (layer.changes(), self.keeper.rules()) else {
            return Vec::new();
        };
        let is_rewritten = |path: &str| {
            let there = self.keeper.root().join(name_of_text(path));
            let is_shown = |shown| layer.shows(path, shown, self.keeper.store());
            match self.view.files.get(path) {
                Some(shown) => !is_shown(shown),
                None => disk::is_file(&there) && !rules.is_passed_over(path, false),
            }
        };
        let changed = changes.iter().filter(|change| {
            matches!(change.kind, LayerChangeKind::File | LayerChangeKind::Removed)
        });
        let paths = changed.map(|change| text_of_name(change.path.as_os_str()));
        paths.filter(|path| is_rewritten(path)).take(MOST_REWRITTEN).collect()
    }

    fn rules(&self) -> Result<LiveRules, String> {
        self.keeper.rules().map_err(|error| sentence(&error))
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CallLayer {
    fn drop(&mut self) {
        let stage = std::mem::replace(&mut *self.stage(), Stage::Over);
        if let (Stage::Open(layer), false, true) = (&stage, self.keeps, self.view.is_of_now()) {
            self.keep_warm(layer);
        }
    }
}

/// The changes of a call that wait for the loop.
pub(crate) struct Held(pub(crate) Arc<CallLayer>);

impl HeldBack for Held {
    fn effects(&mut self) -> Pending<'_, Result<CallEffects, Failure>> {
        self.blocking(CallLayer::plan)
    }

    fn commit(&mut self) -> Pending<'_, Result<CallEffects, Failure>> {
        self.blocking(CallLayer::commit)
    }

    fn discard(&mut self) -> Pending<'_, ()> {
        let discarded = self.blocking(CallLayer::discard);
        Box::pin(async move {
            if let Err(error) = discarded.await {
                tracing::debug!(%error, "a layer stays");
            }
        })
    }
}

impl Held {
    fn blocking(
        &self,
        work: fn(&CallLayer) -> Result<CallEffects, String>,
    ) -> Pending<'static, Result<CallEffects, Failure>> {
        let layer = Arc::clone(&self.0);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&layer)).await;
            done.map_err(|error| error.to_string()).flatten().map_err(Failure::Failed)
        })
    }
}
