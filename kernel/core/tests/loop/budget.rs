//! Breakers: tokens, money, time, repetition.

use openkoi_core::{
    ledger::Shortage,
    message::ToolChoice,
    outcome::{Ending, Trip},
    run::Paused,
    task::TaskSettings,
};
use serde_json::json;

use crate::script::{Line, World, ending, plan, write};

fn trip(ending: &Ending) -> &Trip {
    match ending {
        Ending::Tripped { trip } => trip,
        other => panic!("{other:?} is not a trip"),
    }
}

#[test]
fn a_turn_that_the_budget_does_not_cover_is_not_asked_for() {
    let world = World::new()
        .settings(|s| s.max_tokens = Some(12_000))
        .planner([plan("answer", None)])
        .executor([Line::Dear(9_000, 2_900, "costly")]);

    let outcome = world.run().expect("an outcome");

    // The judge of this world asks no model, so the next turn would be a second iteration's.
    assert_eq!(ending(&outcome), "accepted");
    let world = World::new()
        .settings(|s| s.max_tokens = Some(12_000))
        .planner([plan("change", None)])
        .executor([Line::Dear(9_000, 2_900, "costly")]);

    let outcome = world.run().expect("an outcome");

    assert!(matches!(trip(&outcome.ending), Trip::Budget { what: Shortage::Tokens, .. }));
    assert!(outcome.spent.tokens <= 12_000);
}

#[test]
fn an_unknown_price_counts_at_the_ceiling_and_never_as_nothing() {
    let mut world =
        World::new().settings(|s| s.max_cost_micros = 100).planner([plan("answer", None)]);
    world.price = None;

    let outcome = world.run().expect("an outcome");

    assert!(matches!(trip(&outcome.ending), Trip::Budget { what: Shortage::Cost, .. }));
    assert_eq!(outcome.turns, 0);
}

