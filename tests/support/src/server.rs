//! A strict server on loopback that plays a provider from a script.
//!
//! Every request is checked against the vendor's API reference before the script is asked: a violation is
//! kept, answered as the vendor would, and fails the test at the end. So does a request that the script did
//! not expect, and a reply of the script that nobody asked for.

pub mod conversation;
pub mod delivery;
pub mod reply;

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Response, StatusCode},
    serve::ListenerExt,
};
use serde_json::Value;
use tokio::sync::oneshot;

pub use conversation::{Conversation, Role, Said, ToolCall, ToolResult};
use reply::Reply;

/// The largest request that is read.
const MOST_BYTES: usize = 64 << 20;

/// A vendor's wire format, as its API reference has it.
pub trait Wire: Default + Send + Sync + 'static {
    /// The provider's name in settings.
    const NAME: &'static str;
    /// The variable that has the key.
    const KEY_VARIABLE: &'static str;
    /// The key that the server accepts.
    const KEY: &'static str;
    /// The model that tests use unless they say otherwise.
    const MODEL: &'static str;
    /// The component that speaks it.
    const COMPONENT: &'static str = Self::NAME;
    /// The path of the base URL, without a slash at its end.
    const BASE: &'static str = "/v1";

    /// Whether requests are signed instead of carrying a key.
    const SIGNED: bool = false;
    /// Whether it says how much of a request came from a cache.
    const CACHES: bool = true;
    /// Whether an answer can be cut off by a filter.
    const FILTERS: bool = true;

    /// Returns the variables with what they have to hold for a request to be accepted.
    fn environment() -> Vec<(&'static str, &'static str)> {
        vec![(Self::KEY_VARIABLE, Self::KEY)]
    }

    /// Returns the settings of the provider that this format needs.
    fn options() -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    /// Returns what a request is for; nothing if the vendor has no such endpoint.
    fn endpoint(&self, request: &Received) -> Option<Endpoint>;
    /// Returns what is wrong with the headers of a request.
    fn check_headers(&self, request: &Received) -> Vec<String>;
    /// Returns what is wrong with a request for a completion.
    fn check(&self, request: &Received) -> Vec<String>;
    /// Returns a request's conversation in no vendor's words.
    fn conversation(&self, body: &Value) -> Conversation;
    /// Returns the answer to a request for a completion.
    fn answer(&self, request: &Received, reply: &Reply, number: usize) -> Answer;
    /// Returns the list of models.
    fn models(&self) -> Value;
    /// Returns the answer to a request for vectors.
    ///
    /// # Errors
    ///
    /// What is wrong with the request.
    fn embeddings(&self, _body: &Value) -> Result<Value, Vec<String>> {
        Err(vec!["there are no embeddings here".to_owned()])
    }
    /// Returns an error in the vendor's format.
    fn error(&self, status: u16, kind: &str, message: &str) -> Value;
    /// Returns how the vendor says this; nothing if it has no such answer.
    fn problem(problem: Problem) -> Option<Reply>;
    /// Returns how the vendor says this inside of a stream that has begun well and said `said`: one reply for each
    /// of its forms, none if it never does.
    fn in_stream(problem: Problem, said: &str) -> Vec<Reply>;
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// One turn of a model.
    Completion,
    /// The list of models.
    Models,
    /// Texts as vectors.
    Embeddings,
}

/// What a vendor can have to say instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The key is wrong.
    WrongKey,
    /// The key is right and not allowed to do this.
    Forbidden,
    /// The account has no money or quota left.
    Quota,
    /// Too many requests.
    RateLimited,
    /// Too much to do.
    Overloaded,
    /// The vendor's own fault.
    ServerError,
    /// The conversation is too long.
    Overflow,
    /// The model does not exist.
    UnknownModel,
    /// The request is wrong.
    BadRequest,
    /// The vendor does not answer this.
    Refused,
}

impl Problem {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::WrongKey,
        Self::Forbidden,
        Self::Quota,
        Self::RateLimited,
        Self::Overloaded,
        Self::ServerError,
        Self::Overflow,
        Self::UnknownModel,
        Self::BadRequest,
        Self::Refused,
    ];
}

