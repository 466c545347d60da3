//! The directory that a task works on, as the port of the loop: its states can be captured,
//! compared and restored.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use openkoi_brokers::{
    disk,
    failpoint::{self, Point},
    places,
    snapshot::{self, IndexCache, SnapshotError, SnapshotStore},
};
use openkoi_core::{
    evaluation::{Change, ChangeKind},
    id::TreeId,
    port::{Workspace, WorkspaceError},
};

use crate::paths::Paths;

/// The number of entries at the top level that a model is told of.
const SHOWN: usize = 60;

/// A workspace whose states are kept as snapshots.
pub(crate) struct SnapshotWorkspace {
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
        Ok(Self { root: root.to_owned(), store, index_path, index: Mutex::new(None) })
    }

    fn with_index<T>(
        &self,
        act: impl FnOnce(&mut IndexCache) -> Result<T, SnapshotError>,
    ) -> Result<T, WorkspaceError> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let cache = index.get_or_insert_with(|| IndexCache::load(&self.index_path));
        let result = act(cache).map_err(told)?;
        // The cache only saves reading; losing it costs time and nothing else.
        if let Err(error) = cache.save(&self.index_path) {
            tracing::debug!(%error, "the index of the workspace is not kept");
        }
        Ok(result)
    }
}

impl Workspace for SnapshotWorkspace {
    fn capture(&self) -> Result<TreeId, WorkspaceError> {
        let failed = |error: std::io::Error| WorkspaceError(error.to_string());
        failpoint::hit(Point::SnapshotBefore).map_err(failed)?;
        let tree = self.with_index(|index| self.store.capture(&self.root, index))?;
        failpoint::hit(Point::SnapshotAfter).map_err(failed)?;
        Ok(TreeId::new(tree.to_string()))
    }

    fn changes(&self, from: &TreeId, to: &TreeId) -> Result<Vec<Change>, WorkspaceError> {
        let changes = self.store.diff(parsed(from)?, parsed(to)?).map_err(told)?;
        Ok(changes.into_iter().map(change).collect())
    }

    fn diff(&self, from: &TreeId, to: &TreeId, max: usize) -> Result<String, WorkspaceError> {
        self.store.unified_diff(parsed(from)?, parsed(to)?, max).map_err(told)
    }

    fn restore(&self, to: &TreeId) -> Result<(), WorkspaceError> {
        let tree = parsed(to)?;
        self.with_index(|index| self.store.restore(&self.root, tree, index))?;
        Ok(())
    }

    fn overview(&self) -> String {
        let entries = disk::list(&self.root).unwrap_or_else(|error| {
            tracing::warn!(%error, "the workspace cannot be listed");
            Vec::new()
        });
        let shown = entries.iter().map(|entry| {
            let slash = if disk::is_directory(&self.root.join(&entry.name)) { "/" } else { "" };
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

fn parsed(tree: &TreeId) -> Result<snapshot::TreeId, WorkspaceError> {
    tree.as_str().parse().map_err(told)
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

fn change(change: snapshot::PathChange) -> Change {
    let kind = match change.kind {
        snapshot::PathChangeKind::Added => ChangeKind::Added,
        snapshot::PathChangeKind::Modified
        | snapshot::PathChangeKind::Mode
        | snapshot::PathChangeKind::Retyped => ChangeKind::Modified,
        snapshot::PathChangeKind::Removed => ChangeKind::Removed,
    };
    Change { control: places::is_control(Path::new(&change.path)), path: change.path, kind }
}
