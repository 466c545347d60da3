//! What the gate decides about.

use crate::{hash, tool::Effect};

/// The domain of the question whether programs may reach a host, and the name of that action.
pub(super) const NETWORK: &str = "network";

/// An action that the gate decides about.
#[derive(Clone)]
pub(super) struct GatedAction<'a> {
    pub(super) origin: &'a str,
    pub(super) name: &'a str,
    pub(super) effect: Effect,
    pub(super) domain: &'a str,
    pub(super) target: String,
    pub(super) details: String,
    pub(super) shown: String,
    /// True if the target is a command line.
    pub(super) is_command: bool,
}

impl GatedAction<'_> {
    /// Returns the target as rules name it: with what was shown, if the target alone does not say what happens. A rule
    /// about a command is one about the command.
    pub(super) fn target_of_rules(&self) -> String {
        if self.shown.is_empty() || self.is_command {
            return self.target.clone();
        }
        let content = hash::of_bytes(self.shown.as_bytes());
        format!("{} (difference {})", self.target, content.get(..16).unwrap_or(&content))
    }
}
