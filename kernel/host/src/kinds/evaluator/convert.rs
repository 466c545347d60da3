//! Converts subjects and verdicts between core and contract. A verdict with an impossible score becomes the failure
//! *not evaluated*.

use openkoi_core::{
    evaluation::{self as core, EvidenceFile},
    failure::Failure,
};

use crate::{
    bindings::evaluator::exports::openkoi::evaluator::evaluator as wit,
    sabotage::{Guard, off},
    text,
};

/// The most checks, scores, findings or tests of a verdict.
const MOST: usize = 10_000;
/// The longest excerpt of a check's output, in bytes.
const EXCERPT: usize = 8 << 10;
/// The longest message of a finding, in bytes.
const MESSAGE: usize = 4 << 10;
/// The longest single line, in characters.
const LINE: usize = 1_000;

pub(super) fn subject(subject: &core::Subject) -> wit::Subject {
    let criteria = subject.criteria.iter().map(|criterion| wit::Criterion {
        id: criterion.id.clone(),
        text: criterion.text.clone(),
        check: criterion.check.clone(),
    });
    let changes = subject.changes.iter().map(|change| wit::Change {
        path: change.path.clone(),
        kind: match change.kind {
            core::ChangeKind::Added => wit::ChangeKind::Added,
            core::ChangeKind::Modified => wit::ChangeKind::Modified,
            core::ChangeKind::Removed => wit::ChangeKind::Removed,
        },
    });
    wit::Subject {
        task: subject.task.clone(),
        directive: subject.directive.clone(),
        criteria: criteria.collect(),
        iteration: subject.iteration,
        changes: changes.collect(),
        diff: subject.diff.clone(),
        checks: subject.checks.iter().map(check_out).collect(),
        baseline: subject.baseline.iter().map(check_out).collect(),
        answer: subject.answer.clone(),
        rubric: subject.rubric.as_ref().map(rubric),
        before: subject.before.iter().map(before).collect(),
        frozen: subject.frozen.clone(),
        commands: subject.commands.iter().map(named).collect(),
        evidence: subject.evidence.clone(),
        pointers: subject.pointers.iter().map(finding_out).collect(),
        earlier: subject.earlier.iter().map(finding_out).collect(),
        quick: subject.quick.as_ref().map(quick),
    }
}

fn quick(quick: &core::QuickLook) -> wit::QuickLook {
    wit::QuickLook { milliseconds: quick.milliseconds, without: quick.without.clone() }
}

fn named(named: &core::NamedCheck) -> wit::NamedCheck {
    wit::NamedCheck { category: named.category.clone(), command: named.command.clone() }
}

fn finding_out(finding: &core::Finding) -> wit::Finding {
    wit::Finding {
        severity: match finding.severity {
            core::Severity::Note => wit::Severity::Note,
            core::Severity::Minor => wit::Severity::Minor,
            core::Severity::Major => wit::Severity::Major,
            core::Severity::Critical => wit::Severity::Critical,
        },
        message: finding.message.clone(),
        evidence: finding.evidence.clone(),
        dimension: finding.dimension.clone(),
    }
}

fn before(before: &core::Before) -> wit::Before {
    wit::Before { path: before.path.clone(), text: before.text.clone() }
}

fn rubric(rubric: &core::Rubric) -> wit::Rubric {
    let dimensions = rubric
        .dimensions
        .iter()
        .map(|dimension| wit::Dimension { name: dimension.name.clone(), weight: dimension.weight });
    wit::Rubric {
        name: rubric.name.clone(),
        dimensions: dimensions.collect(),
        text: rubric.text.clone(),
    }
}

fn check_out(check: &core::Check) -> wit::Check {
    let tests = check
        .tests
        .iter()
        .map(|test| wit::Test { name: test.name.clone(), outcome: outcome_out(test.outcome) });
    wit::Check {
        id: check.id.clone(),
        category: check.category.clone(),
        command: check.command.clone(),
        outcome: outcome_out(check.outcome),
        exit_code: check.exit_code,
        tests: tests.collect(),
        test_count: check.test_count,
        excerpt: check.excerpt.clone(),
        receipts: check.receipts.clone(),
        duration_ms: check.duration_ms,
        runner: check.runner.clone(),
    }
}

fn outcome_out(outcome: core::CheckOutcome) -> wit::Outcome {
    match outcome {
        core::CheckOutcome::Passed => wit::Outcome::Passed,
        core::CheckOutcome::Failed => wit::Outcome::Failed,
        core::CheckOutcome::Errored => wit::Outcome::Errored,
        core::CheckOutcome::Skipped => wit::Outcome::Skipped,
        core::CheckOutcome::Flaky => wit::Outcome::Flaky,
    }
}

/// Checks a verdict and makes its texts safe to show.
pub(super) fn verdict(verdict: wit::Verdict, most_bytes: u64) -> Result<core::Verdict, Failure> {
    let tests: usize = verdict.checks.iter().map(|check| check.tests.len()).sum();
    let counts = [
        verdict.checks.len(),
        verdict.scores.len(),
        verdict.findings.len(),
        verdict.evidence.len(),
        tests,
    ];
    if counts.iter().any(|count| *count > MOST) {
        let name = "verdict-items".to_owned();
        return Err(Failure::Limited { name, value: MOST as u64, knob: String::new() });
    }
    let scores = verdict.scores.into_iter().map(score).collect::<Result<_, _>>()?;
    let verdict = core::Verdict {
        checks: verdict.checks.into_iter().map(check_in).collect(),
        scores,
        findings: verdict.findings.into_iter().map(finding).collect(),
        summary: text::one_line(&verdict.summary, LINE),
        evidence: verdict.evidence.into_iter().map(evidence).collect(),
        rewritten: Vec::new(),
        receipts: Vec::new(),
    };
    if weight(&verdict) > most_bytes {
        let (name, knob) = ("output-kib".to_owned(), "limits.output-kib".to_owned());
        return Err(Failure::Limited { name, value: most_bytes / 1024, knob });
    }
    Ok(verdict)
}

