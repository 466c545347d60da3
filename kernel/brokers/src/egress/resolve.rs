//! Names, resolved once for each connection, without closed addresses.

use crate::sabotage::{Guard, off};
use openkoi_core::pattern::is_public_address;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// The time for an answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// The most addresses of one name that are tried.
const MOST: usize = 16;

/// The addresses of a name, as a future.
pub type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// A resolver of names. Its answers are filtered, so it need not be trusted.
pub trait Resolve: Send + Sync {
    /// Returns the addresses of `name`.
    fn resolve(&self, name: &str) -> Addresses;
}

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: &str) -> Addresses {
        let name = name.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Why a name has no usable address.
#[derive(Debug)]
pub(super) enum ResolveError {
    /// All its addresses are closed.
    Closed(String),
    /// It has no address.
    Unknown(String),
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(name) => write!(f, "{name} leads to an address of the local network"),
            Self::Unknown(name) => write!(f, "{name} has no address"),
        }
    }
}

impl std::error::Error for ResolveError {}

/// The resolver of the client. The client connects to the addresses it returns, so that they cannot change between check
/// and use.
pub(super) struct Filtered(pub(super) Arc<dyn Resolve>);

impl reqwest::dns::Resolve for Filtered {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let inner = Arc::clone(&self.0);
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found = open_addresses(inner.as_ref(), &name).await?;
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(found) as reqwest::dns::Addrs)
        })
    }
}

/// Returns the addresses at which a host may be reached: those on the public internet, or all with `private`.
///
/// # Errors
///
/// One sentence on why there is none.
pub(crate) async fn reachable(host: &str, private: bool) -> Result<Vec<IpAddr>, String> {
    let closed = || ResolveError::Closed(host.to_owned()).to_string();
    if let Ok(address) = host.parse::<IpAddr>() {
        let is_open = private || is_public_address(address) || off(Guard::EgressResolver);
        return if is_open { Ok(vec![address]) } else { Err(closed()) };
    }
    if private {
        let unknown = || ResolveError::Unknown(host.to_owned()).to_string();
        let answer = tokio::time::timeout(DEADLINE, SystemResolver.resolve(host)).await;
        let found = answer.ok().and_then(Result::ok).unwrap_or_default();
        let found: Vec<IpAddr> = found.into_iter().take(MOST).collect();
        return if found.is_empty() { Err(unknown()) } else { Ok(found) };
    }
    if host == "localhost" || host.ends_with(".localhost") {
        return Err(closed());
    }
    open_addresses(&SystemResolver, host).await.map_err(|error| error.to_string())
}

async fn open_addresses(inner: &dyn Resolve, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
    // The rule for `localhost` was checked before. The system is not asked: its answer could lead elsewhere.
    if name.trim_end_matches('.') == "localhost" {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let unknown = || ResolveError::Unknown(name.to_owned());
    let answer = tokio::time::timeout(DEADLINE, inner.resolve(name)).await;
    let all = answer.map_err(|_| unknown())?.map_err(|_| unknown())?;
    if all.is_empty() {
        return Err(unknown());
    }
    let open = |address: &IpAddr| is_public_address(*address) || off(Guard::EgressResolver);
    let open: Vec<IpAddr> = all.into_iter().filter(open).take(MOST).collect();
    if open.is_empty() { Err(ResolveError::Closed(name.to_owned())) } else { Ok(open) }
}
