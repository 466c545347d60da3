//! The gate's answer to one call or one use of a capability.

use serde::{Deserialize, Serialize};

/// Decision of the gate about one call or one use of a capability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// The call or use may run.
    Allow {
        /// Ground of the decision: `grant`, `read`, `trust:act`, `rule` or `answer`.
        because: String,
    },
    /// The command may run apart: what it changes is a question of its own, and is not there until that is answered.
    Try,
    /// The call or use may not run.
    Deny {
        /// Action and target that were refused, and the reason.
        what: String,
        /// Command or setting that would allow it; may be empty.
        hint: String,
    },
}

/// What became of what a call on trial has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrialEnd {
    /// Its changes are made.
    Kept,
    /// They are dropped, for this reason, which the model is told.
    Dropped(String),
}
