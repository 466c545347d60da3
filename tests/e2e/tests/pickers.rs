//! A person at a terminal picks, decides one by one, and leaves: with Esc and Ctrl-C nothing is done.

use std::fs;

use openkoi_test_support::{Home, Terminal, skip::skip};
use serde_json::Value;

use crate::views::document;

const ESC: &str = "\x1b";
const CTRL_C: &str = "\x03";
const DECIDE: &str = "accept, later or never";

/// Two sentences that hold everywhere are two proposals for SOUL.md.
const SAID: [&str; 2] = ["Test first.", "Write plainly."];

fn home() -> Home {
    let home = Home::new();
    for said in SAID {
        home.openkoi(["memory", "add", "--everywhere", said]).run().expect_code(0);
    }
    home
}

fn at_terminal(home: &Home, line: &str) -> Terminal {
    home.openkoi(line.split(' ')).env("NO_COLOR", "1").at_a_terminal()
}

fn soul(home: &Home) -> String {
    fs::read_to_string(home.path().join("SOUL.md")).unwrap_or_default()
}

#[test]
fn changes_of_soul_md_are_decided_one_by_one_and_one_turned_down_does_not_come_back() {
    let name = "changes_of_soul_md_are_decided_one_by_one_and_one_turned_down_does_not_come_back";
    if !Terminal::is_available() {
        return skip(name, "no terminal can be made here");
    }
    let home = home();

    let mut terminal = at_terminal(&home, "soul evolve");
    let first = terminal.wait_for(DECIDE);
    let (accepted, rejected) =
        if first.contains(SAID[0]) { (SAID[0], SAID[1]) } else { (SAID[1], SAID[0]) };
    terminal.types("a");
    let second = terminal.wait_for(DECIDE);
    assert!(second.contains(rejected), "{second}");
    terminal.types("n");
    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());

    assert!(soul(&home).ends_with(&format!("\n- {accepted}\n")), "{}", soul(&home));
    assert!(!soul(&home).contains(rejected));
    let mut again = at_terminal(&home, "soul evolve");
    assert_eq!(again.ends(), 0, "nothing is asked again: {}", again.shown());
    home.openkoi(["soul", "undo"]).run().expect_code(0);
    assert!(!soul(&home).contains(accepted), "{}", soul(&home));
    assert_eq!(document(&home, "soul evolve")["proposals"], Value::Array(Vec::new()));
}

#[test]
fn a_proposal_that_is_left_waits_and_one_before_an_interrupt_stays_accepted() {
    let name = "a_proposal_that_is_left_waits_and_one_before_an_interrupt_stays_accepted";
    if !Terminal::is_available() {
        return skip(name, "no terminal can be made here");
    }
    let home = home();

    let mut terminal = at_terminal(&home, "soul evolve");
    terminal.wait_for(DECIDE);
    terminal.presses(ESC);
    terminal.wait_for(DECIDE);
    terminal.presses(ESC);
    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert_eq!(soul(&home), "");

    let mut terminal = at_terminal(&home, "soul evolve");
    terminal.wait_for(DECIDE);
    terminal.types("a");
    terminal.wait_for(DECIDE);
    terminal.presses(CTRL_C);
    assert_eq!(terminal.ends(), 130, "{}", terminal.shown());
    assert_eq!(document(&home, "soul evolve")["proposals"].as_array().map(Vec::len), Some(1));
}

