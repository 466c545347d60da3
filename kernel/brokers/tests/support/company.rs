//! A company's network: a strict proxy, and a host behind it that speaks TLS.
#![allow(dead_code, reason = "each test file uses its part")]

use super::certificates::Certified;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// What somebody received, one text for each request.
pub(crate) type Seen = Arc<Mutex<Vec<String>>>;

/// Starts a host that answers every request over TLS with `answer`.
pub(crate) async fn secure_host(own: &Certified, answer: &'static str) -> (SocketAddr, Seen) {
    let certificate = CertificateDer::from(own.certificate.clone());
    let key = PrivatePkcs8KeyDer::from(own.key.clone());
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Seen::default());
    let told = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Who does not trust the certificate hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let request = head(&mut stream).await;
            told.lock().unwrap().push(request);
            let length = answer.len();
            let text = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{answer}"
            );
            drop(stream.write_all(text.as_bytes()).await);
            drop(stream.shutdown().await);
        }
    });
    (address, seen)
}

/// Starts a proxy that leads every name to `host`. It wants these credentials, if any are given, and answers requests in the
/// clear itself.
pub(crate) async fn proxy(host: SocketAddr, wants: Option<&'static str>) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Seen::default());
    let told = Arc::clone(&seen);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(pass(stream, host, wants, Arc::clone(&told)));
        }
    });
    (address, seen)
}

async fn pass(mut client: TcpStream, host: SocketAddr, wants: Option<&str>, seen: Seen) {
    let request = head(&mut client).await;
    seen.lock().unwrap().push(request.clone());
    let has = |line: &str| request.to_lowercase().lines().any(|own| own == line.to_lowercase());
    let answer = |status: &str| format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
    if wants.is_some_and(|wants| !has(&format!("proxy-authorization: {wants}"))) {
        drop(client.write_all(answer("407 Proxy Authentication Required").as_bytes()).await);
        return;
    }
    let words: Vec<&str> = request.lines().next().unwrap_or_default().split(' ').collect();
    match words[..] {
        ["CONNECT", place, "HTTP/1.1"] if has(&format!("host: {place}")) => {
            let mut server = TcpStream::connect(host).await.unwrap();
            drop(client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await);
            drop(tokio::io::copy_bidirectional(&mut client, &mut server).await);
        }
        [_, url, "HTTP/1.1"] if url.starts_with("http://") => {
            let text = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nin clear!";
            drop(client.write_all(text.as_bytes()).await);
        }
        _ => drop(client.write_all(answer("400 Bad Request").as_bytes()).await),
    }
}

async fn head(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut all = Vec::new();
    let mut piece = [0; 4096];
    while !all.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece).await {
            Ok(count) if count > 0 => all.extend_from_slice(&piece[..count]),
            _ => break,
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}
