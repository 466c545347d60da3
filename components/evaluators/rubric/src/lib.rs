//! Judges work by written criteria: asks the evaluator model, and holds its answer to what can be checked.
//!
//! [`prompt`] shows the model the task, the contract, the change ([`shown`]) and the checks, everything that others wrote
//! inside of [`fence`]s, and what it found before ([`earlier`]); [`judge`] leads the conversation, in which the model may look at files through
//! [`tools`]; [`ruling`] reads what it submits, and [`citation`] looks whether the places that it names exist.
//! A ruling that does not hold is asked for once more and then does not count: the work counts as not evaluated,
//! never as middling.

mod citation;
mod diff;
mod earlier;
mod fence;
mod judge;
mod prompt;
mod ruling;
mod shown;
mod tools;
mod world;

use openkoi_sdk::evaluator::{Evaluator, Subject, Verdict};
use openkoi_sdk::{Result, export_evaluator};

/// The component.
pub struct Rubric;

impl Evaluator for Rubric {
    fn evaluate(subject: &Subject) -> Result<Verdict> {
        judge::evaluate(subject, &world::Host)
    }
}

export_evaluator!(Rubric);
