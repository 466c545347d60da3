//! At trust level `suggest` a command runs apart, and one answer decides about what it would change.

use openkoi_brokers::failpoint;
use openkoi_test_support::{
    Home, Kind, OpenAi, Role, Terminal, call, kernel, normal, reply, skip::skip, turn,
};
use serde_json::json;

use crate::world::{LONG, TASK, assert_untouched, scripted};

const SUGGEST: &str = "[trust]\ndefault = \"suggest\"";
/// What the terminal says where an answer is due.
const ASKED: &str = "answer [y/N/s/a/";
/// Changes a file, makes one that can be executed, and removes one.
const WORK: &str =
    "echo more >> notes.txt; printf '#!/bin/sh\\n' > run; chmod 755 run; rm old.txt; echo said";

fn home(command: &str) -> Home {
    let deed = turn().executor().in_round(0).shell(command);
    let home = scripted([deed, turn().executor().say("Done.")]);
    let home = home.file("notes.txt", "one\n").file("old.txt", "old\n").config(SUGGEST);
    home.env("NO_COLOR", "1")
}

fn at_a_terminal(home: &Home, name: &str) -> Option<Terminal> {
    if !Terminal::is_available() {
        skip(name, "no `script` to make a terminal with");
        return None;
    }
    Some(home.openkoi([TASK, "-i", "0"]).at_a_terminal())
}

fn last_task(home: &Home) -> String {
    normal::ids(&home.openkoi(["task", "list", "--json"]).run().stdout)[0].clone()
}

#[test]
fn a_command_is_shown_as_what_it_changes_and_one_yes_makes_that() {
    let home = home(WORK);
    let name = "a_command_is_shown_as_what_it_changes_and_one_yes_makes_that";
    let Some(mut terminal) = at_a_terminal(&home, name) else { return };

    let asked = terminal.wait_for(ASKED).replace("\r\n", "\n");
    let untouched = (home.read("notes.txt"), home.has("run"), home.has("old.txt"));
    terminal.types("y");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    for line in [
        "  on: echo more >> notes.txt;",
        "  │ changes notes.txt\n",
        "  │ removes old.txt\n",
        "  │ adds run (mode 755)\n",
        "  │ +more\n",
        "  │ -old\n",
    ] {
        assert!(asked.contains(line), "{line}: {asked}");
    }
    assert_eq!(untouched, ("one\n".to_owned(), false, true), "nothing is there before the answer");
    assert_eq!(home.read("notes.txt"), "one\nmore\n");
    assert!(home.has("run") && !home.has("old.txt"));
    home.openkoi(["task", "verify", &last_task(&home)]).run().expect_code(0);
    home.openkoi(["undo", "--yes"]).run().expect_code(0);
    assert_eq!(home.read("notes.txt"), "one\n", "what was let through is the task's work");
}

#[test]
fn a_no_drops_all_of_it_and_the_model_is_told() {
    let turns = [call("shell", json!({ "command": WORK })), reply("Done.")];
    let turns = turns.into_iter().zip(0..);
    let server = OpenAi::start(turns.map(|(one, at)| one.to(Role::Executor).at(at).if_asked()));
    let home = Home::new().project(Kind::Shell).provider(&server).config(SUGGEST);
    let home = home.file("notes.txt", "one\n").file("old.txt", "old\n").env("NO_COLOR", "1");
    let before = home.tree();
    let name = "a_no_drops_all_of_it_and_the_model_is_told";
    let Some(mut terminal) = at_a_terminal(&home, name) else { return };

    terminal.wait_for(ASKED);
    terminal.types("n");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert_eq!(before.differences(&home.tree()), Vec::<String>::new());
    let told = server.turns().pop().unwrap().text;
    assert!(told.contains("nothing of it is in the workspace: notes.txt, old.txt, run"), "{told}");
    assert!(
        told.contains("you said no") && told.contains("]\\nsaid\\n"),
        "its output stays: {told}"
    );
    server.finish();
}

#[test]
fn what_changes_nothing_needs_no_answer() {
    for command in ["true", "cat notes.txt && git status; ls", "echo x > $TMPDIR/x", "sh test.sh"] {
        let home = home(command);
        let before = home.tree();

        let run = home.openkoi([TASK, "-i", "0"]).timeout(LONG).run().expect_code(0);

        assert_untouched(&home, &before, &run);
        assert!(!run.stderr.contains("approval"), "{command}: {run}");
    }
}

