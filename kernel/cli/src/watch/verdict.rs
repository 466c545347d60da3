//! A verdict as one line of progress.

use openkoi_core::evaluation::{Check, CheckOutcome, Verdict};

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
    match (failing, check.test_count) {
        (0, Some(count)) => format!("{}={word}({count} tests)", check.id),
        (0, None) => format!("{}={word}", check.id),
        (_, count) => {
            let of = count.map_or_else(String::new, |count| format!(" of {count}"));
            format!("{}={word}({failing}{of} tests)", check.id)
        }
    }
}
