//! Hosts that a task's programs reach: named by the user, asked about, or closed.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use openkoi_test_support::{
    Home, Kind, OpenAi, Role, Run, Terminal, call, plan, reply, skip::skip, turn,
};
use serde_json::json;

use crate::world::{LONG, TASK, scripted};

/// Asks the proxy that the environment names for a place, and prints the status and what comes back.
fn reach(place: &str) -> String {
    format!(
        "python3 -c '
import os, socket
proxy = os.environ[\"HTTPS_PROXY\"].rsplit(\"/\", 1)[1].split(\":\")
way = socket.create_connection((proxy[0], int(proxy[1])), 10)
way.sendall(b\"CONNECT {place} HTTP/1.1\\r\\n\\r\\n\")
print(b\"\".join(iter(lambda: way.recv(4096), b\"\")).decode())'"
    )
}

/// Runs commands with the model's shell, one a round, and returns the run and what the model was told of each.
fn shell(home: Home, commands: &[String]) -> (Home, Run, Vec<String>) {
    let calls = commands.iter().zip(0..).map(|(command, round)| {
        call("shell", json!({ "command": command })).to(Role::Executor).at(round)
    });
    let said = reply("I have seen it.").to(Role::Executor).at(commands.len());
    let server = OpenAi::start(std::iter::once(plan().if_asked()).chain(calls).chain([said]));
    let home = home.project(Kind::Shell).provider(&server);
    let run = home.openkoi([TASK]).timeout(LONG).run();
    let turns = server.turns();
    let results = turns.last().unwrap().conversation.results();
    let told = results.iter().map(|result| result.text.clone()).collect();
    server.finish();
    (home, run, told)
}

/// Listens on this machine and greets whoever comes.
fn greeter() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            stream.write_all(b"hello from the host").unwrap();
            drop(stream.shutdown(std::net::Shutdown::Write));
            let _closed = stream.read(&mut [0; 64]);
        }
    });
    port
}

#[test]
fn a_host_that_the_user_names_is_reached_and_the_rest_of_this_machine_is_not() {
    let port = greeter();
    let home = Home::new().config(&format!("[sandbox]\nnetwork = [\"localhost:{port}\"]\n"));
    let other = format!("127.0.0.1:{port}");

    let (_, run, told) = shell(home, &[reach(&format!("localhost:{port}")), reach(&other)]);

    assert!(told[0].contains("200") && told[0].contains("hello from the host"), "{told:?} {run}");
    assert!(told[1].contains("403") && !told[1].contains("hello"), "{told:?} {run}");
}

/// Serves pages in the clear, and the references of a repository.
fn pages() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut request = [0; 4096];
            let count = stream.read(&mut request).unwrap_or(0);
            let asks_for_references =
                request[..count].windows(10).any(|part| part == b"/info/refs");
            let body = match asks_for_references {
                true => format!("{}\trefs/heads/of-the-host\n", "0123456789".repeat(4)),
                false => "hello from the host\n".to_owned(),
            };
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close";
            let text = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            drop(stream.write_all(text.as_bytes()));
        }
    });
    port
}

#[test]
fn tools_reach_a_named_host_in_the_clear_and_by_socks() {
    let port = pages();
    let home = Home::new().config(&format!("[sandbox]\nnetwork = [\"localhost:{port}\"]\n"));
    let url = format!("http://localhost:{port}");
    // The host of this test is one that tools do not ask a proxy for, unless they are told to.
    let with = |tool: &str, line: String| {
        format!(
            "export NO_PROXY= no_proxy=; if command -v {tool}; then {line}; else echo missing; fi"
        )
    };
    let by_socks = "--noproxy '' --proxy \"socks5h://${ALL_PROXY#http://}\"";
    let read = format!("import urllib.request as r; print(r.urlopen(\"{url}\").read())");
    let commands = [
        with("curl", format!("curl -sS {url}/a")),
        with("curl", format!("curl -sS {by_socks} {url}/a")),
        with("git", format!("git ls-remote {url}/repository")),
        with("wget", format!("wget -qO- {url}/a")),
        with("python3", format!("python3 -c '{read}'")),
        with("curl", format!("curl -sS {url}0/a; curl -sS {by_socks} http://other.example/")),
    ];

    let (_, run, told) = shell(home, &commands);

    for (command, told) in commands[..5].iter().zip(&told) {
        let is_reached = told.contains("hello from the host") || told.contains("of-the-host");
        assert!(is_reached || told.contains("missing"), "{command}: {told} {run}");
    }
    assert!(!told[5].contains("hello"), "{told:?}");
}

