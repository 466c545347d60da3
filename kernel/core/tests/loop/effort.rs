//! Requests that are needed and no others, and plans that the executor makes.

use openkoi_core::{
    approval::Answer,
    message::{Role, StopReason},
    trust::TrustLevel,
};
use serde_json::json;

use crate::script::{Line, World, ending, last_decision, write};

/// A world in which one model plays all roles, as a user has it who configured one.
pub(crate) fn one_model() -> World {
    let mut world = World::new();
    world.one_model = true;
    world
}

fn plan_call(criteria: serde_json::Value) -> Line {
    Line::Call("plan", json!({"kind": "code", "steps": ["do it"], "criteria": criteria}))
}

fn requests(world: &World) -> usize {
    world.count("turn.finished")
}

#[test]
fn a_question_is_one_request_without_checks_and_judge() {
    let world = one_model().executor([Line::Say("four")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!((ending(&outcome).as_str(), outcome.text.as_str()), ("accepted", "four"));
    assert_eq!(requests(&world), 1);
    assert_eq!(world.count("evaluation.started"), 0);
    assert_eq!(last_decision(&world).1, "an answer; nothing was changed");
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn looking_is_no_change_and_takes_no_baseline() {
    let world = one_model().executor([
        Line::Call("read", json!({"path": "code"})),
        Line::Call("read", json!({"path": "tests"})),
        Line::Say("it says bad"),
    ]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(world.count("evaluation.started"), 0);
    assert_eq!(world.count("tree.captured"), 0);
}

#[test]
fn a_fix_without_a_plan_is_checked_and_judged_once() {
    let world = one_model().executor([
        Line::Call("read", json!({"path": "code"})),
        write("code", "good"),
        Line::Say("fixed"),
    ]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(requests(&world), 3);
    assert_eq!(outcome.standing.fixed, ["unit", "unit good"]);
    assert_eq!(outcome.standing.score, Some(0.9));
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn the_model_learns_how_the_checks_stood_with_its_first_change() {
    let world = one_model().executor([write("code", "good"), Line::Say("fixed")]);

    world.run().expect("an outcome");

    let last = world.prompts(Role::EXECUTOR).pop().expect("a prompt");
    let said = serde_json::to_string(&last.messages).expect("messages");
    assert!(said.contains("checks-before-you-began"), "{said}");
}

#[test]
fn the_executor_plans_with_a_tool_and_is_held_to_it() {
    let criteria = json!([{"text": "it is good", "check": "test", "tests": ["good"]}]);
    let world = one_model()
        .settings(|s| s.max_iterations = 1)
        .executor([plan_call(criteria), write("code", "worse"), Line::Say("done")])
        .judge([Ok(1.0)]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "exhausted");
    assert_eq!(outcome.because, "criterion c1 does not hold: it is good");
    assert!(!outcome.claims[0].holds);
    assert_eq!(world.file("code").as_deref(), Some("worse"), "not accepted, and kept");
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn a_plan_that_nothing_follows_is_not_accepted() {
    let world = one_model()
        .settings(|s| s.max_iterations = 1)
        .executor([plan_call(json!([{"text": "it is good"}])), Line::Say("All done!")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(outcome.because, "the task asks for a change, and nothing was done");
}

#[test]
fn a_change_that_was_tried_and_did_not_happen_is_no_answer() {
    let world = one_model()
        .settings(|s| s.max_iterations = 1)
        .executor([write("code", "bad"), Line::Say("Fixed. All tests pass now.")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "exhausted");
    assert_eq!(outcome.because, "the task asks for a change, and nothing was done");
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn a_change_that_was_refused_or_made_no_sense_is_no_answer_either() {
    let lie = || Line::Say("Fixed. All tests pass now.");
    // Asked once, however often the model tries.
    let refused = one_model().answers([Answer::RejectOnce]).executor([
        write("code", "good"),
        write("code", "good"),
        lie(),
    ]);
    let mut refused = refused.settings(|s| s.max_iterations = 1);
    refused.policy.trust.fallback = TrustLevel::Ask;
    let senseless = one_model().executor([Line::Raw("write", "[]"), lie()]);
    let senseless = senseless.settings(|s| s.max_iterations = 1);

    for (world, because) in [
        (refused, "you said no to write on \"code\", and nothing was done instead"),
        (senseless, "the task asks for a change, and nothing was done"),
    ] {
        let outcome = world.run().expect("an outcome");

        assert_eq!(ending(&outcome), "exhausted");
        assert_eq!(outcome.because, because);
        assert_eq!(world.verify().expect("the same"), outcome);
    }
}

#[test]
fn a_later_plan_adds_criteria_and_drops_none() {
    let world = one_model().executor([
        plan_call(json!([{"text": "it is good", "check": "test", "tests": ["good"]}])),
        plan_call(json!([{"text": "it is short"}])),
        Line::Call("plan", json!("nonsense")),
        write("code", "good"),
        Line::Say("done"),
    ]);

    let outcome = world.run().expect("an outcome");

    let texts: Vec<&str> =
        outcome.claims.iter().map(|claim| claim.criterion.text.as_str()).collect();
    assert_eq!(texts, ["it is good", "it is short"]);
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn what_was_red_before_and_still_is_belongs_to_another_task() {
    let criteria = json!([{"text": "all tests pass", "check": "test"}]);
    let world = one_model().with_file("tests", "wants:bad wants:elsewhere").executor([
        plan_call(criteria),
        write("code", "bad, and a feature"),
        Line::Say("done"),
    ]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted", "{outcome:?}");
    assert!(!outcome.claims[0].holds, "it is reported as it is");
    assert_eq!(outcome.standing.red, ["unit", "unit elsewhere"]);
}

#[test]
fn green_checks_are_enough_where_the_judge_gives_no_verdict() {
    let prose = || Err(openkoi_core::failure::Failure::Failed("prose".into()));
    let world = one_model().executor([write("code", "good"), Line::Say("done")]).judge([prose()]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(last_decision(&world).1, "the project's checks are green; nobody judged the work");
}

#[test]
fn unjudged_work_without_checks_is_kept_and_not_accepted() {
    let prose = || Err(openkoi_core::failure::Failure::Failed("prose".into()));
    let world = one_model()
        .without_file("tests")
        .settings(|s| s.max_iterations = 1)
        .executor([write("code", "good"), Line::Say("done")])
        .judge([prose()]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(outcome.because, "the work could not be judged (judge: prose)");
    assert_eq!(world.file("code").as_deref(), Some("good"));
}

#[test]
fn an_answer_that_was_cut_is_joined() {
    let world = one_model().executor([Line::Cut("The answer is for"), Line::Say("ty-two.")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(outcome.text, "The answer is forty-two.");
}

#[test]
fn an_answer_that_a_filter_cut_off_ends_as_that() {
    let reasons = [
        (StopReason::Filtered, "the provider's filter cut the answer off"),
        (StopReason::Refused, "the model refused to answer"),
    ];
    for (stop, reason) in reasons {
        let world = one_model().executor([Line::Stop(stop)]);

        let outcome = world.run().expect("an outcome");

        assert_eq!((ending(&outcome).as_str(), outcome.because.as_str()), ("exhausted", reason));
        assert_eq!(requests(&world), 1);
    }
}

#[test]
fn a_call_that_was_cut_says_so() {
    let world = one_model()
        .settings(|s| s.max_iterations = 1)
        .executor([Line::CutCall("write", r#"{"path":"code","text":"go"#), Line::Say("I stop.")]);

    world.run().expect("an outcome");

    let last = world.prompts(Role::EXECUTOR).pop().expect("a prompt");
    let said = serde_json::to_string(&last.messages).expect("messages");
    assert!(said.contains("your call was cut at 5 tokens"), "{said}");
}

#[test]
fn the_reads_of_one_turn_run_side_by_side_and_answer_in_order() {
    let wait = |ms: u64| ("wait", json!({"ms": ms}));
    let world = one_model()
        .executor([Line::Calls(vec![wait(9_000), wait(3_000), wait(6_000)]), Line::Say("seen")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(outcome.elapsed_ms, 9_000);
    let last = world.prompts(Role::EXECUTOR).pop().expect("a prompt");
    let ids: Vec<String> = last.messages.last().expect("results").parts.iter().map(id).collect();
    let turn = &last.messages[last.messages.len() - 2];
    assert_eq!(ids, turn.parts.iter().map(id).collect::<Vec<_>>());
}

fn id(part: &openkoi_core::message::Part) -> String {
    use openkoi_core::message::Part;
    match part {
        Part::ToolCall(call) => call.id.clone(),
        Part::ToolResult(result) => result.id.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn ten_rounds_before_the_last_the_model_is_told() {
    let reads = (0..11).map(|n| Line::Call("read", json!({"path": format!("f{n}")})));
    let world = one_model()
        .settings(|s| s.max_tool_rounds = 12)
        .executor(reads)
        .executor([Line::Say("done")]);

    world.run().expect("an outcome");

    let last = world.prompts(Role::EXECUTOR).pop().expect("a prompt");
    let said = serde_json::to_string(&last.messages).expect("messages");
    assert_eq!(said.matches("10 rounds of tool calls are left").count(), 1, "{said}");
}

#[test]
fn what_a_provider_will_not_look_at_goes_back_in_words() {
    let picture = || Line::Call("look", json!({}));
    let world = one_model().executor([
        picture(),
        Line::Fail(openkoi_core::model::ModelTrouble::Invalid),
        Line::Say("I cannot see it"),
    ]);

    let outcome = world.run().expect("an outcome");

    assert_eq!((ending(&outcome).as_str(), outcome.text.as_str()), ("accepted", "I cannot see it"));
    let last = world.prompts(Role::EXECUTOR).pop().expect("a prompt");
    let said = serde_json::to_string(&last.messages).expect("messages");
    assert!(said.contains("image/png, 3 bytes: the provider refused it"), "{said}");
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn the_checks_do_not_run_again_on_a_tree_that_a_task_of_the_session_left() {
    let world = one_model().remembering().executor([write("code", "good"), Line::Say("fixed")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(outcome.standing.fixed, ["unit", "unit good"]);
    let started = world.events().into_iter().filter(|event| event.ends_with("evaluation.started"));
    let started: Vec<String> = started.collect();
    assert_eq!(
        started,
        ["i1/e/checks evaluation.started", "i1/e/judge evaluation.started"],
        "nothing is run before the change"
    );
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn the_checks_begin_beside_the_first_reading_and_not_for_what_reads_nothing() {
    let read = || Line::Call("read", json!({"path": "code"}));
    let reads = one_model().executor([read(), write("code", "good"), read(), Line::Say("fixed")]);
    let outcome = reads.run().expect("an outcome");
    assert_eq!(ending(&outcome), "accepted");
    assert_eq!(reads.begun(), 1, "and not after a change");
    assert_eq!(reads.verify().expect("the same"), outcome);
    assert_eq!(reads.begun(), 1, "a replay begins nothing");

    let answers = one_model().executor([Line::Say("4")]);
    answers.run().expect("an outcome");
    assert_eq!(answers.begun(), 0);

    let mut unchecked = one_model().executor([read(), Line::Say("it says bad")]);
    unchecked.settings.checks = false;
    unchecked.run().expect("an outcome");
    assert_eq!(unchecked.begun(), 0);
}
