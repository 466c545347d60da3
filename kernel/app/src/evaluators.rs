//! The evaluators of a run, which remember what they said of a tree for an earlier task of its session, and may begin
//! beside the run.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use openkoi_core::{
    evaluation::{CheckOutcome, EvaluatorCard, Rubric, Subject, Verdict},
    evaluators::Evaluators,
    failure::Failure,
    id::{SessionId, TreeId},
    port::{Pending, Workspace},
    scope::Scope,
};
use openkoi_storage::Storage;
use tokio::{sync::oneshot, task::JoinHandle};

/// The longest that a verdict on a tree is taken for the present one: what the tree does not show, such as an
/// installed package, may have changed since.
const FRESH_MS: u64 = 3_600_000;

/// The evaluators of a run of a session.
pub(crate) struct SessionEvaluators {
    inner: Arc<dyn Evaluators>,
    workspace: Arc<dyn Workspace>,
    earlier: SessionVerdicts,
    /// Rubrics by kind of work, for the task.
    rubrics: BTreeMap<String, Rubric>,
    /// Evaluations that were begun beside the run, by evaluator. One that was asked for stays as nothing.
    begun: Mutex<HashMap<String, Option<Begun>>>,
}

/// An evaluation beside the run. It ends when this is dropped.
struct Begun {
    /// The tree that it looks at, once that is known.
    tree: oneshot::Receiver<TreeId>,
    work: JoinHandle<Result<Verdict, Failure>>,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl Begun {
    /// Returns the verdict if it is one of `tree`.
    async fn on(mut self, tree: &TreeId) -> Option<Result<Verdict, Failure>> {
        let looked_at = (&mut self.tree).await.ok()?;
        match looked_at == *tree {
            true => (&mut self.work).await.ok(),
            false => None,
        }
    }
}

impl SessionEvaluators {
    pub(crate) fn new(
        inner: Arc<dyn Evaluators>,
        workspace: Arc<dyn Workspace>,
        earlier: SessionVerdicts,
        rubrics: BTreeMap<String, Rubric>,
    ) -> Self {
        Self { inner, workspace, earlier, rubrics, begun: Mutex::default() }
    }
}

/// What earlier tasks of a session found.
#[derive(Clone)]
pub(crate) struct SessionVerdicts {
    pub(crate) storage: Arc<Storage>,
    pub(crate) session: SessionId,
    /// When the run began, in milliseconds since 1970.
    pub(crate) now_ms: u64,
}

impl SessionVerdicts {
    fn on(&self, evaluator: &str, tree: &TreeId) -> Option<Verdict> {
        let since = self.now_ms.saturating_sub(FRESH_MS);
        let known = self.storage.verdict_on(&self.session, evaluator, tree, since);
        let known = known.unwrap_or_else(|error| {
            tracing::warn!(%error, "what is known of the untouched tree cannot be read");
            None
        });
        known.filter(is_lasting)
    }
}

/// Returns whether a verdict may stand for a later look: what could not be run may be possible by then.
fn is_lasting(verdict: &Verdict) -> bool {
    verdict.checks.iter().all(|check| check.outcome != CheckOutcome::Errored)
}

impl Evaluators for SessionEvaluators {
    fn cards(&self) -> Vec<EvaluatorCard> {
        self.inner.cards()
    }

    fn rubric(&self, kind: &str) -> Option<Rubric> {
        self.rubrics.get(kind).cloned()
    }

    fn begin(&self, evaluator: &str, subject: &Subject, scope: Scope) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if begun.contains_key(evaluator) {
            return;
        }
        let (sender, tree) = oneshot::channel();
        let (inner, workspace) = (Arc::clone(&self.inner), Arc::clone(&self.workspace));
        let (earlier, name, subject) =
            (self.earlier.clone(), evaluator.to_owned(), subject.clone());
        let work = tokio::spawn(async move {
            let captured = workspace.fingerprint().await;
            let tree = captured.map_err(|error| Failure::Unsupported(error.to_string()))?;
            let known = earlier.on(&name, &tree);
            // Nobody listens any more where the run is over.
            drop(sender.send(tree));
            match known {
                Some(verdict) => Ok(verdict),
                None => inner.evaluate(&name, &subject, scope).await,
            }
        });
        begun.insert(evaluator.to_owned(), Some(Begun { tree, work }));
    }

    fn known<'a>(
        &'a self,
        evaluator: &'a str,
        tree: &'a TreeId,
    ) -> Pending<'a, Option<Result<Verdict, Failure>>> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = begun.insert(evaluator.to_owned(), None).flatten();
        Box::pin(async move {
            match self.earlier.on(evaluator, tree) {
                Some(verdict) => Some(Ok(verdict)),
                None => begun?.on(tree).await,
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use openkoi_core::evaluation::Check;

    #[test]
    fn what_could_not_run_for_an_earlier_task_is_tried_again() {
        let verdict = |outcome| {
            let check = Check {
                id: "t".to_owned(),
                category: "test".to_owned(),
                command: "run".to_owned(),
                outcome,
                exit_code: None,
                tests: Vec::new(),
                test_count: None,
                excerpt: String::new(),
                receipts: Vec::new(),
                duration_ms: 0,
                runner: String::new(),
            };
            Verdict { checks: vec![check], ..Verdict::default() }
        };

        assert!(is_lasting(&verdict(CheckOutcome::Failed)));
        assert!(!is_lasting(&verdict(CheckOutcome::Errored)));
    }
}
