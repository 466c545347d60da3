//! What judges are shown, and what becomes of what they found. The judge of each test does what the test says.

use openkoi_test_support::{Home, Kind, Run, Script, script, script::Turn, turn};
use serde_json::{Value, json};

use crate::world::{LONG, TASK, assert_harmless};

/// Runs a task in a project of shell scripts: the executor writes `first`, and `second` if it has to refine.
fn run(first: &[(&str, &str)], second: &[(&str, &str)], judge: Vec<Turn>) -> (Home, Run) {
    let writes = |turn: Turn, files: &[(&str, &str)]| {
        files.iter().fold(turn, |turn, (path, text)| turn.write(path, text))
    };
    let mut turns = vec![turn().planner().plans_change()];
    turns.push(turn().executor().in_round(1).say("Done."));
    turns.push(writes(turn().executor().unless_said("Done."), first));
    turns.push(writes(turn().executor(), second));
    turns.extend(judge);
    let home = Home::new().project(Kind::Shell).script(&Script::new(turns));
    let run = home.openkoi([TASK, "--iterations", "2"]).timeout(LONG).run();
    assert_harmless(&run);
    (home, run)
}

/// Full marks, with these findings of a place that exists and these words on earlier ones.
fn ruling(findings: Value, earlier: Value) -> Value {
    let mut ruling = script::verdict(10.0);
    (ruling["findings"], ruling["earlier"]) = (findings, earlier);
    ruling
}

fn critical() -> Value {
    let message = "it divides by nothing";
    json!([{ "severity": "critical", "dimension": "correctness", "evidence": "percent.sh:1", "message": message }])
}

fn submits(turn: Turn, ruling: Value) -> Turn {
    turn.evaluator().call("submit_verdict", ruling)
}

/// Finds something in the work of the first iteration, and says this in the second.
fn found_then(second: Value) -> (Home, Run) {
    let (fix, other) = (Kind::Shell.fix(), format!("{}# And more.\n", Kind::Shell.fix()));
    let judge = vec![
        submits(turn().once_said("<earlier"), second),
        submits(turn(), ruling(critical(), json!([]))),
    ];
    run(&[("percent.sh", fix)], &[("percent.sh", &other)], judge)
}

#[test]
fn what_a_judge_found_before_and_does_not_speak_of_forbids_the_work() {
    let (home, run) = found_then(ruling(json!([]), json!([])));

    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("the judge found: it divides by nothing (percent.sh:1)"), "{run}");
    assert!(home.read("percent.sh").starts_with(Kind::Shell.fix()), "the work stays: {run}");
}

#[test]
fn what_a_judge_found_before_is_taken_back_with_a_place_that_shows_why() {
    let back = |evidence: &str| json!([{ "id": "e1", "stands": false, "evidence": evidence }]);

    let (_, run) = found_then(ruling(json!([]), back("percent.sh:1")));
    assert_eq!(run.code, 0, "{run}");
    let (_, run) = found_then(ruling(json!([]), back("nothing.sh:1")));
    assert_eq!(run.code, 1, "{run}");
}

#[test]
fn a_ruling_that_does_not_hold_is_asked_for_again_and_what_it_found_stays() {
    let mut broken = ruling(critical(), json!([]));
    broken["scores"] = json!([]);
    let judge = vec![
        submits(turn().once_said("<earlier"), ruling(json!([]), json!([]))),
        submits(turn(), broken),
    ];

    let (_, run) = run(&[("percent.sh", Kind::Shell.fix())], &[], judge);

    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("the judge found: it divides by nothing (percent.sh:1)"), "{run}");
}

#[test]
fn a_changed_test_is_shown_to_the_judge_although_a_long_file_stands_before_it() {
    let lock: String = (0..4_000).map(|line| format!("line {line} of the lock\n")).collect();
    let test = "# A new test, of the change.\n";
    let files = [
        ("package-lock.json", lock.as_str()),
        ("percent.sh", Kind::Shell.fix()),
        ("test_more.sh", test),
    ];
    // Without each of these it looks for something that is not there, and gives no verdict.
    let shown = |text: &str| turn().evaluator().unless_said(text).say("I do not see it.");
    let judge = vec![
        shown("+# A new test, of the change."),
        shown("- package-lock.json (4000 changed lines, only its beginning is shown)"),
        shown("+line 1 of the lock"),
        turn().evaluator().unless_said("lines 3901 to").call(
            "read_change",
            json!({ "path": "package-lock.json", "offset": 3901, "limit": 10 }),
        ),
        turn().evaluator().judges(10.0),
    ];

    let (_, run) = run(&files, &[], judge);

    assert_eq!(run.code, 0, "{run}");
    assert!(run.stderr.contains("correctness=10.0"), "it was judged: {run}");
}

#[test]
fn a_constant_of_the_tests_in_the_product_is_pointed_at_for_the_judge() {
    let fix = Kind::Shell.fix();
    let cheat = format!("{fix}# case 1234.56 and \"two thirds\"\n");
    let tests = "# percent 1234.56, \"two thirds\"\n";
    let found = json!([{ "severity": "major", "dimension": "correctness", "evidence": "percent.sh:1",
        "message": "it knows the inputs of its tests" }]);
    let judge = |text: &str| {
        let pointed = submits(turn().once_said(text), ruling(found.clone(), json!([])));
        vec![pointed, turn().evaluator().judges(10.0)]
    };
    let files = [("percent.sh", cheat.as_str()), ("test_more.sh", tests)];

    let (_, run_of_cheat) =
        run(&files, &[], judge("its constant `1234.56` is one of the tests (test_more.sh:1)"));
    let honest = [("percent.sh", fix)];
    let (_, run_of_fix) = run(&honest, &[], judge("is one of the tests"));

    assert_eq!(run_of_cheat.code, 1, "{run_of_cheat}");
    assert!(run_of_cheat.stderr.contains("it knows the inputs of its tests"), "{run_of_cheat}");
    assert_eq!(run_of_fix.code, 0, "{run_of_fix}");
}

#[test]
fn files_that_the_task_does_not_name_are_named_by_the_report() {
    let files = [("percent.sh", Kind::Shell.fix()), ("notes.md", "By the way.\n")];

    let (_, run) = run(&files, &[], vec![turn().evaluator().judges(10.0)]);

    assert_eq!(run.code, 0, "{run}");
    assert!(run.stderr.contains("Changed, and not named by the task: notes.md."), "{run}");
}
