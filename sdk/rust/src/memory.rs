//! Learnings of earlier tasks.

use crate::{Result, bindings::host::openkoi::host::memory, failure::hosted};

pub use memory::Learning;

/// Returns up to `limit` (at most 100) learnings, the closest to `query` first.
///
/// # Errors
///
/// The host's failure.
pub fn recall(query: &str, limit: u32) -> Result<Vec<Learning>> {
    hosted(|| memory::recall(query, limit))
}
