//! The API from outside: who is let in, what is refused, and that it is as it describes itself.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use openkoi_test_support::{
    Daemon, Home, Script,
    daemon::{Answer, call, head, open},
    receiver::{Behaviour, Receiver},
    turn, until,
};
use serde_json::{Value, json};

use crate::world::LONG;

type Headers<'a> = &'a [(&'a str, &'a str)];

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn answering() -> Home {
    Home::new().script(&Script::new([turn().executor().say("Done.")]))
}

fn served() -> (Home, Daemon) {
    let (home, port) = answering().with_port();
    let daemon = Daemon::start(&home, port);
    (home, daemon)
}

#[track_caller]
fn assert_problem(answer: &Answer, status: u16) {
    let problem = answer.expect(status);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
    assert_eq!(problem["status"], status, "{answer:?}");
    assert!(!problem["detail"].as_str().unwrap_or_default().is_empty(), "{answer:?}");
    let cors = answer.headers.iter().filter(|(name, _)| name.starts_with("access-control"));
    assert_eq!(cors.count(), 0, "{answer:?}");
}

#[test]
fn the_words_of_the_mission_do_what_they_say() {
    let (_home, daemon) = served();

    let taken = daemon.post(
        "/api/v1/tasks",
        &json!({ "description": "Fix the login bug", "max_iterations": 5 }),
        201,
    );

    let id = taken["task_id"].as_str().unwrap();
    for path in ["tasks", "status", "cost", "health"] {
        daemon.get(&format!("/api/v1/{path}"));
    }
    daemon.wait_for(id, &["accepted", "paused", "stopped"]);
    assert_eq!(daemon.get("/api/v1/status")["daemon"], "running");
    daemon.stop();
}

