//! Capturing a workspace.

use super::index::{IndexCache, Stamp, now_ns};
use super::tree::{Node, Tree, TreeEntry};
use super::walk::walk;
use super::{SnapshotError, SnapshotStore, TreeId};
use crate::failpoint::{Point, hit};
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
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
        capture(self, root, index, &[])
    }
}

/// Captures `root`, and also the paths of `also` if they are ignored.
pub(super) fn capture(
    store: &SnapshotStore,
    root: &Path,
    index: &mut IndexCache,
    also: &[String],
) -> Result<TreeId, SnapshotError> {
    let passed = |point| hit(point).map_err(|error| SnapshotError::io("capture", root, error));
    passed(Point::SnapshotBefore)?;
    let begun = now_ns();
    let mut paths = walk(root, store.directory())?;
    paths.extend_from_slice(also);
    paths.sort_unstable();
    paths.dedup();
    let mut capture = Capture { store, root, index, seen: Vec::new(), hashed: 0 };
    let entries = capture.entries(paths)?;
    let Capture { seen, hashed, .. } = capture;
    index.replace(seen, begun, hashed);
    let id = store.put_tree(&Tree::new(entries))?;
    store.sync()?;
    passed(Point::SnapshotAfter)?;
    Ok(id)
}

/// Keeps the files at `paths`, ignored or not, and returns their entries.
pub(super) fn keep(
    store: &SnapshotStore,
    root: &Path,
    paths: Vec<String>,
) -> Result<Vec<TreeEntry>, SnapshotError> {
    let index = &IndexCache::default();
    let entries = Capture { store, root, index, seen: Vec::new(), hashed: 0 }.entries(paths)?;
    store.sync()?;
    Ok(entries)
}

struct Capture<'a> {
    store: &'a SnapshotStore,
    root: &'a Path,
    index: &'a IndexCache,
    seen: Vec<(String, Stamp, String)>,
    hashed: usize,
}

impl Capture<'_> {
    fn entries(&mut self, paths: Vec<String>) -> Result<Vec<TreeEntry>, SnapshotError> {
        let mut entries = Vec::with_capacity(paths.len());
        for path in paths {
            if let Some(node) = self.node(&path)? {
                entries.push(TreeEntry { path, node });
            }
        }
        Ok(entries)
    }

    /// Returns the file or link at `path`; nothing if it is gone or of a kind that is not captured.
    fn node(&mut self, path: &str) -> Result<Option<Node>, SnapshotError> {
        let full = self.root.join(path);
        let Ok(meta) = fs::symlink_metadata(&full) else { return Ok(None) };
        if meta.is_symlink() {
            let target =
                fs::read_link(&full).ok().and_then(|t| t.into_os_string().into_string().ok());
            return Ok(Some(target.map_or(Node::Uncovered, |target| Node::Link { target })));
        }
        if !meta.is_file() {
            return Ok(None);
        }
        if meta.len() > LARGEST_FILE {
            return Ok(Some(Node::Uncovered));
        }
        self.file(path, &full, &meta).map(Some)
    }

    fn file(&mut self, path: &str, full: &Path, meta: &Metadata) -> Result<Node, SnapshotError> {
        let stamp = Stamp::of(meta);
        let (hash, size) = match self.index.known(path, &stamp) {
            Some(hash) => (hash.to_owned(), meta.len()),
            None => {
                let bytes = match read(full) {
                    Ok(bytes) => bytes,
                    Err(error) => {
                        tracing::debug!(%error, "a file is not covered");
                        return Ok(Node::Uncovered);
                    }
                };
                self.hashed += 1;
                (self.store.put(&bytes)?, bytes.len() as u64)
            }
        };
        // If the file changed while it was read, its stamp is another by now, or too recent to be believed.
        if size == meta.len() {
            self.seen.push((path.to_owned(), stamp, hash.clone()));
        }
        Ok(Node::File { mode: meta.mode() & 0o777, size, hash })
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("no longer a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(io::Error::other("grew while it was read"));
    }
    Ok(bytes)
}
