//! The evaluators of a run, which remember what they said of a tree for an earlier task of its session.

use std::sync::Arc;

use openkoi_core::{
    evaluation::{EvaluatorCard, Rubric, Subject, Verdict},
    evaluators::Evaluators,
    failure::Failure,
    id::{SessionId, TreeId},
    port::Pending,
    scope::Scope,
};
use openkoi_storage::Storage;

/// The longest that a verdict on a tree is taken for the present one: what the tree does not show, such as an
/// installed package, may have changed since.
const FRESH_MS: u64 = 3_600_000;

/// The evaluators of a run of a session.
pub(crate) struct SessionEvaluators {
    pub(crate) inner: Arc<dyn Evaluators>,
    pub(crate) storage: Arc<Storage>,
    pub(crate) session: SessionId,
    /// When the run began, in milliseconds since 1970.
    pub(crate) now_ms: u64,
}

impl Evaluators for SessionEvaluators {
    fn cards(&self) -> Vec<EvaluatorCard> {
        self.inner.cards()
    }

    fn rubric(&self, kind: &str) -> Option<Rubric> {
        self.inner.rubric(kind)
    }

    fn known(&self, evaluator: &str, tree: &TreeId) -> Option<Verdict> {
        let since = self.now_ms.saturating_sub(FRESH_MS);
        let known = self.storage.verdict_on(&self.session, evaluator, tree, since);
        known.unwrap_or_else(|error| {
            tracing::warn!(%error, "what is known of the untouched tree cannot be read");
            None
        })
    }

    fn evaluate<'a>(
        &'a self,
        evaluator: &'a str,
        subject: &'a Subject,
        scope: Scope,
    ) -> Pending<'a, Result<Verdict, Failure>> {
        self.inner.evaluate(evaluator, subject, scope)
    }
}
