//! What the planner promises: steps, and criteria that somebody can check.

use serde::{Deserialize, Serialize};

use crate::evaluation::Criterion;

/// How much ceremony a task needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// The answer is the product; nothing is to change.
    Answer,
    /// Files are to change.
    Change,
}

/// The plan of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// How much ceremony.
    pub effort: Effort,
    /// The kind of work, which picks the rubric: `code`, `prose`, `sql`, `api`, `test` or `general`.
    pub kind: String,
    /// Whether the task asks for changes to existing tests. Otherwise they are evidence and must stay.
    pub may_change_tests: bool,
    /// What will be done, in order.
    pub steps: Vec<String>,
    /// What has to be true at the end.
    pub criteria: Vec<Criterion>,
}

impl Contract {
    /// Returns the contract of a run that makes none: the task itself, judged.
    pub fn none() -> Self {
        Self {
            effort: Effort::Answer,
            kind: "general".to_owned(),
            may_change_tests: false,
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
    /// Who found it, and can therefore say that it is mended.
    pub found_by: Finder,
    /// What is to be mended.
    pub text: String,
    /// The fact, the check's id, or `file:line`.
    pub evidence: String,
    /// The iteration whose evaluation found it first.
    pub found_in: u32,
    /// What showed that it is mended; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<Resolution>,
}

/// Who finds what is to be mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finder {
    /// The kernel itself.
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
