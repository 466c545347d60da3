//! Reports of test runners, test by test. Each parser is a pure function from a run's output.

mod case;
mod dart;
mod elixir;
mod go;
mod javascript;
mod junit;
mod libtest;
mod lines;
mod marks;
mod pytest;
mod ruby;
mod tap;
mod trx;
mod unittest;
mod written;

pub(crate) use case::{Case, Report};
use std::borrow::Cow;

pub(crate) use written::REPORT_MARK;
use written::written;

/// The reader of a run's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reporter {
    /// There are no tests in it.
    Nothing,
    /// `cargo test`.
    Libtest,
    /// A JUnit report behind the output. A test is run by its name, behind its class and these characters if there are
    /// any.
    Junit(&'static str),
    /// The same of `pytest`, whose tests are files with names.
    Pytest,
    /// `python -m unittest -v`.
    Unittest,
    /// `go test -json`.
    Go,
    /// Test Anything Protocol, from `node --test` or a script.
    Tap,
    /// `prove -v`: the same of several files.
    Prove,
    /// The JSON reports of JavaScript runners.
    JavaScript,
    /// The report of `dotnet test` behind the output.
    Trx,
    /// The JSON report of `rspec` behind the output.
    Rspec,
    /// Minitest with `-v`.
    Minitest,
    /// `mix test --trace`.
    ExUnit,
    /// The JSON report of `dart test` and `flutter test` behind the output.
    Dart,
    /// Lines of runners that name suites or only count.
    Lines,
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
            Self::Junit(by) => written(output).and_then(|xml| junit::report(xml, by)),
            Self::Tap => tap::read(output),
            Self::Prove => tap::of_files(output),
            Self::JavaScript => javascript::read(written(output).unwrap_or(output)),
            Self::Trx => written(output).and_then(trx::read),
            Self::Rspec => written(output).and_then(ruby::rspec),
            Self::Minitest => ruby::minitest(output),
            Self::ExUnit => elixir::read(output),
            Self::Dart => written(output).and_then(dart::read),
            Self::Lines => lines::read(output),
            Self::Any => any(output),
        };
        report.map(Report::unique)
    }

    /// Returns the output as a person reads it.
    pub(crate) fn readable(self, output: &str) -> Cow<'_, str> {
        match self {
            Self::Go => Cow::Owned(go::plain(output)),
            _ => Cow::Borrowed(output),
        }
    }

    /// Returns whether the runner was asked for a report: without any it has not passed, whatever it exits with.
    pub(crate) fn is_asked(self) -> bool {
        !matches!(self, Self::Nothing | Self::Any)
    }
}

fn any(output: &str) -> Option<Report> {
    libtest::read(output)
        .or_else(|| go::read(output))
        .or_else(|| javascript::read(output))
        .or_else(|| tap::read(output))
        .or_else(|| unittest::read(output))
        .or_else(|| pytest::summary(output))
        .or_else(|| lines::read(output))
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
}
