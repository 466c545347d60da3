//! A verdict as one line of progress.

use openkoi_core::evaluation::{Check, CheckOutcome, Verdict};

use crate::output::{plural, shortened};

/// The most columns of the reason why a check could not be run.
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
    let reason = check.excerpt.lines().next().unwrap_or_default();
    if check.outcome == CheckOutcome::Errored && failing == 0 && !reason.is_empty() {
        return format!("{}={word}({})", check.id, shortened(reason, REASON));
    }
    match (failing, check.test_count) {
        (0, Some(count)) => format!("{}={word}({})", check.id, plural(count as usize, "test")),
        (0, None) => format!("{}={word}", check.id),
        (_, Some(count)) => format!("{}={word}({failing} of {count} tests)", check.id),
        (_, None) => format!("{}={word}({})", check.id, plural(failing, "test")),
    }
}
