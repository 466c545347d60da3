//! A receiver of webhooks on loopback, as the specification of Standard Webhooks has it: strict about headers, time and signature.
//!
//! It checks by code of its own and knows nothing of ours. What it refuses fails the test at the end.

use std::{
    collections::VecDeque,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response, StatusCode},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

/// The largest request that is read.
const MOST_BYTES: usize = 1 << 20;
/// The longest wait of a test for a delivery.
const PATIENCE: Duration = Duration::from_secs(30);
/// The block of SHA-256, in bytes.
const BLOCK: usize = 64;

/// How the receiver answers one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// With this status.
    Status(u16),
    /// With a redirect to itself.
    Redirects,
    /// Never.
    Hangs,
    /// It closes the connection.
    HangsUp,
}

/// An attempt that arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempted {
    /// The header `webhook-id`.
    pub id: String,
    /// The header `webhook-timestamp`.
    pub timestamp: u64,
    /// The signatures of the header.
    pub signatures: Vec<String>,
    /// The body, byte for byte.
    pub bytes: Vec<u8>,
    /// The path that was asked.
    pub path: String,
}

impl Attempted {
    /// Returns the body.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("the body is JSON")
    }

    /// Returns the type of the event.
    pub fn event(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().to_owned()
    }

    /// Returns whether a secret (`whsec_…`) made one of the signatures.
    pub fn is_signed_by(&self, secret: &str) -> bool {
        let key =
            STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
        let mut message = format!("{}.{}.", self.id, self.timestamp).into_bytes();
        message.extend_from_slice(&self.bytes);
        let expected = format!("v1,{}", STANDARD.encode(hmac(&key, &message)));
        self.signatures.contains(&expected)
    }
}

/// HMAC with SHA-256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; BLOCK];
    block[..key.len()].copy_from_slice(key);
    let inner =
        Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5c)).chain_update(inner).finalize().into()
}

#[derive(Default)]
struct Log {
    script: VecDeque<Behaviour>,
    attempts: Vec<Attempted>,
    complaints: Vec<String>,
}

#[derive(Default)]
struct Shared {
    log: Mutex<Log>,
    arrived: Condvar,
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The receiver. It stops when it is dropped.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    _stop: oneshot::Sender<()>,
}

impl Receiver {
    /// Starts one that answers attempts so, one after the other, and then takes everything.
    pub fn start(script: impl IntoIterator<Item = Behaviour>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port can be had");
        listener.set_nonblocking(true).expect("the listener can be set");
        let address = listener.local_addr().expect("the listener has an address");
        let log = Log { script: script.into_iter().collect(), ..Log::default() };
        let shared = Arc::new(Shared { log: Mutex::new(log), ..Shared::default() });
        let (stop, stopped) = oneshot::channel();
        let state = Arc::clone(&shared);
        thread::spawn(move || serve(listener, state, stopped));
        Self { address, shared, _stop: stop }
    }

    /// Returns an address of the receiver.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Lets the next attempts be answered so.
    pub fn then(&self, script: impl IntoIterator<Item = Behaviour>) {
        self.shared.log().script.extend(script);
    }

    /// Returns how many attempts arrived.
    pub fn count(&self) -> usize {
        self.shared.log().attempts.len()
    }

    /// Waits until so many attempts arrived, and returns all.
    pub fn attempts(&self, count: usize) -> Vec<Attempted> {
        let end = Instant::now() + PATIENCE;
        let mut log = self.shared.log();
        while log.attempts.len() < count {
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} of {count} attempts arrived", log.attempts.len());
            log = self
                .shared
                .arrived
                .wait_timeout(log, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        log.attempts.clone()
    }

    /// Checks that nothing was wrong about what arrived, and returns it.
    ///
    /// # Panics
    ///
    /// With everything that a strict receiver refused.
    pub fn finish(self) -> Vec<Attempted> {
        let log = self.shared.log();
        assert!(log.complaints.is_empty(), "the receiver refused: {:#?}", log.complaints);
        log.attempts.clone()
    }
}

fn serve(listener: TcpListener, state: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("the listener is ready");
        let router = Router::new().fallback(handle).with_state(state);
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        stopped.await.ok();
        server.abort();
    });
    runtime.shutdown_background();
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, MOST_BYTES).await.unwrap_or_default().to_vec();
    let path = parts.uri.path().to_owned();
    let behaviour = {
        let mut log = shared.log();
        if parts.method != "POST" {
            log.complaints.push(format!("{} {path}", parts.method));
        }
        match attempted(&parts.headers, bytes, &path) {
            Ok(attempted) => log.attempts.push(attempted),
            Err(complaint) => log.complaints.push(complaint),
        }
        log.script.pop_front().unwrap_or(Behaviour::Status(204))
    };
    shared.arrived.notify_all();
    let answer = Response::builder();
    let answer = match behaviour {
        Behaviour::Status(status) => {
            answer.status(StatusCode::from_u16(status).expect("a status")).body(Body::from("said"))
        }
        Behaviour::Redirects => answer.status(307).header("location", path).body(Body::empty()),
        Behaviour::Hangs => std::future::pending().await,
        // The connection's task unwinds without a message, and the connection closes without an answer.
        Behaviour::HangsUp => std::panic::resume_unwind(Box::new("hung up")),
    };
    answer.expect("an answer can be made")
}

/// Reads an attempt as the specification has it.
fn attempted(headers: &HeaderMap, bytes: Vec<u8>, path: &str) -> Result<Attempted, String> {
    let header = |name: &str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.map(str::to_owned).ok_or_else(|| format!("there is no header `{name}`"))
    };
    if !header("content-type")?.starts_with("application/json") {
        return Err("the body is not said to be JSON".to_owned());
    }
    let id = header("webhook-id")?;
    if id.is_empty() || id.contains('.') {
        return Err(format!("`{id}` is no id"));
    }
    let timestamp = header("webhook-timestamp")?;
    let timestamp =
        timestamp.parse().map_err(|_| format!("`{timestamp}` is no time in seconds"))?;
    let signatures: Vec<String> =
        header("webhook-signature")?.split(' ').map(str::to_owned).collect();
    if let Some(odd) = signatures.iter().find(|one| !one.starts_with("v1,")) {
        return Err(format!("`{odd}` is no signature"));
    }
    let body: Value =
        serde_json::from_slice(&bytes).map_err(|error| format!("no JSON: {error}"))?;
    for member in ["type", "timestamp", "data"] {
        if body.get(member).is_none() {
            return Err(format!("the body has no `{member}`"));
        }
    }
    Ok(Attempted { id, timestamp, signatures, bytes, path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_of_the_specification_is_one() {
        let attempt = Attempted {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek".to_owned(),
            timestamp: 1_614_265_330,
            signatures: vec!["v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=".to_owned()],
            bytes: br#"{"test": 2432232314}"#.to_vec(),
            path: "/".to_owned(),
        };
        assert!(attempt.is_signed_by("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert!(!attempt.is_signed_by("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"));
    }
}
