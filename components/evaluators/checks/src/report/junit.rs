//! The JUnit report format, as far as runners agree on it: `testcase` elements that hold what went wrong.

use std::collections::BTreeMap;

use openkoi_sdk::evaluator::Outcome;

use super::case::{Case, Report};

/// One `testcase`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Testcase {
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
    /// The names of the elements in it: `failure`, `error`, `skipped`.
    pub children: Vec<String>,
}

impl Testcase {
    pub(super) fn outcome(&self) -> Outcome {
        let has = |child: &str| self.children.iter().any(|name| name == child);
        if has("failure") || has("error") {
            Outcome::Failed
        } else if has("flakyFailure") || has("flakyError") {
            Outcome::Flaky
        } else if has("skipped") {
            Outcome::Skipped
        } else {
            Outcome::Passed
        }
    }

    fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

/// Reads a report whose tests are run by their name, behind their class and `by` unless that is empty.
pub(crate) fn report(xml: &str, by: &str) -> Option<Report> {
    Some(Report::counted(read(xml)?.iter().map(|testcase| case(testcase, by)).collect()))
}

fn case(testcase: &Testcase, by: &str) -> Case {
    let (class, name) = (testcase.attribute("classname"), testcase.attribute("name"));
    let full = match class {
        "" => name.to_owned(),
        class if class == name => name.to_owned(),
        class if class.contains(['/', ' ']) => format!("{class} {name}"),
        class => format!("{class}.{name}"),
    };
    // Parameters are no part of a method's name.
    let method = name.split(['(', '[', '{']).next().unwrap_or(name).trim_end();
    let handle = if by.is_empty() { name.to_owned() } else { format!("{class}{by}{method}") };
    Case::handled(full, handle, testcase.outcome())
}

/// Reads the test cases of one report or several behind each other; nothing if it is none or was cut off.
pub(crate) fn read(xml: &str) -> Option<Vec<Testcase>> {
    let mut cases: Vec<Testcase> = Vec::new();
    let mut inside = false;
    let (mut open, mut seen) = (0_u32, false);
    let mut rest = xml;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        let tag = Tag::first(rest)?;
        rest = &rest[tag.length..];
        match tag.name {
            "testcase" if !tag.closing => {
                cases.push(Testcase { attributes: attributes(tag.body), children: Vec::new() });
                inside = !tag.empty;
            }
            "testcase" => inside = false,
            "testsuites" | "testsuite" => {
                seen = true;
                open = match (tag.closing, tag.empty) {
                    (true, _) => open.checked_sub(1)?,
                    (false, true) => open,
                    (false, false) => open + 1,
                };
            }
            name if inside && !tag.closing => cases.last_mut()?.children.push(name.to_owned()),
            _ => {}
        }
    }
    (seen && open == 0).then_some(cases)
}

/// One piece of markup.
pub(super) struct Tag<'a> {
    pub name: &'a str,
    pub body: &'a str,
    pub closing: bool,
    pub empty: bool,
    pub length: usize,
}

impl<'a> Tag<'a> {
    /// The markup with which `text` begins.
    pub(super) fn first(text: &'a str) -> Option<Self> {
        for (start, end) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")] {
            if text.starts_with(start) {
                let length = text.find(end)? + end.len();
                return Some(Self { name: "", body: "", closing: false, empty: true, length });
            }
        }
        let close = end(text)?;
        let inner = &text[1..close];
        let closing = inner.starts_with('/');
        let empty = inner.ends_with('/');
        let inner = inner.trim_start_matches('/').trim_end_matches('/');
        let (name, body) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
        Some(Self { name, body, closing, empty, length: close + 1 })
    }
}

/// Returns the place of the `>` of the first tag; one between quotes is text.
fn end(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

pub(super) fn attributes(mut body: &str) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    while let Some((name, rest)) = body.split_once('=') {
        let rest = rest.trim_start();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else { break };
        let Some((value, rest)) = rest[1..].split_once(quote) else { break };
        attributes.insert(name.trim().to_owned(), unescaped(value));
        body = rest;
    }
    attributes
}

