//! The time after a run: a learner's turn is the task's to pay, and no part of its run.

use openkoi_core::{failure::Failure, learning::is_afterwards};

use crate::script::{Line, World, ending, plan};

fn world() -> World {
    World::new()
        .planner([plan("answer", None)])
        .executor([Line::Dear(9_000, 900, "four")])
        .small([Line::Dear(900, 90, "a fact")])
}

#[test]
fn a_learners_turn_is_in_the_journal_of_the_task_and_no_replay_asks_for_it() {
    let world = world();
    let outcome = world.run().expect("an outcome");

    assert_eq!(world.learn().as_deref(), Ok("a fact"));

    let entries = world.entries();
    let after: Vec<_> = entries.iter().filter(|entry| is_afterwards(&entry.key)).collect();
    let names: Vec<&str> = after.iter().map(|entry| entry.event.name()).collect();
    assert_eq!(names, ["turn.started", "turn.finished"]);
    assert!(after[0].key.starts_with("learn/1/scholar/m0-"), "{}", after[0].key);
    assert_eq!(world.verify().expect("the same outcome"), outcome);
    assert_eq!(ending(&world.resume().expect("it is over")), "accepted");
}

#[test]
fn what_the_run_left_of_the_budget_is_all_that_a_learner_has() {
    let world = world().settings(|settings| settings.max_tokens = Some(9_950));
    world.run().expect("an outcome");

    let refused = world.learn();

    assert!(matches!(refused, Err(Failure::Limited { .. })), "{refused:?}");
    assert!(world.prompts("small").is_empty(), "nothing was asked");
}

#[test]
fn what_was_asked_before_the_program_died_is_not_paid_again() {
    let world = world();
    world.run().expect("an outcome");

    assert_eq!(world.learn().as_deref(), Ok("a fact"));
    assert_eq!(world.learn().as_deref(), Ok("a fact"));

    assert_eq!(world.prompts("small").len(), 1);
}

#[test]
fn who_ends_the_wait_for_a_lesson_is_heard() {
    let world = world();
    world.run().expect("an outcome");
    world.cancel_in(0);

    let refused = world.learn();

    assert!(matches!(refused, Err(Failure::Cancelled)), "{refused:?}");
}
