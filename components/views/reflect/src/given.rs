//! What the reports are given.

use std::collections::BTreeSet;

use openkoi_sdk::view::facts::{Learning, Time};
use serde::Deserialize;

/// What the reports are given.
#[derive(Deserialize)]
pub(crate) struct Given {
    pub(crate) time: Time,
    pub(crate) undone: BTreeSet<String>,
    pub(crate) learnings: Vec<Learning>,
}

impl Given {
    /// Returns when the day began that was so many days ago.
    pub(crate) fn day(&self, ago: usize) -> u64 {
        self.time.days_ms.get(ago).copied().unwrap_or_default()
    }

    /// Returns how many days ago a time was, if it is not longer ago than is known.
    pub(crate) fn days_ago(&self, at_ms: u64) -> Option<usize> {
        self.time.days_ms.iter().position(|begin| at_ms >= *begin)
    }
}

pub(crate) const EMPTY: &str = "No task was done yet. What was done, what became of it and what it cost stands here after the first one.";
