//! Why settings cannot be read.

use std::{io, path::PathBuf};

/// Why the settings could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file is there and cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file that a variable names is not there.
    #[error("`{}` does not exist, but OPENKOI_CONFIG names it", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is not TOML.
    #[error("{}:{line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A value has the wrong type or is out of range.
    #[error("{origin}: `{key}` has to be {expected}, not {found}")]
    Value {
        /// Where it was set.
        origin: String,
        /// The key.
        key: String,
        /// What it has to be.
        expected: String,
        /// What it is.
        found: String,
    },
}
