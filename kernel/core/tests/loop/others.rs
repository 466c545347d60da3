//! Others at work in the same directory: an editor, a second task.

use openkoi_core::run::Paused;
use serde_json::json;

use crate::{
    effort::one_model,
    script::{Line, World, ending, plan, write},
};

/// A run that changes two files and reads one between. It has more to say in case that others turn a test red.
fn busy() -> World {
    let world = World::new().planner([plan("change", None)]).executor([
        write("code", "good"),
        Line::Call("read", json!({"path": "tests"})),
        write("notes", "mine"),
    ]);
    world.executor((0..6).map(|_| Line::Say("done")))
}

/// What others do: they write a file of their own, change one that the run leaves alone, or take one over.
const DEEDS: [(&str, Option<&str>); 5] = [
    ("theirs", Some("new")),
    ("tests", Some("wants:good wants:theirs")),
    ("notes", Some("theirs now")),
    ("code", Some("good, said they")),
    ("tests", None),
];

/// How the run ends.
const ENDINGS: [&str; 4] = ["accepted", "not accepted", "taken back", "limit"];

fn with_ending(world: World, ending: &str) -> World {
    match ending {
        "accepted" => world,
        "not accepted" => world.settings(|s| s.max_iterations = 1).judge([Ok(0.3)]),
        // The test that was green before is red after.
        "taken back" => world.settings(|s| s.max_iterations = 1).with_file("tests", "wants:bad"),
        _ => world.settings(|s| s.max_time_ms = Some(5_000)).replace_executor([
            write("code", "good"),
            write("notes", "mine"),
            Line::Slow(9_000, "late"),
        ]),
    }
}

#[test]
fn nothing_that_others_write_during_a_run_is_touched_or_counted_whatever_its_end() {
    for ending_wanted in ENDINGS {
        let length = {
            let world = with_ending(busy(), ending_wanted);
            world.run().expect("an outcome");
            world.entries().len()
        };
        for at in 1..length {
            for (path, text) in DEEDS {
                let world = with_ending(busy(), ending_wanted);
                world.others_at(at, path, text);
                let outcome = world.run().expect("an outcome");
                let what = format!("{ending_wanted}, entry {at}, {path} {text:?}");

                // The run may write over a file later, as anybody may; otherwise it is as they left it.
                let written_later = world.written_later(path);
                if !written_later {
                    assert_eq!(world.file(path).as_deref(), text, "{what}");
                    // What they do after the run has looked for the last time is not in its report.
                    let looked = world.events().iter().position(|e| e == "end tree.compared");
                    let counted = outcome.changes.iter().any(|change| change.path == path);
                    let reported = counted && looked.is_some_and(|looked| world.acted() <= looked);
                    let named = outcome.conflicts.iter().any(|conflict| conflict == path);
                    assert!(!reported || named, "{what}: {:?}", outcome.changes);
                }
                assert_eq!(world.verify().expect("the same"), outcome, "{what}");
            }
        }
    }
}

#[test]
fn a_file_that_others_took_over_stays_when_work_is_taken_back() {
    let world = with_ending(busy(), "taken back");
    world.others_at(usize::MAX, "notes", Some("theirs now"));

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "exhausted");
    assert_eq!(world.file("code").as_deref(), Some("bad"), "the run's own came back");
    assert_eq!(world.file("notes").as_deref(), Some("theirs now"));
    assert_eq!(outcome.conflicts, ["notes"]);
}

#[test]
fn a_task_that_changes_nothing_does_not_wait_for_another_one() {
    let world = one_model()
        .taken()
        .executor([Line::Call("read", json!({"path": "code"})), Line::Say("it says bad")]);

    assert_eq!(ending(&world.run().expect("an outcome")), "accepted");
    assert_eq!(world.occupations(), 0);
}

#[test]
fn a_task_waits_for_another_one_before_its_first_change_and_can_be_cancelled_meanwhile() {
    let world = one_model().taken().executor([write("code", "good"), Line::Say("fixed")]);
    world.cancel_in(40);

    assert!(matches!(world.run(), Err(Paused::Cancelled)));

    assert_eq!(world.file("code").as_deref(), Some("bad"));
    assert_eq!((world.occupations(), world.count("call.started")), (1, 0));
}

#[test]
fn work_on_a_file_that_somebody_else_changes_too_is_checked_and_judged_and_the_file_is_named() {
    let world = World::new()
        .planner([plan("change", None)])
        .executor([write("code", "good"), Line::Say("All tests pass now.")]);
    let done = world.clone();
    done.run().expect("an outcome");
    let written = done.events().iter().position(|event| event.contains("effects.kept"));

    let world = World::new()
        .planner([plan("change", None)])
        .executor([write("code", "good"), Line::Say("All tests pass now.")]);
    world.others_at(written.expect("an effect") + 2, "code", Some("good, said they"));
    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(outcome.standing.fixed, ["unit", "unit good"]);
    assert_eq!(outcome.conflicts, ["code"]);
    assert_eq!(world.file("code").as_deref(), Some("good, said they"));
    assert_eq!(world.verify().expect("the same"), outcome);
}
