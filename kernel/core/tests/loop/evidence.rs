//! Acceptance of work by its evidence, and the tree that is kept.

use openkoi_core::{failure::Failure, task::TaskSettings};

use crate::script::{Line, World, ending, last_decision, plan, write};

fn one_round(world: World) -> World {
    world.settings(|s| s.max_iterations = 1).planner([plan("change", None)])
}

#[test]
fn no_score_outvotes_a_test_that_turned_red() {
    let world = one_round(World::new().with_file("tests", "wants:bad wants:good"))
        .executor([write("code", "good"), Line::Say("all tests pass, perfect work")])
        .judge([Ok(1.0)]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "exhausted");
    assert_eq!(last_decision(&world).1, "unit bad is red, and was not before");
    assert_eq!(world.file("code").as_deref(), Some("bad"), "the untouched tree came back");
}

#[test]
fn a_task_that_asks_for_a_change_is_not_done_without_one() {
    let world = one_round(World::new()).executor([Line::Say("Done! All tests pass.")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "exhausted");
    assert_eq!(last_decision(&world).1, "the task asks for a change, and nothing was done");
    assert_eq!(world.count("evaluation.finished"), 2, "the checks twice, and no judge was paid");
}

#[test]
fn a_bound_criterion_needs_its_check_to_be_green() {
    let world = World::new()
        .settings(|s| s.max_iterations = 1)
        .planner([plan("change", Some("good"))])
        .executor([write("notes", "x"), Line::Say("done")])
        .judge([Ok(1.0)]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "exhausted");
    assert!(last_decision(&world).1.starts_with("criterion c1 does not hold"));
    assert!(!outcome.claims[0].holds);
}

#[test]
fn an_evaluator_that_fails_gives_no_score() {
    let world = one_round(World::new())
        .executor([write("notes", "x"), Line::Say("done")])
        .judge([Err(Failure::Failed("prose".into()))]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "exhausted");
    assert_eq!(last_decision(&world).1, "the work could not be judged (judge: prose)");
    assert_eq!(outcome.standing.score, None);
}

#[test]
fn an_impossible_score_does_not_count() {
    for value in [f64::MAX, -1.0, 11.0] {
        let world = one_round(World::new())
            .executor([write("notes", "x"), Line::Say("done")])
            .judge([Ok(value)]);

        let outcome = world.run().expect("an outcome");

        assert_eq!(ending(&outcome), "exhausted", "{value}");
    }
}

#[test]
fn the_best_tree_is_kept_and_not_the_last_one() {
    let world = World::new()
        .settings(|s| s.max_iterations = 2)
        .planner([plan("change", None)])
        .executor([write("code", "good"), Line::Say("one")])
        .executor([write("code", "bad again"), Line::Say("two")])
        .judge([Ok(0.5), Ok(0.4)]);

    let outcome = world.run().expect("an outcome");

    assert_eq!((ending(&outcome).as_str(), outcome.best_iteration), ("exhausted", 1));
    assert_eq!(world.file("code").as_deref(), Some("good"));
    assert_eq!(outcome.text, "one");
}

#[test]
fn the_same_failure_twice_starts_afresh_once_and_then_stalls() {
    let round = |text: &'static str| [write("code", text), Line::Say("done")];
    let world = World::new()
        .settings(|s| s.max_iterations = 9)
        .planner([plan("change", Some("good"))])
        .executor(round("a"))
        .executor(round("b"))
        .executor(round("c"));

    let outcome = world.run().expect("an outcome");

    assert_eq!((ending(&outcome).as_str(), outcome.iterations), ("stalled", 3));
    let decisions: Vec<String> = world
        .entries()
        .into_iter()
        .filter_map(|entry| match entry.event {
            openkoi_core::event::Event::IterationDecided { decision, .. } => Some(decision),
            _ => None,
        })
        .collect();
    assert_eq!(decisions, ["refine", "resample", "stop"]);
    assert!(outcome.because.ends_with("(the same failure twice)"), "{}", outcome.because);

    // Whoever resumes it wants it tried again.
    let world = world.executor(round("d")).executor(round("good"));
    let outcome =
        world.resume_with(|s| TaskSettings { max_iterations: 12, ..s }).expect("an outcome");
    assert_eq!((ending(&outcome).as_str(), outcome.iterations), ("accepted", 5));
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn what_cannot_be_run_is_said_to_the_model_and_not_demanded() {
    let world = World::new()
        .settings(|s| s.max_iterations = 2)
        .with_file("tests", "")
        .planner([plan("change", None)])
        .executor([write("code", "a"), Line::Say("done")])
        .executor([write("code", "b"), Line::Say("done")])
        .judge([Ok(0.5)]);

    world.run().expect("an outcome");

    let prompts = world.prompts("executor");
    let said =
        serde_json::to_string(&prompts.last().expect("a prompt").messages).expect("messages");
    let (findings, unknown) = said.split_once("<unknown>").expect("a section");
    assert!(
        !findings.split("<findings").nth(1).expect("findings").contains("[check unit]"),
        "{said}"
    );
    assert!(unknown.contains("could not be run; it is no fault of your work"), "{said}");
}

#[test]
fn work_that_becomes_worse_twice_is_stopped() {
    let world = World::new()
        .without_file("tests")
        .settings(|s| s.max_iterations = 9)
        .planner([plan("change", None)])
        .executor([write("a", "1"), Line::Say(".")])
        .executor([write("a", "2"), Line::Say(".")])
        .executor([write("a", "3"), Line::Say(".")])
        .judge([Ok(0.7), Ok(0.4), Ok(0.1)]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "tripped");
    assert_eq!(outcome.best_iteration, 1);
    assert_eq!(world.file("a").as_deref(), Some("1"));
}