#[test]
fn a_page_of_another_origin_is_refused_whatever_it_asks_for() {
    let (_home, daemon) = served();
    let port = daemon.port();
    let own = format!("localhost:{port}");
    let table: [(&str, Headers<'_>, bool); 17] = [
        ("no origin", &[], true),
        ("its own", &[("Origin", &format!("http://{own}"))], true),
        ("its own, as a browser says it", &[("Sec-Fetch-Site", "same-origin")], true),
        ("typed into a browser", &[("Sec-Fetch-Site", "none")], true),
        ("another", &[("Origin", "http://evil.example")], false),
        ("another port", &[("Origin", "http://localhost:1")], false),
        ("another name of here", &[("Origin", &format!("http://127.0.0.1:{port}"))], false),
        ("none of its own", &[("Origin", "null")], false),
        ("an extension", &[("Origin", "chrome-extension://abc")], false),
        ("two", &[("Origin", &format!("http://{own}")), ("Origin", "http://evil.example")], false),
        ("across sites", &[("Sec-Fetch-Site", "cross-site")], false),
        ("across subdomains", &[("Sec-Fetch-Site", "same-site")], false),
        ("a name that was bound anew", &[("Host", "evil.example")], false),
        ("a name that begins alike", &[("Host", "localhost.evil.example")], false),
        ("another port of here", &[("Host", "localhost:1")], false),
        ("an address", &[("Host", &format!("127.0.0.1:{port}"))], true),
        ("an address of version 6", &[("Host", &format!("[::1]:{port}"))], true),
    ];
    for (what, headers, is_let_in) in table {
        for (method, path) in
            [("GET", "/api/v1/tasks"), ("OPTIONS", "/api/v1/tasks"), ("GET", "/x")]
        {
            let answer = daemon.call(method, path, headers, "");
            match is_let_in {
                true => assert_ne!(answer.status, 403, "{what}, {method} {path}: {answer:?}"),
                false => assert_problem(&answer, 403),
            }
        }
    }
    daemon.stop();
}

#[test]
fn a_token_that_is_set_is_needed_and_compared_whole() {
    let (home, port) = answering().with_port();
    let home = home.config("token = \"koi-Token-7\"");
    let daemon = Daemon::start(&home, port);
    let long = format!("Bearer {}", "x".repeat(60_000));
    let table: [(&[(&str, &str)], u16); 12] = [
        (&[("Authorization", "Bearer koi-Token-7")], 200),
        (&[], 401),
        (&[("Authorization", "")], 401),
        (&[("Authorization", "Bearer")], 401),
        (&[("Authorization", "Bearer ")], 401),
        (&[("Authorization", "Bearer koi-Token")], 401),
        (&[("Authorization", "Bearer koi-Token-77")], 401),
        (&[("Authorization", "Bearer koi-token-7")], 401),
        (&[("Authorization", "Basic koi-Token-7")], 401),
        (&[("Authorization", "Bearer koi-Token-7"), ("Authorization", "Bearer koi-Token-7")], 401),
        (&[("Cookie", "token=koi-Token-7")], 401),
        (&[("Authorization", "Bearer k\u{f6}i")], 401),
    ];
    for (headers, status) in table {
        let answer = daemon.call("GET", "/api/v1/tasks", headers, "");
        assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
    }
    assert_eq!(daemon.call("GET", "/api/v1/tasks?token=koi-Token-7", &[], "").status, 401);
    let answer = daemon.call("GET", "/api/v1/tasks", &[("Authorization", &long)], "");
    assert!(matches!(answer.status, 401 | 431), "{answer:?}");
    assert_eq!(daemon.call("GET", "/api/v1/health", &[], "").status, 200, "it holds no data");
    // Whoever guesses on is asked to wait, and who has the token is not.
    until("it is too much", LONG, || {
        let answer = daemon.call("GET", "/api/v1/tasks", &[], "");
        answer.status == 429 && answer.header("retry-after").is_some()
    });
    let known = [("Authorization", "Bearer koi-Token-7")];
    assert_eq!(daemon.call("GET", "/api/v1/tasks", &known, "").status, 200);
    daemon.stop();
}

#[test]
fn the_token_of_the_home_can_be_changed_while_streams_are_open() {
    let (home, daemon) = served();
    let token = || home.openkoi(["daemon", "token"]).run().expect_code(0).stdout.trim().to_owned();
    let old = format!("Bearer {}", token());
    let asking = daemon.submit(&json!({ "description": "x", "workspace": home.workspace() }));
    daemon.wait_for(&asking, &["accepted", "stopped", "paused"]);
    assert_eq!(daemon.call("GET", "/api/v1/tasks", &[("Authorization", &old)], "").status, 200);
    let file = home.path().join("data/api-token");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap());
    assert_eq!(mode & 0o777, 0o600);

    home.openkoi(["daemon", "token", "--rotate"]).run().expect_code(0);

    assert_eq!(daemon.call("GET", "/api/v1/tasks", &[("Authorization", &old)], "").status, 401);
    let new = format!("Bearer {}", token());
    assert_eq!(daemon.call("GET", "/api/v1/tasks", &[("Authorization", &new)], "").status, 200);
    daemon.stop();
}

#[test]
fn a_link_opens_the_page_once() {
    let (home, daemon) = served();
    let link = home.openkoi(["daemon", "open", "--print"]).run().expect_code(0).stdout;
    let code = link.trim().split_once("#code=").unwrap().1.to_owned();

    let token = daemon.post("/api/v1/login", &json!({ "code": code }), 200)["token"].clone();
    daemon.post("/api/v1/login", &json!({ "code": code }), 403);
    daemon.post("/api/v1/login", &json!({ "code": "1.2.3" }), 403);

    let bearer = format!("Bearer {}", token.as_str().unwrap());
    assert_eq!(daemon.call("GET", "/api/v1/tasks", &[("Authorization", &bearer)], "").status, 200);
    home.openkoi(["daemon", "token", "--rotate"]).run().expect_code(0);
    assert_eq!(daemon.call("GET", "/api/v1/tasks", &[("Authorization", &bearer)], "").status, 401);
    daemon.stop();
}

