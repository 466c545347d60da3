//! Runners that name suites in lines of their own, or only count: Bazel, Cabal, Stack, Zig, Leiningen, EUnit, Gleam, Nim,
//! Julia.

use openkoi_sdk::evaluator::Outcome;

use super::case::{Case, Report};

/// Reads suites and counts; nothing if there is neither.
pub(crate) fn read(output: &str) -> Option<Report> {
    let mut cases: Vec<Case> = Vec::new();
    let mut ran = None;
    let mut failed = 0;
    for line in output.lines().map(str::trim) {
        if let Some(case) = target(line).or_else(|| suite(line)).or_else(|| marked(line)) {
            cases.push(case);
        } else if let Some((all, red)) = counts(line) {
            ran = Some(ran.unwrap_or(0) + all);
            failed += red;
        }
    }
    if cases.is_empty() && ran.is_none() {
        return None;
    }
    let mut report = Report::counted(cases);
    report.ran = ran.or(report.ran);
    if failed > 0 && report.failing().is_empty() {
        report.broken.push(format!("{failed} tests failed"));
    }
    Some(report)
}

/// Bazel: `//app:calc_test   (cached) PASSED in 0.1s`
fn target(line: &str) -> Option<Case> {
    let mut words = line.split_whitespace();
    let name = words.next().filter(|name| name.starts_with("//") && name.contains(':'))?;
    let word = words.find(|word| !word.starts_with('('))?;
    let outcome = match word {
        "PASSED" => Outcome::Passed,
        "FAILED" | "TIMEOUT" => Outcome::Failed,
        "FLAKY," | "FLAKY" => Outcome::Flaky,
        "SKIPPED" | "NO" => Outcome::Skipped,
        _ => return None,
    };
    Some(Case::new(name, outcome))
}

/// Cabal and Stack: `Test suite spec: PASS`, `pond> Test suite spec passed`
fn suite(line: &str) -> Option<Case> {
    let (_, rest) = line.split_once("Test suite ")?;
    let (name, end) = rest.split_once([':', ' '])?;
    let outcome = match end.trim().to_ascii_lowercase().as_str() {
        "pass" | "passed" => Outcome::Passed,
        "fail" | "failed" => Outcome::Failed,
        _ => return None,
    };
    Some(Case::new(name, outcome))
}

/// Nim: `[OK] adds`, `[FAILED] divides`; EUnit: `calc_tests: adds_test...ok`
fn marked(line: &str) -> Option<Case> {
    if let Some((mark, name)) = line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        let outcome = match mark.trim() {
            "OK" => Outcome::Passed,
            "FAILED" => Outcome::Failed,
            "SKIPPED" => Outcome::Skipped,
            _ => return None,
        };
        return Some(Case::new(name, outcome));
    }
    let (name, end) = line.rsplit_once("...")?;
    let outcome = match end.trim_start_matches(|c| c != ']').trim_start_matches(']').trim() {
        "ok" => Outcome::Passed,
        _ if end == "ok" => Outcome::Passed,
        _ if end.contains("*failed*") => Outcome::Failed,
        _ => return None,
    };
    name.contains(": ").then(|| Case::new(name, outcome))
}

/// Returns how many ran and how many of them failed.
fn counts(line: &str) -> Option<(u32, u32)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |word: &str| word.trim_end_matches([',', ';']).parse::<u32>().ok();
    // Zig: `Build Summary: 3/3 steps succeeded; 5/5 tests passed`
    if words.starts_with(&["Build", "Summary:"]) {
        let at = words.iter().position(|word| *word == "tests").filter(|at| *at > 0)?;
        let (passed, all) = words[at - 1].split_once('/')?;
        let (passed, all) = (number(passed)?, number(all)?);
        return Some((all, all.saturating_sub(passed)));
    }
    match words.as_slice() {
        // Leiningen: `Ran 3 tests containing 5 assertions.`, `1 failures, 0 errors.`
        ["Ran", all, "tests", "containing", ..] => Some((number(all)?, 0)),
        [red, "failures,", errors, "errors."] => Some((0, number(red)? + number(errors)?)),
        // Gleam: `3 passed, no failures`, `3 tests, 1 failures`
        [all, "passed,", "no", "failures"] => Some((number(all)?, 0)),
        [all, "tests,", red, "failures"] if *red != "no" => Some((number(all)?, number(red)?)),
        [all, "tests,", "no", "failures"] => Some((number(all)?, 0)),
        // EUnit: `All 3 tests passed.`, `Failed: 1.  Skipped: 0.  Passed: 2.`
        ["All", all, "tests", "passed."] => Some((number(all)?, 0)),
        ["Failed:", red, "Skipped:", _, "Passed:", passed] => {
            let count = |word: &str| word.trim_end_matches('.').parse::<u32>().ok();
            Some((count(red)? + count(passed)?, count(red)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use super::*;

    #[test]
    fn suites_and_counts_are_read() {
        let shown = |output: &str| lines(&read(output).unwrap());

        assert_eq!(
            shown(
                "//app:calc_test   (cached) PASSED in 0.1s\n//app:io_test    FAILED in 1.2s\n  /tmp/test.log\n"
            ),
            ["Passed //app:calc_test", "Failed //app:io_test", "Some(2) []"]
        );
        assert_eq!(
            shown("Test suite spec: RUNNING...\nTest suite spec: PASS\n"),
            ["Passed spec", "Some(1) []"]
        );
        assert_eq!(shown("pond> Test suite spec failed\n"), ["Failed spec", "Some(1) []"]);
        assert_eq!(
            shown("Build Summary: 3/5 steps succeeded; 1 failed; 4/5 tests passed; 1 failed\n"),
            ["Some(5) [\"1 tests failed\"]"]
        );
        assert_eq!(
            shown("Ran 3 tests containing 5 assertions.\n0 failures, 0 errors.\n"),
            ["Some(3) []"]
        );
        assert_eq!(
            shown("  [OK] adds\n  [FAILED] divides\n"),
            ["Passed adds", "Failed divides", "Some(2) []"]
        );
        assert_eq!(
            shown("  calc_tests: adds_test...ok\n  All 3 tests passed.\n"),
            ["Passed calc_tests: adds_test", "Some(3) []"]
        );
        assert_eq!(read("hello ... ok\n"), None);
    }
}
