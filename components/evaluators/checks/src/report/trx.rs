//! The report of `dotnet test`: `UnitTestResult` elements with an outcome.

use openkoi_sdk::evaluator::Outcome;

use super::case::{Case, Report};
use super::junit::{Tag, attributes};

/// Reads one report or several behind each other, one of each project; nothing if there is none or it was cut off.
pub(crate) fn read(xml: &str) -> Option<Report> {
    let mut cases = Vec::new();
    let (mut begun, mut ended) = (0_u32, 0_u32);
    let mut rest = xml;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let tag = Tag::first(rest)?;
        rest = &rest[tag.length..];
        match (tag.name, tag.closing) {
            ("TestRun", false) => begun += 1,
            ("TestRun", true) => ended += 1,
            ("UnitTestResult", false) => cases.push(case(tag.body)),
            _ => {}
        }
    }
    (begun > 0 && begun == ended).then(|| Report::counted(cases))
}

fn case(body: &str) -> Case {
    let attributes = attributes(body);
    let attribute = |name: &str| attributes.get(name).map_or("", String::as_str);
    let outcome = match attribute("outcome") {
        "Passed" => Outcome::Passed,
        "NotExecuted" | "NotRunnable" | "Inconclusive" => Outcome::Skipped,
        _ => Outcome::Failed,
    };
    let name = attribute("testName");
    let method = name.split('(').next().unwrap_or(name);
    Case::handled(name, format!("FullyQualifiedName~{method}"), outcome)
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use super::*;

    #[test]
    fn results_are_read() {
        let xml = r#"<?xml version="1.0" encoding="utf-8"?>
<TestRun id="1" name="u@h" xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010">
  <Results>
    <UnitTestResult testId="a" testName="Pond.Tests.CalcTests.Adds" duration="00:00:00.01" outcome="Passed" />
    <UnitTestResult testId="b" testName="Pond.Tests.CalcTests.Divides(a: 1, b: 0)" outcome="Failed">
      <Output><ErrorInfo><Message>Assert.Equal() Failure: a &lt; b</Message></ErrorInfo></Output>
    </UnitTestResult>
    <UnitTestResult testId="c" testName="Pond.Tests.CalcTests.Later" outcome="NotExecuted" />
  </Results>
</TestRun>"#;

        let report = read(xml).unwrap();

        assert_eq!(
            lines(&report),
            [
                "Passed Pond.Tests.CalcTests.Adds",
                "Failed Pond.Tests.CalcTests.Divides(a: 1, b: 0)",
                "Skipped Pond.Tests.CalcTests.Later",
                "Some(2) []"
            ]
        );
        assert_eq!(report.failing()[0].handle, "FullyQualifiedName~Pond.Tests.CalcTests.Divides");
        assert_eq!(read("<TestRun><Results>"), None);
    }
}
