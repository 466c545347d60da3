//! A copy of the workspace, for programs that have to see files in another state where there can be no layer.
//!
//! A layer shows files in another state at their own paths. Where none can be mounted (no user namespaces, as in most
//! containers; macOS; some file systems) the workspace is copied into a private directory instead, the files are put over
//! the copy, and the programs run there: it is all that they may write, and they do not see the workspace itself. What
//! leads there by its absolute path fails, and does not answer with the files as they are.
//!
//! # What is copied
//!
//! | | |
//! |---|---|
//! | files | contents (shared between both where the file system can), modes, times; each hard link is a file of its own |
//! | links | as they are; one that leads into the workspace by its absolute path leads to the same place of the copy |
//! | an environment of Python | with its scripts and `.pth` files leading into the copy |
//! | the objects of a repository | not: the copy names those of the workspace, which programs may read |
//! | a build that names its place (`CMakeCache.txt`) | not: it would build and test the workspace |
//! | places of secrets; sockets, pipes, devices | not |
//!
//! Everything goes through descriptors, and no link is followed. A copy that would be too large or take too long is not
//! made. One whose process is gone is removed by the next.
//!
//! | module | does |
//! |---|---|
//! | `copying`, `limits` | the tree, and how large it may be |
//! | `rebased` | what names the workspace, as it names the copy |
//! | `shown` | files that programs see in another state than they are in |

mod copying;
mod error;
mod limits;
mod rebased;
mod shown;

pub use error::ScratchError;
pub use limits::ScratchLimits;

use crate::durable::create_private_dir;
use crate::file_lock::FileLock;
use crate::layer::remove_all;
use crate::random::Random;
use copying::Copying;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A copy of a workspace. Dropping it removes it.
#[derive(Debug)]
pub struct Scratch {
    directory: PathBuf,
    copy: ScratchCopy,
    /// Locked as long as the copy has an owner, so that it is not swept.
    _lock: FileLock,
}

/// What a program has to know that runs in a copy.
#[derive(Debug, Clone)]
pub struct ScratchCopy {
    /// The copy.
    pub(crate) root: PathBuf,
    /// The workspace, without links.
    pub(crate) original: PathBuf,
    /// Directories of the workspace that are not copied and may be read.
    pub(crate) shared: Vec<PathBuf>,
}

impl ScratchCopy {
    /// Returns the directory of the copy.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the directories of the workspace that are not copied and have to be read where they are.
    #[must_use]
    pub fn shared(&self) -> &[PathBuf] {
        &self.shared
    }
}

impl Scratch {
    /// Copies `workspace` into a new directory below `base`, without `closed` places.
    pub(crate) fn create(
        base: &Path,
        workspace: &Path,
        closed: &[PathBuf],
        limits: ScratchLimits,
    ) -> Result<Self, ScratchError> {
        let original =
            workspace.canonicalize().map_err(|e| ScratchError::io("enter", workspace, e))?;
        let made = |path: &Path| {
            create_private_dir(path)
                .map_err(|error| ScratchError::io("create", path, io::Error::other(error)))
        };
        made(base)?;
        let base = base.canonicalize().map_err(|e| ScratchError::io("enter", base, e))?;
        if base.starts_with(&original) || original.starts_with(&base) {
            return Err(ScratchError::none("OpenKoi's own directory is in it, or it is in that"));
        }
        Self::sweep(&base);
        let id = Random::default().id(crate::clock::SystemClock.now_ms());
        let id = id.map_err(|error| ScratchError::io("name", &base, io::Error::other(error)))?;
        let directory = base.join(&id);
        made(&directory)?;
        let lock = lock(&directory)?
            .ok_or_else(|| ScratchError::none("another process took its place"))?;
        // Some tools name what they make after the directory that they are in.
        let root = directory.join(original.file_name().unwrap_or(OsStr::new("workspace")));
        let copy = ScratchCopy { root, original, shared: Vec::new() };
        let mut scratch = Self { directory, copy, _lock: lock };
        let ScratchCopy { root, original, .. } = &scratch.copy;
        scratch.copy.shared = Copying::new(original, root, closed, limits)?.all()?;
        Ok(scratch)
    }

    /// Returns what a command needs to run in the copy.
    #[must_use]
    pub fn copy(&self) -> ScratchCopy {
        self.copy.clone()
    }

    /// Returns the directory of the copy.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.copy.root
    }

    /// Removes the copies that processes which are gone have left in `base`.
    pub fn sweep(base: &Path) {
        let Ok(entries) = fs::read_dir(base) else { return };
        for entry in entries.filter_map(Result::ok) {
            let directory = entry.path();
            let Ok(Some(_lock)) = lock(&directory) else { continue };
            remove(&directory);
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.directory);
    }
}

/// Removes a copy. What cannot be removed is swept later.
fn remove(directory: &Path) {
    let mut removed = remove_all(directory);
    if removed.is_err() {
        open(directory);
        removed = remove_all(directory);
    }
    if let Err(error) = removed {
        tracing::debug!(%error, "a copy of the workspace stays");
    }
}

/// Opens directories to their owner, which programs, or the workspace itself, have closed.
fn open(directory: &Path) {
    let is_directory = |path: &Path| fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir());
    if !is_directory(directory) {
        return;
    }
    if let Err(error) = fs::set_permissions(directory, fs::Permissions::from_mode(0o700)) {
        tracing::debug!(%error, "a directory stays closed");
    }
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        open(&entry.path());
    }
}

/// Takes the lock of a copy's directory; nothing if it has an owner.
fn lock(directory: &Path) -> Result<Option<FileLock>, ScratchError> {
    FileLock::try_directory(directory).map_err(|error| ScratchError::io("lock", directory, error))
}
