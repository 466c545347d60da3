//! The HTTP client of components and of the program.
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
//! 8. the answer's body is capped while it streams, its sensitive headers are dropped, and the injected credentials
//!    are redacted.
//!
//! A failed request is not retried here: the caller is told whether it was sent, and decides.
//!
//! | module | does |
//! |---|---|
//! | `send` | the gates in their order, for the request and each redirect |
//! | `check` | gates 1 to 5 |
//! | `inject`, `body`, `sigv4` | gate 6 |
//! | `resolve`, `client` | gate 7 |
//! | `proxies` | the proxies of a company's network, in place of gate 7 |
//! | `answer` | gate 8 |

mod answer;
mod body;
mod check;
mod client;
mod error;
mod hop;
mod inject;
mod proxies;
mod request;
mod resolve;
mod send;
mod settings;
mod signed;
mod sigv4;

pub use answer::{Body, Response};
pub use error::{EgressError, EgressErrorKind, Phase};
pub use proxies::{Except, Proxies, Proxy, ProxyError};
pub use request::{Credential, EgressLimits, Injection, Request};
pub use resolve::{Addresses, Resolve, SystemResolver};
pub(crate) use resolve::{known_inside, reachable};
pub use send::Egress;
pub use settings::{EgressSettings, bundle, certificates};
