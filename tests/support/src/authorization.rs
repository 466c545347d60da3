//! A strict authorization server on loopback, in the words of RFC 8628 or of its variant with an authorization
//! code (RFC 6749, section 4.1.3, and RFC 7636), with a renewal whose tokens are good once.
//!
//! Every request is held against what the standard or the vendor has: an unknown or missing field, another
//! content type, another client or a missing header is a violation, and fails the test at the end.

use std::{
    collections::{BTreeMap, VecDeque},
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

/// The only client that is known here.
pub const CLIENT: &str = "koi-test-client";
/// What the person types.
pub const USER_CODE: &str = "KOIS-WIMS";
/// The account that tokens of the variant name.
pub const ACCOUNT: &str = "acct-koi-1";
const DEVICE_CODE: &str = "device-code-0123456789";
const AUTHORIZATION_CODE: &str = "authorization-code-0123456789";
const VERIFIER: &str = "code-verifier-0123456789";
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// The words that the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// RFC 8628, errors with status 400.
    Standard,
    /// RFC 8628, errors with status 200, and a session token on top.
    Session,
    /// The variant with an authorization code.
    Code,
    /// RFC 6749, section 4.1, with RFC 7636: the person agrees in a browser, which a test plays.
    Browser,
}

/// What the server answers to a device's question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// The person has not come yet.
    Pending,
    /// Too often.
    SlowDown,
    /// The person said no.
    Denied,
    /// Too late.
    Expired,
    /// The connection ends without an answer.
    HangUp,
    /// The server is out of order.
    Broken,
    /// Tokens.
    Granted,
}

/// What may be set while the server runs.
#[derive(Clone, Debug)]
struct Ways {
    polls: VecDeque<Poll>,
    /// `expires_in` of a code.
    code_life: u64,
    /// `expires_in` of a token; nothing leaves it out.
    token_life: Option<u64>,
    /// The access tokens that are issued, in order; the last stays.
    access: VecDeque<String>,
    /// The refresh token that is good now.
    refresh: Option<String>,
    issued: u32,
    delay: Duration,
    endpoint: Option<String>,
    session_refused: bool,
    /// The challenge and the address of the browser that the code was given out for.
    agreed: Option<(String, String)>,
    answer: Option<(u16, String)>,
}

#[derive(Debug, Default)]
struct Log {
    requests: Vec<String>,
    violations: Vec<String>,
}

struct Shared {
    dialect: Dialect,
    address: SocketAddr,
    ways: Mutex<Ways>,
    log: Mutex<Log>,
}

/// A running server. When it is dropped, every violation fails the test.
pub struct Authorization {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Authorization {
    /// Starts a server that answers the device's questions like this, and grants after them.
    ///
    /// # Panics
    ///
    /// When there is no port.
    pub fn start(dialect: Dialect, polls: impl IntoIterator<Item = Poll>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback is free");
        listener.set_nonblocking(true).expect("a listener can be asynchronous");
        let address = listener.local_addr().expect("a bound listener has an address");
        let ways = Ways {
            polls: polls.into_iter().collect(),
            code_life: 600,
            token_life: Some(3_600),
            access: VecDeque::new(),
            refresh: None,
            issued: 0,
            delay: Duration::ZERO,
            endpoint: None,
            session_refused: false,
            agreed: None,
            answer: None,
        };
        let (ways, log) = (Mutex::new(ways), Mutex::default());
        let shared = Arc::new(Shared { dialect, address, ways, log });
        let (stop, stopped) = oneshot::channel();
        let state = Arc::clone(&shared);
        let thread = thread::spawn(move || serve(listener, state, stopped));
        Self { shared, stop: Some(stop), thread: Some(thread) }
    }

    fn ways(&self) -> MutexGuard<'_, Ways> {
        lock(&self.shared.ways)
    }

    /// Sets how long codes are said to be good for.
    pub fn code_life(&self, seconds: u64) {
        self.ways().code_life = seconds;
    }

    /// Sets how long tokens are said to be good for.
    pub fn token_life(&self, seconds: Option<u64>) {
        self.ways().token_life = seconds;
    }

    /// Sets the access tokens that are issued next.
    pub fn issues(&self, tokens: impl IntoIterator<Item = String>) {
        self.ways().access = tokens.into_iter().collect();
    }

    /// Makes this the one refresh token that is good.
    pub fn accepts(&self, refresh: &str) {
        self.ways().refresh = Some(refresh.to_owned());
    }

    /// Forgets every refresh token.
    pub fn revoke(&self) {
        self.ways().refresh = None;
    }

    /// Sets how long each answer takes.
    pub fn delay(&self, delay: Duration) {
        self.ways().delay = delay;
    }

