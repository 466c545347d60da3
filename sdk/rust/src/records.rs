//! Read-only views of what the journal holds, newest first.

use crate::{Result, bindings::host::openkoi::host::records, failure::hosted};

pub use records::{
    Call, CallOutcome, Iteration, IterationDecision, Query, Spending, Task, TaskStatus, Verdict,
};

/// Returns tasks.
///
/// # Errors
///
/// The host's failure.
pub fn tasks(query: &Query) -> Result<Vec<Task>> {
    hosted(|| records::tasks(query))
}

/// Returns iterations.
///
/// # Errors
///
/// The host's failure.
pub fn iterations(query: &Query) -> Result<Vec<Iteration>> {
    hosted(|| records::iterations(query))
}

/// Returns calls of tools.
///
/// # Errors
///
/// The host's failure.
pub fn calls(query: &Query) -> Result<Vec<Call>> {
    hosted(|| records::calls(query))
}

/// Returns verdicts of evaluators.
///
/// # Errors
///
/// The host's failure.
pub fn verdicts(query: &Query) -> Result<Vec<Verdict>> {
    hosted(|| records::verdicts(query))
}

/// Returns uses of models.
///
/// # Errors
///
/// The host's failure.
pub fn spendings(query: &Query) -> Result<Vec<Spending>> {
    hosted(|| records::spendings(query))
}
