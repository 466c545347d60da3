//! `openkoi mind` after real deliberations: who said what, how sure they were, who spoke against it, and who was right.

use openkoi_test_support::{Home, Kind};
use serde_json::{Value, json};

use crate::{
    think::{PUSH, newest, plans, says, thinks, world},
    views::{document, holds},
    world::{LONG, TASK},
};

/// The guardian lets it pass with a caveat, because it asks for what cannot be taken back.
const ASKED: &str = "Fix percent so that all tests pass, and git push it.";
/// The strategist speaks against the plan of this one.
const LONG_WAY: &str = "Fix percent so that all tests pass, the long way.";

/// A world where [`ASKED`] and [`LONG_WAY`] are carried out and accepted, and [`TASK`] is stopped.
fn deliberating() -> Home {
    let against = json!({ "verdict": "veto", "confidence": 0.9, "success": 0.3, "reason": "It is too long." });
    let fine =
        json!({ "verdict": "approve", "confidence": 0.5, "success": 0.5, "reason": "Fine." });
    let long = ["look at a", "look at b", "look at c", "fix percent"];
    world([
        says("strategist", &against).once_said("the long way"),
        says("strategist", &fine),
        plans(&long).once_said("the long way"),
        plans(PUSH),
    ])
}

fn break_again(home: &Home) {
    std::fs::write(home.workspace().join("percent.sh"), Kind::Shell.text("percent.sh")).unwrap();
}

/// Returns how often an agency was right, of how often that is known.
fn right(home: &Home, agency: &str) -> [u64; 2] {
    let agencies = document(home, "mind agencies")["agencies"].clone();
    let found = agencies.as_array().unwrap().iter().find(|one| one["agency"] == agency).unwrap();
    ["right", "known"].map(|key| found[key].as_u64().unwrap())
}

/// Returns who was right about a task in which agencies disagreed.
fn right_about(home: &Home, task: &str) -> Value {
    let dissent = document(home, "mind dissent")["dissent"].clone();
    dissent.as_array().unwrap().iter().find(|one| one["task"] == task).unwrap()["right"].clone()
}

#[test]
fn who_was_right_changes_with_what_becomes_of_the_work() {
    let home = deliberating();
    thinks(&home, &[ASKED], 0);
    break_again(&home);
    thinks(&home, &[LONG_WAY], 0);
    let long = newest(&home);
    assert_eq!(right_about(&home, &long), "those for it");
    assert_eq!([right(&home, "guardian"), right(&home, "strategist")], [[2, 2], [1, 2]]);

    home.openkoi(["undo", "--yes"]).run().expect_code(0);
    thinks(&home, &[TASK], 7);

    assert_eq!(right_about(&home, &long), "those against it");
    assert_eq!([right(&home, "guardian"), right(&home, "strategist")], [[1, 2], [2, 2]]);
    let shown = ["parliament", "agencies", "dissent"].map(|report| {
        let run = home.openkoi(["mind", report]).run().expect_code(0);
        format!("$ openkoi mind {report}\n{}", run.stdout)
    });
    holds("mind", &home, &shown.concat());
}

#[test]
fn work_that_was_not_carried_out_proves_nobody_right_until_the_user_has_it_done() {
    let home = deliberating();
    thinks(&home, &[LONG_WAY, "--simulate"], 0);
    let simulated = newest(&home);
    thinks(&home, &[TASK], 7);
    let stopped = newest(&home);

    assert_eq!(right_about(&home, &simulated), "not known");
    assert_eq!(right_about(&home, &stopped), "not known");
    assert_eq!(right(&home, "guardian"), [0, 0]);
    let parliament = document(&home, "mind parliament");
    assert_eq!([&parliament["ruling"], &parliament["outcome"]], ["stopped", "not carried out"]);
    let guardian = &parliament["seats"][2];
    assert_eq!([&guardian["agency"], &guardian["vote"]], ["guardian", "veto"]);
    assert_eq!(guardian["confidence"], 0.95);

    let overrule = ["resume", &stopped, "--override", "It is a dry remote."];
    home.openkoi(overrule).timeout(LONG).run().expect_code(0);

    assert_eq!(right_about(&home, &stopped), "those for it");
    assert_eq!([right(&home, "guardian"), right(&home, "scholar")], [[0, 1], [1, 1]]);
    assert_eq!(document(&home, "mind parliament")["ruling"], "let through");
}