    /// Sets the base URL that sessions are given.
    pub fn endpoint(&self, url: &str) {
        self.ways().endpoint = Some(url.to_owned());
    }

    /// Lets no account have a session.
    pub fn refuse_sessions(&self) {
        self.ways().session_refused = true;
    }

    /// Answers every request like this from now on.
    pub fn answer(&self, status: u16, body: &str) {
        self.ways().answer = Some((status, body.to_owned()));
    }

    /// Returns what was asked, in order: `device`, `poll`, `code`, `refresh`, `session`.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.shared.log).requests.clone()
    }

    /// Returns how often `what` was asked.
    pub fn count(&self, what: &str) -> usize {
        self.asked().iter().filter(|asked| *asked == what).count()
    }

    /// Lets the person agree on the page at `url`, and returns the address that the browser is sent to.
    ///
    /// # Panics
    ///
    /// When something is missing in the address of the page.
    pub fn agree(&self, url: &str) -> String {
        let (page, query) = url.split_once('?').expect("the page has parameters");
        assert_eq!(page, format!("http://{}/authorize", self.shared.address));
        let fields = from_form(query);
        let field = |name: &str| fields.get(name).unwrap_or_else(|| panic!("no {name}")).clone();
        let fixed = ["response_type", "client_id", "scope", "code_challenge_method"].map(field);
        assert_eq!(fixed, ["code", CLIENT, "models", "S256"]);
        let redirect = field("redirect_uri");
        self.ways().agreed = Some((field("code_challenge"), redirect.clone()));
        format!("{redirect}?code={AUTHORIZATION_CODE}&state={}", field("state"))
    }

    /// Returns the host that tokens come from.
    pub fn host(&self) -> String {
        self.shared.address.to_string()
    }

    /// Returns the login as data, in the words of a manifest.
    pub fn login(&self) -> Value {
        let at = |path: &str| format!("http://{}{path}", self.shared.address);
        let mut login = json!({
            "client-id": CLIENT, "scope": "models", "device-url": at("/device"), "token-url": at("/token"),
        });
        match self.shared.dialect {
            Dialect::Standard => {}
            Dialect::Browser => {
                login = json!({
                    "grant": "code", "client-id": CLIENT, "scope": "models",
                    "authorize-url": at("/authorize"), "token-url": at("/token"),
                });
            }
            Dialect::Session => {
                login["session"] = json!({
                    "url": at("/session"), "prefix": "token ", "headers": { "Editor-Version": "koi/1" },
                    "endpoint": "/endpoints/api", "endpoint-hosts": ["127.0.0.1"],
                });
            }
            Dialect::Code => {
                login["scope"] = json!("");
                login["encoding"] = json!("json");
                login["verification-url"] = json!(at("/page"));
                login["code"] = json!({ "poll-url": at("/poll"), "redirect-url": at("/callback") });
                login["claim"] = json!([{ "header": "X-Account-Id", "path": ["https://koi.test/auth", "account_id"] }]);
            }
        }
        login
    }

    /// Ends the server and judges what it saw.
    ///
    /// # Panics
    ///
    /// With every violation.
    #[track_caller]
    pub fn finish(self) {
        drop(self);
    }
}

impl Drop for Authorization {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread is gone if the server itself failed.
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
        let violations = &lock(&self.shared.log).violations;
        if !thread::panicking() && !violations.is_empty() {
            panic!("the authorization server saw:\n- {}", violations.join("\n- "));
        }
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
        // An error says that the server value is gone, which is the same wish.
        stopped.await.ok();
        server.abort();
    });
    runtime.shutdown_background();
}

/// A request, read and checked as far as all have in common.
struct Asked {
    method: String,
    path: String,
    headers: HeaderMap,
    fields: BTreeMap<String, String>,
    kind: String,
}

type Answer = (u16, Value);

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response<Body> {
    let asked = read(request).await;
    let delay = lock(&shared.ways).delay;
    let (status, body) = decide(&shared, &asked);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if status == 0 {
        // The connection's task unwinds without a message, and the connection closes without an answer.
        std::panic::resume_unwind(Box::new("hung up"));
    }
    let fixed = lock(&shared.ways).answer.clone();
    let (status, body) = fixed.unwrap_or_else(|| (status, body.to_string()));
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("cache-control", "no-store")
        .body(Body::from(body))
        .expect("an answer can be made")
}

async fn read(request: Request) -> Asked {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let kind = parts.headers.get("content-type").and_then(|value| value.to_str().ok());
    let kind = kind.unwrap_or_default().to_owned();
    let fields = match kind.as_str() {
        "application/json" => from_json(&text),
        "application/x-www-form-urlencoded" => from_form(&text),
        _ => BTreeMap::new(),
    };
    let (method, path) = (parts.method.to_string(), parts.uri.path().to_owned());
    Asked { method, path, headers: parts.headers, fields, kind }
}

