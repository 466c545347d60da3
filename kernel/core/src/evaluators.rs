//! The evaluators of a run.

use crate::{
    evaluation::{EvaluatorCard, Rubric, Subject, Verdict},
    failure::Failure,
    id::TreeId,
    port::Pending,
    scope::Scope,
};

/// The evaluators that one run may ask.
pub trait Evaluators: Send + Sync {
    /// Returns a card of each evaluator, highest tier first.
    fn cards(&self) -> Vec<EvaluatorCard>;

    /// Returns the rubric for work of this kind, if there is one.
    fn rubric(&self, kind: &str) -> Option<Rubric>;

    /// Returns what `evaluator` said of this very tree not long ago, for another task of the session.
    fn known(&self, _evaluator: &str, _tree: &TreeId) -> Option<Verdict> {
        None
    }

    /// Asks `evaluator` to judge `subject`. A failure means *not evaluated*.
    fn evaluate<'a>(
        &'a self,
        evaluator: &'a str,
        subject: &'a Subject,
        scope: Scope,
    ) -> Pending<'a, Result<Verdict, Failure>>;
}