#[test]
fn where_nobody_is_there_the_model_is_told_and_what_a_package_manager_needs_is_a_question() {
    let commands = [reach("index.crates.io:443"), reach("static.crates.io:443")];
    let (_, run, told) = shell(Home::new(), &commands);

    let why = "[openkoi: index.crates.io:443 is not reached: ";
    assert!(told[0].contains(why) && told[0].contains("nobody is there"), "{told:?}");
    let shown = "network on \"crates (crates.io, index.crates.io, static.crates.io)\"";
    assert!(run.stderr.contains(shown), "{run}");
    run.expect_code(8);
    let (_, run, told) = shell(Home::new(), &[reach("telemetry.example:443")]);
    assert!(told[0].contains("telemetry.example:443 is not reached"), "{told:?}");
    run.expect_code(0);
}

#[test]
fn a_closed_network_is_asked_about_by_nobody() {
    let home = Home::new().config("[sandbox]\nnetwork = false\n");
    let (_, run, told) = shell(home, &["echo \"proxy: ${HTTPS_PROXY-none}\"".to_owned()]);

    assert!(told[0].contains("proxy: none"), "{told:?} {run}");
}

#[test]
fn what_is_no_host_is_refused_with_what_there_is() {
    let home = Home::new().config("[sandbox]\nnetwork = [\"registrys\"]\n");
    let run = home.openkoi(["status"]).run().expect_code(3);

    assert!(run.stderr.contains("sandbox.network") && run.stderr.contains("registries"), "{run}");
}

#[test]
fn a_person_is_asked_once_for_the_hosts_that_go_together() {
    let name = "a_person_is_asked_once_for_the_hosts_that_go_together";
    if !Terminal::is_available() {
        return skip(name, "no `script` to make a terminal with");
    }
    let both = format!("{}; {}", reach("pypi.org:443"), reach("files.pythonhosted.org:443"));
    let turns = [turn().executor().in_round(0).shell(&both), turn().executor().say("Done.")];
    let home = scripted(turns).env("NO_COLOR", "1");
    let mut terminal = home.openkoi([TASK, "-i", "0"]).at_a_terminal();

    let asked = terminal.wait_for("answer [y/N/s/a/r]: ");
    assert!(asked.contains("pypi (pypi.org, files.pythonhosted.org)"), "{asked}");
    terminal.types("a");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert_eq!(terminal.shown().matches("needs your approval").count(), 1, "{}", terminal.shown());
    let rules = home.openkoi(["trust", "rules"]).run().expect_code(0);
    assert!(rules.stdout.contains("network") && rules.stdout.contains("pypi"), "{rules}");
}

#[test]
fn a_task_that_has_read_from_one_host_reaches_no_other_unasked_unless_the_grant_names_it() {
    let (port, other) = (greeter(), greeter());
    let world = |naming: &[&str]| {
        let home = Home::new().config(&format!("[sandbox]\nnetwork = [\"localhost:{port}\"]\n"));
        let grant = ["trust", "grant", "network", "autonomous", "--everywhere", "--yes"];
        home.openkoi(grant.iter().chain(naming)).run().expect_code(0);
        let places = [port, other].map(|port| reach(&format!("localhost:{port}")));
        shell(home, &places)
    };
    let unasked = "nobody is there to allow it";

    let (_, run, told) = world(&[]);
    assert!(told[0].contains("hello from the host"), "{told:?} {run}");
    assert!(told[1].contains(unasked), "{told:?} {run}");

    let named = format!("network=localhost:{other}");
    let (_, run, told) = world(&["--naming", &named]);
    assert!(!told[1].contains(unasked), "{told:?} {run}");
}
