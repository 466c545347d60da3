//! The agencies of a run: those of the catalog, with what storage knows of earlier work.

use std::sync::Arc;

use openkoi_core::{
    agencies::{Agencies, AgencyCard, AgencyUse},
    deliberation::{assessment::Assessment, forecast::PastWork, motion::Motion},
    failure::Failure,
    port::Pending,
    scope::Scope,
};
use openkoi_host::kinds::agency::CatalogAgencies;
use openkoi_storage::{Storage, StorageError};

use crate::thread;

/// The most tasks of before on which a forecast looks.
const PAST: u32 = 200;
/// The name of the thread that makes agencies ready.
const THREAD: &str = "agencies";

/// The agencies of one run.
pub(crate) struct RunAgencies {
    pub(crate) catalog: CatalogAgencies,
    pub(crate) storage: Arc<Storage>,
    /// The directory whose work is looked at.
    pub(crate) workspace: String,
}

impl RunAgencies {
    /// Makes all of them ready on a thread that nobody waits for, while the planner thinks.
    pub(crate) fn warm(&self) {
        let catalog = self.catalog.clone();
        thread::beside(THREAD, move || {
            for card in catalog.cards() {
                if let Err(failure) = catalog.prepare(&card.name) {
                    tracing::debug!(name = card.name, %failure, "an agency is not ready");
                }
            }
        });
    }
}

impl Agencies for RunAgencies {
    fn cards(&self) -> Vec<AgencyCard> {
        self.catalog.cards()
    }

    fn assess<'a>(
        &'a self,
        agency: &'a str,
        motion: &'a Motion,
        scope: Scope,
    ) -> Pending<'a, Result<Assessment, Failure>> {
        Box::pin(async move {
            // The first use compiles, and the others are to go on meanwhile.
            let (catalog, name) = (self.catalog.clone(), agency.to_owned());
            let ready = tokio::task::spawn_blocking(move || catalog.prepare(&name)).await;
            ready.map_err(|error| Failure::Failed(error.to_string()))??;
            self.catalog.assess(agency, motion, scope).await
        })
    }

    fn past(&self) -> Vec<PastWork> {
        known(self.storage.past_work(&self.workspace, PAST))
    }

    fn uses(&self, kind: &str) -> Vec<AgencyUse> {
        known(self.storage.agency_uses(kind))
    }
}

/// What cannot be read is not known.
fn known<T>(read: Result<Vec<T>, StorageError>) -> Vec<T> {
    read.unwrap_or_else(|error| {
        tracing::warn!(%error, "what is known of earlier work cannot be read");
        Vec::new()
    })
}
