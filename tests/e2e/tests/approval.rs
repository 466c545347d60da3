//! What needs a person, when no person is there: nothing happens, and the task waits.

use openkoi_test_support::{
    Home, Kind, OpenAi, Role, Terminal, call, normal, reply, script::Turn, skip::skip, turn,
    verdict,
};
use serde_json::json;

use crate::world::{LONG, TASK, assert_harmless, assert_untouched, scripted};

const ASK: &str = "[trust]\ndefault = \"ask\"";

fn fix() -> serde_json::Value {
    json!({ "path": Kind::Shell.source(), "contents": Kind::Shell.fix() })
}

#[test]
fn without_a_terminal_a_question_ends_the_run_and_nothing_has_happened() {
    let home = scripted([turn().executor().call("write_file", fix())]).config(ASK);
    let before = home.tree();

    let run = home.openkoi([TASK]).timeout(LONG).run().expect_code(8);

    assert_untouched(&home, &before, &run);
    assert!(run.stderr.contains("write_file") && run.stderr.contains("percent.sh"), "{run}");
    assert!(run.stderr.contains("openkoi resume"), "{run}");
    assert!(
        !run.stderr.contains('?') || !run.stderr.trim_end().ends_with('?'),
        "nothing is prompted: {run}"
    );
}

#[test]
fn an_answer_on_standard_input_does_not_approve() {
    let home = scripted([turn().executor().call("write_file", fix())]).config(ASK);
    let before = home.tree();

    let run = home.openkoi([TASK]).stdin("y\nyes\na\nalways\n").timeout(LONG).run().expect_code(8);

    assert_untouched(&home, &before, &run);
}

#[test]
fn a_waiting_task_can_be_taken_up_without_paying_again() {
    let replies = [
        call("write_file", fix()).to(Role::Executor).at(0),
        reply("I may not write it.").after("write_file"),
    ];
    let server = OpenAi::start(replies);
    let home = Home::new().project(Kind::Shell).provider(&server).config(ASK);
    let run = home.openkoi([TASK]).timeout(LONG).run().expect_code(8);
    let before = home.tree();
    let id = &normal::ids(&home.openkoi(["task", "list", "--json"]).run().stdout)[0];

    let again = home.openkoi(["resume", id]).timeout(LONG).run().expect_code(8);

    assert_eq!(server.turns().len(), 2, "the same question without a new turn: {again}");
    assert_untouched(&home, &before, &run);
    server.finish();
}

#[test]
fn a_trust_level_that_a_person_raises_lets_the_waiting_task_finish() {
    let kind = Kind::Shell;
    let replies = [
        call("write_file", fix()).to(Role::Executor).at(0),
        reply("I may not write it.").to(Role::Executor).at(1),
        call("write_file", fix()).to(Role::Executor).at(2),
        reply("Fixed.").to(Role::Executor).at(3),
        verdict(9.0),
    ];
    let server = OpenAi::start(replies);
    let home = Home::new().project(kind).provider(&server).config(ASK);
    home.openkoi([TASK]).timeout(LONG).run().expect_code(8);
    let id = &normal::ids(&home.openkoi(["task", "list", "--json"]).run().stdout)[0];

    let config = home.path().join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap().replace("\"ask\"", "\"act\"");
    std::fs::write(&config, text).unwrap();
    let run = home.openkoi(["resume", id]).timeout(LONG).run().expect_code(0);

    assert_eq!(home.read(kind.source()), kind.fix(), "{run}");
    server.finish();
}

#[test]
fn each_level_lets_through_one_effect_more() {
    let table = [("ask", [8, 8, 8]), ("suggest", [0, 8, 0]), ("act", [0, 0, 0])];
    let deeds = [
        turn().write("new.txt", "x"),
        turn().shell("echo x > made"),
        turn().call("remove_file", json!({ "path": "old.txt" })),
    ];
    for (level, codes) in table {
        for (deed, code) in deeds.iter().zip(codes) {
            let home = scripted([
                turn().executor().in_round(1).say("Done."),
                deed.clone().executor().in_round(0),
            ])
            .file("old.txt", "x")
            .config(&format!("[trust]\ndefault = \"{level}\""));
            let run = home.openkoi([TASK, "-i", "0"]).timeout(LONG).run();
            assert_eq!(run.code, code, "{level}, {deed:?}: {run}");
            assert!(code == 0 || home.has("old.txt"), "{level}: {run}");
        }
    }
}

#[test]
fn what_is_asked_for_is_shown_whole_and_harmlessly() {
    let evil = format!(
        "echo safe{}\u{1b}[1A\u{1b}[2K\u{202e}\rrm -rf ~ \u{1b}]52;c;eA==\u{7}",
        " ".repeat(3_000)
    );
    let home = scripted([turn().executor().shell(&evil)]).config(ASK);

    let run = home.openkoi([TASK]).timeout(LONG).run().expect_code(8);

    assert_harmless(&run);
    assert!(run.stderr.contains("echo safe"), "its beginning is shown: {run}");
    assert!(run.stderr.contains("rm -rf ~"), "and its end: {run}");
}

