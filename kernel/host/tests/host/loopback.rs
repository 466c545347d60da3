//! A real stream through the real egress broker, against a server on this machine.

use std::sync::Arc;

use openkoi_brokers::{
    egress::{Egress, EgressSettings},
    secrets::SecretStore,
};
use openkoi_core::{credential::SecretSource, model::ModelTrouble};
use openkoi_host::kinds::provider::ProviderSettings;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use crate::providers::{STREAM, prompt, world};

/// Answers one request with `pieces` and returns the request.
async fn serve(pieces: Vec<Vec<u8>>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("somebody comes");
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains("hi") {
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).await.expect("it can be read");
            seen.extend_from_slice(&buffer[..read]);
        }
        for piece in pieces {
            stream.write_all(&piece).await.expect("it can be written");
            stream.flush().await.expect("it is written");
            tokio::task::yield_now().await;
        }
        String::from_utf8_lossy(&seen).into_owned()
    });
    (format!("http://{address}/v1"), server)
}

fn head(status: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n")
        .into_bytes()
}

fn settings(base_url: String) -> ProviderSettings {
    ProviderSettings {
        base_url: Some(base_url),
        credential: vec![SecretSource::Variable("CODEC_API_KEY".to_owned())],
        ..ProviderSettings::default()
    }
}

/// Returns the real egress broker, with no credentials.
pub(crate) fn egress() -> Arc<Egress> {
    let secrets = SecretStore::new(std::path::Path::new("/nonexistent"), Arc::default());
    Arc::new(Egress::new(secrets, EgressSettings::default()))
}

#[tokio::test]
async fn a_turn_arrives_over_a_real_connection() {
    let pieces = [head("200 OK")]
        .into_iter()
        .chain(STREAM.as_bytes().chunks(7).map(<[u8]>::to_vec))
        .collect();
    let (url, server) = serve(pieces).await;
    let mut world = world();
    world.transport(egress());

    let turn = world.complete(settings(url), "large", &prompt("hi")).await.expect("it answers");

    assert_eq!(turn.text(), "hello");
    assert_eq!(turn.calls().len(), 2);
    let seen = server.await.expect("the server ends");
    assert!(seen.starts_with("POST /v1/turn HTTP/1.1"), "{seen}");
    assert!(seen.to_lowercase().contains("authorization: bearer sk-canary-0123456789"), "{seen}");
}

#[tokio::test]
async fn a_key_that_is_echoed_comes_back_redacted() {
    let pieces = vec![head("400 Bad Request"), b"bad key sk-canary-0123456789".to_vec()];
    let (url, server) = serve(pieces).await;
    let mut world = world();
    world.transport(egress());

    let error = world.complete(settings(url), "large", &prompt("hi")).await.expect_err("refused");

    assert_eq!(error.kind, ModelTrouble::Invalid);
    assert!(error.message.contains("bad key") && !error.message.contains("canary"), "{error}");
    server.await.expect("the server ends");
}
