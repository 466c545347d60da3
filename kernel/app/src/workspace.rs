//! The directory that a task works on, as the port of the loop: its states can be captured and
//! compared, and single paths can be brought from one state to another.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use openkoi_brokers::{
    disk,
    snapshot::{self, IndexCache, SnapshotError, SnapshotStore},
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

/// A workspace whose states are kept as snapshots.
pub(crate) struct SnapshotWorkspace {
    shared: Arc<Shared>,
}

struct Shared {
    root: PathBuf,
    store: SnapshotStore,
    index_path: PathBuf,
    index: Mutex<Option<IndexCache>>,
}

impl SnapshotWorkspace {
    /// Returns the workspace at `root`, with its snapshots in the data directory. No file of it is
    /// read yet.
    ///
    /// # Errors
    ///
    /// When the store of snapshots cannot be created.
    pub(crate) fn new(root: &Path, paths: &Paths) -> Result<Self, SnapshotError> {
        let store = SnapshotStore::open(&paths.snapshots())?;
        let index_path = paths.snapshot_index(root);
        let shared = Shared { root: root.to_owned(), store, index_path, index: Mutex::new(None) };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Does work that blocks on a thread for it, so that the run can be cancelled meanwhile.
    fn blocking<'a, T: Send + 'static>(
        &self,
        act: impl FnOnce(&Shared) -> Result<T, SnapshotError> + Send + 'static,
    ) -> Pending<'a, Result<T, WorkspaceError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || act(&shared).map_err(told)).await;
            done.map_err(|error| {
                WorkspaceError(format!("the work on the files broke off: {error}"))
            })?
        })
    }
}

impl Shared {
    fn capture(&self) -> Result<TreeId, SnapshotError> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = index.get_or_insert_with(|| IndexCache::load(&self.index_path));
        let tree = self.store.capture(&self.root, cache)?;
        // The cache only saves reading; losing it costs time and nothing else.
        if let Err(error) = cache.save(&self.index_path) {
            tracing::debug!(%error, "the index of the workspace is not kept");
        }
        Ok(TreeId::new(tree.to_string()))
    }
}

impl Workspace for SnapshotWorkspace {
    fn capture(&self) -> Pending<'_, Result<TreeId, WorkspaceError>> {
        self.blocking(Shared::capture)
    }

    fn between<'a>(
        &'a self,
        from: &'a TreeId,
        to: &'a TreeId,
    ) -> Pending<'a, Result<Vec<PathEffect>, WorkspaceError>> {
        let (from, to) = (from.clone(), to.clone());
        self.blocking(move |shared| {
            shared.store.between(from.as_str().parse()?, to.as_str().parse()?)
        })
    }

    fn states<'a>(
        &'a self,
        paths: &'a [String],
    ) -> Pending<'a, Result<Vec<PathState>, WorkspaceError>> {
        let paths = paths.to_vec();
        self.blocking(move |shared| shared.store.states(&shared.root, &paths))
    }

    fn apply<'a>(
        &'a self,
        steps: &'a [PathEffect],
    ) -> Pending<'a, Result<Applied, WorkspaceError>> {
        let steps = steps.to_vec();
        self.blocking(move |shared| shared.store.apply(&shared.root, &steps))
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
        self.blocking(move |shared| shared.store.effects_diff(&effects, max))
    }

    fn overview(&self) -> String {
        let entries = disk::list(&self.shared.root).unwrap_or_else(|error| {
            tracing::warn!(%error, "the workspace cannot be listed");
            Vec::new()
        });
        let shown = entries.iter().map(|entry| {
            let slash =
                if disk::is_directory(&self.shared.root.join(&entry.name)) { "/" } else { "" };
            format!("{}{slash}", entry.name.to_string_lossy())
        });
        let mut names: Vec<String> = shown.collect();
        names.sort();
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
