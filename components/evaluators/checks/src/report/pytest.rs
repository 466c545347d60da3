//! `pytest`: its JUnit report; where another program runs it, the short summary that `-rA` asks for.

use openkoi_sdk::evaluator::Outcome;

use super::case::{Case, Report};
use super::junit::{self, Testcase};
use super::written::written;

/// Reads the report behind a run's output. A run that wrote none is not believed what it printed: product code can print
/// the same and end.
pub(crate) fn read(output: &str) -> Option<Report> {
    let cases = junit::read(written(output)?)?;
    Some(Report::counted(merged(cases.iter().map(case))))
}

/// A test whose teardown failed is reported twice; the worse one counts.
fn merged(cases: impl Iterator<Item = Case>) -> Vec<Case> {
    let mut all: Vec<Case> = Vec::new();
    for case in cases {
        match all.last_mut() {
            Some(last) if last.handle == case.handle && !case.handle.is_empty() => {
                if case.outcome == Outcome::Failed {
                    last.outcome = Outcome::Failed;
                }
            }
            _ => all.push(case),
        }
    }
    all
}

fn case(testcase: &Testcase) -> Case {
    let attribute = |name: &str| testcase.attributes.get(name).map_or("", String::as_str);
    let outcome = testcase.outcome();
    let (name, file, class) = (attribute("name"), attribute("file"), attribute("classname"));
    if file.is_empty() {
        // A file that could not be imported has a name and nothing else.
        let name = [class, name].join(" ");
        return Case::handled(name.trim(), "", outcome);
    }
    let module = file.trim_end_matches(".py").replace('/', ".");
    let classes = class.strip_prefix(&module).unwrap_or("").trim_matches('.');
    let id = match classes {
        "" => format!("{file}::{name}"),
        classes => format!("{file}::{}::{name}", classes.replace('.', "::")),
    };
    Case::new(id, outcome)
}

/// Reads the short summary: `PASSED tests/test_m.py::test_good`, and the line of counts at its end.
pub(crate) fn summary(output: &str) -> Option<Report> {
    let mut cases = Vec::new();
    let mut ran = None;
    for line in output.lines() {
        cases.extend(summary_case(line));
        ran = counts(line).or(ran);
    }
    ran.map(|ran| Report { cases, ran: Some(ran), broken: Vec::new() })
}

fn summary_case(line: &str) -> Option<Case> {
    let (word, rest) = line.split_once(' ')?;
    let outcome = match word {
        "PASSED" | "XPASS" => Outcome::Passed,
        "FAILED" | "ERROR" => Outcome::Failed,
        "XFAIL" => Outcome::Skipped,
        _ => return None,
    };
    // The reason follows; what comes before it may hold the same characters inside of brackets.
    let id = match (rest.rfind("] - "), rest.find(" - ")) {
        (Some(at), _) => &rest[..=at],
        (None, Some(at)) => &rest[..at],
        (None, None) => rest,
    };
    id.contains(".py").then(|| Case::new(id.trim(), outcome))
}

/// `3 failed, 4 passed, 1 skipped, 1 xfailed, 1 error in 0.08s`, with or without a frame of `=`;
/// `no tests ran in 0.01s`.
fn counts(line: &str) -> Option<u32> {
    let (counts, time) = line.trim_matches(['=', ' ']).split_once(" in ")?;
    if !time.contains('s') || !time.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if counts == "no tests ran" {
        return Some(0);
    }
    let mut ran = 0;
    for part in counts.split(", ") {
        let (count, word) = part.split_once(' ')?;
        let count: u32 = count.parse().ok()?;
        match word {
            "passed" | "failed" | "error" | "errors" | "xpassed" => ran += count,
            "skipped" | "xfailed" | "deselected" | "warning" | "warnings" | "rerun" => {}
            _ => return None,
        }
    }
    Some(ran)
}

#[cfg(test)]
mod tests {
    use super::super::{Reporter, tests::lines};

    const NAMES: [&str; 10] = [
        "Passed tests/test_m.py::test_good",
        "Failed tests/test_m.py::test_bad",
        "Skipped tests/test_m.py::test_skipped",
        "Skipped tests/test_m.py::test_xf",
        "Passed tests/test_m.py::test_p[a b]",
        "Failed tests/test_m.py::test_p[c - d]",
        "Passed tests/test_m.py::test_p[q\"<]",
        "Passed tests/test_m.py::TestC::test_in",
        "Failed tests/test_m.py::U::test_u",
        "Failed tests/test_m.py::test_fx",
    ];

    #[test]
    fn the_report_names_every_test_as_pytest_does() {
        let report = Reporter::Pytest.read(include_str!("../../fixtures/pytest.txt")).unwrap();

        let mut expected = NAMES.map(str::to_owned).to_vec();
        expected.push("Some(8) []".to_owned());
        assert_eq!(lines(&report), expected);
    }

    #[test]
    fn where_another_program_runs_it_the_summary_serves() {
        let output = include_str!("../../fixtures/pytest.txt");
        let (output, _) = output.split_once("\n<<<").unwrap();

        assert_eq!(Reporter::Pytest.read(output), None);
        let read = lines(&super::summary(output).unwrap());

        let mut seen: Vec<&str> = read.iter().map(String::as_str).collect();
        assert_eq!(seen.pop(), Some("Some(8) []"));
        seen.sort_unstable();
        let mut expected = NAMES.to_vec();
        // The summary names the place of a skip and not the test.
        expected.retain(|name| !name.ends_with("test_skipped"));
        expected.sort_unstable();
        assert_eq!(seen, expected);
    }

    #[test]
    fn no_tests_are_counted_as_none() {
        let report = super::summary("\n============ no tests ran in 0.01s ============\n").unwrap();

        assert_eq!(lines(&report), ["Some(0) []"]);
    }

    #[test]
    fn a_usage_error_is_not_read_as_a_report() {
        assert_eq!(Reporter::Pytest.read("ERROR: file or directory not found: x\n"), None);
    }
}
