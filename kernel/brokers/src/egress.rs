//! The one HTTP client.
//!
//! A request passes these gates in this order, and so does each hop of a redirect:
//!
//! 1. the URL is parsed, and one with a user name is refused;
//! 2. headers that belong to the host, or that would break the framing, are refused;
//! 3. a rule of the caller must cover method, scheme, host, port and path, *before* anything is resolved;
//! 4. a host that is an address must be public, or spelt out by the rule;
//! 5. URL, headers and body are searched for secrets of other hosts;
//! 6. credentials bound to exactly this host are put in;
//! 7. the name is resolved once, private answers are dropped, and the connection goes to what is left;
//! 8. the answer's body is capped while it streams, its sensitive headers are dropped and what was put in is
//!    redacted.
//!
//! Nothing is tried again here: the caller is told whether the request was sent and decides.

mod answer;
mod check;
mod client;
mod error;
mod inject;
mod resolve;
mod send;
mod sigv4;

pub use answer::{Body, Response};
pub use error::{EgressError, EgressErrorKind, Phase};
pub use resolve::{Addresses, Resolve, SystemResolver};

use crate::clock::SystemClock;
use crate::secrets::{Secret, SecretStore};
use openkoi_core::pattern::HttpRule;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A request, with everything that decides whether it may be sent.
#[derive(Clone)]
pub struct Request {
    /// Who asks, for messages and logs.
    pub caller: String,
    /// The method, in capitals.
    pub method: String,
    /// An absolute URL.
    pub url: String,
    /// The caller's headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, complete.
    pub body: Vec<u8>,
    /// Credentials that are put in where their host matches.
    pub credentials: Vec<Credential>,
    /// What the caller may reach. Empty: nothing.
    pub rules: Vec<HttpRule>,
    /// Deadlines and sizes.
    pub limits: EgressLimits,
}

/// Headers and bodies stay unsaid: what renews a login has a secret in it.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("caller", &self.caller)
            .field("method", &self.method)
            .field("url", &self.url)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A secret on its way into requests to one host.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its name, for messages.
    pub name: String,
    /// Its bytes.
    pub secret: Secret,
    /// The exact host, or `host:port`, that it is bound to; without a port, the scheme's own.
    pub host: String,
    /// Where it goes.
    pub inject: Injection,
}

/// Where in a request a credential goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Injection {
    /// A header of this name, with this text before the secret.
    Header {
        /// The header.
        name: String,
        /// What stands before the secret; may be empty.
        prefix: String,
    },
    /// `Authorization: Bearer …`.
    Bearer,
    /// `Authorization: Basic …`, the secret as the password.
    Basic {
        /// The user.
        username: String,
    },
    /// A parameter of the query.
    Query {
        /// The parameter.
        name: String,
    },
    /// A signature of the request by AWS Signature Version 4. The secret is one that [`Secret::signs`], and goes to
    /// no host.
    SigV4 {
        /// The service, as AWS signs for it.
        service: String,
        /// The region.
        region: String,
    },
}

/// How long and how large an exchange may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressLimits {
    /// From sending to the head of the answer, connecting included.
    pub first_byte: Duration,
    /// Between two pieces of the body.
    pub idle: Duration,
    /// Everything: all hops and the whole body.
    pub total: Duration,
    /// The most bytes of an answer's body.
    pub body_bytes: u64,
    /// The most bytes of a request's body.
    pub request_bytes: u64,
    /// The most redirects that are followed.
    pub redirects: u8,
}

impl EgressLimits {
    /// Returns the limits that the design starts from.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            first_byte: Duration::from_secs(60),
            idle: Duration::from_secs(60),
            total: Duration::from_secs(600),
            body_bytes: 10 << 20,
            request_bytes: 32 << 20,
            redirects: 3,
        }
    }
}

/// What the broker itself is made of.
pub struct EgressSettings {
    /// How long a connection may take, TLS included.
    pub connect: Duration,
    /// Certificates (DER) that are trusted beside those of the system.
    pub extra_roots: Vec<Vec<u8>>,
    /// Who answers names.
    pub resolver: Arc<dyn Resolve>,
    /// What time it is, in milliseconds since 1970. Signatures carry it.
    pub clock: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            extra_roots: Vec::new(),
            resolver: Arc::new(SystemResolver),
            clock: Arc::new(|| SystemClock.now_ms()),
        }
    }
}

impl fmt::Debug for EgressSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EgressSettings").field("connect", &self.connect).finish_non_exhaustive()
    }
}

/// The egress broker. Clones share its clients and their connections.
#[derive(Debug, Clone)]
pub struct Egress {
    secrets: SecretStore,
    settings: Arc<EgressSettings>,
    clients: Arc<client::Clients>,
}

impl Egress {
    /// Makes a broker. A client is built at the first request that needs it.
    #[must_use]
    pub fn new(secrets: SecretStore, settings: EgressSettings) -> Self {
        Self { secrets, settings: Arc::new(settings), clients: Arc::default() }
    }

    /// Sends `request` and returns when the head of the answer is there.
    ///
    /// # Errors
    ///
    /// [`EgressErrorKind::Denied`] and [`EgressErrorKind::InvalidRequest`] mean that nothing was sent by the hop that failed;
    /// `request_sent` says whether any hop was.
    pub async fn send(&self, request: Request) -> Result<Response, EgressError> {
        send::send(self, request).await
    }
}
