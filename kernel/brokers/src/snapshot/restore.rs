//! Putting a workspace back.
//!
//! First all files of the wanted tree are put back, the ignore files among them. Then the workspace is walked again,
//! and files that the tree does not have are removed. In this order a deleted `.gitignore` cannot turn ignored files
//! into added ones. A control file that was hidden by a new ignore file is kept in the store and removed too.

use super::capture::{capture, keep};
use super::index::IndexCache;
use super::tree::{Node, Tree, TreeEntry};
use super::walk::walk;
use super::{SnapshotError, SnapshotStore, TreeId};
use crate::failpoint::{Point, hit};
use crate::places::is_control;
use crate::random::Random;
use crate::sabotage::{Guard, off};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Files that say what is ignored.
const IGNORE_FILES: [&str; 2] = [".gitignore", ".ignore"];
/// The one of a repository.
const EXCLUDE: &str = ".git/info/exclude";

/// The result of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreReport {
    /// The workspace before, to undo the restore with.
    pub before: TreeId,
    /// Paths that were written, sorted.
    pub written: Vec<String>,
    /// Paths that were removed, sorted.
    pub removed: Vec<String>,
    /// Paths that could not be put back, because a file that is not covered is in the way.
    pub blocked: Vec<String>,
}

impl SnapshotStore {
    /// Puts the workspace at `root` back to what it was at `to`, except for what captures do not cover. The present
    /// state is captured first, so that this can be undone too. An interrupted restore can be run again.
    ///
    /// # Errors
    ///
    /// The workspace may be restored in part.
    pub fn restore(
        &self,
        root: &Path,
        to: TreeId,
        index: &mut IndexCache,
    ) -> Result<RestoreReport, SnapshotError> {
        restore(self, root, to, index)
    }
}

fn restore(
    store: &SnapshotStore,
    root: &Path,
    to: TreeId,
    index: &mut IndexCache,
) -> Result<RestoreReport, SnapshotError> {
    let failed = |error| SnapshotError::io("restore", root, error);
    let wanted = store.tree(to)?;
    // Files of the tree that are ignored by now are overwritten, so they are captured too.
    let also: Vec<String> = wanted.entries.iter().map(|entry| entry.path.clone()).collect();
    let before = capture(store, root, index, &also)?;
    hit(Point::RestoreBefore).map_err(failed)?;
    let present = store.tree(before)?;
    let dir = Dir::open_ambient_dir(root, ambient_authority()).map_err(failed)?;
    let mut work = Restore { store, root, dir, present, written: Vec::new(), removed: Vec::new() };
    let waiting = work.put_back(&wanted.entries)?;
    let hidden = work.remove_added(&wanted)?;
    // Directories that were in the way may be gone now.
    let blocked = work.put_back(&waiting)?.into_iter().map(|entry| entry.path).collect();
    let Restore { mut written, mut removed, present, .. } = work;
    let before = match hidden.is_empty() {
        true => before,
        false => store.put_tree(&Tree::new([present.entries, hidden].concat()))?,
    };
    written.sort_unstable();
    removed.sort_unstable();
    Ok(RestoreReport { before, written, removed, blocked })
}

struct Restore<'a> {
    store: &'a SnapshotStore,
    root: &'a Path,
    dir: Dir,
    present: Tree,
    written: Vec<String>,
    removed: Vec<String>,
}

