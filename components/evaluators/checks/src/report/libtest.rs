//! `cargo test`: several binaries one after the other, then the doc tests, each with its own block.

use openkoi_sdk::evaluator::Outcome;

use super::case::{Case, Report};

/// Reads the output of `cargo test`.
pub(crate) fn read(output: &str) -> Option<Report> {
    let mut reader = Reader::default();
    for line in output.lines() {
        reader.line(line);
    }
    reader.close();
    reader.seen.then_some(reader.report)
}

#[derive(Default)]
struct Reader {
    report: Report,
    /// The name of the binary that runs now.
    target: String,
    /// The number of tests it announced, until its summary has come.
    announced: Option<u32>,
    /// True if lines are those of tests. What a failed test printed comes later and may look the same.
    listing: bool,
    seen: bool,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if let Some(target) = target(line) {
            self.close();
            self.target = target;
        } else if let Some(count) = announced(line) {
            self.announced = Some(count);
            self.listing = true;
            self.seen = true;
        } else if let Some(ran) = summary(line) {
            self.report.ran = Some(self.report.ran.unwrap_or(0) + ran);
            self.announced = None;
            self.listing = false;
        } else if line == "failures:" {
            self.listing = false;
        } else if self.listing {
            self.report.cases.extend(case(line, &self.target));
        }
    }

    fn close(&mut self) {
        if self.announced.take().is_some() {
            self.report.broken.push(format!("`{}` ended before its tests did", self.target));
        }
        self.listing = false;
    }
}

/// `     Running unittests src/lib.rs (target/debug/deps/demo-8348ca7a80742723)`, `   Doc-tests demo`.
fn target(line: &str) -> Option<String> {
    if let Some(name) = line.strip_prefix("   Doc-tests ") {
        return Some(format!("{} doc", name.trim()));
    }
    let rest = line.strip_prefix("     Running ")?;
    let (source, binary) = rest.split_once(" (")?;
    let file = binary.trim_end_matches(')').rsplit(['/', '\\']).next()?;
    let name = file.rsplit_once('-').map_or(file, |(name, _)| name);
    let program = source.ends_with("main.rs") || source.contains("src/bin/");
    Some(if program { format!("{name} program") } else { name.to_owned() })
}

/// `running 4 tests`
fn announced(line: &str) -> Option<u32> {
    let (count, unit) = line.strip_prefix("running ")?.split_once(' ')?;
    matches!(unit, "test" | "tests").then(|| count.parse().ok())?
}

/// `test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.20s`
fn summary(line: &str) -> Option<u32> {
    let rest = line.strip_prefix("test result: ")?;
    let (_, counts) = rest.split_once(". ")?;
    let mut ran = 0;
    for part in counts.split(';') {
        let mut words = part.split_whitespace();
        let (Some(count), Some(word)) = (words.next(), words.next()) else { continue };
        if matches!(word, "passed" | "failed" | "measured") {
            ran += count.parse::<u32>().ok()?;
        }
    }
    Some(ran)
}

/// `test tests::adds ... ok`, `test tests::panics - should panic ... ok`, `test tests::slow ... ignored, slow`
fn case(line: &str, target: &str) -> Option<Case> {
    let (name, end) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let outcome = match end.split([' ', ',', '(']).next()? {
        "ok" | "bench:" => Outcome::Passed,
        "FAILED" => Outcome::Failed,
        "ignored" => Outcome::Skipped,
        _ => return None,
    };
    let suffixes = [" - should panic", " - compile fail", " - compile"];
    let handle = suffixes.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    let path = if target.ends_with(" doc") { unplaced(handle) } else { handle.to_owned() };
    let full = if target.is_empty() { path } else { format!("{target}::{path}") };
    Some(Case::handled(full, handle, outcome))
}

/// Takes the line number from a doc test's name: a test that moved down is still the same.
fn unplaced(name: &str) -> String {
    match name.rsplit_once(" (line ") {
        Some((path, number)) if number.ends_with(')') => path.to_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reporter, tests::lines};

    #[test]
    fn several_binaries_and_doc_tests_are_read_test_by_test() {
        let output = include_str!("../../fixtures/cargo-test.txt");

        let report = Reporter::Libtest.read(output).unwrap();

        assert_eq!(
            lines(&report),
            [
                "Passed demo::tests::adds",
                "Skipped demo::tests::slow",
                "Passed demo::tests::panics",
                "Failed demo::tests::subtracts",
                "Passed one::adds",
                "Failed two::adds",
                "Passed demo doc::src/lib.rs - add",
                "Failed demo doc::src/lib.rs - sub",
                "Some(7) []"
            ]
        );
    }

    #[test]
    fn a_doc_test_keeps_its_name_when_it_moves() {
        let output = |line: u32| {
            format!(
                "   Doc-tests demo\n\nrunning 1 test\ntest src/lib.rs - add (line {line}) ... ok\n"
            )
        };
        let read = |line| Reporter::Libtest.read(&output(line)).unwrap().cases[0].name.clone();

        assert_eq!(read(4), read(400));
    }

    #[test]
    fn a_test_cannot_print_another_ones_success() {
        let output = "running 1 test\ntest a ... FAILED\n\nfailures:\n\n---- a stdout ----\n\
                      test b ... ok\n\ntest result: FAILED. 0 passed; 1 failed; 0 ignored;\n";

        let report = Reporter::Libtest.read(output).unwrap();

        assert_eq!(lines(&report), ["Failed a", "Some(1) []"]);
    }

    #[test]
    fn a_binary_that_dies_half_way_has_not_passed() {
        let output = "     Running unittests src/lib.rs (target/debug/deps/demo-8348ca7a80742723)\n\n\
                      running 2 tests\ntest a ... ok\nerror: test failed, to rerun pass `--lib`\n\n\
                      Caused by:\n  process didn't exit successfully (signal: 6, SIGABRT)\n";

        let report = Reporter::Libtest.read(output).unwrap();

        let broken = ["`demo` ended before its tests did"];
        assert_eq!(lines(&report), ["Passed demo::a".to_owned(), format!("None {broken:?}")]);
    }

    #[test]
    fn a_run_without_tests_counts_none() {
        let output = "\nrunning 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; \
                      0 filtered out; finished in 0.00s\n";

        assert_eq!(lines(&Reporter::Libtest.read(output).unwrap()), ["Some(0) []"]);
    }

    #[test]
    fn a_build_that_failed_has_no_report() {
        assert_eq!(Reporter::Libtest.read("error[E0425]: cannot find value `x`\n"), None);
    }
}
