//! Errors of layers.

use crate::durable::DurableError;
use crate::snapshot::SnapshotError;
use std::io;
#[cfg(target_os = "linux")]
use std::path::Path;
use std::path::PathBuf;

/// Why a layer could not be made, read or committed.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// There can be no layer here. The workspace is as it was; a walk of it has to do.
    #[error("a program's changes cannot be kept apart here: {reason}")]
    Unavailable {
        /// The reason, as a part of a sentence.
        reason: String,
    },
    /// There is no plan to go on with.
    #[error("the layer `{id}` has no plan that can be read, so it cannot be committed")]
    NoPlan {
        /// The name of the layer.
        id: String,
    },
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
    /// The store could not keep a state.
    #[error(transparent)]
    Store(#[from] SnapshotError),
    /// The plan could not be written.
    #[error(transparent)]
    Plan(#[from] DurableError),
}

impl LayerError {
    #[cfg(target_os = "linux")]
    pub(super) fn io(act: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { act, path: path.to_owned(), source: source.into() }
    }

    #[cfg(target_os = "linux")]
    pub(super) fn none(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }
}
