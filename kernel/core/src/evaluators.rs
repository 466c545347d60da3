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
    fn rubric(&self, _kind: &str) -> Option<Rubric> {
        None
    }

    /// Begins to ask `evaluator` beside the run, of the tree as it is now: [`known`](Self::known) may be asked for it
    /// soon. Asking again is no harm; what has begun ends with the run at the latest.
    fn begin(&self, _evaluator: &str, _subject: &Subject, _scope: Scope) {}

    /// Returns what `evaluator` says of this very tree, if that needs no further question: it was asked of it not long
    /// ago for another task of the session, or is being asked since [`begin`](Self::begin).
    fn known<'a>(
        &'a self,
        _evaluator: &'a str,
        _tree: &'a TreeId,
    ) -> Pending<'a, Option<Result<Verdict, Failure>>> {
        Box::pin(std::future::ready(None))
    }

    /// Asks `evaluator` to judge `subject`. A failure means *not evaluated*.
    fn evaluate<'a>(
        &'a self,
        evaluator: &'a str,
        subject: &'a Subject,
        scope: Scope,
    ) -> Pending<'a, Result<Verdict, Failure>>;
}
