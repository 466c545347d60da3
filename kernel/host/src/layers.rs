//! The layer of a call: what its programs change lies apart from the workspace until the loop lets it through, or is
//! dropped.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use openkoi_brokers::{
    layer::{Layer, LayerConflict, LayerMount, LayerPlan},
    processes::Processes,
    snapshot::{Ignored, Keeper},
};
use openkoi_core::{
    change_set::{PathEffect, PathState},
    effects::{CallEffects, HeldBack},
    failure::Failure,
    port::Pending,
};

/// The layer of one call. Its programs run over it one after the other.
#[derive(Debug)]
pub(crate) struct CallLayer {
    keeper: Arc<Keeper>,
    ignored: Ignored,
    mount: LayerMount,
    running: AtomicUsize,
    stage: Mutex<Stage>,
}

#[derive(Debug)]
enum Stage {
    Open(Layer),
    Planned(LayerPlan),
    Over,
}

impl CallLayer {
    /// Makes a layer in a directory of its own below `base`. Blocks for some milliseconds.
    ///
    /// # Errors
    ///
    /// There can be none here, in words.
    pub(crate) fn create(
        processes: &Processes,
        keeper: &Arc<Keeper>,
        base: &Path,
    ) -> Result<Arc<Self>, String> {
        let ignored = keeper.ignored().map_err(|error| error.to_string())?;
        let through = ignored.directories().to_vec();
        let layer = processes.layer(base, keeper.root(), through).map_err(|e| e.to_string())?;
        let mount = layer.mount();
        let (running, stage) = (AtomicUsize::new(0), Mutex::new(Stage::Open(layer)));
        Ok(Arc::new(Self { keeper: Arc::clone(keeper), ignored, mount, running, stage }))
    }

    /// Returns what a program needs to run over the layer, and counts it as running.
    pub(crate) fn enter(self: &Arc<Self>) -> (LayerMount, Inside) {
        self.running.fetch_add(1, Ordering::Relaxed);
        (self.mount.clone(), Inside(Arc::clone(self)))
    }

    fn plan(&self) -> Result<CallEffects, String> {
        if self.running.load(Ordering::Relaxed) > 0 {
            return Err("a program of the call did not end; what it changed is dropped".to_owned());
        }
        let mut stage = self.stage();
        let Stage::Open(layer) = std::mem::replace(&mut *stage, Stage::Over) else {
            return Err("the layer is gone".to_owned());
        };
        let passes = |directory: &Path| self.ignored.passes(directory);
        let plan = layer.plan(self.keeper.store(), &passes).map_err(|error| error.to_string())?;
        let effects = CallEffects {
            paths: self.keeper.own(plan.effects()),
            conflicts: plan.conflicts().iter().map(conflict).collect(),
            uncovered: plan.uncovered().to_vec(),
        };
        *stage = Stage::Planned(plan);
        Ok(effects)
    }

    fn commit(&self) -> Result<CallEffects, String> {
        let mut stage = self.stage();
        let Stage::Planned(mut plan) = std::mem::replace(&mut *stage, Stage::Over) else {
            return Err("nothing is planned".to_owned());
        };
        let done = plan.commit().map_err(|error| error.to_string())?;
        let mut uncovered = done.uncovered;
        uncovered.extend(done.left_out.iter().map(|path| format!("{path} (not a file)")));
        uncovered.extend(done.passed.iter().map(|path| format!("{path} (ignored)")));
        uncovered.extend(self.keeper.changed_since(&self.ignored));
        Ok(CallEffects {
            paths: self.keeper.own(done.effects),
            conflicts: done.conflicts.iter().map(conflict).collect(),
            uncovered,
        })
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn conflict(conflict: &LayerConflict) -> PathEffect {
    // What the others left is not looked at: it is theirs.
    PathEffect {
        path: conflict.path.clone(),
        before: PathState::Uncovered,
        after: conflict.kept.clone(),
    }
}

/// A program at work in a layer. Nothing is committed while there is one.
#[derive(Debug)]
pub(crate) struct Inside(Arc<CallLayer>);

impl Inside {
    /// Notes that the program has ended. A program that is only dropped may go on for a moment.
    pub(crate) fn ended(self) {
        self.0.running.fetch_sub(1, Ordering::Relaxed);
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
