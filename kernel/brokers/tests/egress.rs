//! Requests: which are sent, and what the server sees of them.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

#[path = "support/server.rs"]
mod server;
#[path = "support/world.rs"]
mod world;

use openkoi_brokers::egress::{
    Credential, Egress, EgressErrorKind, EgressSettings, Injection, Phase, Request,
};
use openkoi_brokers::secrets::{Secret, SecretStore};
use openkoi_core::pattern::HttpRule;
use server::{Answer, Server, ok};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use world::{Names, SECRET, api_key, body, credential, egress, request, send};

#[tokio::test]
async fn a_granted_request_arrives_unchanged() {
    let server = Server::start("127.0.0.1", vec![ok("hello")]).await;
    let mut request =
        request(&server.url("/v1/items?a=b#c"), &[&format!("POST {}", server.url("/v1/**"))]);
    request.method = "POST".to_owned();
    request.headers = vec![("Content-Type".to_owned(), b"text/plain".to_vec())];
    request.body = b"body".to_vec();

    let mut response = send(request).await.unwrap();

    assert_eq!((response.status, body(&mut response).await.as_str()), (200, "hello"));
    let received = server.requests().concat();
    let mut lines: Vec<&str> = received.split("\r\n").filter(|l| !l.is_empty()).collect();
    lines.sort_unstable();
    let host = format!("host: {}", server.address);
    let mut expected = vec![
        "POST /v1/items?a=b HTTP/1.1",
        "accept-encoding: identity",
        "accept: */*",
        "body",
        "content-length: 4",
        "content-type: text/plain",
        &host,
        "user-agent: openkoi/0.1.0",
    ];
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

/// Returns a whole answer after which the connection stays open for the next request.
fn kept_open(body: &str) -> Answer {
    let length = body.len();
    Answer::Stall(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes())
}

/// Asks on a runtime of this thread, as a run does, and calls `after` while that runtime is there.
fn ask_on_this_thread(egress: &Egress, url: &str, after: impl FnOnce()) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let asked = async { body(&mut egress.send(request(url, &[url])).await.unwrap()).await };
        let text = tokio::time::timeout(Duration::from_secs(10), asked).await.unwrap();
        after();
        text
    })
}

#[tokio::test]
async fn a_run_that_blocks_does_not_hold_up_the_requests_of_another() {
    let server = Server::start("127.0.0.1", vec![kept_open("one"), kept_open("two")]).await;
    let (egress, url) = (egress(&Names::all("127.0.0.1")).0, server.url("/"));
    let (asked, has_asked) = std::sync::mpsc::channel();
    let (let_go, until) = std::sync::mpsc::channel();

    let (first, url_of_first) = (egress.clone(), url.clone());
    let blocked = tokio::task::spawn_blocking(move || {
        ask_on_this_thread(&first, &url_of_first, || {
            asked.send(()).unwrap();
            // The connection is idle, and nobody drives it.
            until.recv().unwrap();
        })
    });
    let other = tokio::task::spawn_blocking(move || {
        has_asked.recv().unwrap();
        ask_on_this_thread(&egress, &url, || ())
    });

    let other = other.await;
    let_go.send(()).unwrap();
    assert_eq!((blocked.await.unwrap(), other.unwrap()), ("one".to_owned(), "two".to_owned()));
}

