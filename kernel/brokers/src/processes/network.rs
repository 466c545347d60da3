//! The network of a program, by name.
//!
//! A program stays in a network of its own, in which nobody else is. A listener inside it, made by the program's own
//! process before it becomes the program, is handed out to this process and speaks HTTP and SOCKS as a proxy does: the
//! program says a host and a port, a policy says yes or no, and what passes is carried to an address that was looked up
//! here, once, or by way of the user's own proxy.

use crate::egress::Proxies;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The port of the listener, in the program's own network. Nothing usual listens there.
pub(super) const PORT: u16 = 13_128;

/// The reach of a program.
#[derive(Clone, Default)]
pub enum Network {
    /// Itself and nothing else.
    #[default]
    Closed,
    /// Hosts that a policy admits, through the proxy that its environment names. Where a system has no network of a
    /// program's own, it is closed.
    Named(Arc<dyn NetworkPolicy>),
    /// The host's network.
    Open,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "Closed",
            Self::Named(_) => "Named",
            Self::Open => "Open",
        })
    }
}

/// What is allowed of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Its addresses on the public internet.
    Public,
    /// All its addresses: the user has named it himself.
    Private,
}

/// The answer to a program that wants to reach a host: what is allowed, or a sentence on why it is not.
pub type Admitted<'a> = Pin<Box<dyn Future<Output = Result<Admission, String>> + Send + 'a>>;

/// Decides which hosts a program reaches.
pub trait NetworkPolicy: Send + Sync {
    /// Decides about one connection. `host` is in small letters, without a dot at its end.
    fn admit<'a>(&'a self, host: &'a str, port: u16) -> Admitted<'a>;

    /// Returns the user's own proxies, which connections go through, if there are any.
    fn proxies(&self) -> Option<&Proxies> {
        None
    }
}

/// The variables that hold the address of a proxy. `ALL_PROXY` names it by HTTP too: clients in Python that find SOCKS there
/// do not start without a package for it.
const PROXIES: [&str; 8] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "YARN_HTTP_PROXY",
    "YARN_HTTPS_PROXY",
];

/// Returns the variables that lead programs to the proxy at `port`.
pub(super) fn variables(port: u16) -> Vec<(&'static str, String)> {
    let url = format!("http://127.0.0.1:{port}");
    let java = ["https", "http"]
        .map(|scheme| format!("-D{scheme}.proxyHost=127.0.0.1 -D{scheme}.proxyPort={port}"));
    let java = java.join(" ");
    let own = "localhost,127.0.0.1,0.0.0.0,::1".to_owned();
    let mut variables: Vec<_> = PROXIES.map(|name| (name, url.clone())).into();
    variables.push(("RSYNC_PROXY", format!("127.0.0.1:{port}")));
    variables.extend(["NO_PROXY", "no_proxy"].map(|name| (name, own.clone())));
    variables.extend(["MAVEN_OPTS", "GRADLE_OPTS"].map(|name| (name, java.clone())));
    variables.push(("NODE_USE_ENV_PROXY", "1".to_owned()));
    variables
}
