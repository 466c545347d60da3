//! The states of one workspace: its store, what is known of its files, and programs at work in it.

use super::index::IndexCache;
use super::tree::Tree;
use super::walk::{Rules, Walked, joined, walk, walk_to};
use super::{SnapshotError, SnapshotStore, TreeId};
use crate::places::is_by_product;
use openkoi_core::change_set::{PathEffect, name_of_text, text_of_name};
use openkoi_core::effects::CallEffects;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most entries of an ignored directory whose times are compared.
const MOST_COMPARED: usize = 2_000;

/// The depth to which ignored directories are looked for.
const DEEPEST: usize = 3;

/// A workspace whose states are kept. Its methods block for as long as a disk does.
#[derive(Debug)]
pub struct Keeper {
    root: PathBuf,
    store: SnapshotStore,
    index_path: PathBuf,
    index: Mutex<Option<IndexCache>>,
}

/// The workspace before a program ran.
#[derive(Debug)]
pub struct Before {
    tree: Tree,
    rules: Rules,
    /// Newest time in each place that is ignored.
    ignored: BTreeMap<String, i128>,
}

/// What is ignored in the upper directories of a workspace, before a program runs over a layer.
#[derive(Debug)]
pub struct Ignored {
    rules: Rules,
    directories: Vec<PathBuf>,
    times: BTreeMap<String, i128>,
}

impl Ignored {
    /// Returns the ignored directories, relative to the workspace. Builds and caches live there, so programs write to the
    /// real ones.
    #[must_use]
    pub fn directories(&self) -> &[PathBuf] {
        &self.directories
    }

    /// Tells whether a directory that a program made is ignored by the rules of before, or holds by-products.
    #[must_use]
    pub fn passes(&self, directory: &Path) -> bool {
        let path = text_of_name(directory.as_os_str());
        is_by_product(directory) || self.rules.is_ignored(&path, true)
    }
}

impl Keeper {
    /// Looks for what is ignored, in the upper directories alone: a quick look, however large the workspace is.
    ///
    /// # Errors
    ///
    /// The workspace cannot be listed.
    pub fn ignored(&self) -> Result<Ignored, SnapshotError> {
        let walked = walk_to(&self.root, self.store.directory(), None, DEEPEST)?;
        let times = self.times(&walked);
        let is_directory =
            |path: &PathBuf| fs::symlink_metadata(self.root.join(path)).is_ok_and(|m| m.is_dir());
        let directories = walked.ignored.iter().map(|path| PathBuf::from(name_of_text(path)));
        let directories = directories.filter(is_directory).collect();
        Ok(Ignored { rules: walked.rules, directories, times })
    }

    /// Returns the ignored places of before that changed since, in words for a person.
    #[must_use]
    pub fn changed_since(&self, before: &Ignored) -> Vec<String> {
        let changed = before.times.iter().filter(|(path, time)| self.newest(path) != Some(**time));
        changed.map(|(path, _)| format!("{path} (ignored)")).collect()
    }

    /// Leaves out of the effects of a program what is nobody's change: by-products, and an index of git that was only
    /// written anew.
    #[must_use]
    pub fn own(&self, effects: Vec<PathEffect>) -> Vec<PathEffect> {
        let is_own = |effect: &PathEffect| {
            !is_by_product(Path::new(&name_of_text(&effect.path)))
                && !self.store.is_same_index(effect)
        };
        effects.into_iter().filter(is_own).collect()
    }

    /// Returns the keeper of the workspace at `root`. No file of it is read yet. `index_path` is the file that saves
    /// reading unchanged files.
    #[must_use]
    pub fn new(root: &Path, store: SnapshotStore, index_path: PathBuf) -> Self {
        Self { root: root.to_owned(), store, index_path, index: Mutex::new(None) }
    }

    /// Returns the workspace.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the store of contents.
    pub fn store(&self) -> &SnapshotStore {
        &self.store
    }

    /// Captures the whole workspace.
    ///
    /// # Errors
    ///
    /// As for [`SnapshotStore::capture`].
    pub fn capture(&self) -> Result<TreeId, SnapshotError> {
        self.with_index(|index| self.store.capture(&self.root, index))
    }

