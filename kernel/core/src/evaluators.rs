//! The evaluators of a run.

use crate::{
    evaluation::{EvaluatorCard, Rubric, Subject, Verdict},
    failure::Failure,
    port::Pending,
    scope::Scope,
};

/// The evaluators that one run may ask.
pub trait Evaluators: Send + Sync {
    /// Returns a card of each evaluator, highest tier first.
    fn cards(&self) -> Vec<EvaluatorCard>;

    /// Returns the rubric for work of this kind, if there is one.
    fn rubric(&self, kind: &str) -> Option<Rubric>;

    /// Asks `evaluator` to judge `subject`. A failure means *not evaluated*.
    fn evaluate<'a>(
        &'a self,
        evaluator: &'a str,
        subject: &'a Subject,
        scope: Scope,
    ) -> Pending<'a, Result<Verdict, Failure>>;
}
