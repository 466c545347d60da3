//! Requests from a company's network: through its proxy, to hosts that its own authority vouches for, and to machines of it
//! that the user names. What the proxy and the hosts saw is what counts.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/company.rs"]
mod company;
#[path = "support/server.rs"]
mod server;
#[path = "support/world.rs"]
mod world;

use company::Seen;
use openkoi_brokers::egress::{
    Egress, EgressError, EgressErrorKind, EgressSettings, Except, Proxies, Proxy, Request, Resolve,
};
use openkoi_brokers::secrets::SecretStore;
use server::{Server, ok, reply};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use world::{Names, SECRET, api_key, body, credential, request};

/// The password that the proxy is given, also as it is sent.
const WORD: &str = "k0i-pr0xy-w0rd";
const AUTHORIZATION: &str = "Basic YWRhOmswaS1wcjB4eS13MHJk";

/// A resolver of a network in which the proxy alone knows the names of the world.
fn knows_nothing() -> Arc<Names> {
    Arc::new(Names::default())
}

fn proxies(address: SocketAddr) -> Proxies {
    let proxy = Some(Arc::new(Proxy::parse(&format!("http://ada:{WORD}@{address}")).unwrap()));
    Proxies { plain: proxy.clone(), secure: proxy, except: Except::list("direct.example") }
}

fn egress(names: &Arc<Names>, change: impl FnOnce(&mut EgressSettings)) -> Egress {
    let secrets = SecretStore::new(Path::new("/nonexistent"), Arc::new(HashMap::new()));
    let resolver = Arc::clone(names) as Arc<dyn Resolve>;
    let mut settings = EgressSettings { resolver, ..EgressSettings::default() };
    change(&mut settings);
    Egress::new(secrets, settings)
}

fn seen(by: &Seen) -> Vec<String> {
    by.lock().unwrap().clone()
}

fn to(host: &str) -> Request {
    let url = format!("https://{host}/v1/items");
    let mut request = request(&url, &[&format!("https://{host}/v1/**")]);
    request.credentials = vec![credential(host.to_owned(), api_key())];
    request
}

/// Fails if an error says the password.
fn assert_silent(error: &EgressError) {
    let said = format!("{error} {error:?}");
    assert!(!said.contains(WORD) && !said.contains(AUTHORIZATION), "{said}");
}

#[tokio::test]
async fn a_request_goes_through_the_proxy_by_its_name_and_its_key_to_the_host_alone() {
    let authority = certificates::authority();
    let own = certificates::host(&authority, "api.example.com");
    let (host, at_host) = company::secure_host(&own, "hello").await;
    let (proxy, at_proxy) = company::proxy(host, Some(AUTHORIZATION)).await;
    let names = knows_nothing();
    let egress = egress(&names, |settings| {
        settings.proxies = proxies(proxy);
        settings.extra_roots = vec![authority.certificate.clone()];
    });

    let mut response = egress.send(to("api.example.com")).await.unwrap();

    assert_eq!(body(&mut response).await, "hello");
    let [at_proxy] = &seen(&at_proxy)[..] else { panic!("one request") };
    assert!(at_proxy.starts_with("CONNECT api.example.com:443 HTTP/1.1\r\n"), "{at_proxy}");
    assert!(!at_proxy.contains(SECRET), "{at_proxy}");
    let [at_host] = &seen(&at_host)[..] else { panic!("one request") };
    assert!(at_host.starts_with("GET /v1/items HTTP/1.1\r\n") && at_host.contains(SECRET));
    assert!(!at_host.to_lowercase().contains("proxy"), "{at_host}");
}