/// An answer before it is cut into pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns an answer with a JSON body.
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    /// Returns a stream of events.
    pub fn stream(body: String) -> Self {
        let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
        Self { status: 200, headers, body: body.into_bytes() }
    }
}

/// A request that arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// `GET` or `POST`.
    pub method: String,
    /// The path.
    pub path: String,
    /// What follows the question mark.
    pub query: Option<String>,
    /// The headers, in lower case; several of one name joined by commas.
    pub headers: BTreeMap<String, String>,
    /// The body as JSON; null if it is none.
    pub body: Value,
    /// The body as text.
    pub text: String,
    /// The conversation, for completions.
    pub conversation: Conversation,
}

impl Received {
    /// Returns what the turn is for, recognised by its tools.
    pub fn role(&self) -> Role {
        self.conversation.role()
    }
}

/// What happened so far.
#[derive(Debug, Default)]
struct Log {
    requests: Vec<Received>,
    violations: Vec<String>,
    lengths: Vec<usize>,
}

struct Shared<W> {
    wire: W,
    script: Mutex<reply::Replies>,
    log: Mutex<Log>,
    arrived: Condvar,
    /// How many answers were left before their end.
    left: Arc<AtomicUsize>,
}

impl<W> Shared<W> {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn script(&self) -> MutexGuard<'_, reply::Replies> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running server. When it is dropped, all that is wrong fails the test.
pub struct Server<W: Wire> {
    shared: Arc<Shared<W>>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    judged: bool,
}

impl<W: Wire> Server<W> {
    /// Starts a server that answers with these replies.
    ///
    /// # Panics
    ///
    /// When there is no port or no thread.
    pub fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback is free");
        listener.set_nonblocking(true).expect("a listener can be asynchronous");
        let address = listener.local_addr().expect("a bound listener has an address");
        let shared = Arc::new(Shared {
            wire: W::default(),
            script: Mutex::new(reply::Replies::new(replies)),
            log: Mutex::default(),
            arrived: Condvar::new(),
            left: Arc::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let state = Arc::clone(&shared);
        let thread = thread::spawn(move || serve(listener, state, stopped));
        Self { shared, address, stop: Some(stop), thread: Some(thread), judged: false }
    }

    /// Returns the base URL for settings, without a slash at its end.
    pub fn base_url(&self) -> String {
        format!("http://{}{}", self.address, W::BASE)
    }

    /// Returns all requests so far, in the order of their arrival.
    pub fn requests(&self) -> Vec<Received> {
        self.shared.log().requests.clone()
    }

    /// Returns how many bytes each answer has, those that were cut off included, in order.
    pub fn lengths(&self) -> Vec<usize> {
        self.shared.log().lengths.clone()
    }

    /// Returns how many answers the other side left before their end.
    pub fn left(&self) -> usize {
        self.shared.left.load(Ordering::SeqCst)
    }

    /// Returns the requests for completions so far.
    pub fn turns(&self) -> Vec<Received> {
        let mut requests = self.requests();
        let wire = &self.shared.wire;
        requests.retain(|request| wire.endpoint(request) == Some(Endpoint::Completion));
        requests
    }

    /// Returns what the turns were for, in order.
    pub fn roles(&self) -> Vec<Role> {
        self.turns().iter().map(Received::role).collect()
    }

    /// Returns once `count` requests have arrived.
    ///
    /// # Panics
    ///
    /// When they have not within a minute.
    pub fn wait_for_requests(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut log = self.shared.log();
        while log.requests.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} of {count} requests arrived", log.requests.len());
            let waited = self.shared.arrived.wait_timeout(log, left);
            log = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Returns everything that would fail the test now.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.shared.log().violations.clone();
        faults.extend(self.shared.script().unused());
        faults
    }

    /// Takes the violations so far as expected, and returns them.
    pub fn take_violations(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.log().violations)
    }

    /// Ends the server without judging it, for worlds in which something is made to fail.
    pub fn forgive(mut self) {
        self.judged = true;
    }

    /// Ends the server and judges what it saw.
    ///
    /// # Panics
    ///
    /// With every violation, unexpected request and unused reply.
    #[track_caller]
    pub fn finish(mut self) {
        self.judged = true;
        let faults = self.faults();
        assert!(faults.is_empty(), "the {} server saw:\n- {}", W::NAME, faults.join("\n- "));
    }
}

