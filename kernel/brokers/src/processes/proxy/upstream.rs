//! The way of a program's connection through the user's own proxy, where a company's network has no other way out.

use super::asked::Place;
use super::dial::{self, CONNECTING};
use crate::egress::{Proxy, known_inside, reachable};
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The longest answer of a proxy.
const LONGEST: usize = 16 * 1024;

/// Connects to a place by way of a proxy, which looks its name up.
pub(super) async fn connect(place: &Place, proxy: &Proxy) -> Result<TcpStream, String> {
    let Place { host, port } = place;
    if known_inside(host).await {
        return Err(format!("{host} leads to an address of the local network"));
    }
    let silent = || format!("{host}:{port} cannot be reached: {proxy} does not answer");
    let name = proxy.host().trim_start_matches('[').trim_end_matches(']');
    let addresses = reachable(name, true).await.map_err(|_| silent())?;
    let mut way = dial::first(&addresses, proxy.port()).await.ok_or_else(silent)?;
    let asked = timeout(CONNECTING, ask(&mut way, place, proxy)).await;
    let status = asked.map_err(|_| silent())?.map_err(|_| silent())?;
    match status.as_str() {
        "200" => Ok(way),
        status => Err(format!("{host}:{port} is refused by {proxy} ({status})")),
    }
}

/// Asks for a way, and returns the status of the answer.
async fn ask(way: &mut TcpStream, place: &Place, proxy: &Proxy) -> io::Result<String> {
    let Place { host, port } = place;
    let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let mut request =
        format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n").into_bytes();
    if let Some(authorization) = proxy.authorization() {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(&authorization);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    way.write_all(&request).await?;
    let mut head = Vec::new();
    // Not a byte further: what follows is the host's.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > LONGEST {
            return Err(io::Error::other("the answer is too long"));
        }
        head.push(way.read_u8().await?);
    }
    let line = String::from_utf8_lossy(&head);
    let status = line.split(' ').nth(1).unwrap_or_default();
    let is_status = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
    Ok(if is_status { status.to_owned() } else { "no status".to_owned() })
}
