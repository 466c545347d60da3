//! What is behind the host's interfaces.

use std::{fmt, sync::Arc};

use openkoi_brokers::{
    egress::{self, Egress, EgressError, Request},
    oauth::Logins,
    processes::Processes,
    random::Random,
    secrets::SecretStore,
};
use openkoi_core::port::{Clock, Pending, StateStore};

/// An answer whose head has arrived.
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

/// The body of an answer, pulled piece by piece.
pub trait ResponseBody: Send {
    /// Returns the next bytes, at least one, or nothing at the end.
    fn chunk(&mut self) -> Pending<'_, Result<Option<Vec<u8>>, EgressError>>;
}

/// What sends requests: the egress broker, or a test's script.
pub trait Transport: Send + Sync {
    /// Sends a request and returns when the head of its answer is there.
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
