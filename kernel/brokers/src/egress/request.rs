//! A request as its caller makes it.

use crate::secrets::Secret;
use openkoi_core::pattern::HttpRule;
use openkoi_core::signature::{Assertion, Signature};
use std::fmt;
use std::time::Duration;

/// A request, with everything that decides whether it may be sent.
#[derive(Clone)]
pub struct Request {
    /// The name of the caller, for messages and logs.
    pub caller: String,
    /// The method, in capitals.
    pub method: String,
    /// An absolute URL.
    pub url: String,
    /// The caller's headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The complete body.
    pub body: Vec<u8>,
    /// Credentials to put in. Each goes to its own host only.
    pub credentials: Vec<Credential>,
    /// The rules for what the caller may reach. Empty: nothing.
    pub rules: Vec<HttpRule>,
    /// Deadlines and sizes.
    pub limits: EgressLimits,
}

/// Leaves out headers and body: a request that renews a login has a secret in them.
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

/// A secret that is put into requests to one host.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its name, for messages.
    pub name: String,
    /// The secret.
    pub secret: Secret,
    /// The exact host that it is bound to, as `host` or `host:port`. Without a port: the scheme's default.
    pub host: String,
    /// The addresses of that host that it goes to, if it does not go to all of them.
    pub within: Option<HttpRule>,
    /// The place in the request.
    pub inject: Injection,
}

/// The place in a request that a credential is put into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Injection {
    /// A header of this name, with this text before the secret.
    Header {
        /// The name of the header.
        name: String,
        /// The text before the secret; may be empty.
        prefix: String,
    },
    /// `Authorization: Bearer …`.
    Bearer,
    /// `Authorization: Basic …`, the secret as the password.
    Basic {
        /// The user name.
        username: String,
    },
    /// A parameter of the query.
    Query {
        /// The name of the parameter.
        name: String,
    },
    /// In the path, in the place of this text, which the URL has once. Whoever made the request and whoever reads the
    /// answer see the text.
    Path {
        /// A name in braces.
        placeholder: String,
    },
    /// A field of the JSON object in the body.
    Json {
        /// The pointer to the field. The objects around it are there, the field is not.
        pointer: String,
    },
    /// A field of the form in the body.
    Form {
        /// The name of the field.
        name: String,
    },
    /// A signature of the request by AWS Signature Version 4. The secret is one that [`Secret::signs`]; it is not sent.
    SigV4 {
        /// The service's name in signatures.
        service: String,
        /// The region.
        region: String,
    },
    /// A signature of the request. The secret is not sent.
    Signature(Signature),
    /// A token that is made for the request. The secret, or the private key, is not sent.
    Jwt(Assertion),
}

/// The longest times and largest sizes of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressLimits {
    /// Time from sending to the head of the answer, connecting included.
    pub first_byte: Duration,
    /// Time between two pieces of the body.
    pub idle: Duration,
    /// Time for all hops and the whole body.
    pub total: Duration,
    /// The most bytes of an answer's body.
    pub body_bytes: u64,
    /// The most bytes of a request's body.
    pub request_bytes: u64,
    /// The most redirects that are followed.
    pub redirects: u8,
}

impl EgressLimits {
    /// Returns the usual limits.
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
