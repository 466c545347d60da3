//! Plan, execute, evaluate, refine.

use openkoi_core::message::{Prompt, Role, StopReason};
use serde_json::json;

use crate::script::{Line, World, ending, last_decision, plan, write};

#[test]
fn good_work_is_accepted_with_a_receipt_for_each_criterion() {
    let world = World::new()
        .planner([plan("change", Some("good"))])
        .executor([write("code", "good"), Line::Say("done")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted");
    assert_eq!((outcome.iterations, outcome.best_iteration), (1, 1));
    assert_eq!(outcome.standing.fixed, ["unit", "unit good"]);
    let claim = serde_json::to_value(&outcome.claims[0]).expect("a claim");
    assert_eq!((&claim["basis"], &claim["holds"]), (&json!("verified"), &json!(true)));
    assert_eq!(claim["receipts"], json!(["r1"]));
}

#[test]
fn findings_go_back_to_the_executor_with_their_evidence() {
    let world = World::new()
        .planner([plan("change", Some("good"))])
        .executor([write("code", "worse"), Line::Say("done")])
        .executor([write("code", "good"), Line::Say("now really")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!((ending(&outcome).as_str(), outcome.iterations), ("accepted", 2));
    let prompts = world.prompts(Role::EXECUTOR);
    let said = serde_json::to_string(&prompts[2].messages.last()).expect("a message");
    assert!(said.contains("<findings iteration=\\\"2\\\">"), "{said}");
    assert!(said.contains("- r1 [check unit] `run tests` failed: good"), "{said}");
    assert!(said.contains("<changed-files>\\n- code\\n"), "{said}");
}

#[test]
fn a_finding_is_a_step_of_the_plan_until_the_check_that_found_it_is_green() {
    let world = World::new()
        .planner([plan("change", Some("good"))])
        .executor([write("code", "worse"), Line::Say("done")])
        .executor([write("code", "good"), Line::Say("now really")]);

    let outcome = world.run().expect("an outcome");

    let steps: Vec<_> = outcome.repairs.iter().filter(|step| step.evidence == "unit").collect();
    let [step] = steps.as_slice() else { panic!("{:?}", outcome.repairs) };
    let resolved = step.resolved.as_ref().expect("it is resolved");
    assert_eq!((step.found_in, resolved.by.as_str(), resolved.iteration), (1, "unit", 2));
}

/// A run of three rounds, in the second of which the person says something.
fn steered() -> World {
    World::new()
        .planner([plan("change", Some("good"))])
        .executor([write("code", "worse"), write("code", "good"), Line::Say("done")])
        .remarks([None, Some("with tabs")])
}

#[test]
fn what_a_person_says_meanwhile_is_part_of_the_next_turn_and_of_what_is_judged() {
    let world = steered();

    let outcome = world.run().expect("an outcome");

    let prompts = world.prompts(Role::EXECUTOR);
    let said = |prompt: &Prompt| serde_json::to_string(prompt).expect("JSON").contains("with tabs");
    assert_eq!(prompts.iter().map(said).collect::<Vec<_>>(), [false, false, true]);
    let tasks: Vec<String> = world.subjects().into_iter().map(|subject| subject.task).collect();
    assert!(tasks.last().expect("it was judged").contains("with tabs"), "{tasks:?}");
    assert_eq!(world.verify().expect("verified"), outcome);
}

#[test]
fn what_a_person_said_is_known_after_the_program_died_and_nothing_is_put_before_it() {
    let length = {
        let whole = steered();
        whole.run().expect("an outcome");
        whole.entries().len()
    };
    for at in 1..length {
        let world = steered();
        world.die_at(Some(at));
        world.run().expect_err("it died");
        world.die_at(None);
        let asked = |world: &World| world.prompts(Role::EXECUTOR);
        if world.count("turn.started") <= 1 {
            continue;
        }
        let knew = asked(&world).iter().any(|prompt| format!("{prompt:?}").contains("with tabs"));
        let world = world
            .remarks([Some("and quickly")])
            .planner([plan("change", Some("good"))])
            .executor([write("code", "good"), Line::Say("done"), Line::Say("done")]);

        let outcome = world.resume().unwrap_or_else(|error| panic!("entry {at}: {error}"));

        let last = format!("{:?}", asked(&world).last());
        assert!(!knew || last.contains("with tabs"), "entry {at}");
        assert_eq!(world.verify().expect("verified"), outcome, "entry {at}");
    }
}

#[test]
fn a_question_runs_no_checks_and_is_judged_by_its_answer() {
    let world = World::new().planner([plan("answer", None)]).executor([Line::Say("42")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!((ending(&outcome).as_str(), outcome.text.as_str()), ("accepted", "42"));
    assert_eq!(world.count("tree.captured"), 0);
}

#[test]
fn a_question_that_turns_into_a_change_gets_its_baseline_before_the_first_effect() {
    let world = World::new()
        .planner([plan("answer", None)])
        .executor([write("code", "good"), Line::Say("changed it")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(outcome.standing.fixed, ["unit", "unit good"]);
    let events = world.events();
    let baseline = events.iter().position(|e| e == "base/e/checks evaluation.finished");
    let effect = events.iter().position(|e| e == "i1/t0/c0 call.started");
    assert!(baseline.expect("a baseline") < effect.expect("an effect"));
}

#[test]
fn without_iterations_the_work_is_done_once_and_not_judged() {
    let world = World::new()
        .settings(|s| s.max_iterations = 0)
        .executor([write("code", "whatever"), Line::Say("done")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(world.count("evaluation.started"), 0);
    assert_eq!(world.file("code").as_deref(), Some("whatever"));
}

#[test]
fn a_planner_that_cannot_plan_is_asked_once_more_and_then_left_out() {
    let world = World::new()
        .planner([Line::Say("I refuse."), Line::Say("still no plan")])
        .executor([Line::Say("hello")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted");
    assert!(outcome.claims.is_empty());
}

#[test]
fn a_model_that_says_nothing_is_nudged_and_then_not_accepted() {
    let silent = || Line::Stop(StopReason::Finished);
    let world = World::new()
        .settings(|s| s.max_iterations = 1)
        .planner([plan("answer", None)])
        .executor([silent(), silent(), silent()]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "exhausted");
    assert_eq!(last_decision(&world).1, "nothing was said and nothing was done");
}

#[test]
fn broken_arguments_and_unknown_tools_are_answered_and_not_run() {
    let world = World::new()
        .planner([plan("answer", None)])
        .executor([Line::Raw("write", "{oops"), Line::Raw("write", "[]")])
        .executor([Line::Call("fly", json!({})), Line::Say("sorry")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted");
    assert!(world.effects().is_empty());
    let last = world.prompts(Role::EXECUTOR).pop().expect("a prompt");
    let said = serde_json::to_string(&last.messages).expect("messages");
    for answer in ["not valid JSON", "have to be a JSON object", "there is no tool of that name"] {
        assert!(said.contains(answer), "{answer}: {said}");
    }
}

#[test]
fn at_the_last_round_the_tools_are_taken_away_and_the_work_is_judged() {
    let reads = (0..2).map(|n| Line::Call("read", json!({"path": format!("f{n}")})));
    let world = World::new()
        .settings(|s| s.max_tool_rounds = 2)
        .planner([plan("answer", None)])
        .executor(reads)
        .executor([Line::Say("that is all")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(outcome.text, "that is all");
    let last = world.prompts(Role::EXECUTOR).pop().expect("a prompt");
    assert_eq!(last.tool_choice, openkoi_core::message::ToolChoice::None);

    let silent = World::new()
        .settings(|s| (s.max_tool_rounds, s.max_iterations) = (1, 1))
        .planner([plan("change", None)])
        .executor([Line::Call("read", json!({"path": "code"})), Line::Say("")]);
    let outcome = silent.run().expect("an outcome");
    let because = "; all 1 rounds of tool calls were used (`limits.tool_rounds` allows more)";
    assert!(outcome.because.ends_with(because), "{}", outcome.because);
    assert_eq!(silent.verify().expect("the same"), outcome);
}

#[test]
fn the_system_prompt_and_the_tools_are_the_same_in_every_turn() {
    let world = World::new()
        .planner([plan("change", Some("good"))])
        .executor([write("code", "worse"), Line::Say("done")])
        .executor([write("code", "good"), Line::Say("done")]);

    world.run().expect("an outcome");

    let prompts = world.prompts(Role::EXECUTOR);
    assert!(prompts[0].system.ends_with("Be kind."));
    assert!(prompts.iter().all(|p| p.system == prompts[0].system && p.tools == prompts[0].tools));
}
