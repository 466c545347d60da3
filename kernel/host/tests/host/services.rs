//! A tool's requests with credentials: where they go, where they do not, and what comes back.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    sync::{Arc, Mutex},
};

use openkoi_core::{credential::SecretSource, failure::Failure, grant::ComponentGrant};
use openkoi_host::{
    kinds::tool::ToolSettings,
    service::{AccountSettings, CredentialSettings},
};
use openkoi_testing::World;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{guests::service_at, loopback::egress};

const KEY: &str = "koi-canary-0123456789";

/// A signature of `POST /a?b=c hello` with the key.
const SIGNED: &str =
    "x-signature: v1=d3ca782f8bc40df373372348b20103bd630ca9041d8320d19f6c07bb0c1816b1\r\n";

/// The ports in the manifest: of the service, of another host, and of the issuer of its login.
const PORTS: [u16; 3] = [10_443, 10_444, 10_445];

/// A server that answers as a function of what it gets, and keeps all of it.
struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server. `answer` gets a request and the number of those before; nothing breaks the connection.
    async fn start(answer: impl Fn(&str, usize) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = loop {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
            // The manifest has five digits in its place.
            if listener.local_addr().expect("it is bound").port() >= 10_000 {
                break listener;
            }
        };
        let port = listener.local_addr().expect("it is bound").port();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = receive(&mut stream).await;
                let number = kept.lock().expect("nobody panicked").len();
                let reply = answer(&request, number);
                kept.lock().expect("nobody panicked").push(request);
                if let Some(reply) = reply {
                    stream.write_all(reply.as_bytes()).await.expect("it can be written");
                }
            }
        });
        Self { port, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("nobody panicked").clone()
    }
}

async fn receive(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.expect("it can be read");
        all.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&all).into_owned();
        let length = text.to_lowercase().split("content-length: ").nth(1).map(|rest| {
            rest.lines().next().and_then(|digits| digits.parse::<usize>().ok()).unwrap_or(0)
        });
        let body = text.find("\r\n\r\n").map(|at| all.len() - at - 4);
        if count == 0 || body.is_some_and(|body| body >= length.unwrap_or(0)) {
            return text;
        }
    }
}

fn reply(status: &str, headers: &str, body: &str) -> Option<String> {
    let length = body.len();
    Some(format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    ))
}

/// Answers only requests that carry the key as `place` says.
fn strict(place: &'static str) -> impl Fn(&str, usize) -> Option<String> {
    move |request, _| {
        let is_right = request.contains(place) && request.matches(KEY).count() <= 1;
        if is_right { reply("200 OK", "", "welcome") } else { reply("401 Unauthorized", "", "") }
    }
}

/// Returns a world in which the service and another host are these servers, with a saved key for `credential`.
fn world(service: &Server, other: u16, credential: &str) -> World {
    world_with(service, other, 10_445, credential)
}

fn world_with(service: &Server, other: u16, issuer: u16, credential: &str) -> World {
    let ports: Vec<(u16, u16)> =
        PORTS.into_iter().zip([service.port, other, issuer]).filter(|(a, b)| a != b).collect();
    let mut world = World::of(service_at(&ports));
    world.transport(egress()).hurry();
    // The first credential has the name of the account alone.
    let name = match credential {
        "api-key" => "tool.service".to_owned(),
        other => format!("tool.service.{other}"),
    };
    keep(&world, &name, KEY);
    world
}

fn keep(world: &World, name: &str, key: &str) {
    let directory = world.home().join("credentials");
    fs::create_dir_all(&directory).expect("the directory is made");
    let path = directory.join(format!("{name}.key"));
    fs::write(&path, key).expect("the key is written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is closed");
}

/// Lets the tool send a request, and returns what it saw of the answer.
async fn ask(world: &mut World, request: Value) -> Result<Value, Failure> {
    let output = world.call_tool("ask_service", &request.to_string()).await?;
    assert!(!output.text.contains(KEY), "the guest sees the key: {}", output.text);
    Ok(serde_json::from_str(&output.text).expect("it is JSON"))
}

fn url(server: &Server, path: &str) -> String {
    format!("http://127.0.0.1:{}{path}", server.port)
}