#[tokio::test]
async fn a_host_whose_authority_nobody_named_is_not_trusted_through_a_proxy_either() {
    let authority = certificates::authority();
    let own = certificates::host(&authority, "api.example.com");
    let (host, at_host) = company::secure_host(&own, "hello").await;
    let (proxy, _) = company::proxy(host, None).await;
    let other = certificates::host(&authority, "other.example.com");
    let (host_of_another, at_other) = company::secure_host(&other, "hello").await;
    let (proxy_to_another, _) = company::proxy(host_of_another, None).await;
    let stranger = egress(&knows_nothing(), |settings| settings.proxies = proxies(proxy));
    let trusting = egress(&knows_nothing(), |settings| {
        settings.proxies = proxies(proxy_to_another);
        settings.extra_roots = vec![authority.certificate.clone()];
    });

    for egress in [stranger, trusting] {
        let error = egress.send(to("api.example.com")).await.unwrap_err();

        assert_eq!(error.kind, EgressErrorKind::Tls, "{error}");
        assert!(error.message.contains("by way of http://127.0.0.1:"), "{error}");
        assert_silent(&error);
    }
    assert!(seen(&at_host).is_empty() && seen(&at_other).is_empty());
}

#[tokio::test]
async fn a_proxy_is_not_asked_for_what_lies_inside() {
    let server = Server::start("127.0.0.1", Vec::new()).await;
    let (proxy, at_proxy) = company::proxy(server.address, None).await;
    let inside = Names::all("169.254.169.254");
    let egress = egress(&inside, |settings| settings.proxies = proxies(proxy));

    for url in [
        // This machine knows where it leads.
        "https://metadata.example/v1/x",
        "https://169.254.169.254/v1/x",
        "https://10.0.0.1/v1/x",
        "https://[::1]/v1/x",
        "https://localhost/v1/x",
        // No rule.
        "https://other.example/v1/x",
    ] {
        let rules = ["https://metadata.example/v1/**", "https://*.nothing.example"];
        let error = egress.send(request(url, &rules)).await.unwrap_err();

        assert_eq!((error.kind, error.request_sent), (EgressErrorKind::Denied, false), "{url}");
    }
    let earlier = inside.asked.load(Ordering::SeqCst);
    egress
        .send(request("https://metadata.example/v1/y", &["https://metadata.example/v1/**"]))
        .await
        .unwrap_err();
    assert_eq!(inside.asked.load(Ordering::SeqCst), earlier, "it is remembered");
    assert_eq!(seen(&at_proxy), Vec::<String>::new());
}

#[tokio::test]
async fn a_redirect_through_a_proxy_is_decided_like_a_request() {
    let (proxy, at_proxy) = company::proxy("127.0.0.1:1".parse().unwrap(), None).await;
    let server = Server::start(
        "127.0.0.1",
        vec![reply("302 Found", &[("location", "http://10.0.0.1/v1/x")], "")],
    )
    .await;
    let egress = egress(&knows_nothing(), |settings| settings.proxies = proxies(proxy));

    let error = egress
        .send(request(&server.url("/v1/a"), &[&server.url("/v1/**"), "http://*.koi.example/**"]))
        .await
        .unwrap_err();

    assert_eq!(error.kind, EgressErrorKind::Denied, "{error}");
    assert_eq!(seen(&at_proxy), Vec::<String>::new(), "an address of this machine has no proxy");
}