#[test]
fn what_is_ignored_and_what_is_git_s_own_is_asked_for_too() {
    for command in ["mkdir -p build && echo x > build/x", "git init -q . && git config a.b c"] {
        let home = home(command).file(".gitignore", "build/\n");
        let before = home.tree();

        let run = home.openkoi([TASK, "-i", "0"]).timeout(LONG).run();

        assert_eq!(run.code, 8, "{command}: {run}");
        assert_untouched(&home, &before, &run);
    }
}

#[test]
fn where_nobody_is_the_question_stays_and_a_later_yes_is_for_what_was_shown() {
    let name = "where_nobody_is_the_question_stays_and_a_later_yes_is_for_what_was_shown";
    let write = |line: &str| call("shell", json!({ "command": format!("{line} >> log") }));
    let turns = [
        write("echo one"),
        reply("I may not."),
        write("echo one"),
        write("cat /proc/sys/kernel/random/uuid"),
        reply("Done."),
    ];
    let turns = turns.into_iter().zip(0..);
    let server = OpenAi::start(turns.map(|(one, at)| one.to(Role::Executor).at(at).if_asked()));
    let home = Home::new().project(Kind::Shell).provider(&server).config(SUGGEST);
    let before = home.tree();

    let words = [TASK, "-i", "0", "--output-format", "stream-json"];
    let run = home.openkoi(words).timeout(LONG).run().expect_code(8);

    assert_untouched(&home, &before, &run);
    let left = run.json_lines().into_iter().find(|line| line["data"]["event"] == "questions.left");
    let left = left.unwrap_or_else(|| panic!("the question is data: {run}")).to_string();
    assert!(left.contains("adds log") && left.contains("+one"), "{left}");
    let again = home.openkoi(["resume", &last_task(&home)]).timeout(LONG).run().expect_code(8);
    assert_untouched(&home, &before, &again);
    assert_eq!(server.turns().len(), 2, "nothing is paid for: {again}");
    if !Terminal::is_available() {
        return skip(name, "no `script` to make a terminal with");
    }
    let id = last_task(&home);
    let mut terminal = home.openkoi(["resume", &id]).env("NO_COLOR", "1").at_a_terminal();
    let asked = terminal.wait_for(ASKED);
    assert!(asked.contains("│ adds log") && asked.contains("│ +one"), "{asked}");
    terminal.types("y");
    let asked = terminal.wait_for(ASKED);
    assert!(asked.contains("random/uuid"), "the same change is not asked for again: {asked}");
    terminal.types("n");
    terminal.ends();
    assert_eq!(home.read("log"), "one\n", "{}", terminal.shown());
    server.finish();
}

#[test]
fn another_difference_is_another_question() {
    let name = "another_difference_is_another_question";
    let command = "cat /proc/sys/kernel/random/uuid > id";
    let deeds = (0..2).map(|round| turn().executor().in_round(round).shell(command));
    let home = scripted(deeds.chain([turn().executor().say("Done.")])).config(SUGGEST);
    let Some(mut terminal) = at_a_terminal(&home, name) else { return };

    terminal.wait_for(ASKED);
    terminal.types("n");
    terminal.wait_for(ASKED);
    terminal.types("y");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert!(home.has("id"));
    home.openkoi(["task", "verify", &last_task(&home)]).run().expect_code(0);
}

#[test]
fn always_is_for_the_command_whatever_it_changes() {
    let name = "always_is_for_the_command_whatever_it_changes";
    let command = "cat /proc/sys/kernel/random/uuid >> ids";
    let deeds = (0..3).map(|round| turn().executor().in_round(round).shell(command));
    let home = scripted(deeds.chain([turn().executor().say("Done.")])).config(SUGGEST);
    let Some(mut terminal) = at_a_terminal(&home, name) else { return };

    terminal.wait_for(ASKED);
    terminal.types("a");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert_eq!(home.read("ids").lines().count(), 3);
}

