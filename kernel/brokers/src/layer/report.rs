//! What is said of a layer: its changes, its conflicts, its commit.

use openkoi_core::change_set::{PathEffect, PathState};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One path that programs have changed in a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerChange {
    /// The path, relative to the workspace.
    pub path: PathBuf,
    /// What is there now.
    pub kind: LayerChangeKind,
}

/// What a program left at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerChangeKind {
    /// Nothing: what was there is removed.
    Removed,
    /// A file: a new one, or one that was opened for writing.
    File,
    /// A link.
    Link,
    /// A directory that was made, in place of whatever was there.
    Made,
    /// A directory that was there before, listed because its own mode or something in it changed.
    Entered,
    /// A socket, pipe or device, which is not committed.
    Other,
}

/// A path that a program changed and somebody else too. It is left as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerConflict {
    /// The path, in the form of a change set's.
    pub path: String,
    /// What somebody else did.
    pub theirs: Theirs,
    /// The program's version. If it is a file, the store has its contents.
    pub kept: PathState,
}

/// What somebody else did to a path while a layer was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theirs {
    /// It was changed or made.
    Changed,
    /// It was removed, or a directory above it was.
    Removed,
    /// Something in the directory was changed or made, so that it cannot be removed or replaced.
    Filled,
    /// It cannot be read, so that it is not known what it is.
    Closed,
}

/// The result of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    /// What was changed.
    pub effects: Vec<PathEffect>,
    /// What was left as it is because somebody else changed it.
    pub conflicts: Vec<LayerConflict>,
    /// Paths whose contents are not kept, before or after, so that they cannot be brought back.
    pub uncovered: Vec<String>,
    /// Directories whose contents were moved without being kept or listed.
    pub passed: Vec<String>,
    /// Sockets, pipes and devices that the program made. They are gone.
    pub left_out: Vec<String>,
    /// What the program made in places of secrets. It is gone.
    pub closed: Vec<String>,
    /// What was changed, and what was not, in the repository of a linked working tree: in words.
    pub repository: Vec<String>,
}