#[tokio::test]
async fn a_hop_in_the_clear_is_asked_of_the_proxy_whole() {
    let (proxy, at_proxy) =
        company::proxy("127.0.0.1:1".parse().unwrap(), Some(AUTHORIZATION)).await;
    let egress = egress(&knows_nothing(), |settings| settings.proxies = proxies(proxy));

    let mut response = egress
        .send(request("http://api.example.com/v1/x?a=b", &["http://api.example.com/v1/**"]))
        .await
        .unwrap();

    assert_eq!(body(&mut response).await, "in clear!");
    assert!(seen(&at_proxy)[0].starts_with("GET http://api.example.com/v1/x?a=b HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_proxy_that_refuses_is_said_and_the_password_never_is() {
    let (refusing, _) = company::proxy("127.0.0.1:1".parse().unwrap(), Some("Basic other")).await;
    let gone = Server::start("127.0.0.1", Vec::new()).await.address;
    for proxy in [refusing, gone] {
        let egress = egress(&knows_nothing(), |settings| settings.proxies = proxies(proxy));
        let error = egress.send(to("api.example.com")).await.unwrap_err();

        assert!(error.message.contains(&format!("by way of http://{proxy}")), "{error}");
        assert!(!error.request_sent, "{error}");
        assert_silent(&error);
        assert!(!format!("{egress:?}").contains(WORD));
    }
}

#[tokio::test]
async fn the_password_of_a_proxy_leaves_for_no_host() {
    let (proxy, at_proxy) = company::proxy("127.0.0.1:1".parse().unwrap(), None).await;
    let egress = egress(&knows_nothing(), |settings| settings.proxies = proxies(proxy));
    let mut request = request("http://api.example.com/v1/x", &["http://api.example.com/v1/**"]);
    request.method = "POST".to_owned();
    request.body = WORD.as_bytes().to_vec();

    let error = egress.send(request).await.unwrap_err();

    assert_eq!(error.kind, EgressErrorKind::Denied, "{error}");
    assert_eq!(seen(&at_proxy), Vec::<String>::new());
}

#[tokio::test]
async fn a_host_of_the_list_is_reached_without_the_proxy_and_by_its_pinned_address() {
    let server = Server::start("127.0.0.1", vec![ok("direct")]).await;
    let (proxy, at_proxy) = company::proxy(server.address, None).await;
    let names = Names::all("127.0.0.1");
    let url = format!("http://direct.example:{}/v1/x", server.port());
    let rule = format!("http://direct.example:{}/v1/**", server.port());
    let refusing = egress(&names, |settings| settings.proxies = proxies(proxy));
    let named = egress(&names, |settings| {
        settings.proxies = proxies(proxy);
        settings.private_hosts = vec!["Direct.Example".to_owned()];
    });

    let error = refusing.send(request(&url, &[&rule])).await.unwrap_err();
    assert_eq!(error.kind, EgressErrorKind::Denied, "its address is closed as ever: {error}");
    let mut response = named.send(request(&url, &[&rule])).await.unwrap();

    assert_eq!(body(&mut response).await, "direct");
    assert_eq!(seen(&at_proxy), Vec::<String>::new());
}

#[tokio::test]
async fn a_private_host_is_reached_by_the_name_that_the_user_wrote_and_by_no_other() {
    let server = Server::start("127.0.0.1", vec![ok("box")]).await;
    let (proxy, at_proxy) = company::proxy(server.address, None).await;
    let names = Names::all("127.0.0.1");
    let egress_of = |names: &Arc<Names>| {
        egress(names, |settings| {
            settings.proxies = proxies(proxy);
            settings.proxies.plain = None;
            settings.private_hosts = vec!["gpu-box.lan".to_owned()];
        })
    };
    let url = |host: &str| format!("http://{host}:{}/v1/x", server.port());
    let rule = |host: &str| format!("http://{host}:{}/v1/**", server.port());

    for other in ["other.lan", "a.gpu-box.lan", "xgpu-box.lan"] {
        let sent = egress_of(&names).send(request(&url(other), &[&rule(other)])).await;
        assert_eq!(sent.unwrap_err().kind, EgressErrorKind::Denied, "{other}");
    }
    let without_rule = egress_of(&names).send(request(&url("gpu-box.lan"), &[])).await;
    assert_eq!(without_rule.unwrap_err().kind, EgressErrorKind::Denied);
    for metadata in ["169.254.169.254", "fe80::1", "fd00:ec2::254", "::ffff:169.254.169.254"] {
        let sent = egress_of(&Names::all(metadata))
            .send(request(&url("gpu-box.lan"), &[&rule("gpu-box.lan")]))
            .await;
        assert_eq!(sent.unwrap_err().kind, EgressErrorKind::Denied, "{metadata}");
    }

    let sent = egress_of(&names).send(request(&url("gpu-box.lan"), &[&rule("gpu-box.lan")])).await;

    assert_eq!(body(&mut sent.unwrap()).await, "box");
    assert_eq!(seen(&at_proxy), Vec::<String>::new());
}
