//! The states of one workspace: its store, what is known of its files, and programs at work in it.

use super::beneath::{Beneath, kind_of};
use super::fingerprint::FileNames;
use super::index::IndexCache;
use super::repository::Inside;
use super::tree::Tree;
use super::walk::{LiveRules, Rules, Walked, joined, walk};
use super::{SnapshotError, SnapshotStore, TreeId};
use crate::places::{by_product_of, is_built_in, is_by_product};
use openkoi_core::change_set::{CallEffects, PathEffect, PathState, name_of_text, text_of_name};
use openkoi_core::frozen::is_environment;
use rustix::fs::{FileType, Stat};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A directory with more bytes than this is too large to be kept.
const MOST_BYTES: u64 = 64 << 20;
/// The most entries of an ignored directory whose times are compared, and that are kept.
const MOST_COMPARED: usize = 2_000;

/// The most ignored files of one program that are named.
const MOST_NAMED: usize = 20;

/// A workspace whose states are kept. Its methods block for as long as a disk does.
#[derive(Debug)]
pub struct Keeper {
    root: PathBuf,
    store: SnapshotStore,
    index_path: PathBuf,
    index: Mutex<Option<IndexCache>>,
    names: Mutex<Option<FileNames>>,
    /// Directories that were ignored as a whole at the last walk.
    ignored: Mutex<Option<BTreeSet<String>>>,
    /// The rules of each directory as they were when it was first asked about.
    first: Mutex<Option<LiveRules>>,
}

/// The workspace before a program ran.
#[derive(Debug)]
pub struct Before {
    tree: Tree,
    rules: Rules,
    /// Newest time in each place that is ignored.
    ignored: BTreeMap<String, i128>,
    /// Newest time in each place of by-products.
    by_products: BTreeMap<String, i128>,
    command: String,
    /// States of the ignored places that the command names: who names a file means it.
    named: BTreeMap<String, PathState>,
}

impl Keeper {
    /// Returns the keeper of the workspace at `root`. No file of it is read yet. `index_path` is the file that saves
    /// reading unchanged files; the names of files lie beside it.
    #[must_use]
    pub fn new(root: &Path, store: SnapshotStore, index_path: PathBuf) -> Self {
        Self {
            root: root.to_owned(),
            store,
            index_path,
            index: Mutex::default(),
            names: Mutex::default(),
            ignored: Mutex::default(),
            first: Mutex::default(),
        }
    }

    /// Returns the workspace.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the store of contents.
    pub fn store(&self) -> &SnapshotStore {
        &self.store
    }

    /// Names the whole workspace as it is now. Equal names mean equal files; nothing is kept of them.
    ///
    /// # Errors
    ///
    /// The workspace cannot be walked.
    pub fn fingerprint(&self) -> Result<TreeId, SnapshotError> {
        let path = self.index_path.with_extension("names");
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let names = names.get_or_insert_with(|| FileNames::load(&path));
        names.of_workspace(&self.root, self.store.left_out(), &path)
    }

    /// Returns the rules by which the workspace passes files over now.
    ///
    /// # Errors
    ///
    /// The workspace cannot be opened.
    pub fn rules(&self) -> Result<LiveRules, SnapshotError> {
        LiveRules::new(&self.root).map_err(|error| SnapshotError::io("open", &self.root, error))
    }

    /// Returns whether a path is nobody's work by `rules`, or was by those that held when its directory was first asked
    /// about: who drops a rule makes no work of what was built.
    pub(super) fn ignores(&self, rules: &LiveRules, path: &str, is_directory: bool) -> bool {
        let was = self.ignored_at_first(path, is_directory);
        was || rules.is_passed_over(path, is_directory)
    }

    /// Returns whether a path was nobody's work by the rules that held when its directory was first asked about.
    pub(super) fn ignored_at_first(&self, path: &str, is_directory: bool) -> bool {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_none() {
            *first = self.rules().ok();
        }
        first.as_ref().is_some_and(|first| first.is_passed_over(path, is_directory))
    }

    /// Returns whether directories had rules at first that they have no more.
    pub(super) fn has_dropped_rules(&self, now: &Rules) -> bool {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.as_ref().is_some_and(|first| first.has_more_than(now))
    }

