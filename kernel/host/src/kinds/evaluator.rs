//! The evaluators of the catalog.

mod convert;

use std::sync::Arc;

use openkoi_core::{
    capability::Grant,
    evaluation::{EvaluatorCard, Subject, Verdict},
    evaluators::Evaluators,
    failure::Failure,
    port::Pending,
    scope::Scope,
};

use wasmtime::component::InstancePre;

use crate::{
    bindings::evaluator::EvaluatorExportsPre,
    catalog::{Catalog, CatalogEntry, CatalogError},
    host::Host,
    instance::{CallLimits, Caller, GuestState},
    linker::Exports,
    manifest::Kind,
    workdir::Workdir,
};

/// The exports of an evaluator.
pub(super) type Guest = EvaluatorExportsPre<GuestState>;

impl Exports for Guest {
    const KIND: Kind = Kind::Evaluator;

    fn find(instance: InstancePre<GuestState>) -> wasmtime::Result<Self> {
        Self::new(instance)
    }
}

/// The domain whose trust level applies to evaluators.
const DOMAIN: &str = "evaluation";

struct KnownEvaluator {
    card: EvaluatorCard,
    limits: CallLimits,
    grant: Grant,
    answer_words: Vec<String>,
}

impl KnownEvaluator {
    /// Returns true if the manifest's words already show that there is nothing to judge.
    fn passes_over(&self, subject: &Subject) -> bool {
        let Some(answer) = &subject.answer else { return false };
        let only = subject.changes.is_empty() && subject.baseline.is_empty();
        if self.answer_words.is_empty() || !only {
            return false;
        }
        let answer = answer.to_lowercase();
        !self.answer_words.iter().any(|word| answer.contains(word))
    }
}

/// The evaluators of the catalog in one workspace. Any number of runs may ask them at the same time.
pub struct CatalogEvaluators {
    host: Host,
    /// The catalog that they were collected from.
    catalog: Arc<Catalog>,
    workdir: Arc<Workdir>,
    known: Vec<KnownEvaluator>,
}

impl CatalogEvaluators {
    /// Collects the evaluators of all components but those in `without`.
    ///
    /// # Errors
    ///
    /// A manifest is not accepted.
    pub fn new(
        host: &Host,
        workdir: Arc<Workdir>,
        without: &[String],
    ) -> Result<Self, CatalogError> {
        let (catalog, mut known) = (host.catalog(), Vec::new());
        for entry in catalog.of_kind(Kind::Evaluator) {
            if !without.iter().any(|name| name == entry.name()) {
                known.extend(known_evaluator(entry)?);
            }
        }
        known.sort_by(|a: &KnownEvaluator, b| {
            (a.card.tier, &a.card.name).cmp(&(b.card.tier, &b.card.name))
        });
        Ok(Self { host: host.clone(), catalog, workdir, known })
    }

    async fn run(
        &self,
        evaluator: &str,
        subject: &Subject,
        scope: Scope,
    ) -> Result<Verdict, Failure> {
        let known = self.known.iter().find(|known| known.card.name == evaluator);
        let known =
            known.ok_or_else(|| Failure::NotFound(format!("the evaluator `{evaluator}`")))?;
        if known.passes_over(subject) {
            let summary =
                "nothing changed, and the answer says nothing that it looks for".to_owned();
            return Ok(Verdict { summary, ..Verdict::default() });
        }
        let shared = &self.host.shared;
        let component = shared.ready::<Guest>(&self.catalog, evaluator)?;
        let mut limits = known.limits.clone();
        limits.wall = limits.wall.min(scope.deadline);
        let (wall, most) = (limits.wall, limits.output);
        let caller = Caller {
            scope,
            grant: known.grant.clone(),
            domain: DOMAIN.to_owned(),
            keeps_effects: false,
            shows: false,
            overwrites: false,
            workdir: Arc::clone(&self.workdir),
            account: None,
        };
        let data = GuestState::new(evaluator, limits, &shared.brokers, Some(caller));
        let (mut store, watch) = shared.store(data)?;
        let subject = convert::subject(subject);
        let step = async {
            let guest = component.instantiate_async(&mut store).await?;
            let guest = guest.openkoi_evaluator_evaluator();
            guest.call_evaluate(&mut store, &subject).await
        };
        let verdict = watch.step(wall, step).await?.map_err(Failure::from)?;
        let mut verdict = convert::verdict(verdict, most)?;
        verdict.receipts = watch.log().take_receipts();
        let rewritten = store.data().rewritten();
        verdict.rewritten = rewritten.await;
        Ok(verdict)
    }
}

impl Evaluators for CatalogEvaluators {
    fn cards(&self) -> Vec<EvaluatorCard> {
        self.known.iter().map(|known| known.card.clone()).collect()
    }

    fn evaluate<'a>(
        &'a self,
        evaluator: &'a str,
        subject: &'a Subject,
        scope: Scope,
    ) -> Pending<'a, Result<Verdict, Failure>> {
        Box::pin(self.run(evaluator, subject, scope))
    }
}

fn known_evaluator(entry: &CatalogEntry) -> Result<Option<KnownEvaluator>, CatalogError> {
    let manifest = entry.manifest()?;
    let Some(evaluator) = manifest.evaluator.as_ref() else { return Ok(None) };
    let tier = evaluator.tier;
    let limits = CallLimits::of(entry.kind(), &manifest.limits);
    let deadline_ms = u64::try_from(limits.wall.as_millis()).unwrap_or(u64::MAX);
    Ok(Some(KnownEvaluator {
        card: EvaluatorCard { name: entry.name().to_owned(), tier, deadline_ms },
        limits,
        grant: entry.grant(None)?,
        answer_words: evaluator.answer_words.clone(),
    }))
}
