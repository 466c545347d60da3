//! One iteration's work as evaluations and the kernel see it.

use crate::{
    evaluation::{Change, Check, Finding, Score},
    evidence::Standing,
    id::TreeId,
};

/// What one iteration came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempt {
    /// What the model said at its end.
    pub(super) text: String,
    /// The tree, where anything changed.
    pub(super) tree: Option<TreeId>,
    /// What changed since the beginning.
    pub(super) changes: Vec<Change>,
    /// The project's checks on it.
    pub(super) checks: Vec<Check>,
    /// The judge's scores.
    pub(super) scores: Vec<Score>,
    /// Who judged.
    pub(super) judge: Option<String>,
    /// The evaluators that gave a verdict.
    pub(super) heard: Vec<String>,
    /// Everything that should be mended, with the evaluator that says so.
    pub(super) findings: Vec<(String, Finding)>,
    /// Existing tests that were changed although they are evidence, where the task asks for it.
    pub(super) weakened: Vec<String>,
    /// What a person had to accept and did, by domain.
    pub(super) accepted: Vec<&'static str>,
    /// How it stands.
    pub(super) standing: Standing,
}

impl Attempt {
    /// Returns the control files that the work changed.
    pub(super) fn control(&self) -> Vec<&str> {
        let changed = self.changes.iter().filter(|change| change.control);
        changed.map(|change| change.path.as_str()).collect()
    }
}
