//! The files of the web page, as the daemon serves them. What they do is seen in a real browser: `tests/browser/run`.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    process::Command,
};

use flate2::{Compression, write::GzEncoder};
use openkoi_test_support::{Daemon, Home, daemon, skip::skip};
use regex::Regex;

/// The most bytes of all files together, packed.
const LARGEST_PAGE: usize = 60 << 10;
/// What a browser may load and run for the page: what comes from here, and nothing that stands in the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Starts a daemon with these settings of its API, and what comes after them.
fn start(config: &str) -> (Home, Daemon) {
    let port = daemon::free_port();
    let home = Home::new().config(&format!("[api]\nport = {port}\n{config}"));
    let daemon = Daemon::start(&home, port);
    (home, daemon)
}

/// Returns all files of the page, by following what each names, with their types.
fn files(daemon: &Daemon) -> BTreeMap<String, (String, String)> {
    let named = Regex::new(r#"(?:src|href)="(/page/[^"]+)"|from '\./([^']+)'"#).unwrap();
    let mut found = BTreeMap::new();
    let mut next = vec!["/".to_owned()];
    while let Some(path) = next.pop() {
        if found.contains_key(&path) {
            continue;
        }
        let answer = daemon.call("GET", &path, &[], "");
        assert_eq!(answer.status, 200, "{path}");
        for parts in named.captures_iter(&answer.body) {
            let whole = parts.get(1).map(|path| path.as_str().to_owned());
            next.push(whole.unwrap_or_else(|| format!("/page/{}", &parts[2])));
        }
        let media_type = answer.header("content-type").unwrap_or_default().to_owned();
        assert_eq!(answer.header("content-security-policy"), Some(POLICY), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-cache"), "{path}");
        found.insert(path, (media_type, answer.body));
    }
    found
}

#[test]
fn the_page_is_small_and_asks_nobody_else_for_anything() {
    let (_home, daemon) = start("");

    let files = files(&daemon);

    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let addresses = Regex::new("https://|src=\"//").unwrap();
    let dangers =
        Regex::new(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\(|new Function");
    let dangers = dangers.unwrap();
    for (path, (media_type, text)) in &files {
        packed.write_all(text.as_bytes()).unwrap();
        let others = text.replace("http://www.w3.org/2000/svg", "");
        assert!(!others.contains("http://") && !others.contains("url("), "{path}");
        assert!(!addresses.is_match(&others), "{path}");
        assert!(!dangers.is_match(text), "{path}: foreign text only ever becomes text");
        let kind = path.rsplit('.').next().unwrap_or_default();
        let expected = match kind {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => "text/html; charset=utf-8",
        };
        assert_eq!(media_type, expected, "{path}");
    }
    let inline = Regex::new(r"<script(?:>| [^>]*>)[^<]|<style| style=| on[a-z]+=").unwrap();
    assert!(!inline.is_match(&files["/"].1), "the page's policy would stop it");
    let size = packed.finish().unwrap().len();
    assert!(files.len() >= 20 && size <= LARGEST_PAGE, "{} files, {size} bytes", files.len());
}

#[test]
fn the_page_is_open_to_this_machine_and_to_no_page_of_another_origin() {
    let (_home, daemon) = start("token = \"p0nd-p0nd-p0nd-p0nd\"");
    let status = |method, headers: &[(&str, &str)]| daemon.call(method, "/", headers, "").status;

    assert_eq!(status("GET", &[]), 200, "it holds nothing of this home");
    assert_eq!(daemon.call("GET", "/api/v1/settings", &[], "").status, 401);
    assert_eq!(status("GET", &[("Host", "pond.example")]), 403, "another name for this machine");
    assert_eq!(status("GET", &[("Sec-Fetch-Site", "cross-site")]), 403);
    assert_eq!(status("GET", &[("Origin", "http://pond.example")]), 403);
    assert_eq!(status("POST", &[]), 405);
    assert_eq!(daemon.call("GET", "/page/../guard.rs", &[], "").status, 404);

    let page = daemon.call("GET", "/", &[], "");
    let tag = page.header("etag").expect("it has a name");
    let again = daemon.call("GET", "/", &[("If-None-Match", tag)], "");
    assert_eq!((again.status, again.body.as_str()), (304, ""));
}

#[test]
fn settings_are_read_with_their_origins_and_without_secrets() {
    let (home, daemon) = start("token = \"p0nd-p0nd-p0nd-p0nd\"\n[limits]\niterations = 7");

    let bearer = [("Authorization", "Bearer p0nd-p0nd-p0nd-p0nd")];
    let answer = daemon.call("GET", "/api/v1/settings", &bearer, "");

    assert!(!answer.body.contains("p0nd"), "{}", answer.body);
    let all = answer.expect(200);
    let cli = home.openkoi(["config", "--json"]).run().expect_code(0).json();
    let of = |all: &serde_json::Value, key: &str| {
        let list = all["settings"].as_array().unwrap();
        list.iter().find(|one| one["key"] == key).cloned().unwrap_or_else(|| panic!("{key}"))
    };
    for key in ["api.token", "limits.iterations", "limits.quality"] {
        assert_eq!(of(&all, key), of(&cli, key), "as the command line has it");
    }
}

#[test]
fn whoever_follows_the_changes_is_told_of_each_and_at_once_of_the_first() {
    let (_home, daemon) = start("");
    let headers = [("Accept", "text/event-stream")];
    let stream = daemon::open(daemon.port(), "GET", "/api/v1/changes", &headers, "");
    let mut lines = BufReader::new(stream).lines();
    let mut told = || {
        let line = lines.by_ref().map_while(Result::ok).find(|line| line.starts_with("data: "));
        line.and_then(|line| line.strip_prefix("data: ")?.parse::<u64>().ok())
    };
    let first = told().expect("how it stands");

    daemon.post("/api/v1/sessions", &serde_json::json!({ "title": "pond" }), 201);

    assert!(told().expect("that something has changed") > first);
}

#[test]
fn what_the_page_computes_is_right_without_a_browser() {
    let name = "what_the_page_computes_is_right_without_a_browser";
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/../browser/logic.test.mjs");
    // Modules without a package that says so are known from 20.19 on.
    let knows = Command::new("node").args(["--version"]).output();
    let version =
        knows.map(|run| String::from_utf8_lossy(&run.stdout).into_owned()).unwrap_or_default();
    let numbers: Vec<u32> = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .filter_map(|part| part.parse().ok())
        .collect();
    if numbers.as_slice() < &[20, 19][..] {
        skip(name, "no Node.js from 20.19 on");
        return;
    }

    let run = Command::new("node").args(["--test", tests]).output().unwrap();

    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
}
