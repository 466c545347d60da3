//! What a run has read that others may have written: pages and services, what programs fetched, files from elsewhere on this
//! machine. What the user's own workspace holds is theirs to answer for.
//!
//! Of the three, to read what others wrote, to know what is the user's, and to reach the outside or destroy something, a run
//! has two unasked at most (the rule of two). It knows what is the user's from its first turn on.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Mutex, PoisonError},
};

use super::action::{GatedAction, NETWORK};
use crate::tool::Effect;

/// The first thing of that kind which a run has read.
pub(super) struct Untrusted {
    source: Mutex<Option<String>>,
    /// The keys of calls that reach the outside by themselves: what a service answers to them is no text to be read.
    sending: Mutex<BTreeSet<String>>,
}

impl Untrusted {
    /// Returns that of a run which begins with having read this.
    pub(super) fn beginning_with(source: Option<String>) -> Self {
        Self { source: Mutex::new(source), sending: Mutex::default() }
    }

    /// Returns what was read, in words.
    pub(super) fn source(&self) -> Option<String> {
        lock(&self.source).clone()
    }

    /// Notes a call that may run.
    pub(super) fn note_call(&self, key: &str, action: &GatedAction<'_>, workspace: &str) {
        if action.effect >= Effect::Send {
            lock(&self.sending).insert(key.to_owned());
        } else if action.domain == "files" && is_elsewhere(&action.target, workspace) {
            self.note(&action.target);
        }
    }

    /// Notes an allowed use of a capability inside the call with this key.
    pub(super) fn note_answer(&self, key: &str, action: &str, target: &str) {
        let is_within = |call: &String| {
            key.strip_prefix(call.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if !lock(&self.sending).iter().any(is_within) {
            self.note_use(action, target);
        }
    }

    /// Notes an allowed use of a capability, as the journal has it.
    pub(super) fn note_use(&self, action: &str, target: &str) {
        if action == "http" || action == NETWORK {
            self.note(target);
        }
    }

    fn note(&self, source: &str) {
        lock(&self.source).get_or_insert_with(|| source.to_owned());
    }
}

/// Returns whether a path is one of this machine and not of the workspace.
fn is_elsewhere(target: &str, workspace: &str) -> bool {
    let path = Path::new(target);
    let leaves = path.components().any(|part| part == std::path::Component::ParentDir);
    leaves || path.is_absolute() && !path.starts_with(workspace)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic elsewhere does not make it unread.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_elsewhere_if_it_leads_out_of_the_workspace() {
        for (target, expected) in [
            ("a/b", false),
            ("/pond/a", false),
            ("/ponds/a", true),
            ("/home/me/Downloads/x", true),
            ("../x", true),
        ] {
            assert_eq!(is_elsewhere(target, "/pond"), expected, "{target}");
        }
    }
}
