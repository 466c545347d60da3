//! Logins in a browser and logins of the program itself, against a strict authorization server.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openkoi_brokers::{
    clock::SystemClock,
    egress::{Egress, EgressSettings},
    oauth::{LoginError, Logins, PendingAuthorization, check_login},
    secrets::{KeepIn, Secret, SecretStore},
};
use openkoi_core::credential::Login;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use url::{Url, form_urlencoded};

/// What the server knows and was asked.
#[derive(Default)]
struct Known {
    /// The challenges of codes that it gave out, with the addresses that they were for.
    codes: Mutex<HashMap<String, (String, String)>>,
    asked: Mutex<Vec<String>>,
    /// What it says in its metadata that is not so.
    lies: Mutex<Value>,
}

/// A server that issues tokens by the letter of the RFCs.
struct Issuer {
    host: String,
    known: Arc<Known>,
}

type Fields = BTreeMap<String, String>;

impl Issuer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let known: Arc<Known> = Arc::default();
        let (own, shared) = (host.clone(), Arc::clone(&known));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = receive(&mut stream).await;
                let (status, body) = reply(&own, &shared, &request);
                let body = body.to_string();
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
        });
        Self { host, known }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    fn asked(&self) -> Vec<String> {
        self.known.asked.lock().unwrap().clone()
    }

    /// Agrees for the person: checks the page and returns the address with a code that the browser is sent to.
    fn agree(&self, page: &str) -> (String, Fields) {
        let url = Url::parse(page).unwrap();
        assert_eq!(url.path(), "/authorize");
        let fields: Fields = url.query_pairs().into_owned().collect();
        assert_eq!(fields["response_type"], "code");
        assert_eq!(fields["code_challenge_method"], "S256");
        assert!(fields["state"].len() >= 43, "{fields:?}");
        let kept = (fields["code_challenge"].clone(), fields["redirect_uri"].clone());
        self.known.codes.lock().unwrap().insert("the-code".to_owned(), kept);
        let mut back = Url::parse(&fields["redirect_uri"]).unwrap();
        back.query_pairs_mut()
            .append_pair("code", "the-code")
            .append_pair("state", &fields["state"]);
        (back.into(), fields)
    }
}

async fn receive(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece).await.unwrap();
        all.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&all).into_owned();
        let end = text.find("\r\n\r\n");
        let length = text
            .to_lowercase()
            .split("content-length: ")
            .nth(1)
            .map_or(0, |rest| rest.lines().next().unwrap().parse::<usize>().unwrap());
        if count == 0 || end.is_some_and(|end| all.len() >= end + 4 + length) {
            return text;
        }
    }
}

fn reply(host: &str, known: &Known, request: &str) -> (u16, Value) {
    let target = request.split(' ').nth(1).unwrap();
    let body = request.split_once("\r\n\r\n").unwrap().1;
    let fields: Fields = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let grant = fields.get("grant_type").cloned().unwrap_or_default();
    known.asked.lock().unwrap().push(format!("{target} {grant}").trim_end().to_owned());
    match target {
        "/.well-known/oauth-authorization-server/tenant" => {
            let mut metadata = json!({
                "issuer": format!("http://{host}/tenant"),
                "authorization_endpoint": format!("http://{host}/authorize"),
                "token_endpoint": format!("http://{host}/token"),
                "registration_endpoint": format!("http://{host}/register"),
                "revocation_endpoint": format!("http://{host}/revoke"),
                "code_challenge_methods_supported": ["S256"],
            });
            for (name, lie) in known.lies.lock().unwrap().as_object().into_iter().flatten() {
                metadata[name] = lie.clone();
            }
            (200, metadata)
        }
        "/register" => {
            let asked: Value = serde_json::from_str(body).unwrap();
            assert_eq!(asked["token_endpoint_auth_method"], "none");
            assert_eq!(asked["response_types"], json!(["code"]));
            assert!(asked["redirect_uris"][0].as_str().unwrap().starts_with("http://127.0.0.1:"));
            (201, json!({ "client_id": "registered-1" }))
        }
        "/token" => token(known, &grant, &fields),
        "/revoke" => {
            let seen = format!("{} {}", fields["token_type_hint"], fields["token"]);
            known.asked.lock().unwrap().push(seen);
            (200, json!({}))
        }
        _ => (404, json!({ "error": "not_found" })),
    }
}

