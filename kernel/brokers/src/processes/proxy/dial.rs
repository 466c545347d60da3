//! A connection to one of several addresses.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The time for one address.
pub(super) const CONNECTING: Duration = Duration::from_secs(10);

/// Connects to the first of the addresses that answers.
pub(super) async fn first(addresses: &[IpAddr], port: u16) -> Option<TcpStream> {
    for address in addresses {
        let connected = timeout(CONNECTING, TcpStream::connect(SocketAddr::new(*address, port)));
        if let Ok(Ok(stream)) = connected.await {
            return Some(stream);
        }
    }
    None
}