/// Checks that a request was denied, and returns what and the hint.
fn denied(result: Result<Value, Failure>) -> (String, String) {
    match result.expect_err("it is refused") {
        Failure::Denied { what, hint } => (what, hint),
        other => panic!("not denied: {other:?}"),
    }
}

#[tokio::test]
async fn a_credential_stands_where_the_manifest_says_and_nowhere_else() {
    let form = "application/x-www-form-urlencoded";
    let rows = [
        ("api-key", "x-api-key: koi-canary-0123456789\r\n", "/v1/a", "", ""),
        ("bearer", "authorization: Bearer koi-canary-0123456789\r\n", "/a", "", ""),
        ("basic", "authorization: Basic a29pOmtvaS1jYW5hcnktMDEyMzQ1Njc4OQ==\r\n", "/a", "", ""),
        ("query", "GET /a?b=c&key=koi-canary-0123456789 HTTP/1.1\r\n", "/a?b=c", "", ""),
        ("path", "GET /botkoi-canary-0123456789/me HTTP/1.1\r\n", "/bot{token}/me", "", ""),
        (
            "json",
            r#"{"auth":{"token":"koi-canary-0123456789"}}"#,
            "/a",
            "application/json",
            r#"{"auth":{}}"#,
        ),
        ("signature", SIGNED, "/a?b=c", "text/plain", "hello"),
        // Head and issuer; the rest has the time in it.
        ("jwt", "authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.", "/a", "", ""),
        ("form", "\r\n\r\na=b&token=koi-canary-0123456789", "/a", form, "a=b"),
    ];
    for (credential, place, path, kind, body) in rows {
        let service = Server::start(strict(place)).await;
        let mut world = world(&service, 10_444, credential);
        let method = if body.is_empty() { "GET" } else { "POST" };
        let mut request = json!({ "method": method, "url": url(&service, path), "body": body });
        if !kind.is_empty() {
            request["type"] = json!(kind);
        }

        let without = ask(&mut world, request.clone()).await.expect("it answers");
        request["credential"] = json!(credential);
        let with = ask(&mut world, request).await.expect("it answers");

        assert_eq!(without["status"], 401, "{credential}: what is not named is not sent");
        assert_eq!(with["status"], 200, "{credential}: {:?}", service.seen());
        assert_eq!(with["body"], "welcome");
        if credential == "path" {
            assert_eq!(with["url"], url(&service, "/bot%7Btoken%7D/me"));
        }
    }
}

#[tokio::test]
async fn a_credential_that_is_not_declared_is_denied_with_what_would_be_right() {
    let service = Server::start(strict("")).await;
    let mut world = world(&service, 10_444, "bearer");

    let request = json!({ "url": url(&service, "/a"), "credential": "root\u{1b}[2J" });
    let (what, hint) = denied(ask(&mut world, request).await);

    assert!(what.contains("`service`") && what.contains("declares no credential `root"), "{what}");
    assert!(!what.contains('\u{1b}'), "{what}");
    assert!(hint.contains("api-key, basic, bearer"), "{hint}");
    assert!(service.seen().is_empty());
}

#[tokio::test]
async fn a_credential_is_denied_to_other_hosts_and_other_paths() {
    let service = Server::start(strict("")).await;
    let other = Server::start(strict("")).await;
    let mut world = world(&service, other.port, "api-key");

    for elsewhere in [
        url(&other, "/v1/a"),
        url(&service, "/v2/a"),
        url(&service, "/v1/../v2"),
        url(&service, "/v1/..%2fv2"),
        url(&service, "/v1x"),
    ] {
        let request = json!({ "url": elsewhere, "credential": "api-key" });
        let (what, hint) = denied(ask(&mut world, request).await);

        assert!(what.contains("the credential `api-key` is not for http://127.0.0.1:"), "{what}");
        assert!(hint.contains(&url(&service, "/v1")), "{hint}");
    }
    assert!(service.seen().is_empty() && other.seen().is_empty());
    assert!(world.uses().is_empty(), "nobody was asked: {:?}", world.uses());
}