fn from_json(text: &str) -> BTreeMap<String, String> {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), value.as_str().unwrap_or("?").to_owned())).collect()
}

fn from_form(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let hex: Vec<u8> = rest.by_ref().take(2).collect();
                let hex = String::from_utf8_lossy(&hex).into_owned();
                u8::from_str_radix(&hex, 16).unwrap_or(b'?')
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn decide(shared: &Shared, asked: &Asked) -> Answer {
    let (name, faults, answer) = match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/device") => ("device", shared.check_device(asked), shared.device()),
        ("POST", "/poll") => ("poll", shared.check_poll(asked), None),
        ("GET", "/session") => ("session", shared.check_session(asked), shared.session(asked)),
        ("POST", "/token") => match asked.field("grant_type") {
            DEVICE_GRANT => ("poll", shared.check_device_grant(asked), None),
            "authorization_code" => ("code", shared.check_code(asked), Some(shared.issue(true))),
            "refresh_token" => {
                ("refresh", shared.check_refresh(asked), Some(shared.refresh(asked)))
            }
            other => ("token", vec![format!("grant_type `{other}`")], None),
        },
        (method, path) => ("nothing", vec![format!("no such endpoint: {method} {path}")], None),
    };
    let mut faults = faults;
    if asked.header("accept") != "application/json" {
        faults.push(format!("{name}: accept is `{}`", asked.header("accept")));
    }
    let mut log = lock(&shared.log);
    log.requests.push(name.to_owned());
    if !faults.is_empty() {
        log.violations.extend(faults);
        return (400, json!({ "error": "invalid_request" }));
    }
    drop(log);
    answer.unwrap_or_else(|| shared.poll())
}

impl Asked {
    fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Returns what differs from exactly these fields, written like this.
    fn differs(&self, kind: &str, wanted: &[(&str, &str)]) -> Vec<String> {
        let mut faults = Vec::new();
        if self.kind != kind {
            faults.push(format!("{}: content-type `{}`", self.path, self.kind));
        }
        let wanted: BTreeMap<String, String> =
            wanted.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        if self.fields != wanted {
            let names: Vec<_> = self.fields.keys().collect();
            faults.push(format!(
                "{}: the fields are not those that belong here: {names:?}",
                self.path
            ));
        }
        faults
    }
}

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

impl Shared {
    fn check_device(&self, asked: &Asked) -> Vec<String> {
        match self.dialect {
            Dialect::Code => asked.differs(JSON, &[("client_id", CLIENT)]),
            _ => asked.differs(FORM, &[("client_id", CLIENT), ("scope", "models")]),
        }
    }

    fn check_poll(&self, asked: &Asked) -> Vec<String> {
        if self.dialect != Dialect::Code {
            return vec!["there is no /poll".to_owned()];
        }
        asked.differs(JSON, &[("device_auth_id", DEVICE_CODE), ("user_code", USER_CODE)])
    }

    fn check_device_grant(&self, asked: &Asked) -> Vec<String> {
        if self.dialect == Dialect::Code {
            return vec!["there is no device grant".to_owned()];
        }
        let fields =
            [("grant_type", DEVICE_GRANT), ("device_code", DEVICE_CODE), ("client_id", CLIENT)];
        asked.differs(FORM, &fields)
    }