#[test]
fn the_time_limit_interrupts_a_turn() {
    let world = World::new()
        .settings(|s| s.max_time_ms = Some(10_000))
        .planner([plan("answer", None)])
        .executor([Line::Slow(600_000, "too late")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(trip(&outcome.ending), &Trip::Time { limit_ms: 10_000 });
    assert_eq!(outcome.elapsed_ms, 10_000);
}

#[test]
fn the_time_limit_interrupts_a_tool_and_the_work_stays() {
    let world = World::new()
        .settings(|s| s.max_time_ms = Some(10_000))
        .planner([plan("change", None)])
        .executor([write("code", "half done"), Line::Call("wait", json!({"ms": 600_000}))]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(trip(&outcome.ending), &Trip::Time { limit_ms: 10_000 });
    assert_eq!(world.file("code").as_deref(), Some("half done"));
    assert_eq!(outcome.changes.len(), 1);
    assert_eq!(outcome, world.verify().expect("the same outcome"));
}

#[test]
fn a_tool_past_its_own_deadline_fails_and_the_run_goes_on() {
    let world = World::new()
        .planner([plan("answer", None)])
        .executor([Line::Call("wait", json!({"ms": 100_000})), Line::Say("it hung")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!((ending(&outcome).as_str(), outcome.text.as_str()), ("accepted", "it hung"));
}

#[test]
fn the_same_call_again_and_again_is_warned_of_and_then_ends_the_iteration() {
    let again = || Line::Call("read", json!({"path": "code"}));
    let world = World::new()
        .planner([plan("answer", None)])
        .executor((0..6).map(|_| again()))
        .executor([Line::Say("that is all I know")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(
        (ending(&outcome).as_str(), outcome.text.as_str()),
        ("accepted", "that is all I know")
    );
    let last = world.prompts("executor").pop().expect("a prompt");
    assert_eq!(last.tool_choice, ToolChoice::None);
    let said = serde_json::to_string(&last.messages).expect("messages");
    for part in ["call number 3", "call number 5", "not run", "`read` was called 6 times"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("call number 2"), "{said}");
}

#[test]
fn calls_are_counted_since_the_last_change_and_since_another_call() {
    let again = || Line::Call("read", json!({"path": "code"}));
    let mut lines = Vec::new();
    for text in ["1", "2", "3", "4"] {
        lines.extend([again(), again(), write("code", text)]);
    }
    lines.extend([
        again(),
        Line::Call("read", json!({"path": "tests"})),
        again(),
        Line::Say("done"),
    ]);
    let world = World::new().without_file("tests").planner([plan("change", None)]).executor(lines);

    world.run().expect("an outcome");

    let last = world.prompts("executor").pop().expect("a prompt");
    let said = serde_json::to_string(&last.messages).expect("messages");
    assert!(!said.contains("call number"), "{said}");
}

/// A limit by name, a run that reaches it with a file written, and what raises it.
type Limited = (&'static str, World, fn(TaskSettings) -> TaskSettings);

fn limited() -> Vec<Limited> {
    let work = || World::new().planner([plan("change", Some("good"))]);
    vec![
        (
            "tokens",
            work()
                .settings(|s| s.max_tokens = Some(15_200))
                .executor([write("code", "good"), Line::Dear(9_000, 6_000, "")]),
            |s| TaskSettings { max_tokens: Some(100_000), ..s },
        ),
        (
            "money",
            work()
                .settings(|s| s.max_cost_micros = 15_200)
                .executor([write("code", "good"), Line::Dear(9_000, 6_000, "")]),
            |s| TaskSettings { max_cost_micros: 100_000, ..s },
        ),
        (
            "time in a tool",
            work()
                .settings(|s| s.max_time_ms = Some(10_000))
                .executor([write("code", "good"), Line::Call("wait", json!({"ms": 20_000}))]),
            |s| TaskSettings { max_time_ms: Some(1_000_000), ..s },
        ),
        (
            "time in a turn",
            work()
                .settings(|s| s.max_time_ms = Some(10_000))
                .executor([write("code", "good"), Line::Slow(20_000, "late")]),
            |s| TaskSettings { max_time_ms: Some(1_000_000), ..s },
        ),
    ]
}

#[test]
fn a_limit_keeps_the_work_and_the_task_goes_on_when_it_is_raised() {
    for (name, world, raise) in limited() {
        let stopped = world.run().expect("an outcome");

        assert_eq!(ending(&stopped), "tripped", "{name}");
        assert_eq!(world.file("code").as_deref(), Some("good"), "{name}");
        assert_eq!(stopped.changes.len(), 1, "{name}");
        assert_eq!(world.verify().expect(name), stopped, "{name}");
        let turns = world.prompts("executor").len();

        let again = world.resume().expect("an outcome");
        assert_eq!(ending(&again), "tripped", "{name}: nothing was raised");
        assert_eq!(world.prompts("executor").len(), turns, "{name}: nothing is asked for");

        let world = world.replace_executor([Line::Say("done"), Line::Say("done")]);
        let outcome = world.resume_with(raise).expect("an outcome");
        assert_eq!(ending(&outcome), "accepted", "{name}");
        assert_eq!(world.effects(), ["write code"], "{name}: no effect twice");
        assert_eq!(world.verify().expect(name), outcome, "{name}");
    }
}

#[test]
fn a_turn_that_was_shortened_by_a_limit_is_the_same_under_a_higher_one() {
    let world = World::new()
        .settings(|s| s.max_tokens = Some(3_000))
        .planner([plan("change", Some("good"))])
        .executor([write("code", "good"), Line::Dear(1_900, 900, "")]);
    let stopped = world.run().expect("an outcome");
    assert_eq!(ending(&stopped), "tripped");

    let world = world.replace_executor([Line::Say("done")]);
    let raise = |s| TaskSettings { max_tokens: Some(1_000_000), ..s };
    let outcome = world.resume_with(raise).expect("an outcome");

    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn a_task_that_used_all_iterations_goes_on_with_more_of_them() {
    let world = World::new()
        .with_file("tests", "wants:bad")
        .settings(|s| s.max_iterations = 1)
        .planner([plan("change", None)])
        .executor([write("code", "worse"), Line::Say("done")]);
    let outcome = world.run().expect("an outcome");
    assert_eq!(
        (ending(&outcome).as_str(), world.file("code").as_deref()),
        ("exhausted", Some("bad"))
    );
    assert_eq!(outcome.taken_back.len(), 1, "{outcome:?}");
    assert_eq!(world.resume().expect("the same"), outcome);

    let world = world.executor([write("code", "bad and better"), Line::Say("done")]);
    let outcome =
        world.resume_with(|s| TaskSettings { max_iterations: 2, ..s }).expect("an outcome");

    assert_eq!((ending(&outcome).as_str(), outcome.iterations), ("accepted", 2));
    assert_eq!(world.file("code").as_deref(), Some("bad and better"));
    let prompts = world.prompts("executor");
    let said =
        serde_json::to_string(&prompts.last().expect("a prompt").messages).expect("messages");
    assert!(said.contains("<findings iteration=\\\"2\\\">"), "{said}");
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn four_fifths_of_the_budget_are_announced_once() {
    let world = World::new()
        .settings(|s| s.max_tokens = Some(50_000))
        .planner([plan("change", None)])
        .executor([Line::Dear(40_000, 100, "."), Line::Say("."), Line::Say(".")]);

    world.run().expect("an outcome");

    assert_eq!(world.count("budget.warned"), 1);
}

#[test]
fn cancelling_pauses_the_run() {
    let world = World::new().planner([plan("answer", None)]).executor([Line::Slow(5_000, "x")]);
    world.cancel_in(3);

    assert_eq!(world.run(), Err(Paused::Cancelled));
    assert_eq!(world.count("task.paused"), 1);
}