#[tokio::test]
async fn a_redirect_to_another_host_drops_the_credential() {
    let other = Server::start(|_, _| reply("200 OK", "", "other")).await;
    let there = url(&other, "/b");
    let service = Server::start(move |_, _| {
        reply("307 Temporary Redirect", &format!("location: {there}\r\n"), "")
    })
    .await;
    for credential in ["bearer", "json"] {
        let mut world = world(&service, other.port, credential);
        let request = json!({
            "method": "POST", "url": url(&service, "/a"), "credential": credential,
            "type": "application/json", "body": r#"{"auth":{}}"#
        });

        let seen = ask(&mut world, request).await.expect("it answers");

        assert_eq!((&seen["body"], &seen["url"]), (&json!("other"), &json!(url(&other, "/b"))));
    }
    assert!(service.seen().iter().all(|request| request.contains(KEY)), "{:?}", service.seen());
    assert!(other.seen().iter().all(|request| !request.contains(KEY)), "{:?}", other.seen());
    assert_eq!((service.seen().len(), other.seen().len()), (2, 2));
}

#[tokio::test]
async fn a_key_that_a_service_echoes_comes_back_redacted() {
    let service = Server::start(|request, _| {
        reply("200 OK", &format!("x-echo: {KEY}\r\n"), &format!("you sent {request}"))
    })
    .await;
    let mut world = world(&service, 10_444, "bearer");

    let request = json!({ "url": url(&service, "/a"), "credential": "bearer" });
    let seen = ask(&mut world, request).await.expect("it answers");

    assert_eq!(seen["headers"]["x-echo"], "[redacted]");
    let body = seen["body"].as_str().expect("a text");
    assert!(body.contains("authorization: Bearer [redacted]"), "{body}");
}

/// Returns all that the tool with keys asks for.
fn asked(service: &Server) -> ComponentGrant {
    let catalog = service_at(&[(PORTS[0], service.port)]);
    catalog.find("service").expect("it is there").asked().expect("it has a manifest").asked()
}

#[tokio::test]
async fn a_variable_that_was_granted_holds_a_key() {
    let service = Server::start(strict("x-api-key: koi-canary-0123456789\r\n")).await;
    let mut world = world(&service, 10_444, "bearer");
    world.variable("OTHERS_API_KEY", KEY).grant("service", asked(&service));

    let request = json!({ "url": url(&service, "/v1/a"), "credential": "api-key" });
    let answer = ask(&mut world, request).await.expect("it is granted");

    assert_eq!(answer["status"], 200, "{answer}");
}

#[tokio::test]
async fn without_a_key_the_hint_says_how_to_get_one() {
    let service = Server::start(strict("")).await;
    let mut world = world(&service, 10_444, "bearer");
    // It is in a variable that the component named itself, and that nobody granted.
    world.variable("OTHERS_API_KEY", KEY);
    let mut granted = asked(&service);
    granted.credentials.clear();
    world.grant("service", granted);

    let request = json!({ "url": url(&service, "/v1/a"), "credential": "api-key" });
    let (what, hint) = denied(ask(&mut world, request).await);

    assert!(what.contains("`service`: it needs a key, and there is none"), "{what}");
    assert!(!what.contains("OTHERS_API_KEY"), "{what}");
    assert_eq!(hint, "openkoi connect service");
    assert!(service.seen().is_empty());
}

#[tokio::test]
async fn each_account_has_keys_of_its_own() {
    let service = Server::start(strict("x-api-key: koi-of-work")).await;
    let mut world = world(&service, 10_444, "api-key");
    keep(&world, "tool.work", "koi-of-work");
    let account = |name: &str, key: &str| ToolSettings {
        accounts: BTreeMap::from([(
            "service".to_owned(),
            AccountSettings {
                name: name.to_owned(),
                credentials: BTreeMap::from([(
                    "api-key".to_owned(),
                    CredentialSettings {
                        sources: vec![SecretSource::Saved(key.to_owned())],
                        login: None,
                    },
                )]),
            },
        )]),
        ..ToolSettings::default()
    };
    let request = json!({ "url": url(&service, "/v1/a"), "credential": "api-key" });

    world.tools(account("home", "tool.service"));
    assert_eq!(ask(&mut world, request.clone()).await.expect("it answers")["status"], 401);
    world.tools(account("work", "tool.work"));
    assert_eq!(ask(&mut world, request).await.expect("it answers")["status"], 200);
}

