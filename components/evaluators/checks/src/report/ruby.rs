//! RSpec's JSON report and the lines of Minitest.

use openkoi_sdk::evaluator::Outcome;
use openkoi_sdk::serde_json::{self, Value};

use super::case::{Case, Report};

/// `{"examples": [{"id": …, "full_description": …, "status": …}], "summary": {"errors_outside_of_examples_count": 0}}`
pub(crate) fn rspec(json: &str) -> Option<Report> {
    let value: Value = serde_json::from_str(json.trim()).ok()?;
    let cases = value["examples"].as_array()?.iter().map(example).collect();
    let mut report = Report::counted(cases);
    if value["summary"]["errors_outside_of_examples_count"].as_u64().unwrap_or(0) > 0 {
        report.broken.push("a file of examples could not be run".to_owned());
    }
    Some(report)
}

fn example(example: &Value) -> Case {
    let text = |name: &str| example[name].as_str().unwrap_or("");
    let outcome = match text("status") {
        "passed" => Outcome::Passed,
        "failed" => Outcome::Failed,
        _ => Outcome::Skipped,
    };
    let file = text("file_path").trim_start_matches("./");
    Case::handled(format!("{file} {}", text("full_description")), text("id"), outcome)
}

/// `CalcTest#test_adds = 0.00 s = .`; `3 runs, 5 assertions, 1 failures, 0 errors, 1 skips`
pub(crate) fn minitest(output: &str) -> Option<Report> {
    let cases: Vec<Case> = output.lines().filter_map(line).collect();
    let counts = output
        .lines()
        .rev()
        .find(|line| line.contains(" runs, ") && line.contains(" assertions, "))?;
    let skipped = cases.iter().filter(|case| case.outcome == Outcome::Skipped).count();
    let runs: u32 = counts.split_whitespace().next()?.parse().ok()?;
    let ran = Some(runs.saturating_sub(u32::try_from(skipped).unwrap_or(0)));
    Some(Report { cases, ran, broken: Vec::new() })
}

fn line(line: &str) -> Option<Case> {
    let (name, end) = line.split_once(" = ")?;
    let (_, mark) = end.split_once(" s = ")?;
    let outcome = match mark.trim() {
        "." => Outcome::Passed,
        "F" | "E" => Outcome::Failed,
        "S" => Outcome::Skipped,
        _ => return None,
    };
    let (_, method) = name.split_once('#')?;
    Some(Case::handled(name, method, outcome))
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use super::*;

    #[test]
    fn examples_are_read_and_run_alone_by_their_ids() {
        let json = r#"{"version":"3.13.0","examples":[
            {"id":"./spec/calc_spec.rb[1:1]","description":"adds","full_description":"Calc adds","status":"passed",
             "file_path":"./spec/calc_spec.rb","line_number":4},
            {"id":"./spec/calc_spec.rb[1:2]","full_description":"Calc divides","status":"failed",
             "file_path":"./spec/calc_spec.rb","exception":{"class":"ZeroDivisionError","message":"divided by 0"}},
            {"id":"./spec/calc_spec.rb[1:3]","full_description":"Calc waits","status":"pending",
             "file_path":"./spec/calc_spec.rb"}],
            "summary":{"example_count":3,"failure_count":1,"pending_count":1,"errors_outside_of_examples_count":0}}"#;

        let report = rspec(json).unwrap();

        assert_eq!(
            lines(&report),
            [
                "Passed spec/calc_spec.rb Calc adds",
                "Failed spec/calc_spec.rb Calc divides",
                "Skipped spec/calc_spec.rb Calc waits",
                "Some(2) []"
            ]
        );
        assert_eq!(report.failing()[0].handle, "./spec/calc_spec.rb[1:2]");
        let outside = r#"{"examples":[],"summary":{"errors_outside_of_examples_count":1}}"#;
        assert_eq!(rspec(outside).unwrap().broken.len(), 1);
    }

    #[test]
    fn lines_of_minitest_are_read_and_without_the_count_there_is_no_report() {
        let output = "Run options: -v --seed 1\n\n# Running:\n\nCalcTest#test_adds = 0.00 s = .\n\
            CalcTest#test_waits = 0.00 s = S\nCalcTest#test_divides = 0.01 s = E\n\nFinished in 0.01s\n\n  1) Error:\n\
            CalcTest#test_divides:\nZeroDivisionError: divided by 0\n\n3 runs, 2 assertions, 0 failures, 1 errors, 1 skips\n";

        let report = minitest(output).unwrap();

        assert_eq!(
            lines(&report),
            [
                "Passed CalcTest#test_adds",
                "Skipped CalcTest#test_waits",
                "Failed CalcTest#test_divides",
                "Some(2) []"
            ]
        );
        assert_eq!(minitest("CalcTest#test_adds = 0.00 s = .\n"), None);
    }
}
