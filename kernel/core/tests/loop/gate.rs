//! Actions that pass the gate, questions to a person, and the rules that answers leave behind.

use openkoi_core::{approval::Answer, run::Paused, trust::TrustLevel};
use serde_json::json;

use crate::script::{Line, World, ending, plan, write};

fn posting(path: &str) -> Line {
    Line::Call("post", json!({"path": path}))
}

fn answering() -> World {
    World::new().planner([plan("answer", None)])
}

#[test]
fn at_the_level_act_files_are_written_and_messages_are_asked_for() {
    let world = answering()
        .executor([write("code", "good"), posting("room"), Line::Say("sent")])
        .answers([Answer::AllowOnce]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted");
    let asked = world.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].action.as_str(), asked[0].target.as_str()), ("post", "room"));
    assert_eq!(world.effects(), ["write code", "post room"]);
}

#[test]
fn at_the_level_ask_a_write_is_asked_for() {
    let mut world = answering()
        .executor([write("code", "good"), Line::Say("not allowed")])
        .answers([Answer::RejectOnce]);
    world.policy.trust.fallback = TrustLevel::Ask;

    world.run().expect("an outcome");

    assert!(world.effects().is_empty());
}

#[test]
fn autonomous_asks_nothing_and_the_journal_says_what_was_done() {
    let mut world = answering().executor([posting("room"), Line::Say("sent")]);
    world.policy.trust.domains.insert("files".into(), TrustLevel::Autonomous);

    world.run().expect("an outcome");

    assert_eq!(world.effects(), ["post room"]);
    assert_eq!(world.count("gate.decided"), 1);
}

#[test]
fn an_always_answer_writes_a_rule_for_exactly_that_target() {
    let world = answering()
        .executor([posting("room"), posting("room"), posting("hall"), Line::Say("done")])
        .answers([Answer::AllowAlways, Answer::RejectAlways]);

    world.run().expect("an outcome");

    assert_eq!(world.effects(), ["post room", "post room"]);
    let rules: Vec<String> = world.remembered().iter().map(ToString::to_string).collect();
    assert_eq!(rules, ["allow test post on \"room\"", "reject test post on \"hall\""]);
}

#[test]
fn with_nobody_to_ask_the_model_is_told_and_the_run_goes_on() {
    let world = answering().executor([posting("room"), write("code", "good"), Line::Say("unsent")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(outcome.text, "unsent");
    assert_eq!(world.effects(), ["write code"]);
    assert_eq!(world.asked().len(), 1);
}

#[test]
fn work_that_needs_an_answer_waits_for_a_person_who_can_give_it_later() {
    let world = answering()
        .executor([posting("room"), Line::Say("I was not allowed to post")])
        .executor([posting("room"), Line::Say("posted")]);

    let Err(Paused::Approval(request)) = world.run() else { panic!("no question") };

    assert_eq!((request.action.as_str(), request.target.as_str()), ("post", "room"));
    assert!(world.effects().is_empty());
    let events = world.events();
    assert!(events.contains(&"i1/t0/c0 questions.left".to_owned()), "{events:?}");

    let world = world.answers([Answer::AllowOnce]);
    let outcome = world.resume().expect("an outcome");

    assert_eq!((ending(&outcome).as_str(), outcome.text.as_str()), ("accepted", "posted"));
    assert_eq!(world.effects(), ["post room"]);
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn a_question_that_is_answered_with_no_ends_the_task_as_not_accepted() {
    let world = answering()
        .executor([posting("room"), Line::Say("not allowed")])
        .settings(|s| s.max_iterations = 1);
    world.run().expect_err("a question");

    let world = world.answers([Answer::RejectOnce]);
    let outcome = world.resume().expect("an outcome");

    assert_eq!(ending(&outcome), "exhausted");
    assert_eq!(world.verify().expect("the same"), outcome);
}
