//! Answers: redirects, bodies, echoes and silence.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

#[path = "support/server.rs"]
mod server;
#[path = "support/world.rs"]
mod world;

use openkoi_brokers::egress::{EgressErrorKind, Injection, Phase};
use server::{Answer, Server, ok, reply};
use std::time::Duration;
use world::{SECRET, api_key, body, credential, request, send};

#[tokio::test]
async fn no_header_follows_a_redirect() {
    let second = Server::start("127.0.0.2", vec![ok("there")]).await;
    let location = second.url("/there");
    let first =
        Server::start("127.0.0.1", vec![reply("302 Found", &[("location", &location)], "")]).await;
    let mut request = request(&first.url("/"), &[&first.url("/**"), &second.url("/**")]);
    request.headers = vec![
        ("x-trace".to_owned(), b"private".to_vec()),
        ("referer".to_owned(), b"https://private.example/".to_vec()),
        ("accept".to_owned(), b"text/html".to_vec()),
    ];
    request.credentials = vec![credential(first.address.to_string(), api_key())];

    let response = send(request).await.unwrap();

    assert_eq!(response.url, location);
    let received = second.requests().concat().to_lowercase();
    assert!(received.contains("accept: text/html"), "{received}");
    for header in ["x-trace", "referer", "private", "x-api-key", SECRET] {
        assert!(!received.contains(header), "{header} in {received}");
    }
    assert!(first.requests().concat().contains(SECRET));
}

#[tokio::test]
async fn a_redirect_is_decided_like_a_request() {
    let second = Server::start("127.0.0.2", vec![ok("there")]).await;
    let spelt = second.url("/").replace("127.0.0.2", "0x7f.2");
    for location in [
        second.url("/"),
        spelt,
        "http://user@127.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let first =
            Server::start("127.0.0.1", vec![reply("307 T", &[("location", &location)], "")]).await;

        let error =
            send(request(&first.url("/"), &[&first.url("/**")])).await.expect_err(&location);

        assert_eq!(error.kind, EgressErrorKind::Denied, "{location}: {error}");
        assert!(error.request_sent, "the first hop was sent");
    }
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_keeps_or_drops_method_and_body_as_http_says() {
    for (status, line, has_body) in [
        ("301 M", "GET /b", false),
        ("302 F", "GET /b", false),
        ("303 S", "GET /b", false),
        ("307 T", "POST /b", true),
        ("308 P", "POST /b", true),
    ] {
        let script = vec![reply(status, &[("location", "/b")], ""), ok("done")];
        let server = Server::start("127.0.0.1", script).await;
        let mut request = request(&server.url("/a"), &[&server.url("/**")]);
        request.method = "POST".to_owned();
        request.body = b"payload".to_vec();

        send(request).await.unwrap();

        let second = server.requests()[1].clone();
        assert!(second.starts_with(line), "{status}: {second}");
        assert_eq!(second.ends_with("payload"), has_body, "{status}: {second}");
    }
}

#[tokio::test]
async fn a_chain_of_redirects_ends() {
    let script = (0..5).map(|_| reply("302 F", &[("location", "/again")], "")).collect();
    let server = Server::start("127.0.0.1", script).await;

    let error = send(request(&server.url("/"), &[&server.url("/**")])).await.unwrap_err();

    assert_eq!(error.kind, EgressErrorKind::TooLarge);
    assert_eq!(server.requests().len(), 4, "the request and three redirects");
}

#[tokio::test]
async fn a_body_ends_at_its_limit() {
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let chunk = [b"400\r\n".to_vec(), vec![b'a'; 1024], b"\r\n".to_vec()].concat();
    let mut pieces = vec![head];
    pieces.extend(vec![chunk; 1000]);
    let server = Server::start("127.0.0.1", vec![Answer::Pieces(pieces)]).await;
    let mut request = request(&server.url("/"), &[&server.url("/**")]);
    request.limits.body_bytes = 10_000;

    let mut response = send(request).await.unwrap();
    let mut received = 0;
    let error = loop {
        match response.body.chunk().await {
            Ok(Some(piece)) => received += piece.len(),
            Ok(None) => panic!("the body ended as if it were whole"),
            Err(error) => break error,
        }
    };

    assert_eq!(error.kind, EgressErrorKind::TooLarge);
    assert!(received <= 10_000, "{received}");
    assert_eq!(response.body.chunk().await.unwrap(), None);
}

#[tokio::test]
async fn cookies_and_challenges_do_not_come_back() {
    let headers = [
        ("Set-Cookie", "a=b"),
        ("WWW-Authenticate", "Basic"),
        ("Authorization", "Bearer x"),
        ("Proxy-Authenticate", "Basic"),
        ("x-kept", "yes"),
    ];
    let server = Server::start("127.0.0.1", vec![reply("401 U", &headers, "")]).await;

    let response = send(request(&server.url("/"), &[&server.url("/**")])).await.unwrap();

    let mut names: Vec<&str> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["connection", "content-length", "x-kept"]);
}

