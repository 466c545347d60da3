//! The state of a path, with its contents kept.

use super::LayerError;
use super::below::{Parent, Status};
use crate::snapshot::{LARGEST_FILE, SnapshotStore};
use openkoi_core::change_set::{PathState, text_of_name};
use rustix::fs::FileType;
use std::ffi::OsStr;
use std::io::{self, Read};

/// Returns the state of what lies at `name`. The contents of a file are kept in `store` if it is not too large.
pub(super) fn state(
    store: &SnapshotStore,
    directory: &Parent,
    name: &OsStr,
    status: &Status,
) -> Result<PathState, LayerError> {
    match status.kind {
        FileType::Symlink => {
            Ok(directory.link_target(name).map_or(PathState::Uncovered, |target| PathState::Link {
                target: text_of_name(&target),
            }))
        }
        FileType::RegularFile if status.size <= LARGEST_FILE => match read(directory, name) {
            Ok(bytes) => Ok(PathState::File {
                mode: status.mode & 0o7777,
                size: bytes.len() as u64,
                hash: store.put(&bytes)?,
            }),
            Err(error) => {
                tracing::debug!(%error, "a file is not covered");
                Ok(PathState::Uncovered)
            }
        },
        FileType::Directory => Ok(PathState::Directory { mode: status.mode & 0o7777 }),
        _ => Ok(PathState::Uncovered),
    }
}

fn read(directory: &Parent, name: &OsStr) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    directory.file(name)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LARGEST_FILE {
        true => Err(io::Error::other("grew while it was read")),
        false => Ok(bytes),
    }
}
