//! Test Anything Protocol, as `node --test` writes it (with subtests indented) and as shell scripts do, down to
//! bare `ok NAME` lines.

use openkoi_sdk::evaluator::Outcome;

use super::case::{Case, Report};

/// Reads TAP; nothing if there is no test line and no plan.
pub(crate) fn read(output: &str) -> Option<Report> {
    let mut reader = Reader::default();
    for line in output.lines() {
        reader.line(line);
    }
    reader.report()
}

/// Reads `prove -v`, which heads the output of each file with its name; nothing without its last lines.
pub(crate) fn of_files(output: &str) -> Option<Report> {
    let (output, end) = output.rsplit_once("\nFiles=")?;
    let mut all = Report::default();
    let mut file: Option<(&str, Reader)> = None;
    for line in output.lines() {
        if line == "Test Summary Report" {
            break;
        }
        if let Some(name) = heading(line) {
            add(&mut all, file.replace((name, Reader::default())));
        } else if let Some((_, reader)) = &mut file {
            reader.line(line);
            if line.starts_with("Dubious, ") {
                reader.broken.push(line.to_owned());
            }
        }
    }
    add(&mut all, file);
    let mut report = Report::counted(all.cases);
    report.broken = all.broken;
    if end.contains("Result: FAIL") && report.failing().is_empty() && report.broken.is_empty() {
        report.broken.push("a file of tests failed outside of its tests".to_owned());
    }
    Some(report)
}

/// `t/a.t .. `
fn heading(line: &str) -> Option<&str> {
    let (name, dots) = line.trim_end().split_once(' ')?;
    (dots.len() > 1 && dots.bytes().all(|byte| byte == b'.')).then_some(name)
}

fn add(all: &mut Report, file: Option<(&str, Reader)>) {
    let Some((file, mut report)) = file.and_then(|(name, reader)| Some((name, reader.report()?)))
    else {
        return;
    };
    // That a file with failing tests ends badly is no news.
    if !report.failing().is_empty() {
        report.broken.retain(|reason| !reason.starts_with("Dubious, "));
    }
    all.cases.extend(
        report
            .cases
            .into_iter()
            .map(|case| Case::new(format!("{file} > {}", case.name), case.outcome)),
    );
    all.broken.extend(report.broken.into_iter().map(|reason| format!("{file}: {reason}")));
}

#[derive(Default)]
struct Reader {
    cases: Vec<Case>,
    broken: Vec<String>,
    /// Tests of suites that are not closed yet: how deep, and which case.
    open: Vec<(usize, usize)>,
    planned: Option<u32>,
    /// Test lines of the outermost level.
    top: u32,
    /// The column at which a block of YAML began; its lines are not tests.
    block: Option<usize>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let text = line.trim_start();
        let depth = line.len() - text.len();
        if self.inside_block(text, depth) {
            return;
        }
        if let Some(reason) = text.strip_prefix("Bail out!") {
            self.broken.push(format!("bailed out:{reason}"));
        } else if depth == 0
            && let Some(count) = plan(text)
        {
            self.planned = Some(count);
        } else if let Some((name, outcome)) = test(text) {
            self.test(depth, name, outcome);
        }
    }

    fn inside_block(&mut self, text: &str, depth: usize) -> bool {
        match self.block {
            Some(column) => {
                if text == "..." && depth == column {
                    self.block = None;
                }
                true
            }
            None if text == "---" && depth > 0 => {
                self.block = Some(depth);
                true
            }
            None => false,
        }
    }

    /// A line that closes a suite gives its name to the subtests above it, which are deeper.
    fn test(&mut self, depth: usize, name: String, outcome: Outcome) {
        self.top += u32::from(depth == 0);
        let first = self.open.iter().position(|(at, _)| *at > depth);
        let children = first.map_or(Vec::new(), |first| self.open.split_off(first));
        let mut explained = false;
        for (_, index) in &children {
            let case = &mut self.cases[*index];
            case.name = format!("{name} > {}", case.name);
            explained |= case.outcome == Outcome::Failed;
            self.open.push((depth, *index));
        }
        // A suite that failed although its subtests did not (in a hook) is a failure of its own.
        if children.is_empty() || (outcome == Outcome::Failed && !explained) {
            self.open.push((depth, self.cases.len()));
            self.cases.push(Case::new(name, outcome));
        }
    }

    fn report(mut self) -> Option<Report> {
        if self.cases.is_empty() && self.planned.is_none() && self.broken.is_empty() {
            return None;
        }
        match self.planned {
            Some(planned) if planned > self.top => {
                self.broken.push(format!("{planned} tests were planned, {} ran", self.top));
            }
            _ => {}
        }
        let mut report = Report::counted(self.cases);
        report.broken = self.broken;
        Some(report)
    }
}