#[tokio::test]
async fn an_echoed_credential_is_redacted() {
    let encoded = "bWU6c2stdGVzdC00ZjljMWU3YjJhNmQ=";
    let echo = format!("you sent {SECRET} and {encoded} twice {SECRET}.");
    let (left, right) = echo.split_at(17);
    let head = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\nx-echo: {SECRET}\r\ncontent-length: {}\r\n\r\n{left}",
        echo.len()
    );
    let pieces = vec![head.into_bytes(), right.as_bytes().to_vec()];
    let server = Server::start("127.0.0.1", vec![Answer::Pieces(pieces)]).await;
    let mut request = request(&server.url("/"), &[&server.url("/**")]);
    request.credentials = vec![credential(server.address.to_string(), Injection::Bearer)];

    let mut response = send(request).await.unwrap();

    let echo = response.headers.iter().find(|(name, _)| name == "x-echo").unwrap();
    assert_eq!(echo.1, b"[redacted]");
    let body = body(&mut response).await;
    assert!(
        body.starts_with("you sent [redacted] and ") && body.ends_with("twice [redacted]."),
        "{body}"
    );
    assert!(!body.contains(&encoded[8..24]), "{body}");
}

#[tokio::test]
async fn a_silent_server_ends_at_the_deadline_of_its_phase() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc".to_vec();
    let short = Duration::from_millis(150);

    let server = Server::start("127.0.0.1", vec![Answer::Stall(Vec::new())]).await;
    let mut waiting = request(&server.url("/"), &[&server.url("/**")]);
    waiting.limits.first_byte = short;
    let error = send(waiting).await.unwrap_err();
    assert_eq!(error.kind, EgressErrorKind::Timeout { phase: Phase::FirstByte });
    assert!(error.request_sent);

    for phase in [Phase::Idle, Phase::Total] {
        let server = Server::start("127.0.0.1", vec![Answer::Stall(head.clone())]).await;
        let mut waiting = request(&server.url("/"), &[&server.url("/**")]);
        match phase {
            Phase::Idle => waiting.limits.idle = short,
            _ => waiting.limits.total = short,
        }
        let mut response = send(waiting).await.unwrap();
        assert_eq!(response.body.chunk().await.unwrap().as_deref(), Some(&b"abc"[..]));
        assert_eq!(
            response.body.chunk().await.unwrap_err().kind,
            EgressErrorKind::Timeout { phase }
        );
    }
}

#[tokio::test]
async fn a_body_that_drips_ends_when_its_time_is_over() {
    // Short enough to be whole some day: then a missing limit shows as an end, not as a test that hangs.
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n".to_vec();
    let server = Server::start("127.0.0.1", vec![Answer::Drip(head)]).await;
    let mut dripping = request(&server.url("/"), &[&server.url("/**")]);
    dripping.limits.total = Duration::from_millis(300);
    dripping.limits.idle = Duration::from_secs(60);

    let mut response = send(dripping).await.unwrap();
    let mut received = 0;
    let error = loop {
        match response.body.chunk().await {
            Ok(Some(piece)) => received += piece.len(),
            Ok(None) => panic!("the body ended as if it were whole"),
            Err(error) => break error,
        }
    };

    assert_eq!(error.kind, EgressErrorKind::Timeout { phase: Phase::Total });
    assert!(received > 0, "something arrived, so it was not silence that ended it");
}

#[tokio::test]
async fn a_compressed_body_is_not_unpacked() {
    // 512 bytes of zeroes, once per coding that clients are fond of; a client that unpacks would make more of it.
    let bomb = [
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 99, 96, 24, 5, 35, 25, 0, 0, 120, 117, 170, 178, 0, 2, 0,
        0,
    ];
    for coding in ["gzip", "br", "zstd", "deflate", "gzip, gzip"] {
        let head = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n",
            bomb.len()
        );
        let pieces = vec![head.into_bytes(), bomb.to_vec()];
        let server = Server::start("127.0.0.1", vec![Answer::Pieces(pieces)]).await;

        let mut response = send(request(&server.url("/"), &[&server.url("/**")])).await.unwrap();

        assert_eq!(response.body.read_to_end().await.unwrap(), bomb, "{coding}");
        let asked = server.requests().concat().to_lowercase();
        assert!(asked.contains("accept-encoding: identity\r\n"), "{asked}");
    }
}

#[tokio::test]
async fn a_connection_that_fails_says_whether_anything_was_sent() {
    let server =
        Server::start("127.0.0.1", vec![Answer::Pieces(vec![b"HTTP/1.1 200 OK\r\n".to_vec()])])
            .await;
    let broken = send(request(&server.url("/"), &[&server.url("/**")])).await.unwrap_err();
    assert_eq!((broken.kind, broken.request_sent), (EgressErrorKind::Interrupted, true));

    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}/");
    let refused = send(request(&url, &[&url])).await.unwrap_err();
    assert_eq!((refused.kind, refused.request_sent), (EgressErrorKind::Connect, false));
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_not_trusted() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let greeting = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut stream, greeting).await.unwrap();
        std::future::pending::<()>().await;
    });

    let error = send(request(&url, &[&url])).await.unwrap_err();

    assert_eq!((error.kind, error.request_sent), (EgressErrorKind::Tls, false), "{error}");
}
