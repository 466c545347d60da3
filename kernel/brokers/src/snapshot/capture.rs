//! Capturing a workspace: as a tree that is kept, or only to compare it a moment later.

use super::beneath::{Beneath, kind_of, mode_of};
use super::index::{IndexCache, Stamp, now_ns};
use super::tree::{Node, Tree, TreeEntry};
use super::walk::{Walked, walk};
use super::{SnapshotError, SnapshotStore, TreeId};
use crate::failpoint::{Point, hit};
use openkoi_core::change_set::{name_of_text, text_of_name};
use rustix::fs::{FileType, Stat};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The largest file whose contents are kept. Of a larger one the name is recorded.
pub const LARGEST_FILE: u64 = 32 << 20;

impl SnapshotStore {
    /// Captures the workspace at `root`. Blocks while it reads the files that changed since `index` was made.
    ///
    /// # Errors
    ///
    /// The workspace cannot be walked or the store cannot be written. A file that cannot be read is recorded without
    /// its contents instead.
    pub fn capture(&self, root: &Path, index: &mut IndexCache) -> Result<TreeId, SnapshotError> {
        let passed = |point| hit(point).map_err(|error| SnapshotError::io("capture", root, error));
        passed(Point::SnapshotBefore)?;
        let walked = walk(root, self.left_out(), None)?;
        let tree = self.tree_of(root, index, &walked)?;
        let (id, is_new) = self.put_tree(&tree)?;
        if is_new || index.hashed() > 0 {
            self.sync()?;
        }
        passed(Point::SnapshotAfter)?;
        Ok(id)
    }

    /// Keeps the contents of what was walked, and returns the list of it.
    pub(super) fn tree_of(
        &self,
        root: &Path,
        index: &mut IndexCache,
        walked: &Walked,
    ) -> Result<Tree, SnapshotError> {
        let begun = now_ns();
        let beneath =
            Beneath::open(root).map_err(|error| SnapshotError::io("capture", root, error))?;
        let mut capture = Capture { store: self, beneath, index, seen: Vec::new(), hashed: 0 };
        let mut entries = Vec::with_capacity(walked.found.len());
        for (path, stat) in &walked.found {
            if let Some(node) = capture.node(path, stat)? {
                entries.push(TreeEntry { path: path.clone(), node });
            }
        }
        let Capture { seen, hashed, .. } = capture;
        index.replace(seen, begun, hashed);
        let (uncovered, mut ignored) = (walked.uncovered.clone(), walked.ignored.clone());
        ignored.sort_unstable();
        Ok(Tree { uncovered, ignored, ..Tree::new(entries) })
    }
}

struct Capture<'a> {
    store: &'a SnapshotStore,
    beneath: Beneath,
    index: &'a IndexCache,
    seen: Vec<(String, Stamp, String)>,
    hashed: usize,
}

impl Capture<'_> {
    /// Returns what was found at `path`; nothing if it is gone by now.
    fn node(&mut self, path: &str, stat: &Stat) -> Result<Option<Node>, SnapshotError> {
        match kind_of(stat) {
            FileType::Directory => return Ok(Some(Node::Directory { mode: mode_of(stat) })),
            FileType::Symlink => return Ok(self.link(path)),
            _ => {}
        }
        if u64::try_from(stat.st_size).unwrap_or(0) > LARGEST_FILE {
            return Ok(Some(Node::Uncovered));
        }
        let stamp = Stamp::of(stat);
        let length = usize::try_from(stamp.size()).unwrap_or(usize::MAX);
        // What was read before may have been collected since.
        let known = self.index.known(path, &stamp).filter(|hash| self.store.has(hash, length));
        if let Some(hash) = known {
            let hash = hash.to_owned();
            return Ok(Some(self.seen(path, stat, stamp, hash, stamp.size())));
        }
        let bytes = match self.read(path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(None),
            Err(error) => {
                tracing::debug!(%error, "a file is not covered");
                return Ok(Some(Node::Uncovered));
            }
        };
        self.hashed += 1;
        let hash = self.store.put(&bytes)?;
        Ok(Some(self.seen(path, stat, stamp, hash, bytes.len() as u64)))
    }

    fn seen(&mut self, path: &str, stat: &Stat, stamp: Stamp, hash: String, size: u64) -> Node {
        // If the file changed while it was read, its stamp is another by now, or too recent to be believed.
        if size == stamp.size() {
            self.seen.push((path.to_owned(), stamp, hash.clone()));
        }
        Node::File { mode: mode_of(stat), size, hash }
    }

    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let Some(name) = self.beneath.find(Path::new(&name_of_text(path)))? else {
            return Ok(None);
        };
        match name.read(LARGEST_FILE) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    fn link(&self, path: &str) -> Option<Node> {
        let name = self.beneath.find(Path::new(&name_of_text(path))).ok()??;
        let target = rustix::fs::readlinkat(&name.directory, &name.name, Vec::new()).ok()?;
        Some(Node::Link { target: text_of_name(OsStr::from_bytes(target.as_bytes())) })
    }
}
