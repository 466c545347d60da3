//! The verdict as a whole.

use std::collections::BTreeSet;

use openkoi_sdk::Result;
use openkoi_sdk::evaluator::{Check, Finding, Outcome, Severity, Subject, Verdict};

use crate::claims::{self, Claim};
use crate::plan::Plan;
use crate::run::{self, Results};
use crate::world::World;
use crate::{detect, tamper};

/// Runs the project's checks on the tree as it is and looks at what became of its tests.
pub(crate) fn evaluate(subject: &Subject, world: &dyn World) -> Result<Verdict> {
    let claims = subject.answer.as_deref().map(claims::read).unwrap_or_default();
    // An answer without any change has only to be held against what it says.
    let answer_only = subject.answer.is_some() && subject.changes.is_empty();
    if answer_only && claims.is_empty() && subject.baseline.is_empty() {
        return Ok(Verdict::new("the answer claims nothing that a check could show"));
    }
    let results = results(subject, &claims, answer_only, world)?;
    let mut findings = tamper::findings(subject, world);
    findings.extend(unborne(&claims, &results.checks));
    Ok(verdict(results, findings))
}

fn results(
    subject: &Subject,
    claims: &[Claim],
    answer_only: bool,
    world: &dyn World,
) -> Result<Results> {
    if answer_only && !subject.baseline.is_empty() {
        // Nothing changed since these ran: they show what another run would.
        return Ok(Results { checks: subject.baseline.clone(), findings: Vec::new() });
    }
    let mut plans = detect::plans(world, &subject.changes);
    if answer_only {
        let categories = categories(claims);
        plans.retain(|plan| claimed(plan, &categories));
    }
    run::all(world, &plans, &subject.baseline)
}

fn categories(claims: &[Claim]) -> BTreeSet<&'static str> {
    claims.iter().map(|claim| claim.category.word()).collect()
}

/// Returns whether the plan shows something that is claimed, or something that claimed tests stand on.
fn claimed(plan: &Plan, categories: &BTreeSet<&'static str>) -> bool {
    let category = plan.category.word();
    categories.contains(category) || (category == "build" && !categories.is_empty())
}

/// Returns the claims of an answer that the checks do not bear out.
fn unborne(claims: &[Claim], checks: &[Check]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for claim in claims {
        let word = claim.category.word();
        let mut own = checks.iter().filter(|check| check.category == word).peekable();
        let none = own.peek().is_none();
        let against = own.find(|check| check.outcome != Outcome::Passed);
        let (why, evidence) = match against {
            _ if none => ("there is no such check".to_owned(), format!("answer:{}", claim.line)),
            Some(check) => (format!("`{}` {}", check.command, ended(check)), check.id.clone()),
            None => continue,
        };
        findings.push(Finding {
            severity: Severity::Critical,
            message: format!("the answer says “{}”, but {why}", claim.sentence),
            evidence,
            dimension: String::new(),
        });
    }
    findings
}

fn ended(check: &Check) -> &'static str {
    match check.outcome {
        Outcome::Failed => "fails",
        Outcome::Flaky => "fails now and then",
        Outcome::Skipped => "was left out",
        Outcome::Passed => "passes",
        Outcome::Errored if check.excerpt.starts_with("no test ran") => "runs no test",
        Outcome::Errored => "could not be run to its end",
    }
}

fn verdict(results: Results, mut findings: Vec<Finding>) -> Verdict {
    findings.extend(results.findings);
    let summary = summary(&results.checks, &findings);
    Verdict { checks: results.checks, scores: Vec::new(), findings, summary }
}

/// `cargo:build passed, cargo:test failed (2 of 14 tests)`
fn summary(checks: &[Check], findings: &[Finding]) -> String {
    let mut parts: Vec<String> = checks.iter().map(part).collect();
    if parts.is_empty() {
        parts.push("no checks found".to_owned());
    }
    let kept = |finding: &&Finding| {
        finding.dimension == tamper::DIMENSION && finding.severity == Severity::Critical
    };
    let weakened = findings.iter().filter(kept).count();
    if weakened > 0 {
        parts.push(format!("tests were weakened in {weakened} places"));
    }
    parts.join(", ")
}