/// `1..6`, `1..0 # SKIP`
fn plan(text: &str) -> Option<u32> {
    let rest = text.strip_prefix("1..")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// `ok 1 - name # SKIP reason`, `not ok name`
fn test(text: &str) -> Option<(String, Outcome)> {
    let (rest, passed) = match text.strip_prefix("not ok") {
        Some(rest) => (rest, false),
        None => (text.strip_prefix("ok")?, true),
    };
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    let (description, directive) = directive(untimed(rest.trim()));
    let name = name(description);
    if name.is_empty() {
        return None;
    }
    let outcome = match directive {
        Some("SKIP") => Outcome::Skipped,
        // A test that is marked as still to be done may fail without harm; it tells nothing.
        Some(_) => Outcome::Skipped,
        None if passed => Outcome::Passed,
        None => Outcome::Failed,
    };
    Some((name, outcome))
}

/// Returns a test line without its time: `# time=15.64ms`. A name that says another time at each run is no name.
fn untimed(rest: &str) -> &str {
    let Some((before, time)) = rest.rsplit_once("# time=") else { return rest };
    let number = time.strip_suffix("ms").or_else(|| time.strip_suffix('s')).unwrap_or(time);
    match number.parse::<f64>() {
        Ok(_) if !before.ends_with('\\') => before.trim_end(),
        _ => rest,
    }
}

fn directive(rest: &str) -> (&str, Option<&'static str>) {
    if let Some(at) = rest.rfind("# ") {
        let escaped = rest[..at].ends_with('\\');
        let word = rest[at + 2..].split_whitespace().next().unwrap_or("").to_ascii_uppercase();
        if !escaped && word.starts_with("SKIP") {
            return (rest[..at].trim_end(), Some("SKIP"));
        }
        if !escaped && word == "TODO" {
            return (rest[..at].trim_end(), Some("TODO"));
        }
    }
    (rest, None)
}

fn name(description: &str) -> String {
    let digits = description.trim_start_matches(|c: char| c.is_ascii_digit());
    let numbered =
        digits.len() < description.len() && (digits.is_empty() || digits.starts_with(' '));
    let rest = if numbered { digits.trim_start() } else { description };
    let rest = rest.strip_prefix("- ").unwrap_or(rest).trim();
    let named = if rest.is_empty() { description } else { rest };
    named.replace("\\#", "#").replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::super::{Reporter, tests::lines};
    use super::of_files;

    #[test]
    fn the_time_of_a_test_is_no_part_of_its_name() {
        let output = "TAP version 14\n1..1\n# Subtest: a.test.js\n    # Subtest: half is fifty\n        \
                      ok 1 - should be equal\n        1..1\n    ok 1 - half is fifty # time=15.64ms\n    \n    \
                      ok 2 - a \\# time=2ms\n    ok 3 - left out # SKIP why # time=1ms\n    1..3\n    \
                      # time=45.438ms\nok 1 - a.test.js # time=45.438ms\n\n# time=3038.126ms\n";

        assert_eq!(
            lines(&super::read(output).unwrap()),
            [
                "Passed a.test.js > half is fifty > should be equal",
                "Passed a.test.js > a # time=2ms",
                "Skipped a.test.js > left out",
                "Some(2) []"
            ]
        );
    }

    #[test]
    fn files_of_perl_have_their_tests_apart() {
        let output = "t/a.t .. \nok 1 - adds\nnot ok 2 - divides\n\n#   Failed test 'divides'\n#   at t/a.t line 5.\n1..2\n\
            # Looks like you failed 1 test of 2.\nDubious, test returned 1 (wstat 256, 0x100)\nFailed 1/2 subtests \n\
            t/bb.t .. \n    # Subtest: inner\n    ok 1 - x\n    1..1\nok 1 - inner\n1..1\nok\n\nTest Summary Report\n\
            -------------------\nt/a.t (Wstat: 256 Tests: 2 Failed: 1)\n  Failed test:  2\nFiles=2, Tests=3,  0 \
            wallclock secs\nResult: FAIL\n";

        let report = of_files(output).unwrap();

        assert_eq!(
            lines(&report),
            [
                "Passed t/a.t > adds",
                "Failed t/a.t > divides",
                "Passed t/bb.t > inner > x",
                "Some(3) []"
            ]
        );
        assert_eq!(of_files("t/a.t .. \nok 1 - adds\n1..1\n"), None);
    }

    #[test]
    fn what_node_writes_is_read_with_its_suites() {
        let report = Reporter::Tap.read(include_str!("../../fixtures/node.tap")).unwrap();

        assert_eq!(
            lines(&report),
            [
                "Passed adds",
                "Failed fails # here",
                "Skipped skipped",
                "Skipped later",
                "Passed group > inner",
                "Failed group > bad inner",
                "Passed adds #2",
                "Some(5) []"
            ]
        );
    }

    #[test]
    fn the_lines_of_a_plain_script_are_enough() {
        let output =
            "building\nok parses a date\nnot ok rejects nonsense\nokay\nok 3 - third\nok 4\n";

        let report = Reporter::Tap.read(output).unwrap();

        assert_eq!(
            lines(&report),
            [
                "Passed parses a date",
                "Failed rejects nonsense",
                "Passed third",
                "Passed 4",
                "Some(4) []"
            ]
        );
    }

    #[test]
    fn a_run_that_breaks_off_has_not_passed() {
        let report = Reporter::Tap.read("1..3\nok 1 - a\nBail out! no disk\n").unwrap();

        let broken = ["bailed out: no disk", "3 tests were planned, 1 ran"];
        assert_eq!(lines(&report), ["Passed a".to_owned(), format!("Some(1) {broken:?}")]);
    }

    #[test]
    fn a_plan_of_no_tests_is_a_report_of_none() {
        let report = Reporter::Tap.read("TAP version 13\n1..0\n# tests 0\n").unwrap();

        assert_eq!(lines(&report), ["Some(0) []"]);
    }

    #[test]
    fn a_suite_that_failed_in_a_hook_is_named() {
        let output = "# Subtest: group\n    ok 1 - inner\n    1..1\nnot ok 1 - group\n1..1\n";

        let report = Reporter::Tap.read(output).unwrap();

        assert_eq!(lines(&report), ["Passed group > inner", "Failed group", "Some(2) []"]);
    }

    #[test]
    fn other_output_is_not_read_as_a_report() {
        assert_eq!(Reporter::Tap.read("everything is ok\n"), None);
    }
}
