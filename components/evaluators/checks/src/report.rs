//! What runners report, test by test. Each parser is a pure function from a run's output.

mod go;
mod javascript;
mod junit;
mod libtest;
mod marks;
mod pytest;
mod tap;
mod unittest;

use std::collections::BTreeMap;

use openkoi_sdk::evaluator::Outcome;

/// One test as a runner reported it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its name, unique in the run and the same in the next one.
    pub name: String,
    /// What the runner wants to hear to run it alone.
    pub handle: String,
    /// How it ended.
    pub outcome: Outcome,
}

impl Case {
    fn new(name: impl Into<String>, outcome: Outcome) -> Self {
        let name = name.into();
        Self { handle: name.clone(), name, outcome }
    }

    fn handled(name: impl Into<String>, handle: impl Into<String>, outcome: Outcome) -> Self {
        Self { name: name.into(), handle: handle.into(), outcome }
    }
}

/// What a run said of its tests.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The tests.
    pub cases: Vec<Case>,
    /// How many ran, where the runner says so.
    pub ran: Option<u32>,
    /// What broke off or never began, in the runner's words. Such a run has not passed, whatever it exits with.
    pub broken: Vec<String>,
}

impl Report {
    /// A report whose count is that of its cases.
    fn counted(cases: Vec<Case>) -> Self {
        let ran = cases.iter().filter(|case| case.outcome != Outcome::Skipped).count();
        Self { cases, ran: u32::try_from(ran).ok(), broken: Vec::new() }
    }

    /// Makes the names unique. The order in which a runner reports equal names is taken to be stable.
    fn unique(mut self) -> Self {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for case in &mut self.cases {
            let count = seen.entry(case.name.clone()).or_default();
            *count += 1;
            if *count > 1 {
                case.name = format!("{} #{count}", case.name);
            }
        }
        self
    }

    /// The tests that failed.
    pub fn failing(&self) -> Vec<&Case> {
        self.cases.iter().filter(|case| case.outcome == Outcome::Failed).collect()
    }

    /// How each test ended, by name.
    pub fn outcomes(&self) -> BTreeMap<&str, Outcome> {
        self.cases.iter().map(|case| (case.name.as_str(), case.outcome)).collect()
    }
}

/// How a run's output is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporter {
    /// There are no tests in it.
    Nothing,
    /// `cargo test`.
    Libtest,
    /// `pytest` with a JUnit report behind its output.
    Pytest,
    /// `python -m unittest -v`.
    Unittest,
    /// `go test -json`.
    Go,
    /// Test Anything Protocol, from `node --test` or a script.
    Tap,
    /// The JSON reports of JavaScript runners.
    JavaScript,
    /// Whatever it is: TAP, JSON, or lines with a tick or a cross.
    Any,
}

impl Reporter {
    /// Reads `output`; nothing if it holds no report.
    pub fn read(self, output: &str) -> Option<Report> {
        let report = match self {
            Self::Nothing => None,
            Self::Libtest => libtest::read(output),
            Self::Pytest => pytest::read(output),
            Self::Unittest => unittest::read(output),
            Self::Go => go::read(output),
            Self::Tap => tap::read(output),
            Self::JavaScript => javascript::read(output).or_else(|| marks::read(output)),
            Self::Any => any(output),
        };
        report.map(Report::unique)
    }

    /// Returns `arguments` changed so that only `failing` run, or as they are where that cannot be said.
    pub fn narrowed(self, arguments: &[String], failing: &[&Case]) -> Vec<String> {
        const MOST: usize = 50;
        let mut narrowed = arguments.to_vec();
        if failing.len() > MOST {
            return narrowed;
        }
        let handles = failing.iter().map(|case| case.handle.clone());
        match self {
            // The names of doc tests hold spaces, at which rustdoc cuts what it is given.
            Self::Libtest if failing.iter().all(|case| !case.handle.contains(' ')) => {
                narrowed.extend(["--", "--exact"].map(str::to_owned));
                narrowed.extend(handles);
            }
            Self::Pytest | Self::Unittest if failing.iter().all(|case| !case.handle.is_empty()) => {
                narrowed.retain(|argument| argument != "discover");
                narrowed.extend(handles);
            }
            Self::Go => go::narrow(&mut narrowed, failing),
            _ => {}
        }
        narrowed
    }
}

fn any(output: &str) -> Option<Report> {
    libtest::read(output)
        .or_else(|| go::read(output))
        .or_else(|| javascript::read(output))
        .or_else(|| tap::read(output))
        .or_else(|| unittest::read(output))
        .or_else(|| pytest::summary(output))
        .or_else(|| marks::read(output))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report as lines: how each test ended, then the count and what broke off.
    pub fn lines(report: &Report) -> Vec<String> {
        let mut lines: Vec<String> = report
            .cases
            .iter()
            .map(|case| format!("{:?} {}", case.outcome, case.name).replace("Outcome::", ""))
            .collect();
        lines.push(format!("{:?} {:?}", report.ran, report.broken));
        lines
    }

    #[test]
    fn equal_names_are_told_apart() {
        let case = |name: &str| Case::new(name, Outcome::Passed);
        let report = Report::counted(vec![case("a"), case("b"), case("a")]).unique();

        assert_eq!(lines(&report), ["Passed a", "Passed b", "Passed a #2", "Some(3) []"]);
    }

    #[test]
    fn a_run_is_narrowed_to_its_failing_tests() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let case = Case::handled("demo::tests::a", "tests::a", Outcome::Failed);

        let cargo = Reporter::Libtest.narrowed(&words("cargo test"), &[&case]);
        let python =
            Reporter::Unittest.narrowed(&words("python3 -m unittest discover -v"), &[&case]);

        assert_eq!(cargo, words("cargo test -- --exact tests::a"));
        assert_eq!(python, words("python3 -m unittest -v tests::a"));
    }

    #[test]
    fn doc_tests_are_repeated_with_all_the_others() {
        let case = Case::handled("demo doc add", "src/lib.rs - add (line 4)", Outcome::Failed);

        let narrowed = Reporter::Libtest.narrowed(&["cargo".to_owned()], &[&case]);

        assert_eq!(narrowed, ["cargo"]);
    }
}