fn evidence(file: wit::EvidenceFile) -> EvidenceFile {
    EvidenceFile { path: file.path, shown: file.shown, product: file.product }
}

fn score(score: wit::Score) -> Result<core::Score, Failure> {
    let dimension = text::one_line(&score.dimension, LINE);
    let possible = score.value.is_finite() && (0.0..=1.0).contains(&score.value);
    if possible || off(Guard::HostScore) {
        return Ok(core::Score { dimension, value: score.value });
    }
    Err(Failure::Failed(format!(
        "not evaluated: the score of `{dimension}` is {}, and a score is from 0 to 1",
        score.value
    )))
}

fn check_in(check: wit::Check) -> core::Check {
    let tests = check.tests.into_iter().map(|test| core::TestResult {
        name: text::one_line(&test.name, LINE),
        outcome: outcome_in(test.outcome),
    });
    core::Check {
        id: text::one_line(&check.id, LINE),
        category: text::one_line(&check.category, LINE),
        command: text::one_line(&check.command, LINE),
        outcome: outcome_in(check.outcome),
        exit_code: check.exit_code,
        tests: tests.collect(),
        test_count: check.test_count,
        excerpt: text::visible(tail(&check.excerpt, EXCERPT)),
        receipts: check.receipts.iter().map(|id| text::one_line(id, 64)).collect(),
        duration_ms: check.duration_ms,
        runner: text::one_line(&check.runner, LINE),
    }
}

fn outcome_in(outcome: wit::Outcome) -> core::CheckOutcome {
    match outcome {
        wit::Outcome::Passed => core::CheckOutcome::Passed,
        wit::Outcome::Failed => core::CheckOutcome::Failed,
        wit::Outcome::Errored => core::CheckOutcome::Errored,
        wit::Outcome::Skipped => core::CheckOutcome::Skipped,
        wit::Outcome::Flaky => core::CheckOutcome::Flaky,
    }
}

fn finding(finding: wit::Finding) -> core::Finding {
    core::Finding {
        severity: match finding.severity {
            wit::Severity::Note => core::Severity::Note,
            wit::Severity::Minor => core::Severity::Minor,
            wit::Severity::Major => core::Severity::Major,
            wit::Severity::Critical => core::Severity::Critical,
        },
        message: text::visible(text::cut(&finding.message, MESSAGE)),
        evidence: text::one_line(&finding.evidence, LINE),
        dimension: text::one_line(&finding.dimension, LINE),
    }
}

/// Returns the end of a check's output, where the reason stands.
fn tail(text: &str, most: usize) -> &str {
    let from = text.len().saturating_sub(most);
    let start = (from..=text.len()).find(|at| text.is_char_boundary(*at));
    &text[start.unwrap_or(text.len())..]
}

fn weight(verdict: &core::Verdict) -> u64 {
    let checks: usize = verdict
        .checks
        .iter()
        .map(|check| {
            let tests: usize = check.tests.iter().map(|test| test.name.len() + 8).sum();
            check.excerpt.len() + check.command.len() + tests
        })
        .sum();
    let findings: usize =
        verdict.findings.iter().map(|finding| finding.message.len() + finding.evidence.len()).sum();
    let evidence = verdict.evidence.iter();
    let evidence: usize =
        evidence.map(|file| file.path.len() + file.shown.as_ref().map_or(0, String::len)).sum();
    (checks + findings + evidence) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_score(value: f64) -> wit::Verdict {
        wit::Verdict {
            checks: Vec::new(),
            scores: vec![wit::Score { dimension: "correctness".to_owned(), value }],
            findings: Vec::new(),
            summary: String::new(),
            evidence: Vec::new(),
        }
    }

    #[test]
    fn a_verdict_with_a_score_outside_0_to_1_is_not_evaluated() {
        for value in [f64::NAN, f64::INFINITY, -1.0, 1.001, 11.0] {
            let failure = verdict(with_score(value), 1 << 20).unwrap_err();
            assert!(failure.to_string().starts_with("not evaluated"), "{value}");
        }
        for value in [0.0, 0.5, 1.0] {
            assert_eq!(verdict(with_score(value), 1 << 20).unwrap().scores[0].value, value);
        }
    }

    #[test]
    fn a_verdict_is_capped() {
        let mut many = with_score(1.0);
        many.scores = vec![many.scores[0].clone(); MOST + 1];
        assert_eq!(verdict(many, 1 << 20).unwrap_err().word(), "limited");

        let mut long = with_score(1.0);
        let finding = wit::Finding {
            severity: wit::Severity::Note,
            message: "x".repeat(100_000),
            evidence: "a\u{1b}[2J".to_owned(),
            dimension: String::new(),
        };
        long.findings = vec![finding];
        let cut = verdict(long.clone(), 1 << 20).unwrap();
        assert_eq!(cut.findings[0].message.len(), MESSAGE);
        assert_eq!(cut.findings[0].evidence, "a␛[2J");
        assert_eq!(verdict(long, 1 << 10).unwrap_err().word(), "limited");
    }
}