fn token(known: &Known, grant: &str, fields: &Fields) -> (u16, Value) {
    let issued = |number: u32, refresh: Option<&str>| {
        let mut token = json!({
            "access_token": format!("access-0123456789-{number}"), "token_type": "Bearer",
            "expires_in": 3600
        });
        if let Some(refresh) = refresh {
            token["refresh_token"] = json!(refresh);
        }
        (200, token)
    };
    match grant {
        "authorization_code" => {
            let kept = known.codes.lock().unwrap().remove(&fields["code"]);
            let Some((challenge, redirect)) = kept else {
                return (400, json!({ "error": "invalid_grant" }));
            };
            let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(fields["code_verifier"].as_bytes()));
            assert_eq!((proof, &fields["redirect_uri"]), (challenge, &redirect));
            issued(1, Some("refresh-0123456789"))
        }
        "refresh_token" => {
            assert_eq!(fields["refresh_token"], "refresh-0123456789");
            assert_eq!(fields["client_id"], "registered-1");
            issued(2, None)
        }
        "client_credentials" if fields["client_secret"] == "client-secret-0123456789" => {
            assert_eq!(fields["client_id"], "app");
            issued(known.asked.lock().unwrap().len().try_into().unwrap(), None)
        }
        _ => (401, json!({ "error": "invalid_client" })),
    }
}

struct World {
    home: tempfile::TempDir,
    logins: Logins,
    secrets: SecretStore,
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let secrets = SecretStore::new(home.path(), Arc::default());
        let egress = Egress::new(secrets.clone(), EgressSettings::default());
        let logins = Logins::new(home.path(), egress, secrets.clone(), Arc::new(SystemClock));
        Self { home, logins, secrets }
    }

    fn stored(&self) -> Value {
        read(&self.home.path().join("auth.json"))
    }
}

fn read(path: &Path) -> Value {
    std::fs::read_to_string(path).map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
}

fn login(value: Value) -> Login {
    let login = serde_json::from_value(value).unwrap();
    check_login(&login).unwrap();
    login
}

fn known(issuer: &Issuer) -> Login {
    login(json!({
        "grant": "code", "client-id": "app", "scope": "notes", "resource": "https://api.example.com",
        "authorize-url": issuer.url("/authorize?tenant=1"), "token-url": issuer.url("/token"),
        "parameters": { "access_type": "offline" }
    }))
}

/// Goes where a browser is sent, with this `Host`, and returns the answer.
async fn browse(url: &str, host: Option<&str>) -> String {
    let url = Url::parse(url).unwrap();
    let place = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let mut stream = TcpStream::connect(&place).await.unwrap();
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    let host = host.unwrap_or(&place);
    let request = format!("GET {}{query} HTTP/1.1\r\nHost: {host}\r\n\r\n", url.path());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

fn waiting(pending: PendingAuthorization) -> tokio::task::JoinHandle<Result<(), LoginError>> {
    tokio::spawn(pending.wait())
}

#[tokio::test]
async fn a_person_logs_in_with_a_browser_on_this_machine() {
    let (issuer, world) = (Issuer::start().await, World::new());
    let pending = world.logins.authorize("work", &known(&issuer)).await.unwrap();
    let (back, fields) = issuer.agree(pending.url());
    let done = waiting(pending);

    let page = browse(&back, None).await;

    done.await.unwrap().unwrap();
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("Logged in"), "{page}");
    assert!(page.contains("cache-control: no-store"), "{page}");
    assert_eq!(
        (&*fields["scope"], &*fields["access_type"], &*fields["tenant"]),
        ("notes", "offline", "1")
    );
    assert_eq!(fields["resource"], "https://api.example.com");
    let stored = world.stored();
    assert_eq!(stored["providers"]["work"]["access_token"], "access-0123456789-1");
    assert_eq!(stored["providers"]["work"]["refresh_token"], "refresh-0123456789");
}

