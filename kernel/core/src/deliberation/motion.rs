//! What is put before the chamber.

use serde::{Deserialize, Serialize};

use super::{assessment::Citation, forecast::Forecast, plan::PlannedStep};
use crate::{evaluation::Criterion, id::TaskId, memory::Note, tool::Effect};

/// A power that carrying out the motion would use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Power {
    /// The tool.
    pub tool: String,
    /// Its effect on the world.
    pub effect: Effect,
    /// What it would act on, as far as the plan says; may be empty.
    pub target: String,
    /// Whether it needs no person's yes.
    pub granted: bool,
}

/// What is left to spend. What has no limit is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Fresh tokens.
    pub tokens: Option<u64>,
    /// Money, in millionths of a US dollar.
    pub cost_micros: u64,
    /// Time, in milliseconds.
    pub duration_ms: Option<u64>,
}

/// How much an observation weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It is worth knowing.
    Note,
    /// It does not decide: somebody has to look.
    Open,
    /// The executor has to mind it.
    Caveat,
    /// It speaks against the motion.
    Objection,
    /// It stops the motion.
    Veto,
}

/// Something that was computed from the motion, without anybody's opinion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The agency whose concern it is.
    pub agency: String,
    /// How much it weighs.
    pub weight: Weight,
    /// What was seen, one sentence that can be acted on.
    pub text: String,
    /// What it rests on.
    pub citation: Citation,
    /// What would make it go away, for one that speaks against the motion; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lifted_by: String,
}

/// What the chamber looks at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Motion {
    /// The task.
    pub task: TaskId,
    /// What was asked for.
    pub text: String,
    /// The kind of work, as the contract has it.
    pub kind: String,
    /// The plan.
    pub plan: Vec<PlannedStep>,
    /// What has to hold at the end.
    pub criteria: Vec<Criterion>,
    /// Powers that it would use.
    pub powers: Vec<Power>,
    /// What earlier tasks let expect.
    pub forecast: Forecast,
    /// What may be spent.
    pub left: Left,
    /// What the user wants to be held to; may be empty.
    pub directive: String,
    /// What is remembered that may be of use.
    pub learnings: Vec<Note>,
    /// What was computed from all this.
    pub observations: Vec<Observation>,
    /// Whether a person is there.
    pub attended: bool,
    /// Whether something was said before in the same session.
    pub continues: bool,
}