#[test]
fn every_picker_does_what_is_picked_and_nothing_when_it_is_left() {
    let name = "every_picker_does_what_is_picked_and_nothing_when_it_is_left";
    if !Terminal::is_available() {
        return skip(name, "no terminal can be made here");
    }
    let home = home();
    home.openkoi(["soul", "evolve"]).run().expect_code(0);
    home.openkoi(["trust", "grant", "files", "suggest"]).run().expect_code(0);
    let known = || {
        ["trust show", "world human", "soul", "learn"].map(|words| document(&home, words)).to_vec()
    };
    let before = known();
    for (line, question) in [
        ("trust grant", "pick a domain"),
        ("trust grant shell", "pick a level"),
        ("trust revoke", "pick a grant or rule"),
        ("world human forget", "pick a memory"),
        ("memory history", "pick a memory"),
        ("learn accept", "pick a proposal"),
        ("learn", "pick a proposal"),
    ] {
        for (key, code) in [(ESC, if line == "learn" { 0 } else { 2 }), (CTRL_C, 130)] {
            let mut terminal = at_terminal(&home, line);
            terminal.wait_for(question);
            // An arrow begins as Esc does, and leaves nothing.
            terminal.presses("\x1b[A");
            terminal.wait_for(question);
            terminal.presses(key);
            assert_eq!(terminal.ends(), code, "{line}: {}", terminal.shown());
        }
    }
    assert_eq!(known(), before, "nothing is done");

    let mut terminal = at_terminal(&home, "trust grant");
    terminal.wait_for("pick a domain");
    terminal.types("shell");
    terminal.wait_for("pick a level");
    terminal.types("3");
    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert!(terminal.shown().contains("act"), "{}", terminal.shown());
    let mut terminal = at_terminal(&home, "trust revoke");
    terminal.wait_for("pick a grant or rule");
    terminal.types("files");
    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    let mut terminal = at_terminal(&home, "world human forget");
    terminal.wait_for("pick a memory");
    terminal.types("1");
    terminal.wait_for("it cannot be brought back [y/N]");
    terminal.types("y");
    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());

    let granted = document(&home, "trust show")["domains"].clone();
    let level = |domain: &str| {
        let mut all = granted.as_array().unwrap().iter();
        all.find(|one| one["domain"] == domain).map(|one| one["origin"].clone())
    };
    assert_eq!(level("shell"), Some("granted".into()), "{granted:#}");
    assert_ne!(level("files"), Some("granted".into()), "{granted:#}");
    assert_eq!(document(&home, "world human")["words"].as_array().map(Vec::len), Some(1));
}

#[test]
fn an_update_of_a_skill_is_shown_as_a_difference_and_made_on_a_yes_alone() {
    let name = "an_update_of_a_skill_is_shown_as_a_difference_and_made_on_a_yes_alone";
    if !Terminal::is_available() {
        return skip(name, "no terminal can be made here");
    }
    let skill = |steps: &str| {
        format!("---\nname: pdf\ndescription: How pages of a PDF are read\n---\n\n{steps}\n")
    };
    let home = Home::new().file("here/pdf/SKILL.md", skill("Read the form."));
    home.openkoi(["learn", "--install", "here/pdf", "--yes"]).run().expect_code(0);
    let home = home.file("here/pdf/SKILL.md", skill("Read the table."));
    let installed = home.path().join("skills/managed/pdf/SKILL.md");
    let holds = |text: &str| fs::read_to_string(&installed).unwrap().contains(text);

    for (answer, code) in [("n\n", 1), (ESC, 1), (CTRL_C, 130)] {
        let mut terminal = at_terminal(&home, "learn --update pdf");
        let shown = terminal.wait_for("replace pdf by this? [y/N]");
        for line in ["-Read the form.", "+Read the table."] {
            assert!(shown.contains(line), "{line}: {shown}");
        }
        terminal.presses(answer);
        assert_eq!(terminal.ends(), code, "{}", terminal.shown());
        assert!(holds("Read the form."), "{answer:?}");
    }

    let mut terminal = at_terminal(&home, "learn --update");
    terminal.wait_for("replace pdf by this? [y/N]");
    terminal.types("y");
    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert!(holds("Read the table."));
    let again = home.openkoi(["learn", "--update", "pdf"]).run().expect_code(0);
    assert!(again.stderr.contains("installed just as it is there"), "{again}");
}