#[test]
fn a_model_cannot_call_openkoi_to_widen_its_trust() {
    let binary = openkoi_test_support::binary::openkoi();
    let command = format!(
        "'{0}' trust grant shell autonomous --yes; '{0}' config; '{0}' undo --yes; '{0}' session list",
        binary.display()
    );
    let home =
        scripted([turn().executor().in_round(1).say("Done."), turn().executor().shell(&command)]);
    let config = std::fs::read(home.path().join("config.toml")).unwrap();

    let run = home.openkoi([TASK, "-i", "1"]).timeout(LONG).run().expect_code(1);

    assert_eq!(std::fs::read(home.path().join("config.toml")).unwrap(), config, "{run}");
    let trust = home.openkoi(["trust", "--json"]).run().expect_code(0).json();
    let granted = trust["domains"].as_array().unwrap().iter().any(|one| one["origin"] == "granted");
    assert!(!granted, "{trust}");
}

#[test]
fn the_answer_to_one_call_is_not_spent_on_another() {
    // Both ask; the first is what the person sees and allows, the second is what would run then.
    let call = |line: &str| call("shell", json!({ "command": format!("echo {line} >> log") }));
    let turns = [call("one"), call("two"), reply("I may not."), call("two"), reply("Done.")];
    let turns = turns.into_iter().zip(0..);
    let turns = turns.map(|(reply, turn)| reply.to(Role::Executor).at(turn).if_asked());
    let server = OpenAi::start(turns);
    let home = Home::new().project(Kind::Shell).provider(&server).config(ASK);
    let run = home.openkoi([TASK]).timeout(LONG).run().expect_code(8);
    assert!(run.stderr.contains("echo one"), "{run}");

    let id = &normal::ids(&home.openkoi(["task", "list", "--json"]).run().stdout)[0];
    let again = home.openkoi(["resume", id]).timeout(LONG).run().expect_code(8);

    assert!(again.stderr.contains("echo one") && !again.stderr.contains("echo two"), "{again}");
    if Terminal::is_available() {
        let mut terminal = home.openkoi(["resume", id]).env("NO_COLOR", "1").at_a_terminal();
        // The same is not asked again after a no.
        for (line, answer) in [("echo one", "y"), ("echo two", "n")] {
            let asked = terminal.wait_for(ANSWER);
            assert!(asked.contains(line), "{line}: {asked}");
            terminal.types(answer);
        }
        assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
        assert_eq!(server.turns().len(), 5, "{}", terminal.shown());
    }
    assert!(!home.has("log"));
    server.finish();
}

/// What the terminal says where an answer is due.
const ANSWER: &str = "answer [y/N/s/a/r]: ";

/// Starts a run at a terminal whose model plays `turns`, one a round, and then says that it is done. Everything
/// is asked for.
fn at_a_terminal(name: &str, turns: impl IntoIterator<Item = Turn>) -> Option<(Home, Terminal)> {
    if !Terminal::is_available() {
        skip(name, "no `script` to make a terminal with");
        return None;
    }
    let turns: Vec<Turn> = turns
        .into_iter()
        .zip(0..)
        .map(|(turn, round)| turn.executor().in_round(round))
        .chain([turn().executor().say("Done.")])
        .collect();
    let home = scripted(turns).config(ASK).env("NO_COLOR", "1");
    let terminal = home.openkoi([TASK, "-i", "0"]).at_a_terminal();
    Some((home, terminal))
}

fn log(line: &str) -> Turn {
    turn().shell(&format!("echo {line} >> log"))
}

#[test]
fn an_answer_at_a_terminal_is_for_that_one_call() {
    let name = "an_answer_at_a_terminal_is_for_that_one_call";
    let Some((home, mut terminal)) = at_a_terminal(name, [log("one"), log("two"), log("one")])
    else {
        return;
    };

    for (line, answer) in [("echo one", "yes"), ("echo two", ""), ("echo one", "n")] {
        let asked = terminal.wait_for(ANSWER);
        assert!(asked.contains(line), "{asked}");
        terminal.types(answer);
    }

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert_eq!(home.read("log"), "one\n");
}

#[test]
fn an_answer_for_always_is_for_that_one_target() {
    let name = "an_answer_for_always_is_for_that_one_target";
    let Some((home, mut terminal)) = at_a_terminal(name, [log("one"), log("one"), log("two")])
    else {
        return;
    };

    let asked = terminal.wait_for(ANSWER);
    assert!(asked.contains("keep a rule for: shell shell on"), "{asked}");
    terminal.types("a");
    let asked = terminal.wait_for(ANSWER);
    assert!(asked.contains("echo two"), "the same again is not asked for: {asked}");
    terminal.types("r");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert_eq!(home.read("log"), "one\none\n");
}

