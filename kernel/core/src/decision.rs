//! The gate's answer to one call or one use of a capability.

use serde::{Deserialize, Serialize};

/// What the gate decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// It may run.
    Allow {
        /// Why: `read`, `trust:act`, `rule`, `answer`.
        because: String,
    },
    /// It may not run.
    Deny {
        /// What was refused.
        what: String,
        /// What would allow it.
        hint: String,
    },
}
