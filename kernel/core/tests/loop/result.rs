//! Results that have to have a form: what does not fit is a fact, and the model mends it.

use std::sync::Arc;

use openkoi_core::{message::ToolChoice, model::ModelTrouble, port::ResultSchema};
use serde_json::{Value, json};

use crate::script::{Line, World, ending, write};

/// A form that only a number has.
struct Number(Value);

impl ResultSchema for Number {
    fn schema(&self) -> &Value {
        &self.0
    }

    fn check(&self, text: &str) -> Result<(), String> {
        text.parse::<f64>().map(drop).map_err(|_| "it is not a number".to_owned())
    }
}

fn world() -> World {
    let mut world = World::new();
    world.one_model = true;
    world.result = Some(Arc::new(Number(json!({"type": "number"}))));
    world
}

#[test]
fn an_answer_of_another_form_is_mended_by_the_model() {
    let world = world().executor([Line::Say("It is four."), Line::Say("4")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!((ending(&outcome).as_str(), outcome.text.as_str()), ("accepted", "4"));
    let prompts = world.prompts("executor");
    let told = format!("{:?}", prompts[1].messages.last());
    assert!(told.contains("the result does not follow the schema: it is not a number"), "{told}");
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn an_answer_that_never_has_the_form_is_not_accepted_and_its_work_stays() {
    let answers = ["fixed", "done", "really", "truly", "indeed", "for sure"].map(Line::Say);
    let lines = std::iter::once(write("code", "good")).chain(answers);
    let world = world().executor(lines);

    let outcome = world.run().expect("an outcome");

    assert_ne!(ending(&outcome), "accepted");
    assert_eq!(outcome.because, "the result does not follow the schema: it is not a number");
    assert_eq!(world.file("code").as_deref(), Some("good"));
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn the_form_counts_where_nothing_is_judged() {
    let answers = [Line::Say("four"), Line::Say("it is four")];
    let world = world().settings(|s| s.max_iterations = 0).executor(answers);

    assert_ne!(ending(&world.run().expect("an outcome")), "accepted");
}

#[test]
fn a_provider_is_given_the_schema_and_an_answer_of_another_form_is_asked_for_without_tools() {
    let world = world().settings(|s| s.max_iterations = 0);
    let world = world.executor([write("code", "good"), Line::Say("It is four."), Line::Say("4")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(outcome.text, "4");
    let prompts = world.prompts("executor");
    let schema = Some(json!({"type": "number"}));
    assert!(prompts.iter().all(|prompt| prompt.schema == schema), "{prompts:?}");
    let choices: Vec<_> = prompts.iter().map(|prompt| prompt.tool_choice.clone()).collect();
    assert_eq!(choices, [ToolChoice::Automatic, ToolChoice::Automatic, ToolChoice::None]);
    assert!(prompts.iter().all(|prompt| prompt.tools == prompts[0].tools));
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn a_provider_that_refuses_the_schema_is_not_given_it_again() {
    let world = world().settings(|s| s.max_iterations = 0);
    let refused = Line::Fail(ModelTrouble::Invalid);
    let world = world.executor([refused, write("code", "good"), Line::Say("four"), Line::Say("4")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(outcome.text, "4");
    let held: Vec<_> = world.prompts("executor").iter().map(|p| p.schema.is_some()).collect();
    assert_eq!(held, [true, false, false, false]);
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn the_rest_of_an_answer_that_was_cut_has_no_schema_of_its_own() {
    let world = world().settings(|s| s.max_iterations = 0);
    let world = world.executor([Line::Cut("4"), Line::Say("2")]);

    let outcome = world.run().expect("an outcome");

    assert_eq!(outcome.text, "42");
    let held: Vec<_> = world.prompts("executor").iter().map(|p| p.schema.is_some()).collect();
    assert_eq!(held, [true, false]);
}

#[test]
fn a_run_that_dies_while_it_asks_for_the_form_goes_on_there() {
    let lines = || [Line::Fail(ModelTrouble::Invalid), Line::Say("four"), Line::Say("4")];
    let whole = world().settings(|s| s.max_iterations = 0).executor(lines());
    let expected = whole.run().expect("an outcome");
    for entry in 1..whole.entries().len() {
        let world = world().settings(|s| s.max_iterations = 0).executor(lines());
        world.die_at(Some(entry));
        world.run().expect_err("it dies");
        world.die_at(None);
        if world.entries().is_empty() {
            continue;
        }
        // What was answered and not written down is asked for again.
        let given = world.events().iter().filter(|event| event.ends_with("turn.finished")).count();
        let refused = world.events().iter().any(|event| event.ends_with("schema.refused"));
        let rest = lines().into_iter().skip(given + usize::from(refused));
        let world = world.replace_executor(rest);

        let outcome = world.resume().expect("an outcome");

        assert_eq!(outcome.text, expected.text, "died at {entry}");
        assert_eq!(world.verify().expect("the same"), outcome, "died at {entry}");
    }
}
