//! The catalog, the brokers behind the interfaces, and the counter of faults, as one host for all runs of a process.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use openkoi_core::failure::Failure;
use wasmtime::Store;

use crate::{
    brokers::Brokers,
    catalog::{Catalog, current::CurrentCatalog},
    instance::{self, FaultCounter, GuestState, Watch},
    linker::Exports,
    manifest::LimitRequest,
    service::backoff::Backoffs,
};

#[derive(Debug)]
pub(crate) struct Shared {
    current: Arc<CurrentCatalog>,
    limits: BTreeMap<String, LimitRequest>,
    /// The last snapshot, and that with the limits.
    limited: Mutex<Option<[Arc<Catalog>; 2]>>,
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
    /// Makes a host whose catalog stays as it is. Components are loaded at their first call.
    #[must_use]
    pub fn new(catalog: Catalog, brokers: Brokers) -> Self {
        Self::following(Arc::new(CurrentCatalog::new(catalog)), BTreeMap::new(), brokers)
    }

    /// Makes a host that follows a catalog as it changes, with the user's limits for components, by name.
    #[must_use]
    pub fn following(
        current: Arc<CurrentCatalog>,
        limits: BTreeMap<String, LimitRequest>,
        brokers: Brokers,
    ) -> Self {
        let shared = Shared {
            current,
            limits,
            limited: Mutex::default(),
            brokers: Arc::new(brokers),
            backoffs: Backoffs::default(),
            faults: Arc::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the components that are installed now.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.shared.catalog()
    }
}

impl Shared {
    /// Returns the catalog that is in force now, with the user's limits. Until it changes it is the same one.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        let base = self.current.snapshot();
        let mut last = self.limited.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some([seen, limited]) = &*last
            && Arc::ptr_eq(seen, &base)
        {
            return Arc::clone(limited);
        }
        let limited = Arc::new(base.limited(&self.limits));
        *last = Some([base, Arc::clone(&limited)]);
        limited
    }

    /// Returns the exports of a component of `catalog`, ready to be called, unless it is in quarantine.
    pub(crate) fn ready<K: Exports>(&self, catalog: &Catalog, name: &str) -> Result<K, Failure> {
        let failed = |error: crate::catalog::CatalogError| Failure::Failed(error.to_string());
        let (clock, entry) = (&self.brokers.clock, catalog.find(name).map_err(failed)?);
        self.faults.admit(entry.name(), clock.monotonic_ms(), clock.now_ms())?;
        catalog.load(&entry).map_err(failed)
    }

    /// Makes a store for one call, and its watch.
    pub(crate) fn store(&self, state: GuestState) -> Result<(Store<GuestState>, Watch), Failure> {
        let catalog = self.catalog();
        let engine = catalog.engine().map_err(|error| Failure::Failed(error.to_string()))?;
        Ok(instance::store(engine, &self.faults, state))
    }
}