fn part(check: &Check) -> String {
    let word = match check.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Errored => "could not be run",
        Outcome::Skipped => "skipped",
        Outcome::Flaky => "flaky",
    };
    let failed = check.tests.iter().filter(|test| test.outcome == Outcome::Failed).count();
    match (check.test_count, failed) {
        (Some(count), 0) if count > 0 => format!("{} {word} ({count} tests)", check.id),
        (Some(count), failed) if failed > 0 => {
            format!("{} {word} ({failed} of {count} tests)", check.id)
        }
        _ => format!("{} {word}", check.id),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::world::tests::Fake;
    use openkoi_sdk::evaluator::{Change, ChangeKind};

    pub(crate) fn subject() -> Subject {
        Subject {
            task: "add a feature".to_owned(),
            criteria: Vec::new(),
            iteration: 1,
            changes: Vec::new(),
            diff: String::new(),
            checks: Vec::new(),
            baseline: Vec::new(),
            answer: None,
            rubric: None,
        }
    }

    fn script(output: &str, code: i32) -> Fake {
        let world = Fake::default().file("test.sh", "").answers("sh test.sh", code, output);
        if code == 0 { world } else { world.answers("sh test.sh", code, output) }
    }

    fn answer(text: &str) -> Subject {
        Subject { answer: Some(text.to_owned()), ..subject() }
    }

    #[test]
    fn nothing_to_check_is_said_and_nothing_is_run() {
        let world = Fake::default().file("notes.md", "");

        assert_eq!(evaluate(&subject(), &world).unwrap(), Verdict::new("no checks found"));
    }

    #[test]
    fn the_summary_counts_tests() {
        let red = evaluate(&subject(), &script("ok a\nnot ok b\n", 1)).unwrap();
        let green = evaluate(&subject(), &script("ok a\nok b\n", 0)).unwrap();

        assert_eq!(red.summary, "script:test failed (1 of 2 tests)");
        assert_eq!(green.summary, "script:test passed (2 tests)");
    }

    #[test]
    fn an_answer_that_claims_nothing_costs_no_run() {
        let verdict =
            evaluate(&answer("The parser reads one line at a time."), &script("", 0)).unwrap();

        assert_eq!(verdict, Verdict::new("the answer claims nothing that a check could show"));
    }

    #[test]
    fn a_claim_is_held_against_the_run() {
        let says = answer("I fixed it.\nAll tests pass.");

        let wrong = evaluate(&says, &script("not ok a\n", 1)).unwrap();
        let right = evaluate(&says, &script("ok a\n", 0)).unwrap();

        assert_eq!(
            wrong.findings[0].message,
            "the answer says “All tests pass”, but `sh test.sh` fails"
        );
        assert_eq!(wrong.findings[0].evidence, "script:test");
        assert_eq!(wrong.findings[0].severity, Severity::Critical);
        assert_eq!(right.findings, []);
    }

    #[test]
    fn a_claim_that_nothing_can_show_is_not_borne_out() {
        let verdict = evaluate(&answer("The linter is clean."), &script("ok a\n", 0)).unwrap();

        assert_eq!(verdict.checks, []);
        assert_eq!(
            verdict.findings[0].message,
            "the answer says “The linter is clean”, but there is no such check"
        );
        assert_eq!(verdict.findings[0].evidence, "answer:1");
    }

    #[test]
    fn what_ran_on_the_same_tree_is_not_run_again() {
        let base = evaluate(&subject(), &script("ok a\n", 0)).unwrap().checks;
        let subject = Subject { baseline: base.clone(), ..answer("Nothing had to be done.") };
        let nothing_runs = Fake::default().file("test.sh", "");

        assert_eq!(evaluate(&subject, &nothing_runs).unwrap().checks, base);
    }

    #[test]
    fn a_change_is_checked_even_when_nothing_is_claimed() {
        let change = Change { path: "a.txt".to_owned(), kind: ChangeKind::Modified };
        let subject = Subject { changes: vec![change], ..answer("done") };

        assert_eq!(evaluate(&subject, &script("ok a\n", 0)).unwrap().checks.len(), 1);
    }
}
