//! The places of a request that a credential goes to, and the addresses that it is for.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

#[path = "support/server.rs"]
mod server;
#[path = "support/world.rs"]
mod world;

use openkoi_brokers::egress::{Credential, EgressErrorKind, Injection, Request};
use openkoi_brokers::secrets::Secret;
use server::{Server, ok, reply};
use world::{SECRET, body, credential, request, send};

fn within(server: &Server, path: &str, inject: Injection) -> Credential {
    let rule = server.url(path).parse().unwrap();
    Credential { within: Some(rule), ..credential(server.address.to_string(), inject) }
}

fn in_path() -> Injection {
    Injection::Path { placeholder: "{token}".to_owned() }
}

fn post(server: &Server, path: &str, kind: &str, body: &str, inject: Injection) -> Request {
    let mut request = request(&server.url(path), &[&server.url("/**")]);
    request.method = "POST".to_owned();
    if !kind.is_empty() {
        request.headers = vec![("content-type".to_owned(), kind.as_bytes().to_vec())];
    }
    request.body = body.as_bytes().to_vec();
    request.credentials = vec![credential(server.address.to_string(), inject)];
    request
}

#[tokio::test]
async fn a_credential_goes_to_its_own_paths_only() {
    for (path, goes) in [
        ("/v1", true),
        ("/v1/items?a=b", true),
        ("/v2/items", false),
        ("/v1/../v2", false),
        ("/v1x", false),
        ("/v1/..%2fv2", false),
    ] {
        let server = Server::start("127.0.0.1", vec![ok("")]).await;
        let mut request = request(&server.url(path), &[&server.url("/**")]);
        request.credentials = vec![within(&server, "/v1/**", Injection::Bearer)];

        let sent = send(request).await;

        let received = server.requests().concat();
        assert_eq!(received.contains(SECRET), goes, "{path}: {sent:?} {received}");
    }
}

#[tokio::test]
async fn a_credential_does_not_follow_a_redirect_out_of_its_paths() {
    let away = reply("302 Found", &[("location", "/other")], "");
    let server = Server::start("127.0.0.1", vec![away, ok("")]).await;
    let mut request = request(&server.url("/v1/a"), &[&server.url("/**")]);
    request.credentials = vec![within(&server, "/v1/**", Injection::Bearer)];

    assert_eq!(send(request).await.unwrap().status, 200);

    let received = server.requests();
    assert!(received[0].contains(SECRET), "{received:?}");
    assert!(received[1].starts_with("GET /other ") && !received[1].contains(SECRET));
}

#[tokio::test]
async fn a_secret_in_the_path_is_seen_by_the_service_alone() {
    let on = format!("/bot{SECRET}/next");
    let away = reply("302 Found", &[("location", &on)], "");
    let echo = format!("you asked for /bot{SECRET}/next");
    let server = Server::start("127.0.0.1", vec![away, ok(&echo)]).await;
    let rule = server.url("/bot%7Btoken%7D/**");
    let mut request = request(&server.url("/bot{token}/first"), &[&rule]);
    request.credentials = vec![within(&server, "/bot%7btoken%7d/**", in_path())];

    let mut response = send(request).await.unwrap();

    let received = server.requests();
    assert!(received[0].starts_with(&format!("GET /bot{SECRET}/first ")), "{received:?}");
    assert!(received[1].starts_with(&format!("GET /bot{SECRET}/next ")), "{received:?}");
    assert_eq!(response.url, server.url("/bot%7Btoken%7D/next"));
    assert_eq!(body(&mut response).await, "you asked for /bot[redacted]/next");
}

