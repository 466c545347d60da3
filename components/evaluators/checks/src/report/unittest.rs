//! `python -m unittest -v`.

use std::collections::BTreeMap;

use openkoi_sdk::evaluator::Outcome;

use super::case::{Case, Report};

/// Reads the output; nothing without its last line of counts.
pub(crate) fn read(output: &str) -> Option<Report> {
    let mut reader = Reader::default();
    for line in output.lines() {
        reader.line(line);
    }
    reader.report()
}

#[derive(Default)]
struct Reader {
    outcomes: BTreeMap<String, Outcome>,
    /// The test whose end has not been printed yet.
    pending: Option<String>,
    after_rule: bool,
    ran: Option<u32>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if let Some(count) = ran(line) {
            self.ran = Some(count);
        } else if self.after_rule
            && let Some(id) = heading(line)
        {
            self.set(id, Outcome::Failed);
        } else if let Some((head, end)) = line.rsplit_once(" ... ") {
            self.ended(head, end);
        } else if let Some(outcome) = outcome(line) {
            // What the test printed pushed its end to a line of its own.
            if let Some(id) = self.pending.take() {
                self.set(id, outcome);
            }
        } else if let Some(id) = identity(line) {
            self.pending = Some(id);
        }
        self.after_rule = line.starts_with("=====");
    }

    fn ended(&mut self, head: &str, end: &str) {
        let id = identity(head).or_else(|| self.pending.take());
        match (id, outcome(end)) {
            (Some(id), Some(outcome)) => self.set(id, outcome),
            (id, None) => self.pending = id,
            (None, Some(_)) => {}
        }
    }

    /// A failure stays one: subtests are reported under the same id.
    fn set(&mut self, id: String, outcome: Outcome) {
        let known = self.outcomes.entry(id).or_insert(outcome);
        if outcome == Outcome::Failed {
            *known = Outcome::Failed;
        }
    }

    fn report(self) -> Option<Report> {
        let ran = self.ran?;
        let skipped =
            self.outcomes.values().filter(|outcome| **outcome == Outcome::Skipped).count();
        let cases = self.outcomes.into_iter().map(|(id, outcome)| case(&id, outcome)).collect();
        let ran = ran.saturating_sub(u32::try_from(skipped).unwrap_or(0));
        Some(Report { cases, ran: Some(ran), broken: Vec::new() })
    }
}

fn case(id: &str, outcome: Outcome) -> Case {
    // A module that cannot be imported is reported as a test of the loader.
    match id.strip_prefix("unittest.loader._FailedTest.") {
        Some(module) => Case::handled(format!("{module} (import)"), "", outcome),
        None => Case::new(id, outcome),
    }
}

/// `Ran 6 tests in 0.001s`
fn ran(line: &str) -> Option<u32> {
    let (count, rest) = line.strip_prefix("Ran ")?.split_once(' ')?;
    rest.starts_with("test").then(|| count.parse().ok())?
}

/// `ERROR: test_err (test_u.A.test_err)`
fn heading(line: &str) -> Option<String> {
    let rest = line.strip_prefix("ERROR: ").or_else(|| line.strip_prefix("FAIL: "))?;
    identity(rest)
}

/// The dotted id in `test_bad (test_u.A.test_bad)`; before Python 3.11 the method is left out of the brackets.
fn identity(text: &str) -> Option<String> {
    let (method, rest) = text.trim_start().split_once(" (")?;
    let (path, _) = rest.split_once(')')?;
    let word = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
    if !word(method) || !word(path) {
        return None;
    }
    let complete = path == method || path.ends_with(&format!(".{method}"));
    Some(if complete { path.to_owned() } else { format!("{path}.{method}") })
}

fn outcome(text: &str) -> Option<Outcome> {
    match text.trim() {
        "ok" => Some(Outcome::Passed),
        "FAIL" | "ERROR" | "unexpected success" => Some(Outcome::Failed),
        "expected failure" => Some(Outcome::Skipped),
        text if text.starts_with("skipped") => Some(Outcome::Skipped),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reporter, tests::lines};

    #[test]
    fn docstrings_noise_and_subtests_are_read() {
        let report = Reporter::Unittest.read(include_str!("../../fixtures/unittest.txt")).unwrap();

        assert_eq!(
            lines(&report),
            [
                "Failed test_u.A.test_bad",
                "Failed test_u.A.test_err",
                "Passed test_u.A.test_ok",
                "Skipped test_u.A.test_skip",
                "Failed test_u.A.test_sub",
                "Skipped test_u.A.test_xf",
                "Some(4) []"
            ]
        );
    }

    #[test]
    fn older_versions_leave_the_method_out_of_the_brackets() {
        let output = "test_a (tests.test_x.T) ... ok\n\n------\nRan 1 test in 0.000s\n\nOK\n";

        let report = Reporter::Unittest.read(output).unwrap();

        assert_eq!(lines(&report), ["Passed tests.test_x.T.test_a", "Some(1) []"]);
    }

    #[test]
    fn a_module_that_cannot_be_imported_failed() {
        let output = "test_x (unittest.loader._FailedTest.test_x) ... ERROR\n\n======\n\
                      ERROR: test_x (unittest.loader._FailedTest.test_x)\n------\n\
                      ImportError: Failed to import test module: test_x\n\nRan 1 test in 0.000s\n\nFAILED\n";

        let report = Reporter::Unittest.read(output).unwrap();

        assert_eq!(lines(&report), ["Failed test_x (import)", "Some(1) []"]);
        assert_eq!(report.cases[0].handle, "");
    }

    #[test]
    fn no_tests_are_counted_as_none() {
        let report = Reporter::Unittest.read("\n-----\nRan 0 tests in 0.000s\n\nOK\n").unwrap();

        assert_eq!(lines(&report), ["Some(0) []"]);
    }
}
