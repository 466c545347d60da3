//! The catalog, the brokers behind the interfaces, and the counter of faults, as one host for all runs of a process.

use std::sync::Arc;

use openkoi_core::failure::Failure;
use wasmtime::Store;

use crate::{
    brokers::Brokers,
    catalog::{Catalog, CatalogEntry, CatalogError},
    instance::{self, FaultCounter, GuestState, Watch},
    linker::Loaded,
    service::backoff::Backoffs,
};

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) catalog: Catalog,
    pub(crate) brokers: Arc<Brokers>,
    pub(crate) backoffs: Backoffs,
    faults: Arc<FaultCounter>,
}

/// Runs components. Clones share one host, which any number of runs may use at the same time: data of a run arrives
/// with each call, in its `Scope`.
#[derive(Clone, Debug)]
pub struct Host {
    pub(crate) shared: Arc<Shared>,
}

impl Host {
    /// Makes a host. Components are loaded at their first call.
    #[must_use]
    pub fn new(catalog: Catalog, brokers: Brokers) -> Self {
        let brokers = Arc::new(brokers);
        let (backoffs, faults) = (Backoffs::default(), Arc::default());
        let shared = Shared { catalog, brokers, backoffs, faults };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the installed components.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.shared.catalog
    }

    /// Loads a component without calling it, for checks.
    ///
    /// # Errors
    ///
    /// The reason why it could not be called either.
    pub fn preload(&self, name: &str) -> Result<(), CatalogError> {
        let catalog = self.catalog();
        catalog.load(catalog.find(name)?).map(|_| ())
    }
}

impl Shared {
    /// Returns a component ready to be called, unless it is in quarantine.
    pub(crate) fn ready(&self, entry: &CatalogEntry) -> Result<Loaded, Failure> {
        let clock = &self.brokers.clock;
        self.faults.admit(entry.name(), clock.monotonic_ms(), clock.now_ms())?;
        self.catalog.load(entry).map_err(|error| Failure::Failed(error.to_string()))
    }

    /// Makes a store for one call, and its watch.
    pub(crate) fn store(&self, state: GuestState) -> Result<(Store<GuestState>, Watch), Failure> {
        let engine = self.catalog.engine();
        let engine = engine.map_err(|error| Failure::Failed(error.to_string()))?;
        Ok(instance::store(engine, &self.faults, state))
    }
}
