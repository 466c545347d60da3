//! What evaluators are shown and what they say.

use serde::{Deserialize, Serialize};

use crate::tool::Receipt;

/// The order of evidence: a lower tier never outvotes a higher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// The project's own build, tests, linters and type checks.
    Checks,
    /// Checks that were made for this task.
    Generated,
    /// Written criteria, judged by a model.
    Rubric,
}

/// An evaluator the loop may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluatorCard {
    /// Its name.
    pub name: String,
    /// What its evidence is worth.
    pub tier: Tier,
    /// Longest time for one evaluation, in milliseconds.
    pub deadline_ms: u64,
}

/// One criterion of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    /// `c1`, `c2` …
    pub id: String,
    /// What has to be true.
    pub text: String,
    /// The category of check that decides it (`test`, `build`, `lint`, `types`); absent: it is judged.
    pub check: Option<String>,
}

/// How a file changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// Its contents or mode changed.
    Modified,
    /// It is gone.
    Removed,
}

/// One changed file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its path in the workspace.
    pub path: String,
    /// How it changed.
    pub kind: ChangeKind,
    /// Whether it steers agents or tools: a hook of git, the configuration of a project, rules for agents.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub control: bool,
}

/// How a check or a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// It passed.
    Passed,
    /// It ran and failed.
    Failed,
    /// It could not be run; nothing is known.
    Errored,
    /// It was left out.
    Skipped,
    /// It failed and passed on the same tree.
    Flaky,
}

/// One test by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// The runner's name of it.
    pub name: String,
    /// How it ended.
    pub outcome: CheckOutcome,
}

/// One check of the project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// A stable id, for example `cargo:test`.
    pub id: String,
    /// `build`, `test`, `lint` or `types`.
    pub category: String,
    /// The command as one would type it.
    pub command: String,
    /// How it ended.
    pub outcome: CheckOutcome,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// The tests it reported.
    pub tests: Vec<TestResult>,
    /// How many tests ran.
    pub test_count: Option<u32>,
    /// The end of its output where it did not pass.
    pub excerpt: String,
    /// Ids of the receipts of its runs.
    pub receipts: Vec<String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// One axis of a rubric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dimension {
    /// Its name.
    pub name: String,
    /// Its share.
    pub weight: f64,
}

/// Written criteria, from a skill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rubric {
    /// The skill's name.
    pub name: String,
    /// Its axes.
    pub dimensions: Vec<Dimension>,
    /// Its text.
    pub text: String,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Should be mended.
    Minor,
    /// Must be mended.
    Major,
    /// The work cannot stand.
    Critical,
}

/// One observation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong, and what would be right.
    pub message: String,
    /// `file:line` or a check's id.
    pub evidence: String,
    /// The dimension it belongs to, or empty.
    pub dimension: String,
}

/// The score of one dimension, 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The dimension.
    pub dimension: String,
    /// 0 to 1.
    pub value: f64,
}

/// What is judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// The task as it was asked.
    pub task: String,
    /// The contract; empty without a plan.
    pub criteria: Vec<Criterion>,
    /// Which iteration; 0 is the untouched tree.
    pub iteration: u32,
    /// Files that changed since the task began.
    pub changes: Vec<Change>,
    /// The change as a unified diff.
    pub diff: String,
    /// The checks on this tree.
    pub checks: Vec<Check>,
    /// The checks on the untouched tree.
    pub baseline: Vec<Check>,
    /// The answer, where it is the product.
    pub answer: Option<String>,
    /// The rubric, for evaluators of that tier.
    pub rubric: Option<Rubric>,
}

/// What an evaluator said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Checks that were run.
    pub checks: Vec<Check>,
    /// Scores of dimensions.
    pub scores: Vec<Score>,
    /// Observations.
    pub findings: Vec<Finding>,
    /// One line for a person.
    pub summary: String,
    /// Programs that ran on its behalf, as the host saw them.
    pub receipts: Vec<Receipt>,
}
