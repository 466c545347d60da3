//! The learners of the catalog.

mod convert;

use std::sync::Arc;

use openkoi_core::{
    failure::Failure,
    learners::Learners,
    learning::{Lesson, SeenTask},
    port::Pending,
    scope::Scope,
};
use wasmtime::component::InstancePre;

use crate::{
    bindings::learner::LearnerExportsPre,
    catalog::Catalog,
    host::Host,
    instance::{CallLimits, Caller, GuestState},
    linker::Exports,
    manifest::Kind,
    workdir::Workdir,
};

/// The exports of a learner.
pub(super) type Guest = LearnerExportsPre<GuestState>;

impl Exports for Guest {
    const KIND: Kind = Kind::Learner;

    fn find(instance: InstancePre<GuestState>) -> wasmtime::Result<Self> {
        Self::new(instance)
    }
}

/// The domain whose trust level applies to learners.
const DOMAIN: &str = "learning";

/// The learners of a catalog in one workspace. Each is loaded when it is first asked.
#[derive(Clone, Debug)]
pub struct CatalogLearners {
    host: Host,
    workdir: Arc<Workdir>,
    names: Vec<String>,
}

impl CatalogLearners {
    /// Takes all components of the kind but those in `without`. No manifest is read yet.
    #[must_use]
    pub fn new(host: &Host, workdir: Arc<Workdir>, without: &[String]) -> Self {
        let catalog = host.catalog();
        let names = catalog.of_kind(Kind::Learner).map(|entry| entry.name().to_owned());
        let mut names: Vec<String> = names.filter(|name| !without.contains(name)).collect();
        names.sort_unstable();
        Self { host: host.clone(), workdir, names }
    }

    async fn asked(&self, learner: &str, seen: &SeenTask, scope: Scope) -> Result<Lesson, Failure> {
        let (shared, catalog) = (&self.host.shared, self.host.catalog());
        let failed = |error: crate::catalog::CatalogError| Failure::Failed(error.to_string());
        let entry = catalog.find(learner).map_err(failed)?;
        let manifest = entry.manifest().map_err(failed)?;
        let mut limits = CallLimits::of(entry.kind(), &manifest.limits);
        limits.wall = limits.wall.min(scope.deadline);
        let (wall, most) = (limits.wall, limits.output);
        let component = self.ready(&catalog, learner)?;
        let caller = Caller {
            scope,
            grant: entry.grant(None).map_err(failed)?,
            domain: DOMAIN.to_owned(),
            keeps_effects: false,
            shows: false,
            overwrites: false,
            workdir: Arc::clone(&self.workdir),
            account: None,
        };
        let data = GuestState::new(learner, limits, &shared.brokers, Some(caller));
        let (mut store, watch) = shared.store(data)?;
        let outcome = convert::outcome(seen);
        let step = async {
            let guest = component.instantiate_async(&mut store).await?;
            let guest = guest.openkoi_learner_learner();
            guest.call_observe(&mut store, &outcome).await
        };
        let lesson = watch.step(wall, step).await?.map_err(Failure::from)?;
        convert::lesson(lesson, most)
    }

    fn ready(&self, catalog: &Catalog, learner: &str) -> Result<Guest, Failure> {
        self.host.shared.ready::<Guest>(catalog, learner)
    }
}

impl Learners for CatalogLearners {
    fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    fn is_ready(&self, learner: &str) -> bool {
        let catalog = self.host.catalog();
        catalog.find(learner).is_ok_and(|entry| catalog.is_compiled(&entry))
    }

    fn prepare(&self, learner: &str) -> Result<(), Failure> {
        self.ready(&self.host.catalog(), learner).map(drop)
    }

    fn observe<'a>(
        &'a self,
        learner: &'a str,
        seen: &'a SeenTask,
        scope: Scope,
    ) -> Pending<'a, Result<Lesson, Failure>> {
        Box::pin(self.asked(learner, seen, scope))
    }
}
