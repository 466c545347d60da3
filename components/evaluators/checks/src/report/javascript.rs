//! The JSON reports of JavaScript runners: one shape of `testResults`, one of `tests` and `failures`.

use openkoi_sdk::evaluator::Outcome;
use openkoi_sdk::serde_json::{self, Value};

use super::case::{Case, Report};

/// Finds the report in the output, which may have other lines around it, and reads it.
pub(crate) fn read(output: &str) -> Option<Report> {
    let mut rest = output;
    while let Some(at) = rest.find('{') {
        rest = &rest[at..];
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        if let Some(Ok(value)) = values.next()
            && let Some(report) = by_file(&value).or_else(|| by_title(&value))
        {
            return Some(report);
        }
        // A report begins at the beginning of a line: to look at every brace would be quadratic.
        rest = &rest[rest.find("\n{").map_or(rest.len(), |at| at + 1)..];
    }
    None
}

/// `{"testResults": [{"name": …, "status": …, "assertionResults": [{"fullName": …, "status": …}]}]}`
fn by_file(value: &Value) -> Option<Report> {
    let mut cases = Vec::new();
    let mut broken = Vec::new();
    for file in value["testResults"].as_array()? {
        let results = file["assertionResults"].as_array().map_or(&[][..], Vec::as_slice);
        for result in results {
            let outcome = match result["status"].as_str() {
                Some("passed") => Outcome::Passed,
                Some("failed") => Outcome::Failed,
                _ => Outcome::Skipped,
            };
            cases.push(Case::new(result["fullName"].as_str().unwrap_or("").trim(), outcome));
        }
        if file["status"] == "failed" && results.iter().all(|result| result["status"] != "failed") {
            broken.push(format!("a file of tests could not be run: {}", message(file)));
        }
    }
    let mut report = Report::counted(cases);
    report.broken = broken;
    Some(report)
}

fn message(file: &Value) -> String {
    let text = file["message"].as_str().unwrap_or("").trim();
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or("no reason given")
        .to_owned()
}

/// `{"tests": [{"fullTitle": …}], "pending": […], "failures": […], "stats": {…}}`
fn by_title(value: &Value) -> Option<Report> {
    value["stats"].as_object()?;
    let titles = |name: &str| -> Vec<&str> {
        let list = value[name].as_array().map_or(&[][..], Vec::as_slice);
        list.iter().filter_map(|test| test["fullTitle"].as_str()).collect()
    };
    let (failures, pending, tests) = (titles("failures"), titles("pending"), titles("tests"));
    let mut cases: Vec<Case> = tests
        .iter()
        .map(|title| {
            let outcome = if failures.contains(title) {
                Outcome::Failed
            } else if pending.contains(title) {
                Outcome::Skipped
            } else {
                Outcome::Passed
            };
            Case::new(*title, outcome)
        })
        .collect();
    // A hook that fails is among the failures and not among the tests.
    let hooks = failures.iter().filter(|title| !tests.contains(title));
    cases.extend(hooks.map(|title| Case::new(*title, Outcome::Failed)));
    Some(Report::counted(cases))
}

#[cfg(test)]
mod tests {
    use super::super::{Reporter, tests::lines};

    #[test]
    fn a_report_by_file_is_found_among_other_lines() {
        let output = "\n> demo@1.0.0 test\n> jest --json\n\n{ not json }\n\
            {\"numTotalTests\":3,\"testResults\":[{\"name\":\"a.test.js\",\"status\":\"failed\",\
            \"assertionResults\":[{\"fullName\":\"sum adds\",\"status\":\"passed\"},\
            {\"fullName\":\"sum fails\",\"status\":\"failed\"},{\"fullName\":\"sum later\",\"status\":\"pending\"}]},\
            {\"name\":\"b.test.js\",\"status\":\"failed\",\"message\":\"\\n  Cannot find module './b'\",\
            \"assertionResults\":[]}]}\nnpm error Lifecycle script `test` failed\n";

        let report = Reporter::JavaScript.read(output).unwrap();

        let broken = ["a file of tests could not be run: Cannot find module './b'"];
        assert_eq!(
            lines(&report),
            [
                "Passed sum adds",
                "Failed sum fails",
                "Skipped sum later",
                &format!("Some(2) {broken:?}")
            ]
        );
    }

    #[test]
    fn a_report_by_title_is_read() {
        let output = r#"{"stats":{"tests":2},"tests":[{"fullTitle":"a b"},{"fullTitle":"a c"}],
            "pending":[],"failures":[{"fullTitle":"a c"},{"fullTitle":"a \"before each\" hook"}],"passes":[]}"#;

        let report = Reporter::JavaScript.read(output).unwrap();

        assert_eq!(
            lines(&report),
            ["Passed a b", "Failed a c", "Failed a \"before each\" hook", "Some(3) []"]
        );
    }
}
