//! Subjects of evaluators, and their verdicts.

use serde::{Deserialize, Serialize};

use crate::{skill::SkillUse, tool::Receipt};

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
    /// Name of the evaluator, by which it is asked.
    pub name: String,
    /// Rank of its evidence.
    pub tier: Tier,
    /// Longest time for one evaluation, in milliseconds.
    pub deadline_ms: u64,
}

/// One criterion of a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    /// Id in the contract: `c1`, `c2` …
    pub id: String,
    /// Statement that has to be true.
    pub text: String,
    /// Category of the check that decides it (`test`, `build`, `lint`, `types`); absent: evaluators judge it.
    pub check: Option<String>,
    /// Names of the tests that decide it, as the runner reports them; empty: all of the category, held against how
    /// they were before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<String>,
}

/// Kind of change to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The file is new.
    Added,
    /// The contents or the mode of the file changed.
    Modified,
    /// The file is gone.
    Removed,
}

/// A file that differs between two states of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Path of the file in the workspace.
    pub path: String,
    /// Kind of the change.
    pub kind: ChangeKind,
    /// True if the file steers agents or tools: a hook of git, the configuration of a project, rules for agents.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub control: bool,
}

/// Result of a check or a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// The check passed.
    Passed,
    /// The check ran and failed.
    Failed,
    /// The check could not be run; its result is unknown.
    Errored,
    /// The check was left out.
    Skipped,
    /// The check failed and passed on the same tree.
    Flaky,
}

/// Result of one test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// Name that the runner gave the test.
    pub name: String,
    /// Result of the test.
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
    /// Result of the check.
    pub outcome: CheckOutcome,
    /// Exit code of the command.
    pub exit_code: Option<i32>,
    /// Results of single tests, where the check reports them.
    pub tests: Vec<TestResult>,
    /// Number of tests that ran.
    pub test_count: Option<u32>,
    /// End of the output where the check did not pass.
    pub excerpt: String,
    /// Ids of the receipts for its runs.
    pub receipts: Vec<String>,
    /// Duration in milliseconds.
    pub duration_ms: u64,
    /// Version of the program that runs it, in its own words; empty where it says nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub runner: String,
}

/// One axis of a rubric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dimension {
    /// Name of the axis.
    pub name: String,
    /// Weight in the score of the rubric.
    pub weight: f64,
}

/// Written criteria, from a skill or from several.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rubric {
    /// Name of the skill, or their names.
    pub name: String,
    /// Axes that the evaluator scores.
    pub dimensions: Vec<Dimension>,
    /// Text of the skill, for the evaluator's model.
    pub text: String,
    /// The skills of which it is made; empty in journals of before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<RubricPart>,
}

/// One of the skills of which written criteria are made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RubricPart {
    /// The skill.
    pub skill: SkillUse,
    /// Its axes, by their names in the whole.
    pub dimensions: Vec<Dimension>,
}

/// Weight of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing; nothing has to change.
    Note,
    /// The work would be better without it.
    Minor,
    /// The work has to be fixed.
    Major,
    /// The work cannot be accepted.
    Critical,
}

/// One observation about the work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Weight of the finding.
    pub severity: Severity,
    /// Description of the fault, and of what would be right.
    pub message: String,
    /// `file:line` or a check's id.
    pub evidence: String,
    /// The dimension it belongs to, or empty.
    pub dimension: String,
}

/// The score of one dimension, 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Name of the dimension.
    pub dimension: String,
    /// Value from 0 to 1.
    pub value: f64,
}

/// A command that the configuration names as a check of the project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedCheck {
    /// `build`, `test`, `lint` or `types`.
    pub category: String,
    /// The command, for a shell in the workspace.
    pub command: String,
}

/// Everything that an evaluator is shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// The task as it was asked.
    pub task: String,
    /// What the user wants to be held to, a sentence a line; may be empty.
    pub directive: String,
    /// Criteria of the contract; empty without a plan.
    pub criteria: Vec<Criterion>,
    /// Number of the iteration; 0 is the untouched tree.
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
    /// The texts before of changed files that were there, where they are small.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Before>,
    /// Paths that are seen as they were on the untouched tree; empty on the tree as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frozen: Vec<String>,
    /// Commands that the configuration names as checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<NamedCheck>,
    /// Changed files that are evidence, for judges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Places that a program noticed and does not judge, for a judge to look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pointers: Vec<Finding>,
    /// Findings of the same evaluator in the work of the iteration before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Finding>,
    /// How a quick look at the changes is taken, while the work goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quick: Option<QuickLook>,
}

/// A quick look at files that were just written: what formatters, linters and type checkers say of them at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuickLook {
    /// Time for all of it, in milliseconds.
    pub milliseconds: u32,
    /// Ids of checks that are left out.
    pub without: Vec<String>,
}

/// A changed file as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    /// Path of the file in the workspace.
    pub path: String,
    /// Its text; absent where it is none, or too long.
    pub text: Option<String>,
}

/// A changed file that is evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceFile {
    /// Path of the file in the workspace.
    pub path: String,
    /// Text to be seen in its place, with what is evidence in it as it was; absent: the whole file is as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
    /// True if the file may as well be a part of the product, so that the checks run both ways.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub product: bool,
}

/// Verdict of one evaluator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Checks that the evaluator ran.
    pub checks: Vec<Check>,
    /// Scores of the rubric's dimensions.
    pub scores: Vec<Score>,
    /// Findings, in the evaluator's order.
    pub findings: Vec<Finding>,
    /// Summary for a person, in one line.
    pub summary: String,
    /// Changed files that are evidence.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceFile>,
    /// Files of the workspace that its programs rewrote, as the host saw them; what they wrote is dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rewritten: Vec<String>,
    /// Programs that ran on its behalf, as the host saw them.
    pub receipts: Vec<Receipt>,
}
