//! In a company's network: OpenKoi's own requests go through the proxy that the user names, whose password nobody sees.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use openkoi_test_support::{Home, Kind, Ollama, Role, call, reply};
use serde_json::json;

use crate::world::{LONG, TASK};

const WORD: &str = "k0i-pr0xy-w0rd";
const AUTHORIZATION: &str = "proxy-authorization: basic ywrhomswas1wcjb4es13mhjk";
/// A host that nobody but the proxy knows.
const HOST: &str = "ollama.koi.example:11434";

/// A proxy that leads every host to one server.
struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn to(server: &str) -> Self {
        let server = server.trim_start_matches("http://").split('/').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, heads) = (listener.local_addr().unwrap(), Arc::default());
        let told = Arc::clone(&heads);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (server, told) = (server.clone(), Arc::clone(&told));
                thread::spawn(move || pass(client, &server, &told));
            }
        });
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn pass(mut client: TcpStream, server: &str, told: &Mutex<Vec<String>>) {
    let mut head = [0; 8192];
    let Ok(count) = client.read(&mut head) else { return };
    let text = String::from_utf8_lossy(&head[..count]).into_owned();
    told.lock().unwrap().push(text.clone());
    if !text.to_lowercase().contains(AUTHORIZATION) {
        let refused = "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
        drop(client.write_all(refused.as_bytes()));
        return;
    }
    let mut server = TcpStream::connect(server).unwrap();
    server.write_all(&head[..count]).unwrap();
    let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || drop(std::io::copy(&mut from, &mut to)));
    drop(std::io::copy(&mut client, &mut server));
}

fn home(proxy: &Proxy) -> Home {
    Home::new()
        .project(Kind::Shell)
        .config(&format!("[providers.ollama]\nbase_url = \"http://{HOST}\"\n"))
        .env("OPENKOI_MODEL", "ollama/qwen3-coder:30b")
        .env("http_proxy", format!("http://ada:{WORD}@{}", proxy.address))
        .env("HTTPS_PROXY", format!("http://ada:{WORD}@{}", proxy.address))
}

#[test]
fn requests_go_through_the_users_proxy_and_its_password_is_nowhere() {
    let look = json!({ "command": "env; cat /proc/self/environ; cat /proc/1/environ" });
    let server = Ollama::start([
        call("shell", look).to(Role::Executor).at(0),
        reply("I have seen it.").to(Role::Executor).after("shell"),
    ]);
    let proxy = Proxy::to(&server.base_url());
    let home = home(&proxy);

    let run = home.openkoi([TASK, "-i", "0"]).timeout(LONG).run().expect_code(0);
    let doctor = home.openkoi(["doctor"]).run();
    let config = home.openkoi(["config"]).run();

    assert!(run.stdout.contains("I have seen it."), "{run}");
    let heads = proxy.heads();
    let asked = heads.iter().any(|head| head.starts_with(&format!("POST http://{HOST}/")));
    assert!(asked, "{heads:?} {run}");
    let shown = format!("http through http://{} (HTTP_PROXY)", proxy.address);
    assert!(doctor.stdout.contains(&shown), "{doctor}");
    assert!(server.requests().iter().all(|request| !request.text.contains(WORD)), "{run}");
    assert_eq!(openkoi_test_support::Tree::read(&home.path()).holding(WORD), Vec::<String>::new());
    for run in [run, doctor, config] {
        assert!(!run.said().contains(WORD), "{run}");
    }
    server.forgive();
}

/// A certificate of nobody's, for as long as anybody reads this.
const AUTHORITY: &str = include_str!("../../fixtures/company.pem");

