//! The work of one iteration, with its evidence.

use crate::{
    change_set::ChangeSet,
    evaluation::{Change, Check, EvidenceFile, Finding, Score},
    evidence::Standing,
    frozen::Difference,
    id::TreeId,
};

/// The result of one iteration.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempt {
    /// Last words of the model.
    pub(super) text: String,
    /// Sum of the run's effects at its end.
    pub(super) set: ChangeSet,
    /// The changes as text.
    pub(super) diff: String,
    /// Reason for which the rubric gave no score, if it was asked.
    pub(super) unjudged: Option<String>,
    /// State of the workspace, if anything changed.
    pub(super) tree: Option<TreeId>,
    /// Files that the run changed.
    pub(super) changes: Vec<Change>,
    /// Results of the project's checks on it.
    pub(super) checks: Vec<Check>,
    /// Scores of the rubric's dimensions.
    pub(super) scores: Vec<Score>,
    /// Name of the evaluator that gave the scores.
    pub(super) scored_by: Option<String>,
    /// Names of the evaluators that gave a verdict.
    pub(super) heard: Vec<String>,
    /// Findings, each with the evaluator that reported it.
    pub(super) findings: Vec<(String, Finding)>,
    /// Changed files that are evidence, if the run of an evaluator named some.
    pub(super) evidence: Vec<EvidenceFile>,
    /// Tests whose result hangs on them.
    pub(super) differences: Vec<Difference>,
    /// Files that the checks rewrote.
    pub(super) rewritten: Vec<String>,
    /// True if the checks built for themselves what the run's programs had left in ignored places.
    pub(super) anew: bool,
    /// Results of the checks without what the run's programs had left there, if they were no better than these.
    pub(super) without_built: Option<Vec<Check>>,
    /// Results of the checks on the tree as it is, where those above are held against frozen evidence.
    pub(super) as_it_is: Vec<Check>,
    /// Domains of the changes that a person had to accept and did.
    pub(super) accepted: Vec<&'static str>,
    /// Evidence about the work.
    pub(super) standing: Standing,
}

impl Attempt {
    /// Returns the control files that the work changed.
    pub(super) fn control(&self) -> Vec<&str> {
        let changed = self.changes.iter().filter(|change| change.control);
        changed.map(|change| change.path.as_str()).collect()
    }

    /// Returns the paths of the changed files of evidence.
    pub(super) fn evidence_paths(&self) -> Vec<&str> {
        self.evidence.iter().map(|file| file.path.as_str()).collect()
    }

    /// Returns what hangs on changed evidence and nobody let through.
    pub(super) fn open(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| difference.through.is_none())
    }
}
