//! The brokers behind the host's interfaces.

use std::{fmt, sync::Arc};

use openkoi_brokers::{
    egress::{self, Egress, EgressError, Request},
    oauth::Logins,
    processes::Processes,
    random::Random,
    secrets::SecretStore,
};
use openkoi_core::port::{Clock, Pending, Recall, Records, StateStore};

/// A response whose head has arrived. The body is pulled.
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The URL that answered.
    pub url: String,
    /// The body.
    pub body: Box<dyn ResponseBody>,
}

/// The body of a response, pulled piece by piece.
pub trait ResponseBody: Send {
    /// Returns the next bytes, at least one, or `None` at the end.
    fn chunk(&mut self) -> Pending<'_, Result<Option<Vec<u8>>, EgressError>>;
}

/// Sends requests: the egress broker, or a test's script.
pub trait Transport: Send + Sync {
    /// Sends a request and returns as soon as the head of the response has arrived.
    fn send(&self, request: Request) -> Pending<'_, Result<HttpResponse, EgressError>>;
}

impl ResponseBody for egress::Body {
    fn chunk(&mut self) -> Pending<'_, Result<Option<Vec<u8>>, EgressError>> {
        Box::pin(egress::Body::chunk(self))
    }
}

impl Transport for Egress {
    fn send(&self, request: Request) -> Pending<'_, Result<HttpResponse, EgressError>> {
        Box::pin(async move {
            let response = Egress::send(self, request).await?;
            Ok(HttpResponse {
                status: response.status,
                headers: response.headers,
                url: response.url,
                body: Box::new(response.body),
            })
        })
    }
}

/// The brokers, and the ports of core that stand in for one.
#[derive(Clone)]
pub struct Brokers {
    /// Sends the requests of components and to providers.
    pub transport: Arc<dyn Transport>,
    /// Credentials from variables, files and the keyring.
    pub secrets: SecretStore,
    /// Credentials that come from a login, and renews them.
    pub logins: Logins,
    /// Runs programs in the sandbox.
    pub processes: Processes,
    /// The key-value space of each component.
    pub state: Arc<dyn StateStore>,
    /// What is known of earlier tasks.
    pub records: Arc<dyn Records>,
    /// What is remembered of them.
    pub memory: Arc<dyn Recall>,
    /// The clocks of host and guests.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub random: Random,
}

impl fmt::Debug for Brokers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brokers").finish_non_exhaustive()
    }
}
