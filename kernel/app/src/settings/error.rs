//! Errors of reading settings.

use std::{io, path::PathBuf};

use openkoi_brokers::durable::DurableError;

/// Why the settings could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file exists but cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file that a variable names does not exist.
    #[error("`{}` does not exist, but OPENKOI_CONFIG names it", path.display())]
    Missing {
        /// The path of the file.
        path: PathBuf,
    },
    /// The file is not TOML.
    #[error("{}:{line}: {message}", path.display())]
    Syntax {
        /// The path of the file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// A description of what is wrong.
        message: String,
    },
    /// The file cannot be written.
    #[error("cannot write `{}`", path.display())]
    Unwritable {
        /// The path of the file.
        path: PathBuf,
        /// Why not.
        source: DurableError,
    },
    /// A value has the wrong type or is out of range.
    #[error("{origin}: `{key}` has to be {expected}, not {found}")]
    Value {
        /// The origin of the value, in words.
        origin: String,
        /// The dotted name of the key.
        key: String,
        /// A description of the values that are allowed.
        expected: String,
        /// The value that was found, shortened.
        found: String,
    },
}
