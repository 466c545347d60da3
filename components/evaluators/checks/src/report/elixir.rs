//! `mix test --trace`: a line a test, the failures again at length, and the count.

use openkoi_sdk::evaluator::Outcome;

use super::case::{Case, Report};

/// Reads the output; nothing without its line of counts.
pub(crate) fn read(output: &str) -> Option<Report> {
    let mut cases: Vec<Case> = Vec::new();
    let mut module = "";
    let mut ran = None;
    for line in output.lines() {
        // A test's line is written when it begins and over itself when it ends.
        let line = line.rsplit('\r').find(|part| !part.is_empty()).unwrap_or("");
        if let Some(test) = line.strip_prefix("  * ") {
            cases.extend(case(module, test));
        } else if let Some((name, _)) = line.split_once(" [").filter(|_| line.ends_with(".exs]")) {
            module = name;
        } else if let Some((test, of)) = failure(line) {
            let name = format!("{of} {test}");
            cases
                .iter_mut()
                .filter(|case| case.name == name)
                .for_each(|case| case.outcome = Outcome::Failed);
        } else {
            ran = counts(line).or(ran);
        }
    }
    let skipped = cases.iter().filter(|case| case.outcome == Outcome::Skipped).count();
    let ran = ran?.saturating_sub(u32::try_from(skipped).unwrap_or(0));
    Some(Report { cases, ran: Some(ran), broken: Vec::new() })
}

/// `test adds (0.01ms) [L#4]`, `test waits (skipped) [L#8]`
fn case(module: &str, line: &str) -> Option<Case> {
    let (rest, _) = line.rsplit_once(" [L#")?;
    let (name, end) = rest.rsplit_once(" (")?;
    let outcome = match end {
        "skipped)" | "excluded)" => Outcome::Skipped,
        end if end.ends_with("s)") => Outcome::Passed,
        _ => return None,
    };
    Some(Case::handled(format!("{module} {name}"), "", outcome))
}

/// `  1) test divides (CalcTest)`
fn failure(line: &str) -> Option<(&str, &str)> {
    let (number, rest) = line.trim_start().split_once(") ")?;
    number.parse::<u32>().ok()?;
    let (test, module) = rest.rsplit_once(" (")?;
    Some((test, module.strip_suffix(')')?))
}

/// `1 doctest, 3 tests, 1 failure, 1 skipped`
fn counts(line: &str) -> Option<u32> {
    if !line.contains(" failure") {
        return None;
    }
    let mut sum = None;
    for part in line.split(", ") {
        let (count, word) = part.trim().split_once(' ')?;
        let count: u32 = count.parse().ok()?;
        if matches!(word, "test" | "tests" | "doctest" | "doctests" | "property" | "properties") {
            sum = Some(sum.unwrap_or(0) + count);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use super::*;

    #[test]
    fn traced_tests_are_read() {
        let output = "Running ExUnit with seed: 0, max_cases: 1\n\nCalcTest [test/calc_test.exs]\n  * test adds [L#4]\r  \
            * test adds (0.01ms) [L#4]\n  * test divides [L#8]\r  * test divides (0.3ms) [L#8]\n\n  1) test divides \
            (CalcTest)\n     test/calc_test.exs:8\n     ** (ArithmeticError) bad argument\n\n  * test waits \
            (skipped) [L#12]\n\nFinished in 0.03 seconds (0.00s async, 0.03s sync)\n3 tests, 1 failure, 1 skipped\n";

        assert_eq!(
            lines(&read(output).unwrap()),
            [
                "Passed CalcTest test adds",
                "Failed CalcTest test divides",
                "Skipped CalcTest test waits",
                "Some(2) []"
            ]
        );
        assert_eq!(read("  * test adds (0.01ms) [L#4]\n"), None);
    }
}