#[tokio::test]
async fn a_browser_elsewhere_shows_the_address_that_is_typed_here() {
    let (issuer, world) = (Issuer::start().await, World::new());
    let pending = world.logins.authorize("work", &known(&issuer)).await.unwrap();
    let (back, fields) = issuer.agree(pending.url());

    for wrong in [
        "the-code",
        "",
        &back.replace("the-code&state=", "the-code&state=x"),
        &back.replace("127.0.0.1", "evil.example"),
        &back.replace("/callback", "/other"),
        &back.replace("http://", "https://"),
        &format!("{}?state={}", back.split('?').next().unwrap(), fields["state"]),
    ] {
        assert!(pending.pasted(wrong).is_none(), "{wrong}");
    }
    let answer = pending.pasted(&format!("  {back}\n")).unwrap();
    pending.finish(answer).await.unwrap();

    assert_eq!(world.stored()["providers"]["work"]["access_token"], "access-0123456789-1");
}

#[tokio::test]
async fn a_service_is_told_of_the_end_of_a_login_if_it_says_where() {
    let (issuer, world) = (Issuer::start().await, World::new());
    let found = login(json!({ "grant": "code", "issuer": issuer.url("/tenant") }));
    for (name, login, expected) in [
        ("quiet", known(&issuer), false),
        ("found", found, true),
        ("said", Login { revoke_url: issuer.url("/revoke"), ..known(&issuer) }, true),
    ] {
        let pending = world.logins.authorize(name, &login).await.unwrap();
        let (back, _) = issuer.agree(pending.url());
        let answer = pending.pasted(&back).unwrap();
        pending.finish(answer).await.unwrap();
        issuer.known.asked.lock().unwrap().clear();

        assert_eq!(world.logins.revoke(name, &login).await.unwrap(), expected, "{name}");

        let asked = issuer.asked();
        let told = asked.iter().filter(|one| one.contains("_token ")).collect::<Vec<_>>();
        let both = ["refresh_token refresh-0123456789", "access_token access-0123456789-1"];
        assert_eq!(told, if expected { both.to_vec() } else { Vec::new() }, "{name}");
    }
}

#[tokio::test]
async fn a_login_in_a_browser_is_ended_by_its_own_answer_alone() {
    let (issuer, world) = (Issuer::start().await, World::new());
    let pending = world.logins.authorize("work", &known(&issuer)).await.unwrap();
    let (back, fields) = issuer.agree(pending.url());
    let place = back.split("/callback").next().unwrap().to_owned();
    let done = waiting(pending);
    // A connection that says nothing, as browsers open them in advance.
    let idle = TcpStream::connect(place.strip_prefix("http://").unwrap()).await.unwrap();

    for (url, host) in [
        (format!("{place}/callback?code=evil&state=guessed"), None),
        (format!("{place}/callback?code=evil"), None),
        (format!("{place}/callback?error=access_denied&state=guessed"), None),
        (format!("{place}/favicon.ico"), None),
        (format!("{place}/callback?code=evil&state={}", fields["state"]), Some("evil.example")),
    ] {
        let page = browse(&url, host).await;
        assert!(page.starts_with("HTTP/1.1 4"), "{url}: {page}");
    }
    assert!(!done.is_finished());
    assert!(issuer.asked().is_empty(), "{:?}", issuer.asked());

    browse(&back, None).await;

    done.await.unwrap().unwrap();
    assert_eq!(issuer.asked(), ["/token authorization_code"]);
    drop(idle);
}

#[tokio::test]
async fn a_person_who_does_not_agree_is_not_logged_in() {
    let (issuer, world) = (Issuer::start().await, World::new());
    let pending = world.logins.authorize("work", &known(&issuer)).await.unwrap();
    let (back, fields) = issuer.agree(pending.url());
    let back = back.replace("code=the-code", "error=access_denied");
    assert!(back.contains(&fields["state"]));
    let done = waiting(pending);

    browse(&back, None).await;

    assert!(matches!(done.await.unwrap(), Err(LoginError::Denied)));
    assert_eq!(world.stored(), Value::Null);
    assert!(issuer.asked().is_empty());
}