#[tokio::test]
async fn a_host_without_a_rule_is_refused_before_it_is_resolved() {
    let names = Names::all("127.0.0.1");
    let (egress, _) = egress(&names);

    for url in [
        "https://evil.example/x",
        "https://api.example.com.evil.example/",
        "https://evilapi.example.com/",
        "https://api.example.com:8443/",
        "http://api.example.com/",
        "https://api.example.com/admin",
    ] {
        let error =
            egress.send(request(url, &["https://api.example.com/v1/**"])).await.unwrap_err();

        assert_eq!(error.kind, EgressErrorKind::Denied, "{url}: {error}");
        assert!(!error.request_sent);
        assert!(
            error.hint.as_deref().is_some_and(|hint| hint.starts_with("openkoi grant fetch http "))
        );
    }
    assert_eq!(names.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_user_name_in_a_url_is_refused() {
    for user in ["user@", "user:word@", "@", ":@", "api.example.com@"] {
        let server = Server::start("127.0.0.1", vec![ok("")]).await;
        let url = format!("http://{user}{}/", server.address);

        let error = send(request(&url, &[&server.url("/**")])).await.expect_err(user);

        assert_eq!(error.kind, EgressErrorKind::InvalidRequest, "{user}");
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn urls_that_can_be_read_in_two_ways_are_refused() {
    for url in [
        "https://api.example.com\\@evil.example/",
        "https://api.exa\tmple.com/",
        " https://api.example.com/",
        "ftp://api.example.com/",
        "file:///etc/passwd",
        "//api.example.com/",
        "https:///x",
        "",
    ] {
        let error = send(request(url, &["https://api.example.com"])).await.expect_err(url);
        assert!(
            matches!(error.kind, EgressErrorKind::InvalidRequest | EgressErrorKind::Denied),
            "{url}: {error}"
        );
        assert!(!error.request_sent);
    }
}

#[tokio::test]
async fn headers_of_the_host_are_refused() {
    let long = "x".repeat(17_000);
    for (name, value) in [
        ("Host", "evil.example"),
        ("content-length", "5"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close"),
        ("Proxy-Authorization", "x"),
        ("Cookie", "a=b"),
        ("Authorization", "Bearer x"),
        ("x-api-key", "mine"),
        ("bad name", "x"),
        ("", "x"),
        ("x", "a\r\nb: c"),
        ("x", "a\nb"),
        ("x", "a\0b"),
        ("x", &long),
    ] {
        let server = Server::start("127.0.0.1", vec![ok("")]).await;
        let mut request = request(&server.url("/"), &[&server.url("/**")]);
        request.headers = vec![(name.to_owned(), value.as_bytes().to_vec())];
        request.credentials = vec![credential(server.address.to_string(), api_key())];

        let error = send(request).await.expect_err(name);

        assert_eq!(error.kind, EgressErrorKind::InvalidRequest, "{name}: {error}");
        assert!(server.requests().is_empty(), "{name}");
    }
}

#[tokio::test]
async fn a_private_address_needs_a_rule_that_spells_it() {
    let server = Server::start("127.0.0.1", vec![ok("granted"), ok("refused")]).await;
    let rule: HttpRule = server.url("/**").parse().unwrap();
    let spelt = Request { rules: vec![rule.clone()], ..request(&server.url("/"), &[]) };
    let unspelt = HttpRule { private: false, ..rule };

    assert_eq!(send(spelt).await.unwrap().status, 200);
    let error = send(Request { rules: vec![unspelt], ..request(&server.url("/"), &[]) }).await;

    assert_eq!(error.unwrap_err().kind, EgressErrorKind::Denied);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn odd_spellings_of_a_private_address_are_refused() {
    let server = Server::start("127.0.0.1", vec![ok("")]).await;
    let port = server.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "0177.0.0.1",
        "2130706433",
        "0x7f.1",
        "0.0.0.0",
        "[::1]",
        "localhost",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "localhost.",
        "a.localhost",
        "169.254.169.254",
        "metadata.google.internal",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "100.64.0.1",
    ] {
        let url = format!("http://{host}:{port}/");
        let rules = ["*", "http://*/**", &format!("http://*:{port}/**"), "https://127.0.0.1"];

        let error = send(request(&url, &rules)).await.expect_err(host);

        assert_eq!(error.kind, EgressErrorKind::Denied, "{host}: {error}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    for address in
        ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1"]
    {
        let server = Server::start("127.0.0.1", vec![ok("")]).await;
        let names = Names::all(address);
        let rule = format!("http://*.example.com:{}/**", server.port());

        let url = format!("http://api.example.com:{}/", server.port());
        let error = egress(&names).0.send(request(&url, &[&rule])).await.unwrap_err();

        assert_eq!(error.kind, EgressErrorKind::Denied, "{address}: {error}");
        assert!(!error.request_sent);
        assert_eq!(names.asked.load(Ordering::SeqCst), 1, "resolved once, never again");
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn an_address_is_looked_up_once_and_kept() {
    // Public for the check, private for whoever asks again. Nobody answers at the first address, and a network
    // that knows no way there says so at once.
    let server = Server::start("127.0.0.1", vec![ok("")]).await;
    let names = Arc::new(Names {
        addresses: vec!["2001:4860:ffff:ffff::1".parse().unwrap()],
        later: Some("127.0.0.1".parse().unwrap()),
        ..Names::default()
    });
    let rule = format!("http://*.example.com:{}/**", server.port());
    let mut request = request(&format!("http://api.example.com:{}/", server.port()), &[&rule]);
    request.limits.first_byte = Duration::from_millis(300);

    let error = egress(&names).0.send(request).await.unwrap_err();

    let silence = EgressErrorKind::Timeout { phase: Phase::FirstByte };
    assert!([EgressErrorKind::Connect, silence].contains(&error.kind), "{error}");
    assert_eq!(names.asked.load(Ordering::SeqCst), 1, "resolved once, never again");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_port_is_part_of_the_grant() {
    let names = Names::all("127.0.0.1");
    let (egress, _) = egress(&names);
    for port in ["22", "25", "6379", "9742", "0", "65536", "80", "4430"] {
        let url = format!("https://api.example.com:{port}/");

        let error = egress.send(request(&url, &["https://api.example.com/**"])).await.unwrap_err();

        let kinds = [EgressErrorKind::Denied, EgressErrorKind::InvalidRequest];
        assert!(kinds.contains(&error.kind), "{port}: {error}");
    }
    assert_eq!(names.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_placeholder_is_sent_as_text() {
    let server = Server::start("127.0.0.1", vec![ok("")]).await;
    let (egress, secrets) = egress(&Names::all("127.0.0.1"));
    secrets.bind("github", &Secret::new(SECRET.as_bytes().to_vec()), "api.github.com");
    let placeholder = "{secret:github}";
    let mut request =
        request(&server.url(&format!("/{placeholder}?a={placeholder}")), &[&server.url("/**")]);
    request.method = "POST".to_owned();
    request.rules[0].methods.clear();
    request.headers = vec![("x-note".to_owned(), placeholder.as_bytes().to_vec())];
    request.body = format!("{placeholder} {{secret:{placeholder}}}").into_bytes();

    egress.send(request).await.unwrap();

    let received = server.requests().concat();
    assert!(received.ends_with("{secret:github} {secret:{secret:github}}"), "{received}");
    assert!(received.contains("x-note: {secret:github}\r\n"), "{received}");
    assert!(!received.contains(SECRET), "{received}");
}

#[tokio::test]
async fn a_name_without_an_address_says_so() {
    let names = Arc::new(Names::default());

    let error =
        egress(&names).0.send(request("https://api.example.com/", &["*"])).await.unwrap_err();

    assert_eq!(error.kind, EgressErrorKind::Resolve);
    assert_eq!(error.message, "api.example.com has no address");
    assert_eq!(*names.names.lock().unwrap(), ["api.example.com"]);
}

#[tokio::test]
async fn a_credential_arrives_where_it_is_bound_in_each_form() {
    let forms = [
        (Injection::Bearer, format!("authorization: Bearer {SECRET}")),
        (api_key(), format!("x-api-key: {SECRET}")),
        (
            Injection::Header { name: "Authorization".to_owned(), prefix: "Token ".to_owned() },
            format!("authorization: Token {SECRET}"),
        ),
        (
            Injection::Basic { username: "me".to_owned() },
            "authorization: Basic bWU6c2stdGVzdC00ZjljMWU3YjJhNmQ=".to_owned(),
        ),
        (Injection::Query { name: "key".to_owned() }, format!("GET /?a=b&key={SECRET} HTTP/1.1")),
    ];
    for (inject, expected) in forms {
        let server = Server::start("127.0.0.1", vec![ok("")]).await;
        let mut request = request(&server.url("/?a=b"), &[&server.url("/**")]);
        request.credentials = vec![credential(server.address.to_string(), inject)];

        let response = send(request).await.unwrap();

        let received = server.requests().concat();
        assert!(received.split("\r\n").any(|line| line == expected), "{expected}: {received}");
        assert!(!response.url.contains(SECRET));
    }
}

#[tokio::test]
async fn a_credential_goes_to_its_own_host_only() {
    let server = Server::start("127.0.0.1", vec![ok("")]).await;
    for host in ["127.0.0.2", "127.0.0.1", "127.0.0.1:1", "example.com", "*"] {
        let server = Server::start("127.0.0.1", vec![ok("")]).await;
        let mut request = request(&server.url("/"), &[&server.url("/**")]);
        request.credentials = vec![credential(host.to_owned(), Injection::Bearer)];

        assert_eq!(send(request).await.unwrap().status, 200);

        let received = server.requests().concat().to_lowercase();
        assert!(!received.contains("authorization"), "{host}: {received}");
    }
    drop(server);
}

#[tokio::test]
async fn a_credential_does_not_go_out_in_the_clear() {
    let mut request = request("http://api.example.com/", &["http://api.example.com"]);
    request.credentials = vec![credential("api.example.com".to_owned(), Injection::Bearer)];

    let error = send(request).await.unwrap_err();

    assert_eq!(error.kind, EgressErrorKind::Denied);
    assert_eq!(
        error.message,
        "the credential `service` does not go to api.example.com without tls"
    );
}

#[tokio::test]
async fn a_secret_of_another_host_does_not_leave() {
    let percent: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02X}")).collect();
    let shapes = [SECRET.to_owned(), percent, hex, "c2stdGVzdC00ZjljMWU3YjJhNmQ".to_owned()];
    for shape in shapes {
        for place in 0..4 {
            let server = Server::start("127.0.0.1", vec![ok("")]).await;
            let (egress, secrets) = egress(&Names::all("127.0.0.1"));
            secrets.bind("other", &Secret::new(SECRET.as_bytes().to_vec()), "api.example.com");
            let mut request = request(&server.url("/"), &[&server.url("/**")]);
            match place {
                0 => request.url = server.url(&format!("/a/{shape}/b")),
                1 => request.url = server.url(&format!("/?a={shape}")),
                2 => request.headers = vec![("x-note".to_owned(), shape.clone().into_bytes())],
                _ => request.body = format!("{{\"a\":\"{shape}\"}}").into_bytes(),
            }

            let error = egress.send(request).await.expect_err("the secret left");

            assert_eq!(error.kind, EgressErrorKind::Denied, "{shape} {place}");
            assert!(
                error.message.contains("`other`") && !error.message.contains(SECRET),
                "{error}"
            );
            assert!(server.requests().is_empty());
        }
    }
}

#[tokio::test]
async fn methods_and_sizes_are_checked_first() {
    for method in ["", "get", "CONNECT", "GET /", "A\r\nB"] {
        let mut odd = request("https://api.example.com/", &["*"]);
        odd.method = method.to_owned();
        assert_eq!(send(odd).await.expect_err(method).kind, EgressErrorKind::InvalidRequest);
    }
    let mut large = request("https://api.example.com/", &["*"]);
    large.body = vec![0; 11];
    large.limits.request_bytes = 10;
    assert_eq!(send(large).await.unwrap_err().kind, EgressErrorKind::TooLarge);
}

/// A request to `server` that is signed, with the session's token.
fn signed(server: &Server) -> Request {
    let mut request = request(&server.url("/model/a%3A0/x"), &[&server.url("/**")]);
    request.method = "POST".to_owned();
    request.body = b"{}".to_vec();
    let inject = Injection::SigV4 { service: "bedrock".to_owned(), region: "eu-west-1".to_owned() };
    let token = Some(b"token-of-the-session".to_vec());
    let secret = Secret::signing("AKIDEXAMPLE".to_owned(), SECRET.as_bytes().to_vec(), token);
    request.credentials =
        vec![Credential { secret, ..credential(server.address.to_string(), inject) }];
    request
}

fn at_noon() -> Egress {
    let secrets = SecretStore::new(Path::new("/nonexistent"), Arc::default());
    let resolver = Names::all("127.0.0.1");
    Egress::new(
        secrets,
        EgressSettings {
            resolver,
            clock: Arc::new(|| 1_440_938_160_000),
            ..EgressSettings::default()
        },
    )
}

#[tokio::test]
async fn a_request_is_signed_with_the_clock_of_the_broker_and_the_secret_stays() {
    let server = Server::start("127.0.0.1", vec![ok("you sent token-of-the-session")]).await;

    let mut response = at_noon().send(signed(&server)).await.unwrap();

    let received = server.requests().concat();
    let has = |start: &str| received.split("\r\n").any(|line| line.starts_with(start));
    assert!(has("POST /model/a%3A0/x HTTP/1.1"), "{received}");
    assert!(has("x-amz-date: 20150830T123600Z"), "{received}");
    assert!(has("x-amz-security-token: token-of-the-session"), "{received}");
    let lead = "authorization: AWS4-HMAC-SHA256 \
                Credential=AKIDEXAMPLE/20150830/eu-west-1/bedrock/aws4_request, \
                SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=";
    assert!(has(lead), "{received}");
    assert!(!received.contains(SECRET));
    assert_eq!(body(&mut response).await, "you sent [redacted]");
}

#[tokio::test]
async fn a_secret_that_signs_leaves_for_no_host() {
    let server = Server::start("127.0.0.1", vec![ok("")]).await;
    let mut request = signed(&server);
    request.body = format!("{{\"a\":\"{SECRET}\"}}").into_bytes();

    let error = at_noon().send(request).await.expect_err("the secret left");

    assert_eq!(error.kind, EgressErrorKind::Denied);
    assert!(!error.message.contains(SECRET), "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_signing_key_is_not_sent_and_a_plain_secret_does_not_sign() {
    let server = Server::start("127.0.0.1", vec![ok("")]).await;
    let mut request = signed(&server);
    request.credentials[0].secret = Secret::new(SECRET.as_bytes().to_vec());
    assert_eq!(send(request).await.unwrap_err().kind, EgressErrorKind::InvalidRequest);

    let mut request = signed(&server);
    request.credentials[0].inject = Injection::Bearer;
    assert_eq!(send(request).await.unwrap_err().kind, EgressErrorKind::InvalidRequest);

    for name in ["x-amz-date", "X-Amz-Security-Token"] {
        let mut request = signed(&server);
        request.headers = vec![(name.to_owned(), b"x".to_vec())];
        assert_eq!(send(request).await.unwrap_err().kind, EgressErrorKind::InvalidRequest);
    }
    assert!(server.requests().is_empty());
}
