//! The project's own checks: which there are, how they end, and whether somebody made them easier to pass.
//!
//! [`runner`] is the table of the runners; [`detect`] reads the workspace and writes [`plan::Plan`]s; [`run`] carries them
//! out through a [`world::World`] and reads the runners' reports with [`report`]; [`evidence`] tells which changed files
//! decide about the work and are therefore not the work's to change; [`pointers`] names places of the product at which a
//! judge has to look, because green tests do not show what they do; [`look`] says at once what is wrong with a file that was
//! just written.

mod detect;
mod evidence;
mod excerpt;
mod look;
mod plan;
mod pointers;
#[cfg(test)]
mod real;
mod report;
mod run;
mod runner;
mod verdict;
mod world;

use openkoi_sdk::evaluator::{Evaluator, Subject, Verdict};
use openkoi_sdk::{Result, export_evaluator};

/// The component.
pub struct Checks;

impl Evaluator for Checks {
    fn evaluate(subject: &Subject) -> Result<Verdict> {
        verdict::evaluate(subject, &world::Host)
    }
}

export_evaluator!(Checks);