#[tokio::test]
async fn a_request_is_repeated_only_if_that_does_no_harm() {
    // The first connection breaks after the request was sent.
    let breaks = |_: &str, number: usize| match number {
        0 => None,
        _ => reply("200 OK", "", "welcome"),
    };
    for (repeatable, count) in [(false, 1), (true, 2)] {
        let service = Server::start(breaks).await;
        let mut world = world(&service, 10_444, "bearer");
        let request = json!({
            "method": "POST", "url": url(&service, "/a"), "credential": "bearer", "body": "x",
            "repeatable": repeatable
        });

        let answered = ask(&mut world, request).await;

        assert_eq!(answered.is_ok(), repeatable, "{answered:?}");
        assert_eq!(service.seen().len(), count);
        if let Err(Failure::Unavailable { request_sent, .. }) = answered {
            assert!(request_sent, "the guest is told that it may have arrived");
        }
    }
}

#[tokio::test]
async fn a_service_that_asks_for_a_wait_is_asked_again_if_there_is_time() {
    for (seconds, count, status) in [("1", 2, 200), ("600", 1, 429)] {
        let service = Server::start(move |_, number| match number {
            0 => reply("429 Too Many Requests", &format!("retry-after: {seconds}\r\n"), ""),
            _ => reply("200 OK", "", "welcome"),
        })
        .await;
        let mut world = world(&service, 10_444, "bearer");
        let request = json!({
            "method": "POST", "url": url(&service, "/a"), "credential": "bearer", "body": "x"
        });

        let seen = ask(&mut world, request).await.expect("it answers");

        assert_eq!((&seen["status"], service.seen().len()), (&json!(status), count));
    }
}

#[tokio::test]
async fn a_service_that_fails_again_and_again_rests_and_another_account_does_not() {
    let service = Server::start(|_, _| reply("503 Service Unavailable", "", "")).await;
    let mut world = world(&service, 10_444, "bearer");
    let post = |path: &str, credential: &str| json!({ "method": "POST", "url": url(&service, path), "credential": credential, "body": "x" });
    for _ in 0..5 {
        let seen = ask(&mut world, post("/a", "bearer")).await.expect("it answers");
        assert_eq!(seen["status"], 503);
    }

    let resting = ask(&mut world, post("/a", "bearer")).await.expect_err("it rests");

    let Failure::Unavailable { message, request_sent, retry_after_ms } = resting else {
        panic!("{resting:?}")
    };
    assert!(message.contains("`service`") && message.contains("left alone for 60 s"), "{message}");
    assert!(!request_sent && retry_after_ms == Some(60_000), "{retry_after_ms:?}");
    assert_eq!(service.seen().len(), 5);

    let other = AccountSettings { name: "other".to_owned(), credentials: BTreeMap::new() };
    keep(&world, "tool.other.bearer", KEY);
    let accounts = BTreeMap::from([("service".to_owned(), other)]);
    world.tools(ToolSettings { accounts, ..ToolSettings::default() });
    let seen = ask(&mut world, post("/a", "bearer")).await.expect("it answers");
    assert_eq!(seen["status"], 503, "the other account is asked");
}

#[tokio::test]
async fn a_login_is_renewed_when_its_token_is_refused_and_the_request_sent_once_more() {
    let issuer = Server::start(|request, _| {
        assert!(request.contains("refresh_token=refresh-0123456789"), "{request}");
        let token = json!({
            "access_token": KEY, "token_type": "bearer", "refresh_token": "refresh-9876543210",
            "expires_in": 3600
        });
        reply("200 OK", "content-type: application/json\r\n", &token.to_string())
    })
    .await;
    let service = Server::start(strict("authorization: Bearer koi-canary-0123456789\r\n")).await;
    let mut world = world_with(&service, 10_444, issuer.port, "bearer");
    let login = json!({ "providers": { "tool.service.login": {
        "type": "oauth", "access_token": "stale-0123456789",
        "refresh_token": "refresh-0123456789", "expires_at": 0
    } } });
    let path = world.home().join("auth.json");
    fs::write(&path, login.to_string()).expect("the login is written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is closed");
    let request = json!({
        "method": "POST", "url": url(&service, "/a"), "credential": "login", "body": "x"
    });

    let seen = ask(&mut world, request).await.expect("it answers");

    assert_eq!(seen["status"], 200, "{:?}", service.seen());
    assert_eq!((service.seen().len(), issuer.seen().len()), (2, 1));
    assert!(service.seen()[0].contains("authorization: Bearer stale-0123456789\r\n"));
}
