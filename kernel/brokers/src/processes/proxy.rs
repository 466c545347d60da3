//! The proxy of one program: `CONNECT` and nothing else.

use super::network::{Admission, NetworkPolicy};
use crate::egress::reachable;
use crate::sabotage::{Guard, off};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// The most connections at once. Further ones wait.
const MOST: usize = 64;
/// The longest request.
const LONGEST: usize = 8 * 1024;
/// The time in which a request has to be there.
const PATIENCE: Duration = Duration::from_secs(10);
/// The time for one address.
const CONNECTING: Duration = Duration::from_secs(10);
/// The most different refusals that are told.
const TOLD: usize = 20;

/// The proxy of one program, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Served {
    task: JoinHandle<()>,
    refused: Refused,
}

/// What was refused so far, each once.
type Refused = Arc<Mutex<Vec<String>>>;

impl Served {
    /// Serves the connections of a listener.
    pub(super) fn start(listener: std::net::TcpListener, policy: Arc<dyn NetworkPolicy>) -> Self {
        let refused = Refused::default();
        let task = tokio::spawn(serve(listener, policy, Arc::clone(&refused)));
        Self { task, refused }
    }

    /// Returns the lines on what was refused, for whoever reads the program's output.
    pub(super) fn notes(&self) -> String {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.iter().map(|why| format!("[openkoi: {why}]\n")).collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves the connections of a listener until it is dropped.
async fn serve(listener: std::net::TcpListener, policy: Arc<dyn NetworkPolicy>, refused: Refused) {
    let ready = listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener));
    let listener = match ready {
        Ok(listener) => listener,
        Err(error) => return tracing::warn!(%error, "a program has no way out"),
    };
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            taken = listener.accept(), if open.len() < MOST => match taken {
                Ok((client, _)) => {
                    open.spawn(connection(client, Arc::clone(&policy), Arc::clone(&refused)));
                }
                // Too many descriptors, for one: those that are open end some day.
                Err(error) => {
                    tracing::debug!(%error, "a connection of a program was not taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            _ = open.join_next(), if !open.is_empty() => {}
        }
    }
}

async fn connection(mut client: TcpStream, policy: Arc<dyn NetworkPolicy>, refused: Refused) {
    if let Err(error) = carry(&mut client, policy.as_ref(), &refused).await {
        tracing::debug!(%error, "a connection of a program ended");
    }
}

async fn carry(
    client: &mut TcpStream,
    policy: &dyn NetworkPolicy,
    refused: &Refused,
) -> io::Result<()> {
    let request = timeout(PATIENCE, read_request(client)).await??;
    let (place, early) = match Place::of(&request) {
        Ok(found) => found,
        Err(why) => return answer(client, "405 Method Not Allowed", why).await,
    };
    let admission = match policy.admit(&place.host, place.port).await {
        Ok(admission) => admission,
        Err(_) if off(Guard::ProcessHosts) => Admission::Private,
        Err(why) => {
            note(refused, &why);
            return answer(client, "403 Forbidden", &why).await;
        }
    };
    let admission = if off(Guard::ProcessAddresses) { Admission::Private } else { admission };
    let mut server = match connect(&place, admission).await {
        Ok(server) => server,
        Err(why) => {
            note(refused, &why);
            return answer(client, "502 Bad Gateway", &why).await;
        }
    };
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    server.write_all(early).await?;
    tokio::io::copy_bidirectional(client, &mut server).await?;
    Ok(())
}

/// Reads up to the empty line behind the headers. What comes after it belongs to the host.
async fn read_request(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if request.len() > LONGEST {
            return Err(io::Error::other("the request is too long"));
        }
        if client.read_buf(&mut request).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(request)
}

fn note(refused: &Refused, why: &str) {
    let mut refused = refused.lock().unwrap_or_else(PoisonError::into_inner);
    if refused.len() < TOLD && !refused.iter().any(|known| known == why) {
        refused.push(why.to_owned());
    }
}

async fn answer(client: &mut TcpStream, status: &str, why: &str) -> io::Result<()> {
    let length = why.len() + 1;
    let head = "Content-Type: text/plain; charset=utf-8\r\nConnection: close";
    let text = format!("HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{why}\n");
    client.write_all(text.as_bytes()).await?;
    client.shutdown().await
}

/// A host and a port.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    host: String,
    port: u16,
}

impl Place {
    /// Returns the place that a request names, and what came behind the request.
    fn of(request: &[u8]) -> Result<(Self, &[u8]), &'static str> {
        let end = request.windows(4).position(|end| end == b"\r\n\r\n").unwrap_or(request.len());
        let early = request.get(end + 4..).unwrap_or_default();
        let line = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let mut words = line.split(|byte| *byte == b' ');
        if words.next() != Some(b"CONNECT") {
            return Err("programs reach hosts over TLS alone: use https");
        }
        let authority = words.next().and_then(|word| std::str::from_utf8(word).ok());
        let place = authority.and_then(Self::parse).ok_or("that is no host with a port")?;
        Ok((place, early))
    }

    fn parse(authority: &str) -> Option<Self> {
        let (host, port) = authority.rsplit_once(':')?;
        let host = url::Host::parse(host).ok()?;
        let host = match host {
            url::Host::Ipv6(address) => address.to_string(),
            other => other.to_string(),
        };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        (!host.is_empty()).then_some(Self { host, port: port.parse().ok()? })
    }
}

/// Connects to one of the host's addresses, which are looked up here and not by the program.
async fn connect(place: &Place, admission: Admission) -> Result<TcpStream, String> {
    let Place { host, port } = place;
    let addresses: Vec<IpAddr> = reachable(host, admission == Admission::Private).await?;
    for address in addresses {
        let connected = timeout(CONNECTING, TcpStream::connect(SocketAddr::new(address, *port)));
        if let Ok(Ok(stream)) = connected.await {
            return Ok(stream);
        }
    }
    Err(format!("{host}:{port} cannot be reached"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_a_host_and_a_port() {
        let place = |host: &str, port| Place { host: host.to_owned(), port };
        for (request, expected) in [
            ("CONNECT docs.rs:443 HTTP/1.1\r\nHost: docs.rs\r\n\r\n", place("docs.rs", 443)),
            ("CONNECT Docs.RS.:8443 HTTP/1.1\r\n\r\n", place("docs.rs", 8443)),
            ("CONNECT [::1]:443 HTTP/1.1\r\n\r\n", place("::1", 443)),
            ("CONNECT 0x7f.1:443 HTTP/1.1\r\n\r\n", place("127.0.0.1", 443)),
        ] {
            assert_eq!(Place::of(request.as_bytes()), Ok((expected, &b""[..])), "{request}");
        }
        let early = b"CONNECT docs.rs:443 HTTP/1.1\r\n\r\nhello";
        assert_eq!(Place::of(early), Ok((place("docs.rs", 443), &b"hello"[..])));
    }

    #[test]
    fn everything_else_is_refused() {
        for request in [
            "GET http://docs.rs/ HTTP/1.1\r\n\r\n",
            "connect docs.rs:443 HTTP/1.1\r\n\r\n",
            "CONNECT docs.rs HTTP/1.1\r\n\r\n",
            "CONNECT docs.rs:99999 HTTP/1.1\r\n\r\n",
            "CONNECT :443 HTTP/1.1\r\n\r\n",
            "CONNECT user@docs.rs:443 HTTP/1.1\r\n\r\n",
            "CONNECT\r\n\r\n",
            "",
        ] {
            assert!(Place::of(request.as_bytes()).is_err(), "{request}");
        }
    }
}
