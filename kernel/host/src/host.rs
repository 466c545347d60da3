//! The host as a whole: the catalog, the brokers behind the interfaces, and who is in quarantine.

use std::{fmt, sync::Arc};

use openkoi_brokers::{
    egress::{Egress, EgressError, Request},
    oauth::Logins,
    processes::Processes,
    random::Random,
    secrets::SecretStore,
};
use openkoi_core::{
    failure::Failure,
    port::{Clock, Pending, StateStore},
};

use crate::{
    catalog::{Catalog, CatalogError, Entry},
    engine::Loaded,
    instance::{Quarantined, Strikes},
};

/// An answer whose head has arrived.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The URL that answered.
    pub url: String,
    /// The body.
    pub body: Box<dyn AnswerBody>,
}

/// The body of an answer, pulled piece by piece.
pub trait AnswerBody: Send {
    /// Returns the next bytes, at least one, or nothing at the end.
    fn chunk(&mut self) -> Pending<'_, Result<Option<Vec<u8>>, EgressError>>;
}

/// What sends requests: the egress broker, or a test's script.
pub trait Transport: Send + Sync {
    /// Sends a request and returns when the head of its answer is there.
    fn send(&self, request: Request) -> Pending<'_, Result<Answer, EgressError>>;
}

impl AnswerBody for openkoi_brokers::egress::Body {
    fn chunk(&mut self) -> Pending<'_, Result<Option<Vec<u8>>, EgressError>> {
        Box::pin(openkoi_brokers::egress::Body::chunk(self))
    }
}

impl Transport for Egress {
    fn send(&self, request: Request) -> Pending<'_, Result<Answer, EgressError>> {
        Box::pin(async move {
            let response = Egress::send(self, request).await?;
            Ok(Answer {
                status: response.status,
                headers: response.headers,
                url: response.url,
                body: Box::new(response.body),
            })
        })
    }
}

/// What the host's interfaces are made of.
#[derive(Clone)]
pub struct Brokers {
    /// Requests.
    pub transport: Arc<dyn Transport>,
    /// Credentials.
    pub secrets: SecretStore,
    /// Credentials that a person logged in for.
    pub logins: Logins,
    /// Programs.
    pub processes: Processes,
    /// The key-value spaces of components.
    pub state: Arc<dyn StateStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Random,
}

impl fmt::Debug for Brokers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brokers").finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) catalog: Catalog,
    pub(crate) brokers: Arc<Brokers>,
    pub(crate) strikes: Strikes,
}

/// Runs components. Clones are the same host.
#[derive(Clone, Debug)]
pub struct Host {
    pub(crate) shared: Arc<Shared>,
}

impl Host {
    /// Makes a host. Nothing is loaded.
    #[must_use]
    pub fn new(catalog: Catalog, brokers: Brokers) -> Self {
        let shared = Shared { catalog, brokers: Arc::new(brokers), strikes: Strikes::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Returns the components that are here.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.shared.catalog
    }

    /// Returns the components that broke too often and are left alone for a while.
    #[must_use]
    pub fn quarantined(&self) -> Vec<Quarantined> {
        let clock = &self.shared.brokers.clock;
        self.shared.strikes.list(clock.monotonic_ms(), clock.now_ms())
    }

    /// Loads a component without calling it, for checks.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being called.
    pub fn preload(&self, name: &str) -> Result<(), CatalogError> {
        let catalog = self.catalog();
        catalog.load(catalog.find(name)?).map(|_| ())
    }
}

impl Shared {
    /// Returns a component ready to be called, unless it is left alone.
    pub(crate) fn ready(&self, entry: &Entry) -> Result<Loaded, Failure> {
        let clock = &self.brokers.clock;
        self.strikes.admit(entry.name(), clock.monotonic_ms(), clock.now_ms())?;
        self.catalog.load(entry).map_err(|error| Failure::Failed(error.to_string()))
    }
}