    /// Tells of effects that are about to happen whether git ignores their paths.
    ///
    /// # Errors
    ///
    /// The workspace cannot be opened.
    pub fn tell_ignored(&self, effects: &mut [PathEffect]) -> Result<(), SnapshotError> {
        let rules = self.rules()?;
        for effect in effects {
            let is_directory = matches!(effect.after, PathState::Directory { .. });
            effect.ignored = self.ignores(&rules, &effect.path, is_directory);
        }
        Ok(())
    }

    /// Returns the directories that are ignored as a whole. They are looked for once; those that a program made since are
    /// told by [`Keeper::passed`].
    ///
    /// # Errors
    ///
    /// The workspace cannot be walked.
    pub fn ignored_directories(&self) -> Result<Vec<String>, SnapshotError> {
        let mut known = self.ignored.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            let walked = walk(&self.root, self.store.left_out(), None)?;
            let beneath = self.open()?;
            let is_directory =
                |path: &&String| look(&beneath, path).is_some_and(|there| there.is_directory);
            *known = Some(walked.ignored.iter().filter(is_directory).cloned().collect());
        }
        let rules = self.rules()?;
        let known = known.iter().flatten();
        // The rules may be others by now.
        Ok(known.filter(|path| rules.is_passed_over(path, true)).cloned().collect())
    }

    /// Tells whether the directory at `path` is too large to be kept, or is not there.
    #[must_use]
    pub fn is_bulky(&self, path: &str) -> bool {
        let Ok(beneath) = self.open() else { return true };
        let mut waiting = vec![path.to_owned()];
        let (mut seen, mut bytes) = (0, 0);
        while let Some(directory) = waiting.pop() {
            let Some(names) = names(&beneath, &directory) else { return seen == 0 };
            for name in names {
                let path = joined(&directory, &name);
                let Some(there) = look(&beneath, &path) else { continue };
                seen += 1;
                bytes += there.size;
                if seen > MOST_COMPARED || bytes > MOST_BYTES {
                    return true;
                }
                if there.is_directory {
                    waiting.push(path);
                }
            }
        }
        false
    }

    /// Notes directories that are ignored as a whole.
    pub fn passed(&self, directories: &[String]) {
        let mut known = self.ignored.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_mut() {
            known.extend(directories.iter().cloned());
        }
    }

    /// Returns the newest time in each of these places.
    #[must_use]
    pub fn times(&self, places: &[String]) -> BTreeMap<String, i128> {
        let Ok(beneath) = self.open() else { return BTreeMap::new() };
        let time = |path: &String| Some((path.clone(), newest(&beneath, path)?));
        places.iter().filter_map(time).collect()
    }

    /// Returns the places that `after` finds changed, new or gone since `before`, in words.
    #[must_use]
    pub fn told(before: &BTreeMap<String, i128>, after: &BTreeMap<String, i128>) -> Vec<String> {
        let is_newer = |(path, time): &(&String, &i128)| before.get(*path) != Some(*time);
        let changed = after.iter().filter(is_newer).map(|(path, _)| format!("{path} (ignored)"));
        let gone = before.keys().filter(|path| !after.contains_key(*path));
        changed.chain(gone.map(|path| format!("{path} (ignored, removed)"))).collect()
    }

    /// Returns the effects of a command without what is nobody's work, and what was left out: ignored files in words, and
    /// places of by-products. Objects of git, and an index that only saw other times, are not told at all. An ignored file
    /// is work if the command names it, and so is its loss in any case, but for those in a directory that tools build in and
    /// that is still there. `passed` are directories in which the command left something and whose files are in no effect.
    #[must_use]
    pub fn sorted_out(
        &self,
        paths: Vec<PathEffect>,
        passed: &[String],
        rules: &LiveRules,
        command: &str,
    ) -> CallEffects {
        let (mut kept, mut ignored) = (Vec::new(), Vec::new());
        let passed = passed.iter().filter(|path| is_by_product(Path::new(path)));
        let mut by_products: BTreeSet<String> =
            passed.map(|path| by_product_of(path).to_owned()).collect();
        let gone: BTreeSet<String> =
            paths.iter().filter(is_loss).map(|one| one.path.clone()).collect();
        for mut effect in paths {
            let is_directory = [&effect.before, &effect.after]
                .iter()
                .any(|state| matches!(state, PathState::Directory { .. }));
            let is_object = Inside::of(&effect.path).is_some_and(|inside| inside.is_object());
            if is_object || self.store.is_same_index(&effect) {
                continue;
            }
            effect.ignored = self.ignores(rules, &effect.path, is_directory);
            match rules.is_passed_over(&effect.path, is_directory) {
                true if is_by_product(Path::new(&effect.path)) => {
                    by_products.insert(by_product_of(&effect.path).to_owned());
                }
                true if is_named(&effect.path, command) => kept.push(effect),
                true => match self.built(&effect.path, rules, &gone) {
                    Some(directory) => ignored.push(format!("{directory} (ignored)")),
                    None if effect.after == PathState::Absent => kept.push(effect),
                    None => ignored.push(format!("{} (ignored)", effect.path)),
                },
                false => kept.push(effect),
            }
        }
        ignored.sort_unstable();
        ignored.dedup();
        let more = ignored.len().saturating_sub(MOST_NAMED);
        ignored.truncate(MOST_NAMED);
        if more > 0 {
            ignored.push(format!("{more} more ignored files"));
        }
        // Who installs packages has the environment told.
        let is_told = |path: &String| {
            let told = ignored.iter().filter_map(|place| place.strip_suffix(" (ignored)"));
            is_environment(path) && told.into_iter().any(is_environment)
        };
        by_products.retain(|path| !is_told(path));
        let by_products = by_products.into_iter().collect();
        CallEffects { paths: kept, uncovered: ignored, by_products, ..CallEffects::default() }
    }

    /// Returns the ignored directory above a path that tools build in, unless it is among those that are `gone`.
    #[must_use]
    pub fn built(&self, path: &str, rules: &LiveRules, gone: &BTreeSet<String>) -> Option<String> {
        let ends = path.match_indices('/').map(|(at, _)| &path[..at]);
        let mut above = ends.filter(|directory| rules.is_passed_over(directory, true));
        let built =
            above.find(|directory| is_built_in(&self.root.join(name_of_text(directory))))?;
        (!gone.contains(built)).then(|| built.to_owned())
    }

    /// Looks at the workspace before a program runs, by `command` as a person reads it.
    ///
    /// # Errors
    ///
    /// The workspace cannot be walked, or the store cannot be written.
    pub fn before_program(&self, command: &str) -> Result<Before, SnapshotError> {
        let walked = walk(&self.root, self.store.left_out(), None)?;
        self.first_are(&walked.rules)?;
        let tree = self.tree_of(&walked)?;
        let ignored = self.times(&walked.ignored);
        let by_products = self.times(&walked.by_products);
        let named = self.named(ignored.keys(), command)?;
        let (rules, command) = (walked.rules, command.to_owned());
        Ok(Before { tree, rules, ignored, by_products, command, named })
    }

    /// Looks at the workspace after a program, under the rules of before, and returns the differences. Whoever else wrote
    /// meanwhile cannot be told from the program.
    ///
    /// # Errors
    ///
    /// As for [`Keeper::before_program`].
    pub fn after_program(&self, before: &Before) -> Result<CallEffects, SnapshotError> {
        let walked = walk(&self.root, self.store.left_out(), Some(&before.rules))?;
        let tree = self.tree_of(&walked)?;
        let mut paths = self.store.effects_between(&before.tree, &tree);
        for effect in &mut paths {
            let is_directory = matches!(effect.after, PathState::Directory { .. });
            effect.ignored = self.ignored_at_first(&effect.path, is_directory);
        }
        let (mut was, mut is) = (before.ignored.clone(), self.times(&walked.ignored));
        for effect in self.named_effects(before, is.keys())? {
            was.remove(&effect.path);
            is.remove(&effect.path);
            paths.push(effect);
        }
        let ignored = Self::told(&was, &is);
        let many = tree.uncovered.iter().map(|path| {
            let place = if path.is_empty() { "the workspace" } else { path };
            format!("{place} (not covered: too many files, or closed)")
        });
        let uncovered = ignored.into_iter().chain(many).collect();
        let by_products = self.times(&walked.by_products).into_iter();
        let is_new = |(path, time): &(String, i128)| before.by_products.get(path) != Some(time);
        let by_products = by_products.filter(is_new).map(|(path, _)| path).collect();
        Ok(CallEffects { paths, uncovered, by_products, ..CallEffects::default() })
    }

    /// Returns the states of those of the places that a command names, without directories.
    fn named<'p>(
        &self,
        places: impl Iterator<Item = &'p String>,
        command: &str,
    ) -> Result<BTreeMap<String, PathState>, SnapshotError> {
        let paths: Vec<String> = places.filter(|path| is_named(path, command)).cloned().collect();
        let states = self.store.states(&self.root, &paths)?;
        let is_kept = |(_, state): &(String, PathState)| state.is_kept();
        Ok(paths.into_iter().zip(states).filter(is_kept).collect())
    }

    /// Returns how ignored places changed that the command names; `now` are those that are ignored by now.
    fn named_effects<'p>(
        &self,
        before: &'p Before,
        now: impl Iterator<Item = &'p String>,
    ) -> Result<Vec<PathEffect>, SnapshotError> {
        let after = self.named(before.named.keys().chain(now), &before.command)?;
        // What was there and could not be kept is told as ignored, as ever.
        let was_lost =
            |path: &String| before.ignored.contains_key(path) && !before.named.contains_key(path);
        let effect = |(path, after): (String, PathState)| {
            let was = before.named.get(&path).cloned().unwrap_or(PathState::Absent);
            PathEffect { ignored: true, ..PathEffect::new(path, was, after) }
        };
        let is_file = |state: &PathState| !matches!(state, PathState::Directory { .. });
        let known = after.into_iter().filter(|(path, state)| is_file(state) && !was_lost(path));
        Ok(known.map(effect).filter(|effect| effect.before != effect.after).collect())
    }

    /// Notes the rules of the first walk.
    fn first_are(&self, rules: &Rules) -> Result<(), SnapshotError> {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if first.is_none() {
            *first = Some(self.rules()?.with(rules.clone()));
        }
        Ok(())
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

    pub(super) fn open(&self) -> Result<Beneath, SnapshotError> {
        Beneath::open(&self.root).map_err(|error| SnapshotError::io("open", &self.root, error))
    }
}

