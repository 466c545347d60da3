//! `go test -json`: one JSON object a line, between lines of the compiler.

use std::collections::BTreeMap;

use openkoi_sdk::evaluator::Outcome;
use openkoi_sdk::serde_json::Value;

use super::case::{Case, Report};

/// Reads the events; nothing if there is none.
pub(crate) fn read(output: &str) -> Option<Report> {
    let events: Vec<Value> = output.lines().filter_map(event).collect();
    if events.is_empty() {
        return None;
    }
    let mut outcomes: BTreeMap<(String, String), Outcome> = BTreeMap::new();
    let mut packages: BTreeMap<String, Outcome> = BTreeMap::new();
    for event in &events {
        let text = |name: &str| event[name].as_str().unwrap_or("").to_owned();
        let Some(outcome) = outcome(&text("Action")) else { continue };
        let (package, test) = (text("Package"), text("Test"));
        if test.is_empty() {
            packages.insert(package, outcome);
        } else {
            outcomes.insert((package, test), outcome);
        }
    }
    Some(report(outcomes, &packages))
}

/// Returns the output as the tests wrote it, without the events around it.
pub(crate) fn plain(output: &str) -> String {
    let line = |line: &str| match event(line) {
        Some(event) => event["Output"].as_str().unwrap_or_default().to_owned(),
        None => format!("{line}\n"),
    };
    output.lines().map(line).collect()
}

fn event(line: &str) -> Option<Value> {
    let event: Value = openkoi_sdk::serde_json::from_str(line.trim()).ok()?;
    event["Action"].is_string().then_some(event)
}

fn outcome(action: &str) -> Option<Outcome> {
    match action {
        "pass" => Some(Outcome::Passed),
        "fail" => Some(Outcome::Failed),
        "skip" => Some(Outcome::Skipped),
        _ => None,
    }
}

fn report(
    outcomes: BTreeMap<(String, String), Outcome>,
    packages: &BTreeMap<String, Outcome>,
) -> Report {
    let mut broken = Vec::new();
    for (package, outcome) in packages {
        let explained = outcomes.iter().any(|((of, _), o)| of == package && *o == Outcome::Failed);
        if *outcome == Outcome::Failed && !explained {
            broken.push(format!("package `{package}` failed before or outside of its tests"));
        }
    }
    let cases = outcomes
        .into_iter()
        .map(|((package, test), outcome)| {
            Case::handled(format!("{package} {test}"), format!("{package} {test}"), outcome)
        })
        .collect();
    let mut report = Report::counted(cases);
    report.broken = broken;
    report
}

#[cfg(test)]
mod tests {
    use super::super::{Reporter, tests::lines};

    const OUTPUT: &str = r#"{"Time":"2026-01-01T00:00:00Z","Action":"start","Package":"example.com/m/a"}
{"Action":"run","Package":"example.com/m/a","Test":"TestAdd"}
{"Action":"output","Package":"example.com/m/a","Test":"TestAdd","Output":"=== RUN   TestAdd\n"}
{"Action":"pass","Package":"example.com/m/a","Test":"TestAdd","Elapsed":0}
{"Action":"run","Package":"example.com/m/a","Test":"TestTable"}
{"Action":"fail","Package":"example.com/m/a","Test":"TestTable/zero","Elapsed":0}
{"Action":"fail","Package":"example.com/m/a","Test":"TestTable","Elapsed":0}
{"Action":"skip","Package":"example.com/m/a","Test":"TestSlow","Elapsed":0}
{"Action":"fail","Package":"example.com/m/a","Elapsed":0.01}
# example.com/m/b [example.com/m/b.test]
b/b_test.go:5:2: undefined: missing
{"Action":"output","Package":"example.com/m/b","Output":"FAIL\texample.com/m/b [build failed]\n"}
{"Action":"fail","Package":"example.com/m/b","Elapsed":0}
{"Action":"skip","Package":"example.com/m/c","Elapsed":0}
"#;

    #[test]
    fn tests_and_packages_that_do_not_build_are_read() {
        let report = Reporter::Go.read(OUTPUT).unwrap();

        let broken = ["package `example.com/m/b` failed before or outside of its tests"];
        assert_eq!(
            lines(&report),
            [
                "Passed example.com/m/a TestAdd",
                "Skipped example.com/m/a TestSlow",
                "Failed example.com/m/a TestTable",
                "Failed example.com/m/a TestTable/zero",
                &format!("Some(3) {broken:?}"),
            ]
        );
    }
}
