//! The directory that a task works on, as the port of the loop: its states can be captured and
//! compared, and single paths can be brought from one state to another.

mod occupancy;

use std::{path::Path, sync::Arc};

use openkoi_brokers::{
    disk,
    snapshot::{self, ContentsJournal, Keeper, SnapshotError, SnapshotStore},
};
use openkoi_core::{
    change_set::{Applied, PathEffect, PathState},
    evaluation::Change,
    id::TreeId,
    port::{Pending, Workspace, WorkspaceError},
};

use crate::paths::Paths;

/// The number of entries at the top level that a model is told of.
const SHOWN: usize = 60;

pub(crate) use occupancy::Occupancy;

/// A workspace whose states are kept as snapshots, as one run has it.
pub(crate) struct SnapshotWorkspace {
    keeper: Arc<Keeper>,
    occupancy: Arc<Occupancy>,
}

/// Returns the keeper of the workspace at `root`, with its snapshots in the data directory.
///
/// # Errors
///
/// When the store of snapshots cannot be created.
pub(crate) fn keeper(
    root: &Path,
    paths: &Paths,
    journal: Arc<dyn ContentsJournal>,
) -> Result<Arc<Keeper>, SnapshotError> {
    // In a home directory our own files lie in the workspace, and change with every task.
    let own = [paths.home(), paths.data()].map(Path::to_owned);
    let store = SnapshotStore::open(&paths.snapshots())?.leaving_out(own).beside(journal);
    Ok(Arc::new(Keeper::new(root, store, paths.snapshot_index(root))))
}

impl SnapshotWorkspace {
    pub(crate) fn new(keeper: Arc<Keeper>, occupancy: Arc<Occupancy>) -> Self {
        Self { keeper, occupancy }
    }

    /// Does work that blocks on a thread for it, so that the run can be cancelled meanwhile.
    fn blocking<'a, T: Send + 'static>(
        &self,
        act: impl FnOnce(&Keeper) -> Result<T, SnapshotError> + Send + 'static,
    ) -> Pending<'a, Result<T, WorkspaceError>> {
        let keeper = Arc::clone(&self.keeper);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || act(&keeper).map_err(told)).await;
            done.map_err(|error| {
                WorkspaceError(format!("the work on the files broke off: {error}"))
            })?
        })
    }
}

impl Workspace for SnapshotWorkspace {
    fn occupy(&self) -> Pending<'_, Result<(), WorkspaceError>> {
        Box::pin(async {
            self.occupancy.wait().await.map_err(|error| WorkspaceError(error.to_string()))
        })
    }

    fn fingerprint(&self) -> Pending<'_, Result<TreeId, WorkspaceError>> {
        self.blocking(|keeper| Ok(TreeId::new(keeper.fingerprint()?.to_string())))
    }

    fn states<'a>(
        &'a self,
        paths: &'a [String],
    ) -> Pending<'a, Result<Vec<PathState>, WorkspaceError>> {
        let paths = paths.to_vec();
        self.blocking(move |keeper| keeper.store().states(keeper.root(), &paths))
    }

    fn apply<'a>(
        &'a self,
        steps: &'a [PathEffect],
    ) -> Pending<'a, Result<Applied, WorkspaceError>> {
        let steps = steps.to_vec();
        self.blocking(move |keeper| keeper.store().apply(keeper.root(), &steps))
    }

    fn describe(&self, effects: &[PathEffect]) -> Vec<Change> {
        snapshot::describe(effects)
    }

    fn diff<'a>(
        &'a self,
        effects: &'a [PathEffect],
        max: usize,
    ) -> Pending<'a, Result<String, WorkspaceError>> {
        let effects = effects.to_vec();
        self.blocking(move |keeper| keeper.store().effects_diff(&effects, max))
    }

    fn contents_before<'a>(
        &'a self,
        effects: &'a [PathEffect],
        max: u64,
    ) -> Pending<'a, Result<Vec<Option<Vec<u8>>>, WorkspaceError>> {
        let effects = effects.to_vec();
        self.blocking(move |keeper| {
            effects.iter().map(|effect| keeper.store().contents(&effect.before, max)).collect()
        })
    }

    fn overview(&self) -> String {
        let entries = disk::list(self.keeper.root()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the workspace cannot be listed");
            Vec::new()
        });
        let shown = entries.iter().map(|entry| {
            let slash =
                if disk::is_directory(&self.keeper.root().join(&entry.name)) { "/" } else { "" };
            format!("{}{slash}", entry.name.to_string_lossy())
        });
        let mut names: Vec<String> = shown.collect();
        names.sort_unstable();
        let more = names.len().saturating_sub(SHOWN);
        names.truncate(SHOWN);
        let mut text = names.join("\n");
        if more > 0 {
            text.push_str(&format!("\n… and {more} more"));
        }
        if text.is_empty() { "(empty)".to_owned() } else { text }
    }
}

fn told(error: SnapshotError) -> WorkspaceError {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    WorkspaceError(text)
}
