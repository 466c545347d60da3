//! A verdict as one line of progress.

use openkoi_core::evaluation::{Check, CheckOutcome, Verdict};

use crate::output::{plural, shortened};

/// The most columns of the reason why a check failed or could not be run.
const REASON: usize = 100;

/// Returns a verdict as one line, and whether it is good news.
pub(super) fn told(verdict: &Verdict) -> (String, bool) {
    let checks = verdict.checks.iter().map(check_text);
    let scores =
        verdict.scores.iter().map(|score| format!("{}={:.1}", score.dimension, score.value * 10.0));
    let text = checks.chain(scores).collect::<Vec<_>>().join(" ");
    let good = verdict
        .checks
        .iter()
        .all(|check| matches!(check.outcome, CheckOutcome::Passed | CheckOutcome::Flaky));
    (text, good)
}

fn check_text(check: &Check) -> String {
    let failing = check
        .tests
        .iter()
        .filter(|test| matches!(test.outcome, CheckOutcome::Failed | CheckOutcome::Errored))
        .count();
    let word = match check.outcome {
        CheckOutcome::Passed => "passed",
        CheckOutcome::Failed => "failed",
        CheckOutcome::Errored => "could-not-run",
        CheckOutcome::Skipped => "skipped",
        CheckOutcome::Flaky => "flaky",
    };
    let reason = reason(check);
    // Where no test says what failed, the program's own words do.
    let untold = match check.outcome {
        CheckOutcome::Errored => failing == 0,
        CheckOutcome::Failed => failing == 0 && check.test_count.is_none(),
        _ => false,
    };
    if untold && !reason.is_empty() {
        return format!("{}={word}({})", check.id, shortened(reason, REASON));
    }
    match (failing, check.test_count) {
        (0, Some(count)) => format!("{}={word}({})", check.id, plural(count as usize, "test")),
        (0, None) => format!("{}={word}", check.id),
        (_, Some(count)) => format!("{}={word}({failing} of {count} tests)", check.id),
        (_, None) => format!("{}={word}({})", check.id, plural(failing, "test")),
    }
}

/// Returns the line of a check's excerpt that says why: the first of an error, or the first.
fn reason(check: &Check) -> &str {
    let lines = || check.excerpt.lines().map(str::trim).filter(|line| !line.is_empty());
    let is_error =
        |line: &&str| line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("error"));
    let is_failed = check.outcome == CheckOutcome::Failed;
    let error = lines().find(is_error).filter(|_| is_failed);
    error.or_else(|| lines().next()).unwrap_or_default()
}