#[test]
fn nothing_that_cannot_be_dropped_happens_before_the_answer() {
    // A host that the user named, a directory that the user granted, and a program that goes on.
    let granted = tempfile::tempdir().unwrap();
    let there = granted.path().join("there");
    let table = [
        (
            "curl -sS -m 5 https://docs.rs/ ; true".to_owned(),
            "network = [\"docs.rs\"]".to_owned(),
            false,
        ),
        (
            format!("echo x > '{}'", there.display()),
            format!("write = [{:?}]", granted.path().display().to_string()),
            true,
        ),
        ("curl -sS -m 5 https://docs.rs/ ; true".to_owned(), "network = true".to_owned(), true),
    ];
    for (command, sandbox, is_asked) in table {
        let home = home(&command).config(&format!("[sandbox]\n{sandbox}"));

        let run = home.openkoi([TASK, "-i", "0"]).timeout(LONG).run();

        assert!(!there.exists(), "{command}: {run}");
        assert_eq!(run.code == 8, is_asked, "{command}: {run}");
        assert!(!run.said().contains("Could not resolve host"), "nothing was looked up: {run}");
    }
    let deed = json!({ "command": "echo x > made; sleep 60", "run_in_background": true });
    let deed = turn().executor().in_round(0).call("shell", deed);
    let home = scripted([deed, turn().executor().say("Done.")]).config(SUGGEST);
    let run = home.openkoi([TASK, "-i", "0"]).timeout(LONG).run().expect_code(8);
    assert!(!home.has("made"), "{run}");
}

#[test]
fn without_layers_a_command_is_asked_for_before_it_runs() {
    let home = home("echo x > made");
    openkoi_test_support::binary::openkoi();

    let run = kernel::without(&[libc::SYS_unshare], kernel::Missing::IsSaid, || {
        home.openkoi([TASK, "-i", "0"]).timeout(LONG).run()
    });

    assert_eq!(run.code, 8, "{run}");
    assert!(!home.has("made") && !run.stderr.contains("adds made"), "{run}");
    assert!(run.stderr.contains("asked about commands before they run"), "{run}");
}

/// Kills at every phase of a trial to which a person says yes, and takes the task up until it ends.
#[test]
fn a_kill_at_any_phase_loses_nothing_that_was_allowed_and_doubles_nothing() {
    let name = "a_kill_at_any_phase_loses_nothing_that_was_allowed_and_doubles_nothing";
    if !Terminal::is_available() {
        return skip(name, "no `script` to make a terminal with");
    }
    let mut killed = 0;
    let journal = (1..12).flat_map(|n| {
        ["journal-append-before", "journal-append-after"].map(|point| format!("{point}=kill@{n}"))
    });
    let points = [
        "effect-before",
        "process-spawned",
        "process-exited",
        "layer-planned",
        "layer-step",
        "effect-after",
    ];
    for point in points.map(|point| format!("{point}=kill")).into_iter().chain(journal) {
        let home = home("echo once >> effects.log");
        let (mut yes, mut code) = (0, 137);
        for attempt in 0..3 {
            if code != 137 {
                break;
            }
            let listed = home.openkoi(["task", "list", "--json"]).run();
            let ids = normal::ids(&listed.stdout);
            let words = match ids.first() {
                Some(id) => vec!["resume".to_owned(), id.clone()],
                None => vec![TASK.to_owned(), "-i".to_owned(), "0".to_owned()],
            };
            let armed = if attempt == 0 { point.as_str() } else { "" };
            let mut terminal = home.openkoi(words).env(failpoint::VARIABLE, armed).at_a_terminal();
            yes += terminal.answers(ASKED, "y");
            code = terminal.ends();
            killed += usize::from(code == 137);
            if yes > 0 {
                assert!(code == 137 || home.has("effects.log"), "{point}: {}", terminal.shown());
            }
        }
        let written = std::fs::read_to_string(home.workspace().join("effects.log"));
        let lines = written.unwrap_or_default().lines().count();
        assert!(lines <= 1, "{point}: {lines}");
        assert_eq!(code, 0, "{point}");
        assert!(yes <= 2, "{point}: asked {yes} times");
    }
    assert!(killed > 10, "{killed}");
}

/// A run that is cancelled at the question is taken up with the same question, without running the command again.
#[test]
fn a_cancelled_question_is_put_again_about_the_same_changes() {
    let name = "a_cancelled_question_is_put_again_about_the_same_changes";
    let home = home("cat /proc/sys/kernel/random/uuid > id");
    let Some(mut terminal) = at_a_terminal(&home, name) else { return };
    let first = terminal.wait_for(ASKED);
    // Without a line end, which would be a no if it came first.
    terminal.presses("\u{3}");
    assert_eq!(terminal.ends(), 130, "{}", terminal.shown());
    assert!(!home.has("id"));

    let mut terminal = home.openkoi(["resume", &last_task(&home)]).at_a_terminal();
    let asked = terminal.answers(ASKED, "y");
    assert_eq!((asked, terminal.ends()), (1, 0), "{}", terminal.shown());

    let id = home.read("id");
    let second = terminal.shown();
    assert!(first.contains(id.trim()) && second.contains(id.trim()), "{first}{second}{id}");
}