#[test]
fn what_cannot_be_used_is_refused_with_a_reason() {
    let (_home, daemon) = served();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies: [(&str, Headers<'_>, u16); 21] = [
        ("{", &[JSON], 400),
        (&deep, &[JSON], 400),
        (r#"{"description":"a","description":"b"}"#, &[JSON], 400),
        (r#"{"description":"a","quality":1e400}"#, &[JSON], 400),
        (r#"{"description":"a","quality":NaN}"#, &[JSON], 400),
        (r#"{"description":"\ud800"}"#, &[JSON], 400),
        (r#"{"description":"a\u0000b"}"#, &[JSON], 400),
        ("\u{feff}{\"description\":\"a\"}", &[JSON], 400),
        (r#"{"description":"a","shell":"rm"}"#, &[JSON], 400),
        (r#"{"description":"  "}"#, &[JSON], 400),
        (r#"{"description":"a","max_iterations":1.5}"#, &[JSON], 400),
        (r#"{"description":"a","quality":7}"#, &[JSON], 400),
        (r#"{"description":"a","priority":101}"#, &[JSON], 400),
        (r#"{"description":"a","max_iterations":1001}"#, &[JSON], 400),
        (r#"{"description":"a","schema":false}"#, &[JSON], 400),
        (r#"["a"]"#, &[JSON], 400),
        (r#"{"description":"a","workspace":"here"}"#, &[JSON], 400),
        (r#"{"description":"a","workspace":"/nowhere/at/all"}"#, &[JSON], 404),
        (r#"{"description":"a","session":"none"}"#, &[JSON], 404),
        (r#"{"description":"a"}"#, &[("Content-Type", "text/plain")], 415),
        (r#"{"description":"a"}"#, &[JSON, ("Content-Encoding", "gzip")], 415),
    ];
    for (body, headers, status) in bodies {
        let answer = daemon.call("POST", "/api/v1/tasks", headers, body);
        assert_problem(&answer, status);
    }
    let many: String = (0..10_000).map(|one| format!("\"k{one}\":1,")).collect();
    let many = format!("{{{many}\"description\":\"a\"}}");
    assert_problem(&daemon.call("POST", "/api/v1/tasks", &[JSON], &many), 400);
    assert_problem(&daemon.call("GET", "/api/v1/views/none/at-all", &[], ""), 404);
    for path in ["..%2f..%2fetc%2fpasswd", "%00", "%ff", "a'%20OR%201=1--", &"x".repeat(10_000)] {
        let answer = daemon.call("GET", &format!("/api/v1/tasks/{path}"), &[], "");
        assert!(matches!(answer.status, 400 | 404), "{path}: {answer:?}");
    }
    for query in ["limit=0", "limit=x", "limit=501", "order=up", "limit=1&limit=2", "status=odd"] {
        assert_problem(&daemon.call("GET", &format!("/api/v1/tasks?{query}"), &[], ""), 400);
    }
    assert_eq!(daemon.get("/api/v1/tasks")["tasks"], json!([]), "nothing was taken");
    let task = daemon.submit(&json!({ "description": "feed the fish" }));
    let events = format!("/api/v1/tasks/{task}/events?after=9007199254740992");
    assert_problem(&daemon.call("GET", &events, &[], ""), 400);
    daemon.stop();
}

#[test]
fn methods_are_those_of_the_address_and_no_header_makes_another() {
    let (_home, daemon) = served();

    for method in ["DELETE", "PUT", "PATCH", "TRACE"] {
        let answer = daemon.call(method, "/api/v1/tasks", &[], "");
        assert_problem(&answer, 405);
        assert_eq!(answer.header("allow"), Some("POST, GET, HEAD, OPTIONS"), "{answer:?}");
    }
    let dressed = [("X-HTTP-Method-Override", "DELETE")];
    assert_eq!(daemon.call("GET", "/api/v1/tasks", &dressed, "").status, 200);
    let head = daemon.call("HEAD", "/api/v1/tasks", &[], "");
    assert_eq!((head.status, head.body.as_str()), (200, ""), "{head:?}");
    let options = daemon.call("OPTIONS", "/api/v1/tasks", &[], "");
    assert_eq!((options.status, options.header("allow")), (204, Some("POST, GET, HEAD, OPTIONS")));
    let tag = daemon.call("GET", "/api/v1/tasks", &[], "").header("etag").unwrap().to_owned();
    let same = daemon.call("GET", "/api/v1/tasks", &[("If-None-Match", &tag)], "");
    assert_eq!((same.status, same.body.as_str()), (304, ""), "{same:?}");
    daemon.stop();
}

#[test]
fn a_body_that_is_too_large_or_too_slow_is_not_waited_for() {
    let (_home, daemon) = served();
    let large = format!(r#"{{"description":"{}"}}"#, "x".repeat(300 << 10));

    assert_problem(&daemon.call("POST", "/api/v1/tasks", &[JSON], &large), 413);
    let chunked = [JSON, ("Transfer-Encoding", "chunked")];
    let mut endless = open(daemon.port(), "POST", "/api/v1/tasks", &chunked, "");
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    // The system itself takes some MiB before anybody reads.
    let writes = (0..20_000).take_while(|_| endless.write_all(chunk.as_bytes()).is_ok()).count();
    assert!(writes < 20_000, "80 MiB were taken");
    let promised = [JSON, ("Content-Length", "100")];
    let mut short = open(daemon.port(), "POST", "/api/v1/tasks", &promised, "{");
    let (status, _) = head(&mut BufReader::new(&mut short));
    assert_eq!(status, 408);
    daemon.stop();
}

#[test]
fn connections_that_say_nothing_are_closed_and_others_served_meanwhile() {
    let (_home, daemon) = served();
    let begun = Instant::now();
    let mut silent: Vec<TcpStream> = (0..500)
        .map(|_| {
            let mut stream = TcpStream::connect(("127.0.0.1", daemon.port())).unwrap();
            stream.write_all(b"GET /api/v1/health HTTP/1.1\r\nHost: lo").unwrap();
            stream
        })
        .collect();

    daemon.get("/api/v1/health");
    for stream in &mut silent {
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut rest = Vec::new();
        // Closed, or told that it was too slow: either way it is over.
        stream.read_to_end(&mut rest).ok();
    }

    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
    daemon.stop();
}

/// Reads events until the stream ends.
fn events(daemon: &Daemon, task: &str, headers: &[(&str, &str)]) -> Vec<(u64, String)> {
    let headers: Vec<_> =
        [("Accept", "text/event-stream")].into_iter().chain(headers.iter().copied()).collect();
    let path = format!("/api/v1/tasks/{task}/events");
    let mut reader = BufReader::new(open(daemon.port(), "GET", &path, &headers, ""));
    let (status, headers) = head(&mut reader);
    assert_eq!(status, 200, "{headers:?}");
    let (mut id, mut found) = (0, Vec::new());
    for line in reader.lines().map_while(Result::ok) {
        if let Some(number) = line.strip_prefix("id: ") {
            id = number.parse().unwrap();
        }
        if let Some(name) = line.strip_prefix("event: ") {
            found.push((id, name.to_owned()));
        }
    }
    found
}

#[test]
fn the_events_of_a_task_are_followed_to_its_end_and_taken_up_again() {
    let (home, daemon) = served();
    let id = daemon
        .submit(&json!({ "description": "x", "workspace": home.workspace(), "max_iterations": 0 }));

    let all = events(&daemon, &id, &[]);
    let last = all.len() - 2;
    let rest = events(&daemon, &id, &[("Last-Event-ID", &all[last - 2].0.to_string())]);

    assert_eq!(all[0], (1, "task.started".to_owned()), "{all:?}");
    assert_eq!(
        (all[last].1.as_str(), all[last + 1].1.as_str()),
        ("task.finished", "end"),
        "{all:?}"
    );
    assert!(all.windows(2).take(last).all(|two| two[0].0 < two[1].0), "{all:?}");
    assert_eq!(rest, all[last - 1..], "{rest:?}");
    let page = daemon.get(&format!("/api/v1/tasks/{id}/events?after=1&limit=2"));
    assert_eq!((&page["last"], &page["more"]), (&json!(3), &json!(true)), "{page}");
    daemon.stop();
}

#[test]
fn what_begins_by_itself_is_kept_paused_begun_and_removed() {
    let (home, daemon) = served();
    let workspace = home.workspace();
    let place = workspace.to_str().unwrap();
    let at_nine = json!({
        "description": "feed the fish", "when": "every weekday at 9", "timezone": "Europe/Berlin",
        "workspace": place, "limits": { "iterations": 0.0 }, "max_cost_per_day_usd": 2.5,
    });
    let on_change = json!({
        "description": "look", "path": place, "quiet_seconds": 3600, "workspace": place,
    });

    let added = daemon.post("/api/v1/schedules", &at_nine, 201);
    daemon.post("/api/v1/schedules", &on_change, 201);
    let path = format!("/api/v1/schedules/{}", added["id"].as_str().unwrap());
    let action = |name: &str| daemon.post(&format!("{path}/{name}"), &json!({}), 200);

    let listed = home.openkoi(["schedule", "list", "--json"]).run().expect_code(0).json();
    assert_eq!(daemon.get("/api/v1/schedules")["schedules"], listed["schedules"]);
    assert_eq!((&added, &daemon.get(&path)), (&listed["schedules"][0], &added));
    let paused = action("pause");
    assert_eq!((&paused["paused"], &paused["next_at"]), (&json!(true), &Value::Null));
    assert_eq!(action("resume")["next_at"], added["next_at"]);
    let begun = daemon.post(&format!("{path}/run"), &json!({}), 201);
    daemon.wait_for(begun["task_id"].as_str().unwrap(), &["accepted"]);
    assert_eq!(daemon.get(&path)["last_task_id"], begun["task_id"]);
    assert_eq!(daemon.call("DELETE", &path, &[], "").expect(200)["id"], added["id"]);
    assert_problem(&daemon.call("DELETE", &path, &[], ""), 404);
    let listed = home.openkoi(["schedule", "list", "--json"]).run().expect_code(0).json();
    assert_eq!(listed["schedules"].as_array().unwrap().len(), 1);
    for (body, status, said) in [
        (json!({ "description": "x" }), 400, "cannot be used"),
        (json!({ "description": "x", "when": "hourly", "path": place }), 400, "cannot be used"),
        (json!({ "description": " ", "when": "hourly" }), 400, "cannot be used"),
        (
            json!({ "description": "x", "when": "hourly", "quiet_seconds": 3 }),
            400,
            "cannot be used",
        ),
        (json!({ "description": "x", "when": "sometimes" }), 422, "every weekday at 9"),
        (json!({ "description": "x", "when": "hourly", "timezone": "Mars" }), 404, "no time zone"),
        (json!({ "description": "x", "path": "/nowhere/at/all" }), 404, "cannot be watched"),
        (json!({ "description": "x", "path": "here" }), 400, "cannot be used"),
        (
            json!({ "description": "x", "when": "hourly", "limits": { "quality": 7 } }),
            400,
            "cannot be used",
        ),
    ] {
        let answer = daemon.call("POST", "/api/v1/schedules", &[JSON], &body.to_string());
        assert_problem(&answer, status);
        assert!(answer.body.contains(said), "{body}: {answer:?}");
    }
    daemon.stop();
}

#[test]
fn what_was_told_outside_is_listed_without_secrets_and_told_again() {
    let receiver = Receiver::start([Behaviour::Status(500), Behaviour::Status(410)]);
    let (home, port) = answering().with_port();
    let home = home
        .config(&format!("[api.webhooks]\non_task_complete = \"{}\"\n", receiver.url("/complete")));
    home.openkoi(["webhook", "test", "on_task_complete"]).run().expect_code(1);
    let shown = home.openkoi(["webhook", "list", "--show-secrets", "--json"]).run().json();
    let secret = shown["webhooks"][0]["secret"].as_str().unwrap();
    let daemon = Daemon::start(&home, port);
    let task = json!({
        "description": format!("say {secret}"), "workspace": home.workspace(), "max_iterations": 0,
    });
    let task = daemon.submit(&task);
    let deliveries = "/api/v1/webhooks/deliveries";
    let newest_is = |task: &str, state: &str| {
        let newest = &daemon.get(deliveries)["deliveries"][0];
        newest["task_id"] == task && newest["state"] == state
    };
    until("the receiver is gone", LONG, || newest_is(&task, "failed"));

    let listed = home.openkoi(["webhook", "deliveries", "--json"]).run().expect_code(0).json();
    assert_eq!(daemon.get(deliveries)["deliveries"], listed["deliveries"]);
    let told = &listed["deliveries"][0];
    assert_eq!((&told["task_id"], &told["status"]), (&json!(task), &json!(410)));
    assert!(told["body"].as_str().unwrap().contains("say [redacted]"), "{told}");
    let gone = &daemon.get("/api/v1/webhooks")["webhooks"][0];
    assert_eq!(gone["state"], "it said that it is gone (410)");
    let first = daemon.get(&format!("{deliveries}?limit=1"));
    let second = daemon.get(&format!("{deliveries}?cursor={}", first["next"].as_str().unwrap()));
    assert_eq!(
        (&second["deliveries"][0], &second["next"]),
        (&listed["deliveries"][1], &Value::Null)
    );
    let retry = format!("{deliveries}/{}/retry", told["id"].as_str().unwrap());
    assert_eq!(daemon.post(&retry, &json!({}), 200)["state"], "waiting");
    until("it was taken", LONG, || newest_is(&task, "delivered"));
    assert_problem(&daemon.call("POST", &retry, &[JSON], "{}"), 409);
    assert_eq!(daemon.get("/api/v1/webhooks")["webhooks"][0]["state"], "ok");
    daemon.stop();
    assert_eq!(receiver.finish().len(), 3);
}

#[test]
fn pages_follow_one_another_without_a_gap() {
    let (home, daemon) = served();
    let ids: Vec<String> = (0..5)
        .map(|_| {
            daemon.submit(
                &json!({ "description": "x", "workspace": home.workspace(), "max_iterations": 0 }),
            )
        })
        .collect();

    let mut found = Vec::new();
    let mut path = "/api/v1/tasks?limit=2".to_owned();
    loop {
        let page = daemon.get(&path);
        found.extend(page["tasks"].as_array().unwrap().iter().map(|task| task["id"].clone()));
        match page["next"].as_str() {
            Some(next) => path = format!("/api/v1/tasks?limit=2&cursor={next}"),
            None => break,
        }
    }

    let expected: Vec<Value> = ids.iter().rev().map(|id| json!(id)).collect();
    assert_eq!(found, expected);
    daemon.stop();
}

#[test]
fn everything_that_is_described_is_there_and_answers_as_it_says() {
    let (home, daemon) = served();
    let task = daemon
        .submit(&json!({ "description": "x", "workspace": home.workspace(), "max_iterations": 0 }));
    let done = daemon.wait_for(&task, &["accepted"]);
    let session = done["session_id"].as_str().unwrap();
    let description = daemon.get("/api/v1/openapi.json");
    let schemas = &description["components"]["schemas"];

    for (path, operations) in description["paths"].as_object().unwrap() {
        let id = if path.contains("sessions") { session } else { &task };
        let filled =
            path.replace("{id}", id).replace("{view}", "reflect").replace("{report}", "today");
        let Some(get) = operations.get("get") else { continue };
        // What is news for ever has no end to wait for.
        if get["responses"]["200"]["content"].get("application/json").is_none() {
            continue;
        }
        let answer = daemon.call("GET", &filled, &[], "");
        let described = &get["responses"][answer.status.to_string()];
        assert!(!described.is_null(), "{path} answers {answer:?}, which is not described");
        let schema = &described["content"]["application/json"]["schema"];
        if answer.status == 200 {
            assert_members(&answer.expect(200), schema, schemas, path);
        }
    }
    daemon.stop();
}

/// Looks that a document has the members that its schema says, and no others.
fn assert_members(document: &Value, schema: &Value, schemas: &Value, path: &str) {
    let Some(name) = schema["$ref"].as_str().and_then(|place| place.rsplit('/').next()) else {
        return;
    };
    let known: Vec<&String> = schemas[name]["properties"].as_object().unwrap().keys().collect();
    let given: Vec<&String> = document.as_object().unwrap().keys().collect();
    assert!(given.iter().all(|key| known.contains(key)), "{path}: {given:?} of {known:?}");
    for required in schemas[name]["required"].as_array().into_iter().flatten() {
        assert!(given.iter().any(|key| *key == required.as_str().unwrap()), "{path}: {required}");
    }
}

#[test]
fn whoever_else_is_on_this_machine_needs_the_token() {
    let (_home, daemon) = served();
    // Another user cannot be had everywhere; where root may become one, it is tried.
    if !rustix::process::geteuid().is_root() {
        return openkoi_test_support::skip::skip("api (another user)", "needs root");
    }
    let address = format!("http://127.0.0.1:{}/api/v1/tasks", daemon.port());
    let script = format!(
        "import os,encodings.idna,urllib.request,urllib.error\nos.setgid(65534); os.setuid(65534)\ntry:\n    print(urllib.request.urlopen('{address}').status)\nexcept urllib.error.HTTPError as e:\n    print(e.code)"
    );
    let output = std::process::Command::new("python3").args(["-c", &script]).output().unwrap();

    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "401", "{output:?}");
    assert_eq!(call(daemon.port(), "GET", "/api/v1/tasks", &[], "").status, 200);
    daemon.stop();
}
