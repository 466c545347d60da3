//! Breakers: tokens, money, time, repetition.

use openkoi_core::{
    ledger::Shortage,
    outcome::{Ending, Trip},
    run::Paused,
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
fn the_time_limit_interrupts_a_tool_and_the_untouched_tree_comes_back() {
    let world = World::new()
        .settings(|s| s.max_time_ms = Some(10_000))
        .planner([plan("change", None)])
        .executor([write("code", "half done"), Line::Call("wait", json!({"ms": 600_000}))]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(trip(&outcome.ending), &Trip::Time { limit_ms: 10_000 });
    assert_eq!(world.file("code").as_deref(), Some("bad"));
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
fn the_same_call_again_and_again_is_warned_of_and_then_stopped() {
    let again = || Line::Call("read", json!({"path": "code"}));
    let world = World::new().planner([plan("answer", None)]).executor([
        again(),
        again(),
        again(),
        again(),
        again(),
        again(),
    ]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(trip(&outcome.ending), &Trip::Repetition { tool: "read".into(), count: 6 });
    let last = world.prompts("executor").pop().expect("a prompt");
    let said = serde_json::to_string(&last.messages).expect("messages");
    assert!(said.contains("call number 3") && said.contains("call number 4"), "{said}");
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
