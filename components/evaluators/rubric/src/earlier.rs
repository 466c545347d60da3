//! What the judge found before: in the work of the iteration before, or in a ruling that did not hold. It may take that back
//! with a place that shows why, and adds to it; what it does not speak of stands.

use std::fmt::Write;

use openkoi_sdk::evaluator::{Finding, Severity};
use serde::Deserialize;

use crate::citation::Places;

/// Findings that forbid the work until they are taken back.
#[derive(Default)]
pub(crate) struct Earlier {
    findings: Vec<Finding>,
}

/// What a ruling says of an earlier finding.
#[derive(Deserialize)]
pub(crate) struct Said {
    id: String,
    stands: bool,
    #[serde(default)]
    evidence: String,
}

impl Earlier {
    /// Returns those of `findings` that forbid the work.
    pub(crate) fn new(findings: &[Finding]) -> Self {
        let mut earlier = Self::default();
        earlier.carry(findings);
        earlier
    }

    /// Adds those that forbid the work and are not there yet.
    pub(crate) fn carry(&mut self, findings: &[Finding]) {
        for finding in findings.iter().filter(|finding| forbids(finding)) {
            if !is_among(finding, &self.findings) {
                self.findings.push(finding.clone());
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    pub(crate) fn all(&self) -> &[Finding] {
        &self.findings
    }

    /// Writes them down, each with its id.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (at, Finding { severity, message, evidence, .. }) in self.findings.iter().enumerate() {
            let severity = if *severity == Severity::Critical { "critical" } else { "major" };
            // Writing to a string cannot fail.
            writeln!(text, "{} [{severity}] {evidence}: {message}", id(at)).unwrap_or_default();
        }
        text
    }

    /// Returns those that stand although the ruling has them not among its findings, first those of which it says so and
    /// then those of which it says nothing. The error is a sentence for the judge.
    pub(crate) fn standing(
        &self,
        said: &[Said],
        now: &[Finding],
        places: &Places<'_>,
    ) -> Result<(Vec<Finding>, Vec<Finding>), String> {
        let (mut stand, mut open) = (Vec::new(), Vec::new());
        for (at, finding) in self.findings.iter().enumerate() {
            match said.iter().find(|said| said.id == id(at)) {
                _ if is_among(finding, now) => {}
                None => open.push(finding.clone()),
                Some(said) if said.stands => stand.push(finding.clone()),
                Some(said) if places.first(&said.evidence).is_some() => {}
                Some(_) => {
                    return Err(format!(
                        "the earlier finding `{}` is taken back without evidence that exists, `path:line` or a check's id",
                        id(at)
                    ));
                }
            }
        }
        Ok((stand, open))
    }
}

fn id(at: usize) -> String {
    format!("e{}", at + 1)
}

fn forbids(finding: &Finding) -> bool {
    finding.severity >= Severity::Major && !finding.evidence.is_empty()
}

/// A finding at the same place that forbids the work as well says the same, in other words perhaps.
fn is_among(finding: &Finding, others: &[Finding]) -> bool {
    others.iter().any(|other| forbids(other) && other.evidence == finding.evidence)
}
