//! What a workspace was, so that a change can be shown and undone.
//!
//! A capture walks the workspace, keeps the contents of each file under its hash and writes a sorted list of
//! them, the tree, whose own hash is its name. Equal workspaces have equal names, and unchanged files are
//! stored once.
//!
//! Control files ([`is_control`](crate::files::is_control)) are covered even where they are ignored: `.openkoi`,
//! `AGENTS.md`, `.mcp.json`, and of `.git` the parts that make git run something or say where it looks. So a
//! change of them can be seen, and does not survive its being undone.
//!
//! Not covered: the rest of `.git`, what `.gitignore` and `.ignore` ignore (control files in a directory that is
//! ignored as a whole included), files over 32 MiB (their names are recorded), and anything that is neither
//! file, directory nor link. A restore leaves all of these alone, except for a control file that is new.

mod capture;
mod control;
mod diff;
mod index;
mod restore;
mod store;
mod tree;
mod walk;

pub use diff::{Change, ChangeKind};
pub use index::IndexCache;
pub use restore::RestoreReport;

use crate::durable::create_private_dir;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Files larger than this are recorded by name and not kept.
pub const LARGEST_FILE: u64 = 32 << 20;

/// Why a capture or a restore did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file or directory could not be read or written.
    #[error("cannot {act} `{}`", path.display())]
    Io {
        /// What was tried.
        act: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No such tree or object is kept.
    #[error("the snapshot `{id}` is not kept here")]
    Unknown {
        /// Its name.
        id: String,
    },
    /// Kept bytes are not those they are named after.
    #[error("the kept object `{id}` is damaged")]
    Damaged {
        /// Its name.
        id: String,
    },
    /// The text is no name of a tree.
    #[error("`{text}` is not the name of a snapshot")]
    Name {
        /// The text.
        text: String,
    },
    /// The workspace has more files than are captured.
    #[error("the workspace has more than {limit} files that are not ignored")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

/// The name of a captured tree: the hash of its contents.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeId([u8; 32]);

impl fmt::Display for TreeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TreeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeId({self})")
    }
}

impl std::str::FromStr for TreeId {
    type Err = SnapshotError;

    fn from_str(text: &str) -> Result<Self, SnapshotError> {
        tree::parse_hash(text)
            .map(Self)
            .ok_or_else(|| SnapshotError::Name { text: text.to_owned() })
    }
}

/// Where captured contents are kept.
#[derive(Debug, Clone)]
pub struct SnapshotStore {
    directory: PathBuf,
}

impl SnapshotStore {
    /// Opens the store in `directory`, creating it closed to others.
    ///
    /// # Errors
    ///
    /// The directory cannot be created.
    pub fn open(directory: &Path) -> Result<Self, SnapshotError> {
        let objects = directory.join("objects");
        create_private_dir(&objects)
            .map_err(|error| SnapshotError::io("create", &objects, io::Error::other(error)))?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// Captures what the workspace at `root` is now. Blocks while it reads what `index` does not know.
    ///
    /// # Errors
    ///
    /// The workspace cannot be walked or the store cannot be written. A file that cannot be read is not
    /// covered instead.
    pub fn capture(&self, root: &Path, index: &mut IndexCache) -> Result<TreeId, SnapshotError> {
        let _shared = self.lock_shared()?;
        capture::capture(self, root, index, &[])
    }

    /// Returns the paths that `tree` records without their contents.
    ///
    /// # Errors
    ///
    /// The tree is not kept here, or damaged.
    pub fn not_covered(&self, tree: TreeId) -> Result<Vec<String>, SnapshotError> {
        let entries = self.tree(tree)?.entries.into_iter();
        Ok(entries.filter(|entry| !entry.is_kept()).map(|entry| entry.path).collect())
    }

    /// Returns what is different in `b`, sorted by path.
    ///
    /// # Errors
    ///
    /// One of the trees is not kept here, or damaged.
    pub fn diff(&self, a: TreeId, b: TreeId) -> Result<Vec<Change>, SnapshotError> {
        Ok(diff::diff(&self.tree(a)?, &self.tree(b)?))
    }

    /// Returns the difference from `a` to `b` as text for a person, about `max_bytes` long at most.
    ///
    /// # Errors
    ///
    /// As for [`SnapshotStore::diff`].
    pub fn unified_diff(
        &self,
        a: TreeId,
        b: TreeId,
        max_bytes: usize,
    ) -> Result<String, SnapshotError> {
        diff::unified(self, &self.tree(a)?, &self.tree(b)?, max_bytes)
    }

    /// Makes the workspace at `root` what it was at `to`, except for what captures do not cover. What is there
    /// now is captured first, so that this can be undone too. Interrupted, it can be run again.
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
        let _shared = self.lock_shared()?;
        restore::restore(self, root, to, index)
    }

    /// Removes everything that none of the trees in `keep` needs; returns how many objects went. Waits for captures and
    /// restores under way.
    ///
    /// # Errors
    ///
    /// A tree to be kept cannot be read (then nothing is removed), or an object cannot be removed.
    pub fn gc(&self, keep: &[TreeId]) -> Result<usize, SnapshotError> {
        let _exclusive = self.lock()?;
        self.sweep(keep)
    }
}

impl SnapshotError {
    fn io(act: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { act, path: path.to_owned(), source }
    }
}
