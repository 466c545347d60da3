//! The plan of a task: steps, and criteria that somebody can check.

use serde::{Deserialize, Serialize};

use crate::evaluation::Criterion;

/// Kind of result that a task asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// The answer is the product, and no file has to change.
    Answer,
    /// Files have to change.
    Change,
    /// Nobody said; what happened decides.
    Open,
}

/// The plan of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// Kind of result that the task asks for.
    pub effort: Effort,
    /// Kind of the work, which picks the rubric: one of [`Contract::KINDS`].
    pub kind: String,
    /// Steps in the order in which they will be done.
    pub steps: Vec<String>,
    /// Criteria that have to hold at the end.
    pub criteria: Vec<Criterion>,
}

impl Contract {
    /// Kinds of work that a planner may name. Each has a rubric among the bundled skills.
    pub const KINDS: [&str; 6] = [Self::CODE, "prose", "sql", "api", "test", Self::GENERAL];

    /// Changes to a program.
    pub const CODE: &str = "code";

    /// The kind of work that fits no other.
    pub const GENERAL: &str = "general";

    /// Returns the contract of a run that makes none: the task itself, judged.
    pub fn none() -> Self {
        Self {
            effort: Effort::Open,
            kind: Self::GENERAL.to_owned(),
            steps: Vec::new(),
            criteria: Vec::new(),
        }
    }
}

/// A step that refinement added to the plan: something that an evaluation found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// `r1`, `r2` …, in the order in which they were found.
    pub id: String,
    /// Finder of the fault, who can therefore say that it is fixed.
    pub found_by: Finder,
    /// Description of the fault, for the model.
    pub text: String,
    /// The fact, the check's id, or `file:line`.
    pub evidence: String,
    /// The iteration whose evaluation found it first.
    pub found_in: u32,
    /// Proof that it is fixed; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Resolution>,
}

/// Source of a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finder {
    /// A fact that the kernel established.
    Kernel,
    /// A check of the project, by its id.
    Check(String),
    /// An evaluator, by its name.
    Evaluator(String),
}

/// The proof that a step is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// The check's id, or the evaluator.
    pub by: String,
    /// The iteration whose evaluation showed it.
    pub iteration: u32,
}
