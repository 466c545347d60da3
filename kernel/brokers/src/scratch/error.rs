//! Errors of copies.

use std::io;
use std::path::{Path, PathBuf};

/// Why there is no copy of a workspace.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// There can be none here, or it would cost too much.
    #[error("the workspace cannot be copied: {reason}")]
    Unavailable {
        /// The reason, as a part of a sentence.
        reason: String,
    },
    /// A file or directory could not be read or written.
    #[error("cannot {act} `{}`: {source}", path.display())]
    Io {
        /// The verb for what was tried.
        act: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

impl ScratchError {
    pub(super) fn io(act: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { act, path: path.to_owned(), source: source.into() }
    }

    pub(super) fn none(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }
}
