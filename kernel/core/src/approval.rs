//! Questions to a person, their four answers, and the rules that an answer can leave behind.
//!
//! The answers are those of the Agent Client Protocol. A question carries the hash of exactly what will run,
//! so an answer given to one call cannot be spent on another.

use serde::{Deserialize, Serialize};

use crate::{hash, tool::Effect};

/// Question to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRequest {
    /// Name of the component that wants it.
    pub origin: String,
    /// Name of the tool, or of the capability that is used.
    pub action: String,
    /// Effect on the world.
    pub effect: Effect,
    /// The domain whose trust level asks.
    pub domain: String,
    /// Target, computed by the kernel: path, command, host.
    pub target: String,
    /// The whole arguments as JSON text.
    pub details: String,
    /// SHA-256 of action and details.
    pub hash: String,
    /// The rule that an *always* answer would write.
    pub rule: Rule,
}

impl ApprovalRequest {
    /// Returns the hash that binds an answer to one exact call.
    pub fn hash_of(action: &str, details: &str) -> String {
        hash::of_json(&(action, details))
    }
}

/// Answer of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Yes, this once.
    AllowOnce,
    /// Yes, and to the same again: the rule is written.
    AllowAlways,
    /// No, this once.
    RejectOnce,
    /// No, and to the same again: the rule is written.
    RejectAlways,
}

/// Rule that an *always* answer left behind. It matches one action on one target, never more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// True if the rule allows, false if it rejects.
    pub allow: bool,
    /// Name of the component that it is about.
    pub origin: String,
    /// Name of the tool or capability.
    pub action: String,
    /// Target, compared as a whole.
    pub target: String,
}

impl Rule {
    /// Returns whether the rule is about this action.
    pub fn covers(&self, origin: &str, action: &str, target: &str) -> bool {
        self.origin == origin && self.action == action && self.target == target
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verb = if self.allow { "allow" } else { "reject" };
        write!(f, "{verb} {} {} on {:?}", self.origin, self.action, self.target)
    }
}