#[test]
fn programs_are_given_the_authority_that_the_user_names_beside_those_of_the_system() {
    let names = "SSL_CERT_FILE NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE CURL_CA_BUNDLE GIT_SSL_CAINFO CARGO_HTTP_CAINFO PIP_CERT";
    let command = format!(
        "for name in {names}; do eval file=\\$$name; tail -n 2 $file | head -n 1; done | sort | uniq -c > ends; \
         grep -c BEGIN $SSL_CERT_FILE > count; echo no >> $SSL_CERT_FILE || echo closed > closed"
    );
    let server = Ollama::start([
        call("shell", json!({ "command": command })).to(Role::Executor).at(0),
        reply("I have seen it.").to(Role::Executor).after("shell"),
    ]);
    let home = Home::new().project(Kind::Shell).env("OPENKOI_MODEL", "ollama/qwen3-coder:30b");
    let file = home.path().join("company.pem");
    std::fs::create_dir_all(home.path()).unwrap();
    std::fs::write(&file, AUTHORITY).unwrap();
    let base = server.base_url();
    let home = home.config(&format!(
        "[network]\nca = [{file:?}]\n[providers.ollama]\nbase_url = \"{base}\"\n"
    ));

    let run = home.openkoi([TASK, "-i", "0"]).timeout(LONG).run().expect_code(0);

    let ends = home.read("ends");
    let last = AUTHORITY.trim().lines().rev().nth(1).unwrap();
    assert!(ends.trim().starts_with("7 ") && ends.trim().lines().count() == 1, "{ends} {run}");
    assert!(ends.contains(last) && home.has("closed"), "{ends} {run}");
    assert!(home.read("count").trim().parse::<usize>().unwrap() >= 1, "{run}");
    server.forgive();
}

#[test]
fn a_proxy_that_refuses_is_named_without_its_password() {
    let server = Ollama::start([]);
    let proxy = Proxy::to(&server.base_url());
    let wrong = format!("http://ada:other-{WORD}@{}", proxy.address);

    let run = home(&proxy).env("http_proxy", wrong).openkoi([TASK, "-i", "0"]).timeout(LONG).run();

    assert_eq!(run.code, 5, "{run}");
    assert!(run.stderr.contains("407") || run.stderr.contains("by way of"), "{run}");
    assert!(!run.said().contains(WORD), "{run}");
    server.forgive();
}

#[test]
fn a_project_names_no_proxy_no_authority_and_no_private_host() {
    let server = Ollama::start([]);
    let proxy = Proxy::to(&server.base_url());
    let project = format!(
        "[network]\nproxy = \"http://ada:{WORD}@{}\"\nca = [\"/evil.pem\"]\nprivate_hosts = [\"metadata.example\"]\n\
         no_proxy = [\"*\"]\n",
        proxy.address
    );
    let home = Home::new().project(Kind::Shell).file(".openkoi/config.toml", project);

    let config = home.openkoi(["config", "network"]).run();
    let doctor = home.openkoi(["doctor"]).run();

    for key in ["proxy", "ca", "private_hosts", "no_proxy"] {
        assert!(config.stderr.contains(&format!("network.{key}")), "{key}: {config}");
    }
    assert!(config.stderr.contains("a project may not choose where requests go"), "{config}");
    assert!(doctor.stdout.contains("no proxy; certificates of the system"), "{doctor}");
    assert!(!config.said().contains(WORD) && !doctor.said().contains(WORD), "{config} {doctor}");
    server.forgive();
}

#[test]
fn what_the_user_names_and_cannot_be_used_is_said_before_anything_is_sent() {
    for (config, named) in [
        ("[network]\nproxy = \"ftp://ada:k0i-pr0xy-w0rd@x\"\n", "network.proxy"),
        ("[network]\nca = [\"/gone.pem\"]\n", "/gone.pem"),
    ] {
        let server = Ollama::start([]);
        let home = Home::new().provider(&server).config(config);

        let run = home.openkoi(["hi"]).run().expect_code(3);
        let doctor = home.openkoi(["doctor"]).run().expect_code(3);

        assert!(run.stderr.contains(named) && doctor.stdout.contains(named), "{run} {doctor}");
        assert!(!run.said().contains(WORD) && !doctor.said().contains(WORD), "{run} {doctor}");
        assert!(server.requests().is_empty(), "{run}");
        server.forgive();
    }
}
