//! The plan of a commit, as it is written down.

use openkoi_core::change_set::{PathEffect, PathState};
use serde::{Deserialize, Serialize};

use super::LayerConflict;
use super::below::Status;

/// The identity of what lay at a path when the commit was planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    inode: u64,
    size: u64,
    changed: i128,
}

impl Stamp {
    pub(super) fn of(status: &Status) -> Self {
        Self { inode: status.inode, size: status.size, changed: status.changed }
    }
}

/// One step of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) path: String,
    pub(super) act: Act,
    /// What lies there before; nothing if nothing does.
    pub(super) stamp: Option<Stamp>,
    pub(super) before: PathState,
    pub(super) after: PathState,
    /// Whether it is an effect of the program, and not only a part of one.
    pub(super) listed: bool,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Act {
    /// Removes what is not a directory.
    Remove,
    /// Removes a directory, which is empty by then.
    RemoveDir,
    /// Makes a directory.
    MakeDir,
    /// Moves a file or link from the layer. The mode is the complete one.
    Place { mode: u32 },
    /// Moves a whole new directory whose contents are not kept.
    PlaceTree,
    /// Sets the mode of a directory.
    Mode { mode: u32 },
    /// Gives a directory that was made its mode and time, after all that is in it is there.
    Finish { mode: u32, modified: i128 },
    /// Sets the time of a file that was touched.
    Touch { modified: i128 },
}

/// All that a commit does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The workspace, in the form of a change set's names.
    pub(super) workspace: String,
    pub(super) steps: Vec<Step>,
    pub(super) conflicts: Vec<LayerConflict>,
    /// Paths whose contents could not be kept, before or after.
    pub(super) uncovered: Vec<String>,
    /// Directories that were not kept because the caller said so.
    pub(super) passed: Vec<String>,
    /// Sockets, pipes and devices, which are not committed.
    pub(super) left_out: Vec<String>,
    /// What was made in places that are closed to programs, which is not committed.
    #[serde(default)]
    pub(super) closed: Vec<String>,
}

impl Record {
    pub(super) fn effects(&self) -> Vec<PathEffect> {
        self.steps.iter().filter(|step| step.listed).map(Step::effect).collect()
    }
}

impl Step {
    pub(super) fn effect(&self) -> PathEffect {
        PathEffect::new(&*self.path, self.before.clone(), self.after.clone())
    }
}
