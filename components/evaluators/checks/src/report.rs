//! Reports of test runners, test by test. Each parser is a pure function from a run's output.

mod case;
mod go;
mod javascript;
mod junit;
mod libtest;
mod marks;
mod pytest;
mod tap;
mod unittest;

pub(crate) use case::{Case, Report};
pub(crate) use pytest::REPORT_MARK;

/// The reader of a run's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reporter {
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
    pub(crate) fn read(self, output: &str) -> Option<Report> {
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
    pub(crate) fn narrowed(self, arguments: &[String], failing: &[&Case]) -> Vec<String> {
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
    use openkoi_sdk::evaluator::Outcome;

    use super::*;

    /// A report as lines: how each test ended, then the count and what broke off.
    pub(crate) fn lines(report: &Report) -> Vec<String> {
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
