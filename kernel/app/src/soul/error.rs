//! Errors of changes of SOUL.md.

use std::{io, path::PathBuf};

use openkoi_brokers::durable::DurableError;

/// Why SOUL.md is not changed.
#[derive(Debug, thiserror::Error)]
pub enum SoulChangeError {
    /// What is to be changed does not stand there, or more than once.
    #[error("`{0}` does not stand in SOUL.md as one line; change the file by hand")]
    Gone(String),
    /// Nothing was changed, or that is undone.
    #[error("there is no change of SOUL.md to undo")]
    Nothing,
    /// There is no change with this id.
    #[error("there is no change `{0}` of SOUL.md")]
    NoSuch(String),
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Unwritable(#[from] DurableError),
}
