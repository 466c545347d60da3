//! Learners: they look at how tasks ended and say what is worth remembering.

use std::marker::PhantomData;

pub use crate::bindings::learner::exports::openkoi::learner::learner::{
    CheckRun, CommandRun, Ending, Finding, Learning, Lesson, Outcome, Proposal, Reaction,
    Retirement, Scope, SkillDraft, SoulChange, ToolUse,
};

use crate::{Result, bindings::learner::exports::openkoi::learner::learner::Guest};

/// Something that learns.
pub trait Learner {
    /// Looks at a task that has ended, and again when it is known what the user did with it.
    ///
    /// # Errors
    ///
    /// If nothing could be learnt: it costs the lesson and nothing else.
    fn observe(outcome: &Outcome) -> Result<Lesson>;
}

/// The generated trait, implemented by way of [`Learner`].
#[doc(hidden)]
pub struct Adapter<L>(PhantomData<L>);

impl<L: Learner + 'static> Guest for Adapter<L> {
    fn observe(outcome: Outcome) -> Result<Lesson> {
        crate::prepare();
        L::observe(&outcome)
    }
}