#[tokio::test]
async fn a_service_says_where_its_logins_are_and_lets_the_program_register() {
    let (issuer, world) = (Issuer::start().await, World::new());
    let login = login(json!({ "grant": "code", "issuer": issuer.url("/tenant") }));
    let pending = world.logins.authorize("work", &login).await.unwrap();
    let (back, fields) = issuer.agree(pending.url());
    assert_eq!(fields["client_id"], "registered-1");
    let done = waiting(pending);
    browse(&format!("{back}&iss={}", issuer.url("/tenant")), None).await;
    done.await.unwrap().unwrap();

    // What was found out is used again when the token is renewed, by another process too.
    let other = Logins::new(
        world.home.path(),
        Egress::new(world.secrets.clone(), EgressSettings::default()),
        world.secrets.clone(),
        Arc::new(SystemClock),
    );
    let refused = Secret::new(b"access-0123456789-1".to_vec());
    other.renewed("work", &login, &refused).await.unwrap();

    assert_eq!(world.stored()["providers"]["work"]["access_token"], "access-0123456789-2");
    assert_eq!(
        issuer.asked(),
        [
            "/.well-known/oauth-authorization-server/tenant",
            "/register",
            "/token authorization_code",
            "/token refresh_token"
        ]
    );
}

#[tokio::test]
async fn an_answer_of_another_service_is_not_taken() {
    let (issuer, world) = (Issuer::start().await, World::new());
    let login = login(json!({ "grant": "code", "issuer": issuer.url("/tenant") }));
    let pending = world.logins.authorize("work", &login).await.unwrap();
    let (back, _) = issuer.agree(pending.url());
    let done = waiting(pending);

    browse(&format!("{back}&iss=https%3A%2F%2Fevil.example"), None).await;

    assert!(matches!(done.await.unwrap(), Err(LoginError::Answer { .. })));
    assert!(!issuer.asked().iter().any(|asked| asked.starts_with("/token")));
}

#[tokio::test]
async fn a_service_that_describes_itself_wrongly_is_not_believed() {
    for (lie, words) in [
        (json!({ "issuer": "https://evil.example" }), "calls itself `https://evil.example`"),
        (json!({ "token_endpoint": "http://evil.example/token" }), "not https"),
        (json!({ "authorization_endpoint": "javascript:alert(1)" }), "not https"),
        (json!({ "code_challenge_methods_supported": ["plain"] }), "S256"),
        (json!({ "registration_endpoint": "" }), "client_id"),
    ] {
        let (issuer, world) = (Issuer::start().await, World::new());
        *issuer.known.lies.lock().unwrap() = lie.clone();
        let login = login(json!({ "grant": "code", "issuer": issuer.url("/tenant") }));

        let error = world.logins.authorize("work", &login).await.expect_err("it is not believed");

        assert!(error.to_string().contains(words), "{lie}: {error}");
    }
}

#[tokio::test]
async fn a_program_logs_in_with_a_secret_of_its_own_and_again_when_its_token_is_refused() {
    let (issuer, world) = (Issuer::start().await, World::new());
    let login =
        login(json!({ "grant": "client", "client-id": "app", "token-url": issuer.url("/token") }));
    let absent = world.logins.access("work", &login).await.unwrap_err();
    assert!(matches!(absent, LoginError::Absent { .. }), "{absent}");

    let secret = Secret::new(b"client-secret-0123456789".to_vec());
    world.secrets.store("work", &secret, KeepIn::File).unwrap();
    world.logins.log_in_as_client("work", &login).await.unwrap();
    let first = world.logins.access("work", &login).await.unwrap();
    assert_eq!(issuer.asked().len(), 1, "the token is kept");
    world.logins.renewed("work", &login, &first.secret).await.unwrap();

    assert_eq!(issuer.asked(), ["/token client_credentials", "/token client_credentials"]);
    assert!(!world.stored().to_string().contains("client-secret"), "it stays among the keys");

    world.secrets.store("work", &Secret::new(b"wrong-0123456789".to_vec()), KeepIn::File).unwrap();
    let ended = world.logins.log_in_as_client("work", &login).await.unwrap_err();
    assert!(matches!(ended, LoginError::Ended { .. }), "{ended}");
}