fn unescaped(value: &str) -> String {
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('&') {
        text.push_str(before);
        match after.split_once(';').and_then(|(entity, tail)| Some((character(entity)?, tail))) {
            Some((character, tail)) => {
                text.push(character);
                rest = tail;
            }
            None => {
                text.push('&');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        number => {
            let number = number.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_read_with_their_attributes_and_ends() {
        let xml = r#"<?xml version="1.0"?><testsuites><testsuite name="a > b">
            <testcase name="p[q&quot;&lt;&#228;]" file='t.py'/>
            <testcase name="bad"><failure message="1 > 2"><![CDATA[</testcase><testcase name="no"/>]]>
            </failure></testcase></testsuite></testsuites>
        "#;

        let cases = read(xml).unwrap();

        let names: Vec<&str> = cases.iter().map(|case| case.attributes["name"].as_str()).collect();
        assert_eq!(names, ["p[q\"<ä]", "bad"]);
        assert_eq!(cases[0].attributes["file"], "t.py");
        assert_eq!(cases[1].children, ["failure", ""]);
    }

    #[test]
    fn several_reports_stand_behind_each_other() {
        let xml = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="com.acme.CalcTest" tests="3" errors="0" skipped="1" failures="1" time="0.05">
  <properties><property name="java.version" value="17"/></properties>
  <testcase name="adds" classname="com.acme.CalcTest" time="0.01"><system-out><![CDATA[<testcase>]]></system-out></testcase>
  <testcase name="divides(int, int)[1]" classname="com.acme.CalcTest" time="0.01">
    <failure message="expected: &lt;2&gt; but was: &lt;3&gt;" type="AssertionFailedError">at CalcTest.java:12</failure>
  </testcase>
  <testcase name="later" classname="com.acme.CalcTest"><skipped message="slow"/></testcase>
</testsuite>
<?xml version="1.0"?><testsuite name="com.acme.OtherTest"><testcase name="a" classname="com.acme.OtherTest">
<flakyFailure message="once"/></testcase></testsuite>
"#;

        let report = report(xml, "#").unwrap();

        assert_eq!(
            super::super::tests::lines(&report),
            [
                "Passed com.acme.CalcTest.adds",
                "Failed com.acme.CalcTest.divides(int, int)[1]",
                "Skipped com.acme.CalcTest.later",
                "Flaky com.acme.OtherTest.a",
                "Some(3) []"
            ]
        );
        assert_eq!(report.failing()[0].handle, "com.acme.CalcTest#divides");
    }

    #[test]
    fn nested_suites_of_php_and_tests_of_c_have_their_names() {
        let php = r#"<testsuites><testsuite name="/p/phpunit.xml"><testsuite name="Tests\CalcTest" file="/p/CalcTest.php">
            <testcase name="testAdds" class="Tests\CalcTest" classname="Tests.CalcTest" file="/p/CalcTest.php" line="9"/>
            </testsuite></testsuite></testsuites>"#;
        let c = r#"<testsuite name="Linux"><testcase name="adds" classname="adds" time="0" status="fail"><failure message=""/>
            <system-out>1 &lt; 2</system-out></testcase></testsuite>"#;

        let names = |xml: &str| {
            let report = report(xml, "").unwrap();
            (report.cases[0].name.clone(), report.cases[0].handle.clone())
        };
        assert_eq!(names(php), ("Tests.CalcTest.testAdds".to_owned(), "testAdds".to_owned()));
        assert_eq!(names(c), ("adds".to_owned(), "adds".to_owned()));
    }

    #[test]
    fn a_report_that_was_cut_off_is_not_read() {
        assert_eq!(read("<testsuites><testsuite><testcase name=\"a\"/>"), None);
        assert_eq!(read("<testsuites><testsuite><testcase name=\"a"), None);
        assert_eq!(read("no report"), None);
    }
}