#[test]
fn a_file_that_changed_while_the_question_stood_is_left_alone() {
    let name = "a_file_that_changed_while_the_question_stood_is_left_alone";
    let edit = turn().call(
        "edit_file",
        json!({ "path": Kind::Shell.source(), "old_string": Kind::Shell.text("percent.sh"), "new_string": "gone" }),
    );
    let Some((home, mut terminal)) = at_a_terminal(name, [edit]) else { return };

    let asked = terminal.wait_for(ANSWER);
    assert!(asked.contains("percent.sh"), "{asked}");
    std::fs::write(home.workspace().join("percent.sh"), "mine now\n").unwrap();
    terminal.types("y");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert_eq!(home.read("percent.sh"), "mine now\n", "{}", terminal.shown());
}

#[test]
fn a_question_shows_its_target_first_and_both_ends_of_a_long_one() {
    let name = "a_question_shows_its_target_first_and_both_ends_of_a_long_one";
    // Newlines, escapes, bidirectional marks, letters that look like others, and much to scroll by.
    let evil = format!(
        "echo sаfe\u{1b}[2J\u{202e}\r\n{}\u{1b}]52;c;eA==\u{7}\n  on: rm nothing\nrm -rf ~",
        "# nothing\n".repeat(2_000)
    );
    let Some((home, mut terminal)) = at_a_terminal(name, [turn().shell(&evil)]) else { return };

    let asked = terminal.wait_for(ANSWER);
    terminal.types("n");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    let shown = asked.replace("\r\n", "\n");
    let bad: Vec<char> =
        shown.chars().filter(|c| c.is_control() && !matches!(c, '\n' | '\t')).collect();
    assert!(bad.is_empty() && !shown.contains('\u{202e}'), "{bad:?} in {shown}");
    assert!(shown.len() < 10_000, "it fits on a screen: {} bytes", shown.len());
    let question: Vec<&str> =
        shown.lines().skip_while(|line| !line.contains("needs your approval")).collect();
    assert!(question[0].starts_with("`shell` needs your approval (execute, "), "{shown}");
    assert!(question[1].starts_with("  │ echo s"), "{shown}");
    assert!(question.contains(&"  │ rm -rf ~"), "{shown}");
    assert_eq!(shown.matches("\n  on: ").count(), 0, "no target is forged: {shown}");
    assert!(home.has("percent.sh"));
}

#[test]
fn an_interrupt_at_a_question_ends_the_run_at_once_and_says_how_to_go_on() {
    let name = "an_interrupt_at_a_question_ends_the_run_at_once_and_says_how_to_go_on";
    let Some((home, mut terminal)) = at_a_terminal(name, [log("one")]) else { return };

    terminal.wait_for(ANSWER);
    terminal.types("\u{3}");

    assert_eq!(terminal.ends(), 130, "{}", terminal.shown());
    assert!(terminal.shown().contains("openkoi resume"), "{}", terminal.shown());
    assert!(!home.has("log"));
}

#[test]
fn an_edit_is_asked_for_with_its_difference_and_not_its_arguments() {
    let name = "an_edit_is_asked_for_with_its_difference_and_not_its_arguments";
    let source = Kind::Shell.source();
    let edit = turn().call("write_file", json!({ "path": source, "contents": Kind::Shell.fix() }));
    let Some((home, mut terminal)) = at_a_terminal(name, [edit]) else { return };

    let asked = terminal.wait_for(ANSWER);
    terminal.types("y");

    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());
    assert!(asked.contains("  │ @@ ") && asked.contains("  │ +"), "{asked}");
    assert!(!asked.contains("\"contents\""), "{asked}");
    assert_eq!(home.read(source), Kind::Shell.fix());
}

#[test]
fn a_rule_for_always_is_listed_holds_in_its_directory_and_can_be_taken_back() {
    let name = "a_rule_for_always_is_listed_holds_in_its_directory_and_can_be_taken_back";
    let Some((home, mut terminal)) = at_a_terminal(name, [log("one")]) else { return };
    terminal.wait_for(ANSWER);
    terminal.types("a");
    assert_eq!(terminal.ends(), 0, "{}", terminal.shown());

    let listed = home.openkoi(["trust", "rules", "--json"]).run().expect_code(0).stdout;
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let rule = &listed["rules"][0];
    assert_eq!(rule["target"], "echo one >> log");
    assert_eq!(rule["workspace"], home.workspace().to_str().unwrap());

    let id = rule["id"].to_string();
    home.openkoi(["trust", "revoke", &id]).run().expect_code(0);
    home.openkoi(["trust", "revoke", &id]).run().expect_code(2);
    let listed = home.openkoi(["trust", "rules"]).run().expect_code(0).stdout;
    assert!(listed.starts_with("no rules"), "{listed}");
}
