//! The state of single paths: what is there now, with its contents kept.

use super::beneath::{Beneath, Name, kind_of, mode_of};
use super::capture::LARGEST_FILE;
use super::store::hex;
use super::{SnapshotError, SnapshotStore};
use openkoi_core::change_set::{PathState, name_of_text, text_of_name};
use rustix::fs::FileType;
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

impl SnapshotStore {
    /// Returns the present states of paths below `root`, in their order. Contents that are not kept yet are kept, ignored
    /// or not. A path that leads through a link leads to nothing here.
    ///
    /// # Errors
    ///
    /// The workspace cannot be opened, or the store cannot be written. What cannot be read is not covered instead.
    pub fn states(&self, root: &Path, paths: &[String]) -> Result<Vec<PathState>, SnapshotError> {
        let look = Look::new(root)?;
        let mut kept = Vec::new();
        let states = paths.iter().map(|path| {
            let (state, bytes) = look.state(path)?;
            if let Some(bytes) = bytes {
                kept.extend(self.put_new(&bytes)?);
            }
            Ok(state)
        });
        let states = states.collect::<Result<Vec<_>, SnapshotError>>()?;
        self.settle(&kept)?;
        Ok(states)
    }

    /// Returns `path` and all that is in it, without what lies behind links; `None` if that is more than `most` paths.
    ///
    /// # Errors
    ///
    /// A directory cannot be listed.
    pub fn below(
        &self,
        root: &Path,
        path: &str,
        most: usize,
    ) -> Result<Option<Vec<String>>, SnapshotError> {
        let look = Look::new(root)?;
        let (mut found, mut waiting) = (Vec::new(), vec![path.to_owned()]);
        while let Some(path) = waiting.pop() {
            let failed = |error| look.failed("list", &path, error);
            let name = PathBuf::from(name_of_text(&path));
            let Some(name) = look.beneath.find(&name).map_err(failed)? else { continue };
            let Some(stat) = name.stat().map_err(failed)? else { continue };
            if kind_of(&stat) == FileType::Directory {
                let listed = name.list().map_err(failed)?;
                waiting.extend(listed.iter().map(|name| format!("{path}/{}", text_of_name(name))));
            }
            found.push(path);
            if found.len() + waiting.len() > most {
                return Ok(None);
            }
        }
        found.sort_unstable();
        Ok(Some(found))
    }

    /// Returns the contents of a file in an earlier state; nothing if it is none, or longer than `max` bytes.
    ///
    /// # Errors
    ///
    /// The contents are not in the store.
    pub fn contents(&self, state: &PathState, max: u64) -> Result<Option<Vec<u8>>, SnapshotError> {
        match state {
            PathState::File { size, hash, .. } if *size <= max => self.get(hash).map(Some),
            _ => Ok(None),
        }
    }

    /// Keeps the contents that a file is about to get, and returns the state that it will have.
    ///
    /// # Errors
    ///
    /// The store cannot be written.
    pub fn wanted(&self, contents: &[u8], mode: u32) -> Result<PathState, SnapshotError> {
        let size = contents.len() as u64;
        if size > LARGEST_FILE {
            return Ok(PathState::Uncovered);
        }
        let kept = self.put_new(contents)?;
        self.settle(kept.as_slice())?;
        Ok(PathState::File { mode: mode & 0o7777, size, hash: hex(&Sha256::digest(contents)) })
    }
}

/// An open workspace that is looked at.
pub(super) struct Look {
    pub(super) beneath: Beneath,
    root: PathBuf,
}

impl Look {
    pub(super) fn new(root: &Path) -> Result<Self, SnapshotError> {
        let beneath =
            Beneath::open(root).map_err(|error| SnapshotError::io("open", root, error))?;
        Ok(Self { beneath, root: root.to_owned() })
    }

    /// Returns the state of a path, and of a file its contents.
    pub(super) fn state(&self, path: &str) -> Result<(PathState, Option<Vec<u8>>), SnapshotError> {
        let name = PathBuf::from(name_of_text(path));
        match self.beneath.find(&name) {
            Ok(Some(name)) => Ok(state_of(&name)),
            Ok(None) => Ok((PathState::Absent, None)),
            Err(error) if is_closed(&error) => Ok((PathState::Uncovered, None)),
            Err(error) => Err(self.failed("look at", path, error)),
        }
    }

    pub(super) fn failed(&self, act: &'static str, path: &str, error: io::Error) -> SnapshotError {
        SnapshotError::io(act, &self.root.join(name_of_text(path)), error)
    }
}

/// Returns what stands at a name. What cannot be read, or is too large, is not covered.
pub(super) fn state_of(name: &Name) -> (PathState, Option<Vec<u8>>) {
    let looked = try_state(name).unwrap_or_else(|error| {
        tracing::debug!(%error, "a path is not covered");
        Some((PathState::Uncovered, None))
    });
    looked.unwrap_or((PathState::Absent, None))
}

type Looked = Option<(PathState, Option<Vec<u8>>)>;

fn try_state(name: &Name) -> io::Result<Looked> {
    let Some(stat) = name.stat()? else { return Ok(None) };
    let mode = mode_of(&stat);
    Ok(Some(match kind_of(&stat) {
        FileType::Directory => (PathState::Directory { mode }, None),
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(&name.directory, &name.name, Vec::new())?;
            let target = text_of_name(OsStr::from_bytes(target.as_bytes()));
            (PathState::Link { target }, None)
        }
        FileType::RegularFile => {
            let bytes = name.read(LARGEST_FILE)?;
            let (size, hash) = (bytes.len() as u64, hex(&Sha256::digest(&bytes)));
            (PathState::File { mode, size, hash }, Some(bytes))
        }
        _ => (PathState::Uncovered, None),
    }))
}

/// Tells whether a path may not be looked at, or cannot be one.
fn is_closed(error: &io::Error) -> bool {
    let known = [libc::EACCES, libc::ENAMETOOLONG, libc::EINVAL, libc::EXDEV];
    error.raw_os_error().is_none_or(|code| known.contains(&code))
}
