//! Errors of snapshots.

use std::io;
use std::path::{Path, PathBuf};

/// Why a capture or a restore failed.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file or directory could not be read or written.
    #[error("cannot {act} `{}`", path.display())]
    Io {
        /// The verb for what was tried.
        act: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The store has no such tree or object.
    #[error("the snapshot `{id}` is not kept here")]
    Unknown {
        /// Its name.
        id: String,
    },
    /// The bytes of an object do not have the hash that is its name.
    #[error("the kept object `{id}` is damaged")]
    Damaged {
        /// Its name.
        id: String,
    },
    /// The text is not the name of a tree.
    #[error("`{text}` is not the name of a snapshot")]
    Name {
        /// The text.
        text: String,
    },
}

impl SnapshotError {
    pub(super) fn io(act: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io { act, path: path.to_owned(), source }
    }
}
