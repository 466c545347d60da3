//! The dashboard: what every process does, on one screen, and what a person does from there.

use std::time::Duration;

use openkoi_core::approval::Answer;
use openkoi_storage::{Storage, questions::Given};
use openkoi_test_support::{Home, Screen, Terminal, binary, skip::skip, turn, until};

use crate::world::{LONG, TASK, assert_nothing_runs, scripted};

/// What takes the screen, and what gives it back.
const TAKEN: &str = "\u{1b}[?1049h";
const GIVEN_BACK: &str = "\u{1b}[?1049l";

fn has_terminal(name: &str) -> bool {
    let is_there = Terminal::is_available();
    if !is_there {
        skip(name, "no `script` to make a terminal with");
    }
    is_there
}

/// Opens the dashboard of a home. A terminal of a test has no size, so it is drawn on 80 columns and 24 lines.
fn open(home: &Home) -> Terminal {
    let dashboard = home.openkoi(["dashboard"]).env("TERM", "xterm").env("NO_COLOR", "1");
    let mut terminal = dashboard.at_a_terminal();
    terminal.wait_for(TAKEN);
    terminal.sees("6 Config");
    terminal
}

/// Leaves the dashboard, which has done nothing with the terminal but draw.
fn leave(mut terminal: Terminal) {
    terminal.presses("q");
    terminal.wait_for(GIVEN_BACK);
    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert_eq!(Screen::after(&terminal.shown()).odd, Vec::<String>::new());
}

#[test]
fn an_empty_home_shows_what_will_stand_there_and_stays_empty() {
    if !has_terminal("an_empty_home_shows_what_will_stand_there_and_stays_empty") {
        return;
    }
    let home = Home::new();

    let mut terminal = open(&home);
    terminal.sees("openkoi connect");
    let tabs = [
        ("2", "no task waits for an answer"),
        ("3", "Nothing was spent"),
        ("4", "nothing is remembered here"),
        ("5", "anthropic"),
        ("6", "checks.enabled"),
        ("7", "reflect/today"),
    ];
    for (tab, words) in tabs {
        terminal.presses(tab);
        terminal.sees(words);
    }
    // The only row with these words is chosen, and opened.
    for keys in ["/", "reflect/today", "\r", "\r"] {
        terminal.presses(keys);
    }
    terminal.sees("No task was done yet");
    leave(terminal);

    assert!(!home.path().join("data/openkoi.db").exists(), "looking makes no database");
}

#[test]
fn a_task_of_another_process_is_followed_and_cancelled_from_the_dashboard() {
    let name = "a_task_of_another_process_is_followed_and_cancelled_from_the_dashboard";
    if !has_terminal(name) {
        return;
    }
    let home = scripted([
        turn().executor().after("shell").say("Done."),
        turn().executor().shell("sleep 1000"),
    ]);
    let mut lines = home.openkoi(["dashboard", "--plain"]).at_a_terminal();
    lines.wait_for("no task has run yet");
    let mut terminal = open(&home);
    terminal.sees("openkoi connect");

    let running = home.openkoi([TASK]).timeout(LONG).start();
    terminal.sees("running");
    terminal.sees("execute: shell");
    terminal.presses("\r");
    terminal.sees("sleep 1000");
    terminal.presses("c");
    terminal.sees("cancel task");
    terminal.presses("y");
    let run = running.wait();

    assert_eq!(run.code, 130, "{run}");
    assert_nothing_runs_but_dashboards(&home);
    terminal.sees("  cancelled");
    lines.wait_for("runs, iteration 1");
    lines.wait_for("is cancelled");
    lines.presses("\u{3}");
    assert_eq!(lines.ends(), 130, "{}", lines.shown());
    leave(terminal);
    assert_nothing_runs(&home);
}

fn assert_nothing_runs_but_dashboards(home: &Home) {
    let others = || home.processes().into_iter().any(|line| !line.contains("dashboard"));
    until("nothing of the task is left", Duration::from_secs(60), || !others());
}

