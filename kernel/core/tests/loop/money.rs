//! What a turn is counted at: the model that answered, what arrived of it, and what nobody told.

use openkoi_core::{
    event::Event,
    ledger::{Price, Reservation, Shortage},
    message::{ReasoningEffort, Role},
    outcome::{Ending, Outcome, Trip},
    run::Paused,
    task::TaskSettings,
};

use crate::script::{Line, World, ending, plan, write};

const CHEAP: Price = Price { input: 0.05, output: 0.4, cache_read: None, cache_write: None };
const DEAR: Price = Price { input: 10.0, output: 50.0, cache_read: None, cache_write: None };

/// A world in which a dear model stands in for a cheap one, after a planner's turn of 10 + 5 tokens.
fn with_dear_substitute() -> World {
    let mut world = World::new().planner([plan("answer", None)]);
    world.price = Some(CHEAP);
    world.substitutes = vec![("dear/astra", DEAR)];
    world
}

fn cost_limit(outcome: &Outcome) -> Option<u64> {
    match &outcome.ending {
        Ending::Tripped { trip: Trip::Budget { what: Shortage::Cost, spent, .. } } => Some(*spent),
        _ => None,
    }
}

/// The models and amounts of the turns that were answered or lost, in order.
fn spendings(world: &World) -> Vec<(String, Reservation)> {
    let spent = |event| match event {
        Event::TurnFinished { model, spent, .. } => Some((model, spent)),
        Event::TurnLost { reserved } => Some(("lost".to_owned(), reserved)),
        _ => None,
    };
    world.entries().into_iter().filter_map(|entry| spent(entry.event)).collect()
}

#[test]
fn a_turn_costs_what_the_model_costs_that_answered() {
    let world = with_dear_substitute()
        .settings(|s| s.max_cost_micros = 1_000_000)
        .executor([Line::Routed("dear/astra", 10_000, 1_000, "done")]);

    let outcome = world.run().expect("an outcome");

    let (model, spent) = spendings(&world).pop().expect("a turn");
    assert_eq!((model.as_str(), spent.cost_micros), ("dear/astra", 150_000));
    assert!(outcome.spent.cost_micros >= 150_000);
    assert_eq!(outcome, world.verify().expect("the same outcome"));
}

#[test]
fn a_turn_of_an_unknown_route_costs_what_the_dearest_of_the_chain_does() {
    let world = with_dear_substitute().executor([Line::Routed("who/knows", 1_000, 1, "done")]);

    world.run().expect("an outcome");

    let (model, spent) = spendings(&world).pop().expect("a turn");
    assert_eq!((model.as_str(), spent.cost_micros), ("who/knows", 10_050));
}

#[test]
fn a_chain_reserves_with_its_dearest_model() {
    let world = with_dear_substitute().settings(|s| s.max_cost_micros = 9_000);

    let outcome = world.run().expect("an outcome");

    assert_eq!(cost_limit(&outcome), Some(0), "the cheap one alone would be covered");
    let mut cheap = World::new().planner([plan("answer", None)]).executor([Line::Say("done")]);
    cheap.price = Some(CHEAP);
    let cheap = cheap.settings(|s| s.max_cost_micros = 9_000);
    assert_eq!(ending(&cheap.run().expect("an outcome")), "accepted");
}

#[test]
fn a_resumed_run_counts_with_the_models_that_there_are_by_then() {
    let mut world = World::new().planner([plan("answer", None)]).executor([
        Line::Fail(openkoi_core::model::ModelTrouble::Credentials),
        Line::Dear(1_000, 1, "done"),
    ]);
    world.price = Some(CHEAP);
    assert!(matches!(world.run(), Err(Paused::Model(_))));

    world.price = Some(DEAR);
    let outcome = world.resume().expect("an outcome");

    assert_eq!(spendings(&world).pop().expect("a turn").1.cost_micros, 10_050);
    assert!(outcome.spent.cost_micros >= 10_050);
    assert_eq!(world.count("models.resolved"), 1);
    assert_eq!(outcome, world.verify().expect("the same outcome"));
}

#[test]
fn a_turn_of_which_nothing_is_told_is_estimated_and_not_taken_for_its_reservation() {
    let text = "It is done.";
    let world = World::new().planner([plan("answer", None)]).executor([Line::Untold(text)]);

    let outcome = world.run().expect("an outcome");

    let (_, spent) = spendings(&world).pop().expect("a turn");
    let asked = world.prompts(Role::EXECUTOR).pop().expect("a prompt").tokens();
    assert_eq!(spent.tokens, asked + openkoi_core::message::tokens(text.len()));
    assert!(spent.at_most && outcome.spent.at_most && outcome.usage.estimated);
    assert_eq!(outcome, world.verify().expect("the same outcome"));
}

#[test]
fn a_cut_turn_counts_what_had_arrived_or_else_its_reservation() {
    for (line, whole) in [(Line::Streamed("half", 600_000), false), (Line::Slow(600_000, ""), true)]
    {
        let world = World::new()
            .settings(|s| s.max_time_ms = Some(10_000))
            .planner([plan("answer", None)])
            .executor([line]);

        let outcome = world.run().expect("an outcome");

        let planned = spendings(&world).remove(0).1;
        let (_, lost) = spendings(&world).pop().expect("a turn");
        let reserved = world.entries().into_iter().rev().find_map(|entry| match entry.event {
            Event::TurnStarted { reserved, .. } => Some(reserved),
            _ => None,
        });
        assert_eq!(lost.tokens == reserved.expect("a reservation").tokens, whole);
        assert!(lost.tokens > 0 && lost.at_most);
        assert_eq!(outcome.spent, planned.plus(lost));
        assert_eq!(outcome, world.verify().expect("the same outcome"));
    }
}

