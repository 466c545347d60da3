//! Why there is no dry run.

use std::path::PathBuf;

/// Why there is no dry run.
#[derive(Debug, thiserror::Error)]
#[error("there can be no dry run of `{}`: {reason}", workspace.display())]
pub struct DryRunError {
    /// The directory that the task was asked for.
    pub workspace: PathBuf,
    /// Why it cannot be copied.
    pub reason: String,
}