    fn check_code(&self, asked: &Asked) -> Vec<String> {
        let mut redirect = format!("http://{}/callback", self.address);
        let mut verifier = VERIFIER.to_owned();
        if self.dialect == Dialect::Browser {
            verifier = asked.field("code_verifier").to_owned();
            let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
            match lock(&self.ways).agreed.take() {
                Some((challenge, address)) if challenge == proof => redirect = address,
                _ => return vec!["the code is not for whoever has this verifier".to_owned()],
            }
        }
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", AUTHORIZATION_CODE),
            ("redirect_uri", redirect.as_str()),
            ("client_id", CLIENT),
            ("code_verifier", &verifier),
        ];
        asked.differs(FORM, &fields)
    }

    fn check_refresh(&self, asked: &Asked) -> Vec<String> {
        let token = asked.field("refresh_token").to_owned();
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token.as_str()),
            ("client_id", CLIENT),
        ];
        asked.differs(FORM, &fields)
    }

    fn check_session(&self, asked: &Asked) -> Vec<String> {
        let mut faults = Vec::new();
        if self.dialect != Dialect::Session {
            faults.push("there are no sessions".to_owned());
        }
        if !asked.header("authorization").starts_with("token ") {
            faults.push("the authorization does not begin with `token `".to_owned());
        }
        if asked.header("editor-version") != "koi/1" {
            faults.push("editor-version is missing".to_owned());
        }
        faults
    }

    fn device(&self) -> Option<Answer> {
        let life = lock(&self.ways).code_life;
        Some((
            200,
            match self.dialect {
                // As the vendor of this variant has it: the interval is text, and the page is not said.
                Dialect::Code => {
                    json!({ "device_auth_id": DEVICE_CODE, "user_code": USER_CODE, "interval": "5" })
                }
                _ => json!({
                    "device_code": DEVICE_CODE, "user_code": USER_CODE, "expires_in": life, "interval": 5,
                    "verification_uri": format!("http://{}/page", self.address),
                }),
            },
        ))
    }

    fn poll(&self) -> Answer {
        let poll = lock(&self.ways).polls.pop_front().unwrap_or(Poll::Granted);
        let status = if self.dialect == Dialect::Session { 200 } else { 400 };
        let fault =
            |error: &str| (status, json!({ "error": error, "error_description": "said so" }));
        match (self.dialect, poll) {
            (_, Poll::HangUp) => (0, Value::Null),
            (_, Poll::Broken) => (503, json!({})),
            (Dialect::Code, Poll::Pending) => (403, json!({ "error": { "message": "pending" } })),
            (Dialect::Code, Poll::SlowDown) => (429, json!({})),
            (Dialect::Code, Poll::Denied | Poll::Expired) => {
                (400, json!({ "error": "access_denied" }))
            }
            (Dialect::Code, Poll::Granted) => {
                let (code, verifier) = (AUTHORIZATION_CODE, VERIFIER);
                (
                    200,
                    json!({ "authorization_code": code, "code_challenge": "x", "code_verifier": verifier }),
                )
            }
            (_, Poll::Pending) => fault("authorization_pending"),
            (_, Poll::SlowDown) => fault("slow_down"),
            (_, Poll::Denied) => fault("access_denied"),
            (_, Poll::Expired) => fault("expired_token"),
            (_, Poll::Granted) => self.issue(self.dialect != Dialect::Session),
        }
    }

    /// Issues the next tokens; a refresh token is good once.
    fn issue(&self, renewable: bool) -> Answer {
        let mut ways = lock(&self.ways);
        ways.issued += 1;
        let number = ways.issued;
        let next = if ways.access.len() > 1 {
            ways.access.pop_front()
        } else {
            ways.access.front().cloned()
        };
        let access = next.unwrap_or_else(|| access_token(number));
        let mut answer =
            json!({ "access_token": access, "token_type": "bearer", "scope": "models" });
        if let Some(life) = ways.token_life.filter(|_| self.dialect != Dialect::Session) {
            answer["expires_in"] = json!(life);
        }
        if self.dialect == Dialect::Code {
            answer["id_token"] = json!(id_token());
        }
        if renewable {
            let refresh = refresh_token(number);
            answer["refresh_token"] = json!(refresh);
            ways.refresh = Some(refresh);
        }
        (200, answer)
    }

    fn refresh(&self, asked: &Asked) -> Answer {
        let good = lock(&self.ways).refresh.as_deref() == Some(asked.field("refresh_token"));
        if good {
            return self.issue(true);
        }
        (400, json!({ "error": "invalid_grant", "error_description": "the token was used before" }))
    }

    fn session(&self, _asked: &Asked) -> Option<Answer> {
        let mut ways = lock(&self.ways);
        if ways.session_refused {
            return Some((403, json!({ "message": "this account has no subscription" })));
        }
        ways.issued += 1;
        let token = session_token(ways.issued);
        let mut answer = json!({ "token": token, "expires_at": 1, "refresh_in": ways.token_life });
        if let Some(url) = &ways.endpoint {
            answer["endpoints"] = json!({ "api": url });
        }
        Some((200, answer))
    }
}

/// Returns the access token that is issued as number `number`.
pub fn access_token(number: u32) -> String {
    format!("koi-access-{number:04}-5d0c2b7e91af")
}

/// Returns the refresh token that is issued as number `number`.
pub fn refresh_token(number: u32) -> String {
    format!("koi-refresh-{number:04}-1f6a8c3d72be")
}

/// Returns the session token that is issued as number `number`.
pub fn session_token(number: u32) -> String {
    format!("koi-session-{number:04};exp=1:8b2e4f")
}

/// A token of the account, unsigned: `{"https://koi.test/auth":{"account_id":"acct-koi-1"}}`.
pub fn id_token() -> String {
    "eyJhbGciOiJub25lIn0.eyJodHRwczovL2tvaS50ZXN0L2F1dGgiOnsiYWNjb3VudF9pZCI6ImFjY3Qta29pLTEifX0.c2ln"
        .to_owned()
}
