//! A scripted HTTP server: one answer per connection, every request kept.
#![allow(dead_code, reason = "each test file uses its part")]

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The reaction to one connection.
pub(crate) enum Answer {
    /// Send these pieces and close.
    Pieces(Vec<Vec<u8>>),
    /// Send these bytes, then nothing, and keep the connection open.
    Stall(Vec<u8>),
    /// Send these bytes, then one more every few milliseconds for ever.
    Drip(Vec<u8>),
}

/// A server that answers what its script says, and nothing after that.
pub(crate) struct Server {
    pub address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

pub(crate) fn ok(body: &str) -> Answer {
    reply("200 OK", &[], body)
}

pub(crate) fn reply(status: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut text =
        format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    Answer::Pieces(vec![format!("{text}\r\n{body}").into_bytes()])
}

impl Server {
    pub(crate) async fn start(host: &str, script: Vec<Answer>) -> Self {
        let host: IpAddr = host.parse().unwrap();
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::default();
        tokio::spawn(serve(listener, script, Arc::clone(&requests)));
        Self { address, requests }
    }

    /// Everything that was received, one text per connection.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn serve(listener: TcpListener, script: Vec<Answer>, requests: Arc<Mutex<Vec<String>>>) {
    let mut held = Vec::new();
    for answer in script {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = receive(&mut stream).await;
        requests.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
        match answer {
            Answer::Pieces(pieces) => {
                for piece in pieces {
                    if stream.write_all(&piece).await.is_err() || stream.flush().await.is_err() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            }
            Answer::Stall(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                held.push(stream);
            }
            Answer::Drip(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                while stream.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            }
        }
    }
    // Further connections are refused; those held stay open.
    drop(listener);
    std::future::pending::<()>().await;
}

async fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.unwrap_or(0);
        all.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&all).to_lowercase();
        if let Some(end) = text.find("\r\n\r\n") {
            let length = text[..end].split("content-length: ").nth(1);
            let length = length.and_then(|rest| rest.lines().next()?.parse::<usize>().ok());
            if all.len() >= end + 4 + length.unwrap_or(0) {
                return all;
            }
        }
        if count == 0 {
            return all;
        }
    }
}
