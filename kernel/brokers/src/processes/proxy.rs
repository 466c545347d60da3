//! The proxy of one program: `CONNECT`, requests in the clear that name their host, and SOCKS by name.
//!
//! | module | does |
//! |---|---|
//! | `asked` | what a request of HTTP asks for |
//! | `dial` | a connection to one of several addresses |
//! | `socks` | the same in SOCKS, version 5 |
//! | `upstream` | the way through the user's own proxy |

mod asked;
mod dial;
mod socks;
mod upstream;

use super::network::{Admission, NetworkPolicy};
use crate::egress::{Proxies, reachable};
use crate::sabotage::{Guard, off};
use asked::{Asked, Place};
use std::io;
use std::net::IpAddr;
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
    let mut first = [0];
    timeout(PATIENCE, client.peek(&mut first)).await??;
    if first == [socks::VERSION] {
        return by_socks(client, policy, refused).await;
    }
    let request = timeout(PATIENCE, read_request(client)).await??;
    let asked = match Asked::of(&request) {
        Ok(asked) => asked,
        Err(why) => return answer(client, "405 Method Not Allowed", why).await,
    };
    let mut server = match reach(asked.place(), policy, refused).await {
        Ok(server) => server,
        Err(Unreached { is_refused: true, why }) => {
            return answer(client, "403 Forbidden", &why).await;
        }
        Err(unreached) => return answer(client, "502 Bad Gateway", &unreached.why).await,
    };
    match asked {
        Asked::Tunnel { early, .. } => {
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            server.write_all(early).await?;
        }
        Asked::Plain { head, body, .. } => {
            server.write_all(&head).await?;
            server.write_all(body).await?;
        }
    }
    tokio::io::copy_bidirectional(client, &mut server).await?;
    Ok(())
}

/// Carries a connection that is asked for by SOCKS.
async fn by_socks(
    client: &mut TcpStream,
    policy: &dyn NetworkPolicy,
    refused: &Refused,
) -> io::Result<()> {
    let place = match timeout(PATIENCE, socks::request(client)).await?? {
        Ok(place) => place,
        Err(reply) => return socks::refuse(client, reply).await,
    };
    let mut server = match reach(&place, policy, refused).await {
        Ok(server) => server,
        Err(unreached) => {
            let reply = if unreached.is_refused { socks::FORBIDDEN } else { socks::UNREACHABLE };
            return socks::refuse(client, reply).await;
        }
    };
    socks::admit(client).await?;
    tokio::io::copy_bidirectional(client, &mut server).await?;
    Ok(())
}

/// Why a place is not reached.
struct Unreached {
    /// Whether that was decided, and not found out.
    is_refused: bool,
    why: String,
}

/// Connects to a place that the policy admits.
async fn reach(
    place: &Place,
    policy: &dyn NetworkPolicy,
    refused: &Refused,
) -> Result<TcpStream, Unreached> {
    let unreached = |is_refused| {
        move |why: String| {
            note(refused, &why);
            Unreached { is_refused, why }
        }
    };
    let admission = match policy.admit(&place.host, place.port).await {
        Err(_) if off(Guard::ProcessHosts) => Admission::Private,
        admitted => admitted.map_err(unreached(true))?,
    };
    let admission = if off(Guard::ProcessAddresses) { Admission::Private } else { admission };
    connect(place, admission, policy.proxies()).await.map_err(unreached(false))
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

/// Connects to one of the host's addresses, which are looked up here and not by the program; where the user has a proxy, by
/// way of that.
async fn connect(
    place: &Place,
    admission: Admission,
    proxies: Option<&Proxies>,
) -> Result<TcpStream, String> {
    let Place { host, port } = place;
    let proxy = proxies.and_then(|proxies| proxies.of(true, host, *port));
    // Where the user wrote down the very host, it may be one of the local network, of which a proxy knows nothing.
    if let Some(proxy) = proxy
        && admission == Admission::Public
        && proxy.is_plain_http()
    {
        return upstream::connect(place, proxy).await;
    }
    let addresses: Vec<IpAddr> = reachable(host, admission == Admission::Private).await?;
    dial::first(&addresses, *port).await.ok_or_else(|| format!("{host}:{port} cannot be reached"))
}