#[test]
fn a_question_of_another_process_is_answered_from_the_dashboard_and_it_goes_on() {
    let name = "a_question_of_another_process_is_answered_from_the_dashboard_and_it_goes_on";
    if !has_terminal(name) {
        return;
    }
    let home = scripted([
        turn().executor().shell("echo one >> log").in_round(0),
        turn().executor().say("Done."),
    ]);
    let home = home.config("[trust]\ndefault = \"ask\"").env("NO_COLOR", "1");
    let mut run = home.openkoi([TASK, "-i", "0"]).at_a_terminal();
    run.wait_for("answer [y/N/s/a/r]: ");
    let once = home.openkoi(["dashboard", "--json"]).run().expect_code(0).json();
    let question = once["approvals"]["approvals"][0]["id"].as_str().unwrap().to_owned();

    let mut terminal = open(&home);
    terminal.sees("2 Approvals (1)");
    terminal.presses("2");
    terminal.sees("shell on echo one");
    terminal.presses("\r");
    terminal.sees("│ echo one >> log");
    terminal.presses("y");
    terminal.sees("was answered: yes, once");
    leave(terminal);

    run.wait_for("answered elsewhere: yes, once");
    assert_eq!(run.ends(), 0, "{}", run.shown());
    assert_eq!(home.read("log"), "one\n");
    let answered = Storage::open(&home.path().join("data")).unwrap().question(&question).unwrap();
    let answered = answered.unwrap();
    assert_eq!(answered.given, Some(Given::Answer(Answer::AllowOnce)));
    assert_eq!(answered.given_by.as_deref(), Some("dashboard"));
}

#[test]
fn a_signal_gives_the_terminal_back_as_it_was() {
    if !has_terminal("a_signal_gives_the_terminal_back_as_it_was") {
        return;
    }
    let home = Home::new();
    let pid = home.root().join("pid");
    let dashboard =
        format!("echo $$ > {}; exec {} dashboard", pid.display(), binary::openkoi().display());
    let script = format!("sh -c '{dashboard}'; echo code $?; stty -a; echo over");
    let mut terminal = home.shell(&script).env("TERM", "xterm").at_a_terminal();
    terminal.wait_for(TAKEN);
    terminal.sees("6 Config");

    let pid = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();

    terminal.wait_for(GIVEN_BACK);
    let after = terminal.wait_for("over");
    assert!(after.contains("code 143"), "{after}");
    for mode in ["-icanon", "-echo ", "-isig", "-opost"] {
        assert!(!after.contains(mode), "{mode}: {after}");
    }
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn what_was_done_is_undone_from_the_dashboard_after_a_look() {
    if !has_terminal("what_was_done_is_undone_from_the_dashboard_after_a_look") {
        return;
    }
    let home = scripted([turn().executor().write("pond.txt", "koi\n")]);
    home.openkoi([TASK, "-i", "0"]).timeout(LONG).run().expect_code(0);
    assert!(home.has("pond.txt"));

    let mut terminal = open(&home);
    terminal.sees("accepted");
    terminal.presses("u");
    terminal.sees("remove     pond.txt");
    assert!(home.has("pond.txt"), "nothing is done before the person agrees");
    terminal.presses("y");
    terminal.sees("is undone");
    leave(terminal);

    assert!(!home.has("pond.txt"));
}

#[test]
fn where_nothing_can_be_drawn_all_of_it_is_printed_once() {
    let home = Home::new();

    let run = home.openkoi(["dashboard"]).run().expect_code(0);

    for title in ["Tasks", "Approvals", "Costs", "Learnings", "Plugins", "Config"] {
        assert!(run.stdout.lines().any(|line| line == title), "{title}: {run}");
    }
    assert!(!run.stdout.contains('\u{1b}'), "{run}");
}
