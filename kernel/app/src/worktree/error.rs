//! Why there is no worktree.

use std::path::PathBuf;

/// Why there is no worktree.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a worktree beside `{}`: {reason}", workspace.display())]
pub struct WorktreeError {
    /// The directory that the task was asked for.
    pub workspace: PathBuf,
    /// What git or the system said.
    pub reason: String,
}