    /// Looks at the workspace before a program runs.
    ///
    /// # Errors
    ///
    /// The workspace cannot be walked, or the store cannot be written.
    pub fn before_program(&self) -> Result<Before, SnapshotError> {
        let walked = walk(&self.root, self.store.directory(), None)?;
        let tree = self.tree_of(&walked)?;
        let ignored = self.times(&walked);
        Ok(Before { tree, rules: walked.rules, ignored })
    }

    /// Looks at the workspace after a program, under the rules of before, and returns the differences. Whoever else wrote
    /// meanwhile cannot be told from the program.
    ///
    /// # Errors
    ///
    /// As for [`Keeper::before_program`].
    pub fn after_program(&self, before: &Before) -> Result<CallEffects, SnapshotError> {
        let walked = walk(&self.root, self.store.directory(), Some(&before.rules))?;
        let tree = self.tree_of(&walked)?;
        let paths = self.store.effects_between(&before.tree, &tree);
        let times = self.times(&walked);
        let is_newer = |(path, time): &(&String, &i128)| before.ignored.get(*path) != Some(*time);
        let ignored = times.iter().filter(is_newer).map(|(path, _)| format!("{path} (ignored)"));
        let gone = before.ignored.keys().filter(|path| !times.contains_key(*path));
        let gone = gone.map(|path| format!("{path} (ignored, removed)"));
        let many = tree.uncovered.iter().map(|path| {
            let place = if path.is_empty() { "the workspace" } else { path };
            format!("{place} (not covered: too many files, or closed)")
        });
        let uncovered = ignored.chain(gone).chain(many).collect();
        Ok(CallEffects { paths, conflicts: Vec::new(), uncovered })
    }

    fn tree_of(&self, walked: &Walked) -> Result<Tree, SnapshotError> {
        self.with_index(|index| {
            let tree = self.store.tree_of(&self.root, index, walked)?;
            if index.hashed() > 0 {
                self.store.sync()?;
            }
            Ok(tree)
        })
    }

    fn with_index<T>(
        &self,
        act: impl FnOnce(&mut IndexCache) -> Result<T, SnapshotError>,
    ) -> Result<T, SnapshotError> {
        let mut index = self.lock();
        let cache = index.get_or_insert_with(|| IndexCache::load(&self.index_path));
        let result = act(cache)?;
        // The cache only saves reading; losing it costs time and nothing else.
        if cache.is_changed()
            && let Err(error) = cache.save(&self.index_path)
        {
            tracing::debug!(%error, "the index of the workspace is not kept");
        }
        Ok(result)
    }

    fn lock(&self) -> MutexGuard<'_, Option<IndexCache>> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the newest time in each place that is ignored.
    fn times(&self, walked: &Walked) -> BTreeMap<String, i128> {
        let time = |path: &String| Some((path.clone(), self.newest(path)?));
        walked.ignored.iter().filter_map(time).collect()
    }

    /// Returns the newest time of change at `path` and in it. Of a large directory the upper part is looked at.
    fn newest(&self, path: &str) -> Option<i128> {
        let time = |path: &str| {
            let meta = fs::symlink_metadata(self.root.join(name_of_text(path))).ok()?;
            let ns = i128::from(meta.ctime()) * 1_000_000_000 + i128::from(meta.ctime_nsec());
            Some((ns, meta.is_dir()))
        };
        let (mut newest, mut is_directory) = time(path)?;
        let (mut waiting, mut seen) = (std::collections::VecDeque::new(), 0);
        let mut directory = path.to_owned();
        loop {
            if is_directory {
                let entries = fs::read_dir(self.root.join(name_of_text(&directory)));
                for entry in entries.into_iter().flatten().flatten().take(MOST_COMPARED) {
                    let name = text_of_name(&entry.file_name());
                    waiting.push_back(joined(&directory, &name));
                }
            }
            let Some(next) = waiting.pop_front().filter(|_| seen < MOST_COMPARED) else {
                return Some(newest);
            };
            seen += 1;
            directory = next;
            let looked = time(&directory).unwrap_or((newest, false));
            newest = newest.max(looked.0);
            is_directory = looked.1;
        }
    }
}
