//! A person who looks elsewhere is told what waits for them and what has ended: once, and not if they look at it already.

use std::io::BufReader;

use openkoi_test_support::{
    Daemon, Home, Kind, Terminal,
    daemon::{head, open},
    skip::skip,
    turn, until,
};
use serde_json::{Value, json};

use crate::world::{LONG, TASK, scripted};

const ASK: &str = "[trust]\ndefault = \"ask\"\n";

fn fixing() -> Home {
    let fix = json!({ "path": Kind::Shell.source(), "content": Kind::Shell.fix() });
    let turns = [
        turn().executor().after("write_file").say("Fixed."),
        turn().executor().call("write_file", fix),
    ];
    scripted(turns).config(ASK)
}

/// Submits a task that asks, answers it, and waits for its end.
fn submit_and_answer(home: &Home, daemon: &Daemon, seen: impl Fn()) {
    let task = json!({ "description": TASK, "workspace": home.workspace(), "max_iterations": 0 });
    let id = daemon.submit(&task);
    let mut asked = Value::Null;
    until("a question waits", LONG, || {
        asked = daemon.get("/api/v1/approvals")["approvals"][0].clone();
        !asked.is_null()
    });
    seen();
    let path = format!("/api/v1/approvals/{}", asked["id"].as_str().unwrap());
    daemon.post(&path, &json!({ "answer": "allow_once" }), 200);
    daemon.wait_for(&id, &["accepted"]);
}

#[test]
fn the_desktop_tells_once_of_a_question_in_the_background_and_of_its_end() {
    let (home, desktop) = fixing().on_a_desktop();
    let (home, port) = home.with_port();
    let daemon = Daemon::start(&home, port);

    submit_and_answer(&home, &daemon, || {
        until("the question is told of", LONG, || desktop.shown().len() == 1);
    });
    until("the end is told of", LONG, || desktop.shown().len() == 2);

    daemon.stop();
    let source = Kind::Shell.source();
    let question = format!("OpenKoi waits for your answer | write_file {source} ({TASK})");
    assert_eq!(desktop.shown(), [question, format!("OpenKoi has finished | {TASK}")]);
    let doctor = home.openkoi(["doctor"]).run();
    assert!(doctor.stdout.contains("`notify-send` shows alerts"), "{doctor}");
}

#[test]
fn who_looks_at_what_happens_is_not_told_of_it_besides_and_who_only_follows_it_is() {
    let (home, desktop) = fixing().on_a_desktop();
    let (home, port) = home.with_port();
    let daemon = Daemon::start(&home, port);
    let accept = [("Accept", "text/event-stream")];
    let follow = |path| {
        let mut stream = BufReader::new(open(port, "GET", path, &accept, ""));
        assert_eq!(head(&mut stream).0, 200);
        stream
    };
    let page = follow("/api/v1/changes?looking=true");
    let script = follow("/api/v1/changes");

    submit_and_answer(&home, &daemon, || {});
    assert_eq!(desktop.shown(), Vec::<String>::new());

    drop(page);
    submit_and_answer(&home, &daemon, || {
        let told = || desktop.shown().iter().any(|alert| alert.contains("waits for your answer"));
        until("the question is told of", LONG, told);
    });
    drop(script);
    daemon.stop();
}

#[test]
fn a_dashboard_tells_by_itself_while_somebody_looks_at_it() {
    if !Terminal::is_available() {
        return skip("alerts (a dashboard)", "needs a pseudo-terminal");
    }
    let (home, desktop) = fixing().on_a_desktop();
    let (home, port) = home.with_port();
    let daemon = Daemon::start(&home, port);
    let mut dashboard = home.openkoi(["dashboard"]).env("TERM", "xterm").at_a_terminal();
    dashboard.sees("6 Config");

    submit_and_answer(&home, &daemon, || {
        dashboard.sees("2 Approvals (1)");
    });
    assert_eq!(desktop.shown(), Vec::<String>::new());
    // The terminal says that it is not looked at any more.
    dashboard.presses("\x1b[O");
    dashboard.presses("6");
    dashboard.sees("alerts.after_seconds");
    submit_and_answer(&home, &daemon, || {
        // The end of the first task may be told of besides: it is noticed a moment after it was.
        let told = || desktop.shown().iter().any(|alert| alert.contains("waits for your answer"));
        until("the question is told of", LONG, told);
    });

    dashboard.presses("q");
    assert_eq!(dashboard.ends(), 0);
    daemon.stop();
}

/// Starts a task that asks, at a terminal of this name that is told of everything at once.
fn asking(config: &str, terminal: &str) -> (Home, Terminal) {
    let home = fixing().config(&format!("[alerts]\nafter_seconds = 0\n{config}"));
    let home = home.env("TERM_PROGRAM", terminal).env("TERM", "xterm-256color");
    let terminal = home.openkoi([TASK, "-i", "0"]).at_a_terminal();
    (home, terminal)
}

#[test]
fn a_terminal_tells_of_a_question_that_stands_and_of_an_end_as_it_understands_it() {
    if !Terminal::is_available() {
        return skip("alerts (a terminal)", "needs a pseudo-terminal");
    }
    let (_home, mut terminal) = asking("", "WezTerm");
    let source = Kind::Shell.source();
    let words = format!("OpenKoi waits for your answer;write_file {source} ({TASK})");
    terminal.wait_for(&format!("\x1b]777;notify;{words}\x07"));
    terminal.types("y");
    terminal.wait_for(&format!("\x1b]777;notify;OpenKoi has finished;{TASK}\x07"));
    assert_eq!(terminal.ends(), 0);
    assert_eq!(terminal.shown().matches("]777;").count(), 2);

    // The bell and the question come in either order.
    let (_home, mut terminal) = asking("", "unknown");
    terminal.wait_for("\x07");
    drop(terminal);

    let (_home, mut terminal) = asking("terminal = \"off\"\n", "WezTerm");
    terminal.wait_for("answer [y/N");
    terminal.types("y");
    assert_eq!(terminal.ends(), 0);
    assert!(!terminal.shown().contains(['\x07']), "{:?}", terminal.shown());
}