#[test]
fn a_turn_that_is_cut_while_it_waits_to_be_tried_again_took_nothing() {
    let world = World::new()
        .settings(|s| s.max_time_ms = Some(10_000))
        .planner([plan("answer", None)])
        .executor([Line::Refused(600_000, "late")]);

    let outcome = world.run().expect("an outcome");

    let planned = spendings(&world).remove(0).1;
    assert_eq!(outcome.spent, planned);
    assert!(!outcome.spent.at_most);
    assert_eq!(outcome, world.verify().expect("the same outcome"));
}

#[test]
fn a_turn_that_the_user_cut_is_counted_once_when_the_run_goes_on() {
    let world = World::new()
        .planner([plan("answer", None)])
        .executor([Line::Streamed("half", 5_000), Line::Say("done")]);
    world.cancel_in(6);
    assert_eq!(world.run(), Err(Paused::Cancelled));
    let cut = spendings(&world).pop().expect("a cut turn").1;
    world.never_cancel();

    let outcome = world.resume().expect("an outcome");

    let all = spendings(&world).into_iter().map(|(_, spent)| spent);
    assert_eq!(world.count("turn.lost"), 1);
    assert!(cut.tokens > 0);
    assert_eq!(outcome.spent, all.fold(Reservation::default(), Reservation::plus));
    assert_eq!(outcome, world.verify().expect("the same outcome"));
}

#[test]
fn a_wait_that_a_provider_orders_is_not_the_tasks_time() {
    let world = World::new()
        .settings(|s| s.max_time_ms = Some(10_000))
        .planner([plan("answer", None)])
        .executor([Line::Rested(600_000, "done")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted");
    assert!(outcome.elapsed_ms < 10_000, "{}", outcome.elapsed_ms);
}

#[test]
fn a_role_is_asked_for_the_effort_that_is_set_for_it() {
    let world = World::new()
        .settings(|s| s.efforts = [(Role::EXECUTOR.to_owned(), ReasoningEffort::High)].into())
        .planner([plan("answer", None)])
        .executor([Line::Say("done")]);

    world.run().expect("an outcome");

    let effort = |role| world.prompts(role).pop().expect("a prompt").effort;
    assert_eq!(effort(Role::EXECUTOR), Some(ReasoningEffort::High));
    assert_eq!(effort(Role::PLANNER), None);
}

/// Work that a judge looks at in two turns, the second of which the limit does not cover.
fn dear_judge() -> World {
    World::new()
        .settings(|s| s.max_tokens = Some(40_000))
        .planner([plan("change", None)])
        .executor([write("code", "good"), Line::Say("fixed")])
        .judge_turns([Line::Dear(39_800, 100, "let me look"), Line::Say("fine")])
}

#[test]
fn green_work_whose_judge_is_too_dear_is_checked_and_not_judged() {
    let world = dear_judge();

    let outcome = world.run().expect("an outcome");

    assert_eq!((ending(&outcome).as_str(), outcome.standing.score), ("accepted", None));
    assert_eq!(outcome.standing.fixed, ["unit", "unit good"]);
    assert_eq!(outcome, world.verify().expect("the same outcome"));
}

#[test]
fn a_limit_in_the_judges_turns_pauses_and_is_verified_with_what_they_took() {
    let mut world = dear_judge();
    world.settings.checks = false;

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "tripped");
    assert!(outcome.spent.tokens > 39_800, "{:?}", outcome.spent);
    assert_eq!(outcome, world.verify().expect("the same outcome"));
    let outcome =
        world.resume_with(|s| TaskSettings { max_tokens: None, ..s }).expect("an outcome");
    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(outcome, world.verify().expect("the same outcome"));
}

#[test]
fn how_the_checks_stand_is_reported_although_the_judge_came_to_no_end() {
    // Red as before: not enough to be accepted without a judge.
    let world = dear_judge().with_file("tests", "wants:good wants:else");

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "tripped");
    assert_eq!(outcome.standing.fixed, ["unit good"]);
    assert_eq!(outcome.standing.red, ["unit", "unit else"]);
    assert_eq!(outcome, world.verify().expect("the same outcome"));
}

#[test]
fn a_turn_of_anybody_that_the_user_cuts_is_counted() {
    let mut cut = Vec::new();
    for polls in 0..60 {
        let world = World::new()
            .planner([plan("change", None)])
            .executor([write("code", "good"), Line::Streamed("fixed", 5_000)])
            .judge_turns([Line::Streamed("let me see", 5_000)]);
        world.cancel_in(polls);
        if world.run().is_ok() {
            break;
        }
        let entries = world.entries();
        for entry in &entries {
            let Event::TurnStarted { .. } = entry.event else { continue };
            let is_over = entries.iter().any(|other| {
                other.key.starts_with(&entry.key)
                    && matches!(other.event, Event::TurnFinished { .. } | Event::TurnLost { .. })
            });
            assert!(is_over, "{} after {polls} polls", entry.key);
        }
        cut.extend(entries.into_iter().filter(|e| e.event.name() == "turn.lost").map(|e| e.key));
    }
    assert!(cut.iter().any(|key| key.starts_with("i1/e/judge/m0")), "{cut:?}");
}