impl<W: Wire> Drop for Server<W> {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread is gone if the server itself failed.
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
        let faults = self.faults();
        if !self.judged && !thread::panicking() && !faults.is_empty() {
            panic!("the {} server saw:\n- {}", W::NAME, faults.join("\n- "));
        }
    }
}

fn serve<W: Wire>(listener: TcpListener, state: Arc<Shared<W>>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("the listener is ready");
        // A second piece that waits for the first one's acknowledgement would come 40 ms late.
        let listener = listener.tap_io(|stream| {
            stream.set_nodelay(true).ok();
        });
        let router = Router::new().fallback(handle::<W>).with_state(state);
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        // An error says that the server value is gone, which is the same wish.
        stopped.await.ok();
        server.abort();
    });
    // Stalled answers wait for ever; they end with the runtime.
    runtime.shutdown_background();
}

async fn handle<W: Wire>(State(shared): State<Arc<Shared<W>>>, request: Request) -> Response<Body> {
    let received = receive(&shared.wire, request).await;
    let (answer, reply) = decide(&shared, &received);
    {
        let mut log = shared.log();
        log.requests.push(received);
        log.lengths.push(answer.body.len());
    }
    shared.arrived.notify_all();
    if let Some(delay) = reply.head_delay {
        tokio::time::sleep(delay).await;
    }
    if reply.hangs_up {
        // The connection's task unwinds without a message, and the connection closes without an answer.
        std::panic::resume_unwind(Box::new("hung up"));
    }
    respond(answer, &reply, &shared.left)
}

async fn receive<W: Wire>(wire: &W, request: Request) -> Received {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, MOST_BYTES).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    let mut headers = BTreeMap::<String, String>::new();
    for (name, value) in &parts.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let entry = headers.entry(name.as_str().to_owned());
        entry.and_modify(|known| *known = format!("{known}, {value}")).or_insert(value);
    }
    Received {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers,
        conversation: wire.conversation(&body),
        body,
        text,
    }
}

fn decide<W: Wire>(shared: &Shared<W>, request: &Received) -> (Answer, Reply) {
    let wire = &shared.wire;
    let refused = |status, kind, message: &str| {
        shared.log().violations.push(message.to_owned());
        (Answer::json(status, &wire.error(status, kind, message)), Reply::default())
    };
    let Some(endpoint) = wire.endpoint(request) else {
        let message = format!("no such endpoint: {} {}", request.method, request.path);
        return refused(404, "not_found_error", &message);
    };
    let mut faults = wire.check_headers(request);
    if endpoint == Endpoint::Completion {
        faults.extend(wire.check(request));
    }
    if !faults.is_empty() {
        return refused(400, "invalid_request_error", &faults.join("; "));
    }
    if endpoint == Endpoint::Models {
        return (Answer::json(200, &wire.models()), Reply::default());
    }
    if endpoint == Endpoint::Embeddings {
        return match wire.embeddings(&request.body) {
            Ok(vectors) => (Answer::json(200, &vectors), Reply::default()),
            Err(faults) => refused(400, "invalid_request_error", &faults.join("; ")),
        };
    }
    let number = shared.log().requests.len();
    let reply = shared.script().choose(&request.conversation);
    match reply {
        Some(reply) => (wire.answer(request, &reply, number), reply),
        None => {
            let message = format!("unexpected request: {}", request.conversation.summary());
            refused(400, "invalid_request_error", &message)
        }
    }
}

fn respond(answer: Answer, reply: &Reply, left: &Arc<AtomicUsize>) -> Response<Body> {
    let pieces = delivery::pieces(&answer.body, reply.splits, reply.end);
    let pieces = pieces.into_iter().map(Bytes::from).collect();
    let body = Body::from_stream(delivery::Flow::new(pieces, reply.end, Arc::clone(left)));
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).expect("the script has a valid status");
    for (name, value) in answer.headers.iter().chain(&reply.headers) {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("the script has a valid header");
        let value = HeaderValue::from_str(value).expect("the script has a valid header");
        response.headers_mut().insert(name, value);
    }
    response
}