impl Restore<'_> {
    /// Writes the entries that are missing or different; returns those that could not be put in their place.
    fn put_back(&mut self, entries: &[TreeEntry]) -> Result<Vec<TreeEntry>, SnapshotError> {
        let mut waiting = Vec::new();
        for entry in entries {
            let is_there = self.present.find(&entry.path).is_some_and(|now| now.node == entry.node);
            if is_there || !entry.is_kept() {
                continue;
            }
            if self.put_entry(entry)? {
                self.written.push(entry.path.clone());
                hit(Point::RestoreMid)
                    .map_err(|error| SnapshotError::io("restore", self.root, error))?;
            } else {
                waiting.push(entry.clone());
            }
        }
        Ok(waiting)
    }

    /// Puts one entry in its place; returns whether it could.
    fn put_entry(&mut self, entry: &TreeEntry) -> Result<bool, SnapshotError> {
        let path = Path::new(&entry.path);
        let contents = match &entry.node {
            Node::File { hash, .. } => self.store.get(hash)?,
            Node::Link { .. } | Node::Directory { .. } | Node::Uncovered => Vec::new(),
        };
        let full = self.root.join(path);
        let failed = |error| SnapshotError::io("restore", &full, error);
        let parent = path.parent().unwrap_or(Path::new(""));
        let Some(dir) = self.make_parents(parent)? else { return Ok(false) };
        let name = path.file_name().map(PathBuf::from).unwrap_or_default();
        let in_the_way = dir.symlink_metadata(&name).is_ok_and(|meta| meta.is_dir());
        if in_the_way && dir.remove_dir(&name).is_err() {
            return Ok(false);
        }
        put(&dir, &name, &entry.node, &contents).map_err(failed)?;
        Ok(true)
    }

    /// Opens the directory `path`, creating what is missing. A file or link where a directory belongs is
    /// removed if it was captured; nothing is written through a link.
    fn make_parents(&mut self, path: &Path) -> Result<Option<Dir>, SnapshotError> {
        let failed = |error| SnapshotError::io("restore", &self.root.join(path), error);
        let mut dir = self.dir.try_clone().map_err(failed)?;
        let mut so_far = PathBuf::new();
        for name in path {
            so_far.push(name);
            match dir.symlink_metadata(name) {
                Ok(meta) if meta.is_dir() => {}
                Ok(_) => {
                    let covered = so_far.to_str().and_then(|path| self.present.find(path));
                    if !covered.is_some_and(TreeEntry::is_kept) {
                        return Ok(None);
                    }
                    dir.remove_file(name).and_then(|()| dir.create_dir(name)).map_err(failed)?;
                    self.removed.extend(so_far.to_str().map(str::to_owned));
                }
                Err(_) => dir.create_dir(name).map_err(failed)?,
            }
            dir = dir.open_dir(name).map_err(failed)?;
        }
        Ok(Some(dir))
    }

    /// Removes files that `wanted` does not have, under the ignore files that it has. Returns the control files among
    /// them that were not captured before.
    fn remove_added(&mut self, wanted: &Tree) -> Result<Vec<TreeEntry>, SnapshotError> {
        let unknown = |path: &str| !wanted.control && is_control(Path::new(path));
        let added = |path: &String| wanted.find(path).is_none() && !unknown(path);
        let ignore_files: Vec<String> = self
            .present
            .entries
            .iter()
            .map(|entry| entry.path.clone())
            .filter(|path| is_ignore_file(path) && added(path))
            .collect();
        self.remove(ignore_files)?;
        let paths = if off(Guard::SnapshotIgnored) {
            self.present.entries.iter().map(|entry| entry.path.clone()).collect()
        } else {
            walk(self.root, self.store.directory())?
        };
        let is_control = |path: &String| is_control(Path::new(path));
        let is_hidden = |path: &&String| self.present.find(path).is_none() && is_control(path);
        let added: Vec<String> = paths.into_iter().filter(added).collect();
        let hidden =
            keep(self.store, self.root, added.iter().filter(is_hidden).cloned().collect())?;
        // Only what was captured goes: the rest could not be brought back. A control file goes even so, or a hook
        // could stay because it is too large or cannot be read.
        let kept = |path: &String| self.present.find(path).is_some_and(TreeEntry::is_kept);
        let gone: Vec<String> = added.into_iter().filter(|p| kept(p) || is_control(p)).collect();
        self.remove(gone)?;
        Ok(hidden)
    }

    fn remove(&mut self, paths: Vec<String>) -> Result<(), SnapshotError> {
        for path in paths {
            match self.dir.remove_file(&path) {
                Ok(()) => self.remove_empty_parents(Path::new(&path)),
                Err(error) if is_gone(&error) => continue,
                Err(error) => {
                    return Err(SnapshotError::io("remove", &self.root.join(&path), error));
                }
            }
            self.removed.push(path);
        }
        Ok(())
    }

    fn remove_empty_parents(&self, path: &Path) {
        let parents = path.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
        for parent in parents {
            // Stops at the first that is not empty.
            if self.dir.remove_dir(parent).is_err() {
                return;
            }
        }
    }
}

fn is_ignore_file(path: &str) -> bool {
    Path::new(path).ends_with(EXCLUDE)
        || path.rsplit('/').next().is_some_and(|name| IGNORE_FILES.contains(&name))
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Puts one file or link in its place in one step.
fn put(dir: &Dir, name: &Path, node: &Node, contents: &[u8]) -> io::Result<()> {
    let tail = u64::from_ne_bytes(Random::default().bytes().map_err(io::Error::other)?);
    let temp = PathBuf::from(format!(".openkoi-{tail:016x}.tmp"));
    let made = match node {
        Node::File { mode, .. } => write_temp(dir, &temp, contents, *mode),
        Node::Link { target } => dir.symlink_contents(target, &temp),
        Node::Directory { .. } | Node::Uncovered => return Ok(()),
    };
    let placed = made.and_then(|()| dir.rename(&temp, dir, name));
    if placed.is_err() {
        drop(dir.remove_file(&temp));
    }
    placed
}

fn write_temp(dir: &Dir, temp: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = dir.open_with(temp, &options)?;
    file.write_all(contents)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_data()
}
