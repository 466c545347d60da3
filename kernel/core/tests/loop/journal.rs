//! Resuming and verifying: the loop is a function of its journal.

use openkoi_core::{event::Event, message::Role, model::ModelTrouble, run::Paused};
use serde_json::json;

use crate::effort::one_model;
use crate::script::{Line, World, ending, plan, write};

fn two_rounds() -> World {
    World::new()
        .planner([plan("change", Some("good"))])
        .executor([write("code", "worse"), Line::Say("done")])
        .executor([
            Line::Call("append", json!({"path": "code", "text": " is good"})),
            Line::Say("mended"),
        ])
}

#[test]
fn a_finished_run_replays_to_the_same_outcome_without_models_and_tools() {
    let world = two_rounds();
    let outcome = world.run().expect("an outcome");

    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn a_changed_journal_is_detected() {
    let world = two_rounds();
    world.run().expect("an outcome");
    let task = world.task();
    for (index, entry) in world.entries().iter().enumerate() {
        if entry.event.name() != "turn.finished" {
            continue;
        }
        let mut entries = world.entries();
        let text = serde_json::to_string(&entries[index]).expect("JSON");
        let text = text.replace("good", "evil").replace("done", "dine");
        if text == serde_json::to_string(&entries[index]).expect("JSON") {
            continue;
        }
        entries[index] = serde_json::from_str(&text).expect("an entry");
        let replay = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime")
            .block_on(openkoi_core::run::verify(&task.id, entries));
        assert!(matches!(replay, Err(Paused::Record(_))), "{text}");
    }
}

#[test]
fn listeners_hear_of_recorded_facts_only() {
    let length = {
        let world = two_rounds();
        world.run().expect("an outcome");
        assert_eq!(world.heard(), world.entries());
        let numbers: Vec<u64> = world.heard().iter().map(|entry| entry.seq).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
        world.entries().len()
    };
    for at in 1..length {
        let world = two_rounds();
        world.die_at(Some(at));
        world.run().expect_err("it died");

        assert_eq!(world.heard(), world.entries(), "entry {at}");
    }
}

#[test]
fn a_round_of_reading_waits_for_the_disk_once_and_one_of_writing_twice() {
    let run = |calls: Vec<Line>| {
        let world = one_model().executor(calls.into_iter().chain([Line::Say("done")]));
        world.run().expect("an outcome");
        world.synced()
    };
    let read = || Line::Call("read", json!({"path": "code"}));
    let written = |text: &'static str| write("code", text);

    let none = run(vec![]);
    assert_eq!(run(vec![read(), read()]) - none, 2);
    let one = run(vec![written("good")]);
    assert_eq!(run(vec![written("better"), written("good")]) - one, 2);
}

#[test]
fn conclusions_of_the_loop_are_committed_with_the_next_result() {
    let world = two_rounds();
    world.run().expect("an outcome");

    // By trust, and of evaluators that ran nothing: an intent or a result of their own follows these.
    let followed = |event: &Event| {
        matches!(event, Event::GateDecided { answer: None, .. } | Event::EvaluationFinished { .. })
    };
    let entries = world.entries();
    let conclusions = entries.iter().filter(|entry| entry.event.waits()).count();
    let followed = entries.iter().filter(|entry| followed(&entry.event)).count();

    assert!(conclusions >= 6 && followed >= 4, "{conclusions}, {followed}");
    assert_eq!(world.commits(), entries.len() - conclusions - followed);
}

#[test]
fn a_run_that_died_anywhere_resumes_to_the_same_end_and_repeats_no_effect() {
    a_run_dies_anywhere(|_| {});
}

#[test]
fn after_a_power_cut_anywhere_too() {
    a_run_dies_anywhere(World::cut_power);
}

#[test]
fn after_a_power_cut_between_quick_turns_too() {
    a_run_dies_anywhere_in(|| two_rounds().with_quick_turns(), World::cut_power);
}

fn a_run_dies_anywhere(and: impl Fn(&World)) {
    a_run_dies_anywhere_in(two_rounds, and);
}

fn a_run_dies_anywhere_in(two_rounds: impl Fn() -> World, and: impl Fn(&World)) {
    let whole = two_rounds();
    let expected = whole.run().expect("an outcome");
    let length = whole.entries().len();
    for at in 1..length {
        let world = two_rounds();
        world.die_at(Some(at));
        world.run().expect_err("it died");
        world.die_at(None);
        and(&world);
        if world.entries().is_empty() {
            // It begins with the intent of its first turn, so that nobody was asked either.
            assert!(world.prompts(Role::PLANNER).is_empty() && world.heard().is_empty());
            continue;
        }
        // A turn that was answered but not recorded is asked for again; the script has to have it.
        let asked = world.prompts(Role::EXECUTOR).len();
        let recorded = world
            .entries()
            .iter()
            .filter(|e| e.event.name() == "turn.finished" && !e.key.starts_with("plan"))
            .count();
        let world = refill(world, asked > recorded, recorded);

        let outcome = world.resume().unwrap_or_else(|e| panic!("entry {at}: {e}"));

        assert_eq!(ending(&outcome), ending(&expected), "entry {at}");
        assert!(world.count("turn.finished") == whole.count("turn.finished"), "entry {at}");
        let appends = world.effects().iter().filter(|e| e.starts_with("append")).count();
        assert_eq!(appends, 1, "entry {at}");
        assert_eq!(world.verify().expect("verified"), outcome, "entry {at}");
    }
}

/// Puts the turns that were lost back at the head of their scripts.
fn refill(world: World, executor: bool, recorded: usize) -> World {
    let planned = world.count("plan.made") > 0
        || world.entries().iter().any(|e| e.key == "plan/t0" && e.event.name() == "turn.finished");
    let is_asked_again = !planned && !world.prompts(Role::PLANNER).is_empty();
    let fresh = match is_asked_again {
        true => world.planner([plan("change", Some("good"))]),
        false => world,
    };
    if !executor {
        return fresh;
    }
    let lines = [
        write("code", "worse"),
        Line::Say("done"),
        Line::Call("append", json!({"path": "code", "text": " is good"})),
        Line::Say("mended"),
    ];
    fresh.replace_executor(lines.into_iter().skip(recorded))
}

#[test]
fn a_turn_that_died_with_the_program_stays_spent() {
    let world = World::new().planner([plan("answer", None)]).executor([Line::Say("lost")]);
    let length = {
        let whole = World::new().planner([plan("answer", None)]).executor([Line::Say("lost")]);
        whole.run().expect("an outcome");
        let events = whole.events();
        events.iter().position(|e| e == "i1/t0 turn.finished").expect("the turn")
    };
    world.die_at(Some(length));
    world.run().expect_err("it died");
    world.die_at(None);
    let world = world.executor([Line::Say("again")]);

    let outcome = world.resume().expect("an outcome");

    assert_eq!(outcome.text, "again");
    assert_eq!(world.count("turn.lost"), 1);
    assert!(outcome.spent.tokens > 8_000, "the reservation counts: {}", outcome.spent.tokens);
    assert_eq!(world.verify().expect("verified"), outcome);
}

#[test]
fn an_effect_whose_result_is_unknown_is_reported_and_not_repeated() {
    let lines = || [Line::Call("append", json!({"path": "log", "text": "x"})), Line::Say("done")];
    let world = World::new().planner([plan("answer", None)]).executor(lines());
    let at = {
        let whole = World::new().planner([plan("answer", None)]).executor(lines());
        whole.run().expect("an outcome");
        whole.events().iter().position(|e| e == "i1/t0/c0 call.finished").expect("the call")
    };
    world.die_at(Some(at));
    world.run().expect_err("it died");
    world.die_at(None);

    world.resume().expect("an outcome");

    assert_eq!(world.file("log").as_deref(), Some("x"), "once and not twice");
    let last = world.prompts(Role::EXECUTOR).pop().expect("a prompt");
    let said = serde_json::to_string(&last.messages).expect("messages");
    assert!(said.contains("1 of the 1 files were changed"), "{said}");
}

#[test]
fn a_model_that_cannot_be_reached_pauses_the_run_and_costs_nothing() {
    let world = World::new()
        .planner([plan("answer", None)])
        .executor([Line::Fail(ModelTrouble::Unreachable), Line::Say("back again")]);

    let Err(Paused::Model(error)) = world.run() else { panic!("no error") };
    assert_eq!(error.kind, ModelTrouble::Unreachable);

    let outcome = world.resume().expect("an outcome");
    assert_eq!((ending(&outcome).as_str(), outcome.text.as_str()), ("accepted", "back again"));
    assert_eq!(outcome.spent.tokens, 30);
    assert_eq!(world.verify().expect("verified"), outcome);
}

#[test]
fn the_part_of_a_turn_before_a_break_is_recorded_and_paid_for() {
    let broken = || Line::Break(ModelTrouble::Unreachable, 400, 70, "half an ans");
    let world = World::new().planner([plan("answer", None)]).executor([
        broken(),
        broken(),
        Line::Say("a whole answer"),
    ]);

    for _ in 0..2 {
        let result = if world.count("turn.failed") == 0 { world.run() } else { world.resume() };
        let Err(Paused::Model(error)) = result else { panic!("no error: {result:?}") };
        assert_eq!(error.received.expect("it is kept").text(), "half an ans");
    }
    let journal = serde_json::to_string(&world.entries()).expect("entries");
    assert_eq!(journal.matches("half an ans").count(), 2);

    let outcome = world.resume().expect("an outcome");
    assert_eq!(outcome.text, "a whole answer");
    assert_eq!(outcome.spent.tokens, 2 * 470 + 30, "each broken turn is paid for once");
    assert_eq!((outcome.usage.input, outcome.turns), (Some(2 * 400 + 20), 2));
    assert_eq!(world.verify().expect("verified"), outcome);
    let last = world.prompts(Role::EXECUTOR).pop().expect("a prompt");
    let said = serde_json::to_string(&last.messages).expect("messages");
    assert!(!said.contains("half an ans"), "{said}");
}

#[test]
fn a_turn_that_broke_near_the_end_of_the_budget_replays_to_the_same_outcome() {
    let world = World::new()
        .settings(|s| s.max_tokens = Some(6_000))
        .planner([plan("answer", None)])
        .executor([Line::Break(ModelTrouble::Unreachable, 400, 2_000, "half"), Line::Say("whole")]);

    world.run().expect_err("it breaks off");
    let outcome = world.resume().expect("an outcome");

    assert_eq!(outcome.spent.tokens, 2_400 + 30);
    assert_eq!(world.verify().expect("verified"), outcome);
}

#[test]
fn a_person_is_told_that_a_shown_answer_does_not_count() {
    let world = World::new().planner([plan("answer", None)]).executor([
        Line::Break(ModelTrouble::Overflow, 400, 70, "half"),
        Line::Say("short enough"),
    ]);

    let outcome = world.run().expect("an outcome");

    assert_eq!((outcome.text.as_str(), outcome.spent.tokens), ("short enough", 470 + 30));
    let waits = world.waits();
    assert!(waits.len() == 1 && waits[0].contains("does not count"), "{waits:?}");
    assert_eq!(world.verify().expect("verified"), outcome);
}

#[test]
fn an_overflow_is_pruned_and_tried_again_at_most_twice() {
    let overflow = || Line::Fail(ModelTrouble::Overflow);
    let world = World::new().planner([plan("answer", None)]).executor([
        overflow(),
        overflow(),
        Line::Say("short enough"),
    ]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(outcome.text, "short enough");
    assert_eq!(world.verify().expect("verified"), outcome);

    let world =
        World::new().planner([plan("answer", None)]).executor([overflow(), overflow(), overflow()]);
    assert!(matches!(world.run(), Err(Paused::Model(_))));
}

#[test]
fn turns_that_a_conversation_loses_are_summed_up_before_the_question() {
    let rounds = (0..12).map(|number| write("code", &format!("version {number}")));
    let overflow = [Line::Fail(ModelTrouble::Overflow), Line::Say("written")];
    let world = one_model()
        .settings(|s| s.max_iterations = 1)
        .executor(rounds.chain(overflow))
        .small([Line::Say("The code was written several times.")]);

    let outcome = world.run().expect("an outcome");

    let asked = world.prompts(Role::SMALL).pop().expect("a summary was asked for");
    let record = serde_json::to_string(&asked.messages).expect("messages");
    assert!(record.contains("version 0") && asked.tools.is_empty(), "{record}");
    let last = world.prompts(Role::EXECUTOR).pop().expect("a prompt");
    let said: Vec<String> =
        last.messages.iter().map(|m| serde_json::to_string(m).expect("a message")).collect();
    assert!(said[0].contains("<earlier>\\nThe code was written several times."), "{said:?}");
    assert!(said[1].contains("<task>") && !said.concat().contains("version 0"), "{said:?}");
    assert!(said.concat().contains("version 11"), "the newest stay: {said:?}");
    assert_eq!(world.verify().expect("verified"), outcome);
}

#[test]
fn a_record_that_is_too_long_for_a_summary_too_is_dropped() {
    let rounds = (0..12).map(|number| write("code", &format!("version {number}")));
    let overflow = [Line::Fail(ModelTrouble::Overflow), Line::Say("written")];
    let world = one_model()
        .settings(|s| s.max_iterations = 1)
        .executor(rounds.chain(overflow))
        .small([Line::Fail(ModelTrouble::Overflow)]);

    let outcome = world.run().expect("an outcome");

    assert_eq!((outcome.text.as_str(), world.prompts(Role::SMALL).len()), ("written", 1));
    assert_eq!(world.verify().expect("verified"), outcome);
}
