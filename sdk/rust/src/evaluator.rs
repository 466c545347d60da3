//! Evaluators: they judge what an execution produced, by what is there and not by what the executor says.

use std::marker::PhantomData;

pub use crate::bindings::evaluator::exports::openkoi::evaluator::evaluator::{
    Before, Change, ChangeKind, Check, Criterion, Dimension, EvidenceFile, Finding, NamedCheck,
    Outcome, QuickLook, Rubric, Score, Severity, Subject, Test, Verdict,
};

use crate::{Result, bindings::evaluator::exports::openkoi::evaluator::evaluator::Guest};

/// A component that judges.
pub trait Evaluator {
    /// Judges `subject`.
    ///
    /// # Errors
    ///
    /// A failure means *not evaluated*; it is never a score.
    fn evaluate(subject: &Subject) -> Result<Verdict>;
}

impl Verdict {
    /// A verdict that says nothing but `summary`.
    pub fn new(summary: impl Into<String>) -> Self {
        Self {
            checks: Vec::new(),
            scores: Vec::new(),
            findings: Vec::new(),
            summary: summary.into(),
            evidence: Vec::new(),
        }
    }
}

/// The generated trait, implemented by way of [`Evaluator`].
#[doc(hidden)]
pub struct Adapter<E>(PhantomData<E>);

impl<E: Evaluator> Guest for Adapter<E> {
    fn evaluate(subject: Subject) -> Result<Verdict> {
        crate::prepare();
        E::evaluate(&subject)
    }
}