/// What stands at a path, no link of it followed.
pub(super) struct There {
    pub(super) is_directory: bool,
    size: u64,
    /// Time of the last change of anything, in nanoseconds.
    pub(super) changed: i128,
}

pub(super) fn look(beneath: &Beneath, path: &str) -> Option<There> {
    let stat = beneath.find(Path::new(&name_of_text(path))).ok()??.stat().ok()??;
    Some(There {
        is_directory: kind_of(&stat) == FileType::Directory,
        size: u64::try_from(stat.st_size).unwrap_or(0),
        changed: changed(&stat),
    })
}

/// Returns when a file last changed in name, contents or rights, in nanoseconds since 1970.
pub(super) fn changed(stat: &Stat) -> i128 {
    i128::from(stat.st_ctime) * 1_000_000_000 + i128::from(stat.st_ctime_nsec)
}

/// Returns the names in the directory at a path; nothing if it is none, or cannot be read.
pub(super) fn names(beneath: &Beneath, directory: &str) -> Option<Vec<String>> {
    let found = beneath.find(Path::new(&name_of_text(directory))).ok()??.list().ok()?;
    Some(found.iter().map(|name| text_of_name(name)).collect())
}

/// Returns the newest time of change at `path` and in it. Of a large directory the upper part is looked at.
fn newest(beneath: &Beneath, path: &str) -> Option<i128> {
    let first = look(beneath, path)?;
    let (mut newest, mut is_directory) = (first.changed, first.is_directory);
    let (mut waiting, mut seen) = (VecDeque::new(), 0);
    let mut directory = path.to_owned();
    loop {
        if is_directory {
            let names = names(beneath, &directory).unwrap_or_default().into_iter();
            waiting.extend(names.take(MOST_COMPARED).map(|name| joined(&directory, &name)));
        }
        let Some(next) = waiting.pop_front().filter(|_| seen < MOST_COMPARED) else {
            return Some(newest);
        };
        seen += 1;
        directory = next;
        let there = look(beneath, &directory);
        newest = there.as_ref().map_or(newest, |there| newest.max(there.changed));
        is_directory = there.is_some_and(|there| there.is_directory);
    }
}

fn is_loss(effect: &&PathEffect) -> bool {
    effect.after == PathState::Absent
}

/// Returns whether a command has a path among its words.
fn is_named(path: &str, command: &str) -> bool {
    let words = command.split(|c: char| c.is_whitespace() || "'\"`;|&<>()=".contains(c));
    words.map(|word| word.trim_start_matches("./")).any(|word| word == path)
}
