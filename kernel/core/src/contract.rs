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
