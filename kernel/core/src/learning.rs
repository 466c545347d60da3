//! Learning: what a finished task is to a learner, what a learner says that it taught, and what of that is kept.
//!
//! [`seen`] makes the first from a journal; [`admission`] says what of the second may be remembered.

pub mod admission;
pub mod proposal;
pub mod seen;

use serde::{Deserialize, Serialize};

pub use self::{
    proposal::{Proposal, is_news},
    seen::SeenTask,
};
use crate::records::Reaction;

/// The most learnings of one lesson.
pub const MOST_LEARNINGS: usize = 10;
/// The most proposals of one lesson.
pub const MOST_PROPOSALS: usize = 3;

/// The beginning of the keys of what is recorded of a task after its end.
const AFTERWARDS: &str = "learn/";

/// Returns the key under which a learner looks at a task after its `time`th end, from 1, and again once the user's reaction is
/// known.
#[must_use]
pub fn key(time: usize, learner: &str, reaction: Option<Reaction>) -> String {
    let again = reaction.map(|reaction| format!("/{}", reaction.word())).unwrap_or_default();
    format!("{AFTERWARDS}{time}/{learner}{again}")
}

/// Returns whether a key is of what learners did after the end of a task, which is no part of its run.
#[must_use]
pub fn is_afterwards(key: &str) -> bool {
    key.starts_with(AFTERWARDS)
}

/// What an outcome taught.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// What to remember.
    pub learnings: Vec<Learnt>,
    /// What to propose.
    pub proposals: Vec<Proposal>,
}

/// Something that a learner says is worth remembering.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Learnt {
    /// The fact, one sentence that makes sense on its own.
    pub text: String,
    /// Words for what it is about.
    pub categories: Vec<String>,
    /// True if it holds everywhere for this user.
    pub everywhere: bool,
    /// How sure the learner is, 0 to 1.
    pub confidence: f64,
    /// Ids of findings, checks and tasks that it rests on.
    pub evidence: Vec<String>,
    /// The id of an older learning that it replaces.
    pub replaces: Option<String>,
}
