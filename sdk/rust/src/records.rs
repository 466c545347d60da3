//! Read-only views of what the journal holds, newest first.

use crate::{Result, bindings::host::openkoi::host::records, failure::hosted};

pub use records::{
    ActionEffect, Assessment, Call, CallOutcome, ChangedFile, Check, Command, Decision, Iteration,
    IterationDecision, Query, Reaction, ReactionKind, ShownLearning, Spending, Task, TaskStatus,
    Verdict, Vote,
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

/// Returns what was decided about actions.
///
/// # Errors
///
/// The host's failure.
pub fn decisions(query: &Query) -> Result<Vec<Decision>> {
    hosted(|| records::decisions(query))
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

/// Returns programs that ran.
///
/// # Errors
///
/// The host's failure.
pub fn commands(query: &Query) -> Result<Vec<Command>> {
    hosted(|| records::commands(query))
}

/// Returns runs of checks.
///
/// # Errors
///
/// The host's failure.
pub fn checks(query: &Query) -> Result<Vec<Check>> {
    hosted(|| records::checks(query))
}

/// Returns files that tasks changed.
///
/// # Errors
///
/// The host's failure.
pub fn changed_files(query: &Query) -> Result<Vec<ChangedFile>> {
    hosted(|| records::changed_files(query))
}

/// Returns what the user did with the work of tasks.
///
/// # Errors
///
/// The host's failure.
pub fn reactions(query: &Query) -> Result<Vec<Reaction>> {
    hosted(|| records::reactions(query))
}

/// Returns learnings that tasks were shown.
///
/// # Errors
///
/// The host's failure.
pub fn shown_learnings(query: &Query) -> Result<Vec<ShownLearning>> {
    hosted(|| records::shown_learnings(query))
}

/// Returns what agencies said to tasks before these were begun.
///
/// # Errors
///
/// The host's failure.
pub fn assessments(query: &Query) -> Result<Vec<Assessment>> {
    hosted(|| records::assessments(query))
}
