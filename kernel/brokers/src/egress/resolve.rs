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
/// The time for an answer that may be missing.
const GLANCE: Duration = Duration::from_secs(1);
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
pub(super) struct Filtered {
    pub(super) inner: Arc<dyn Resolve>,
    /// Names that may lead into the local network.
    pub(super) private: Vec<String>,
}

/// The resolver of a client that knows nobody but its proxy, which is where the user says, in the local network too.
pub(super) struct ProxyAlone {
    pub(super) inner: Arc<dyn Resolve>,
    pub(super) host: String,
}

impl reqwest::dns::Resolve for ProxyAlone {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let inner = Arc::clone(&self.inner);
        let (host, name) = (self.host.clone(), name.as_str().to_owned());
        Box::pin(async move {
            if !name.eq_ignore_ascii_case(&host) {
                return Err(ResolveError::Closed(name).into());
            }
            let found = local_addresses(inner.as_ref(), &name).await?;
            let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(found) as reqwest::dns::Addrs)
        })
    }
}

impl reqwest::dns::Resolve for Filtered {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let inner = Arc::clone(&self.inner);
        let name = name.as_str().to_owned();
        let is_private = self.private.iter().any(|own| own.eq_ignore_ascii_case(&name));
        Box::pin(async move {
            let found = match is_private {
                true => named_addresses(inner.as_ref(), &name).await?,
                false => open_addresses(inner.as_ref(), &name).await?,
            };
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

/// Returns all addresses of a name of the local network.
async fn local_addresses(inner: &dyn Resolve, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
    let unknown = || ResolveError::Unknown(name.to_owned());
    let answer = tokio::time::timeout(DEADLINE, inner.resolve(name)).await;
    let found = answer.map_err(|_| unknown())?.map_err(|_| unknown())?;
    let found: Vec<IpAddr> = found.into_iter().take(MOST).collect();
    if found.is_empty() { Err(unknown()) } else { Ok(found) }
}

/// Returns the addresses of a name that the user says to be of the local network. Where machines of a cloud ask for their
/// credentials, nobody's box is.
async fn named_addresses(inner: &dyn Resolve, name: &str) -> Result<Vec<IpAddr>, ResolveError> {
    let mut found = local_addresses(inner, name).await?;
    found.retain(|address| !is_metadata(*address) || off(Guard::EgressResolver));
    if found.is_empty() { Err(ResolveError::Closed(name.to_owned())) } else { Ok(found) }
}

/// Tells whether an address is one of the link, or one at which a cloud keeps the credentials of its machines.
fn is_metadata(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_link_local() || address == Ipv4Addr::new(100, 100, 100, 200)
        }
        IpAddr::V6(address) => {
            let first = address.segments()[0];
            first & 0xffc0 == 0xfe80 || address.segments()[..2] == [0xfd00, 0x0ec2]
        }
    }
}

/// As [`is_known_inside`], of the system's resolver. An address that is spelt out says it itself.
pub(crate) async fn known_inside(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => !is_public_address(address),
        Err(_) => is_known_inside(&SystemResolver, host).await,
    }
}

/// Tells whether this machine knows that a name leads into the local network and nowhere else. That it knows nothing of the
/// name is no answer: in a company's network often the proxy alone does.
pub(super) async fn is_known_inside(inner: &dyn Resolve, name: &str) -> bool {
    let answer = tokio::time::timeout(GLANCE, inner.resolve(name)).await;
    let found = answer.ok().and_then(Result::ok).unwrap_or_default();
    !found.is_empty() && !found.into_iter().any(is_public_address)
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
