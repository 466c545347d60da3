//! Read-only views of what the journal holds, newest first.

use crate::{Result, bindings::host::openkoi::host::records, failure::hosted};

pub use records::{Call, Iteration, Query, Spending, Task, Verdict};

/// Returns tasks.
///
/// # Errors
///
/// What the host says.
pub fn tasks(query: &Query) -> Result<Vec<Task>> {
    hosted(|| records::tasks(query))
}

/// Returns iterations.
///
/// # Errors
///
/// What the host says.
pub fn iterations(query: &Query) -> Result<Vec<Iteration>> {
    hosted(|| records::iterations(query))
}

/// Returns calls of tools.
///
/// # Errors
///
/// What the host says.
pub fn calls(query: &Query) -> Result<Vec<Call>> {
    hosted(|| records::calls(query))
}

/// Returns verdicts of evaluators.
///
/// # Errors
///
/// What the host says.
pub fn verdicts(query: &Query) -> Result<Vec<Verdict>> {
    hosted(|| records::verdicts(query))
}

/// Returns uses of models.
///
/// # Errors
///
/// What the host says.
pub fn spendings(query: &Query) -> Result<Vec<Spending>> {
    hosted(|| records::spendings(query))
}