#[tokio::test]
async fn a_secret_in_the_path_cannot_change_the_path() {
    let server = Server::start("127.0.0.1", vec![ok("")]).await;
    let mut odd = request(&server.url("/a/{token}/b"), &[&server.url("/**")]);
    let mut own = credential(server.address.to_string(), in_path());
    own.secret = Secret::new(b"../x?y#z%2f".to_vec());
    odd.credentials = vec![own];

    assert_eq!(send(odd).await.unwrap().status, 200);

    let received = server.requests().concat();
    assert!(received.starts_with("GET /a/..%2Fx%3Fy%23z%252f/b "), "{received}");

    for (url, secret) in [("/a/{token}/b", ".."), ("/a/b", SECRET), ("/{token}/{token}", SECRET)] {
        let server = Server::start("127.0.0.1", vec![ok("")]).await;
        let mut odd = request(&server.url(url), &[&server.url("/**")]);
        let mut own = credential(server.address.to_string(), in_path());
        own.secret = Secret::new(secret.as_bytes().to_vec());
        odd.credentials = vec![own];

        let error = send(odd).await.expect_err(url);

        assert_eq!(error.kind, EgressErrorKind::InvalidRequest, "{url}: {error}");
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn a_secret_goes_into_a_field_of_json_and_its_echo_is_redacted() {
    let secret = "sk-\"test\"-4f9c1e7b";
    let echo = r#"{"token":"sk-\"test\"-4f9c1e7b"}"#;
    let server = Server::start("127.0.0.1", vec![ok(echo)]).await;
    let inject = Injection::Json { pointer: "/token".to_owned() };
    let mut request = post(&server, "/", "application/json", "{\"a\":1}", inject);
    request.credentials[0].secret = Secret::new(secret.as_bytes().to_vec());

    let mut response = send(request).await.unwrap();

    let received = server.requests().concat();
    assert!(received.ends_with(r#"{"a":1,"token":"sk-\"test\"-4f9c1e7b"}"#), "{received}");
    assert_eq!(body(&mut response).await, r#"{"token":"[redacted]"}"#);
}

#[tokio::test]
async fn a_secret_goes_into_a_field_of_a_form() {
    let form = "application/x-www-form-urlencoded";
    for (kind, before, after) in
        [(form, "a=1", format!("a=1&token={SECRET}")), ("", "", format!("token={SECRET}"))]
    {
        let server = Server::start("127.0.0.1", vec![ok("")]).await;
        let inject = Injection::Form { name: "token".to_owned() };

        assert_eq!(send(post(&server, "/", kind, before, inject)).await.unwrap().status, 200);

        let received = server.requests().concat();
        assert!(received.ends_with(&format!("\r\n\r\n{after}")), "{received}");
        assert!(received.contains(&format!("content-type: {form}\r\n")), "{received}");
    }
}

#[tokio::test]
async fn a_body_without_a_place_for_the_secret_is_not_sent() {
    let json = || Injection::Json { pointer: "/token".to_owned() };
    let form = || Injection::Form { name: "token".to_owned() };
    for (kind, text, inject) in [
        ("application/json", "[1]", json()),
        ("application/json", "{\"token\":\"mine\"}", json()),
        ("text/plain", "a=1", form()),
        ("application/x-www-form-urlencoded", "token=mine", form()),
    ] {
        let server = Server::start("127.0.0.1", vec![ok("")]).await;

        let error = send(post(&server, "/", kind, text, inject)).await.expect_err(text);

        assert_eq!(error.kind, EgressErrorKind::InvalidRequest, "{text}");
        assert!(error.message.contains("`service`"), "{error}");
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn a_secret_in_the_body_stays_behind_when_a_redirect_leads_away() {
    let inject = Injection::Json { pointer: "/token".to_owned() };
    let other = Server::start("127.0.0.1", vec![ok("")]).await;
    let away = reply("307 Temporary Redirect", &[("location", &other.url("/b"))], "");
    let server = Server::start("127.0.0.1", vec![away]).await;
    let mut request = post(&server, "/", "application/json", "{}", inject);
    request.rules.push(other.url("/**").parse().unwrap());

    assert_eq!(send(request).await.unwrap().status, 200);

    assert!(server.requests().concat().contains(SECRET));
    let received = other.requests().concat();
    assert!(received.starts_with("POST /b ") && received.ends_with("{}"), "{received}");
}
