//! Results that have to have a form: what does not fit is a fact, and the model mends it.

use std::sync::Arc;

use openkoi_core::port::ResultSchema;
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
    let lines = [write("code", "good"), Line::Say("fixed"), Line::Say("done"), Line::Say("really")];
    let world = world().executor(lines);

    let outcome = world.run().expect("an outcome");

    assert_ne!(ending(&outcome), "accepted");
    assert_eq!(outcome.because, "the result does not follow the schema: it is not a number");
    assert_eq!(world.file("code").as_deref(), Some("good"));
    assert_eq!(world.verify().expect("the same"), outcome);
}

#[test]
fn the_form_counts_where_nothing_is_judged() {
    let world = world().settings(|s| s.max_iterations = 0).executor([Line::Say("four")]);

    assert_ne!(ending(&world.run().expect("an outcome")), "accepted");
}
