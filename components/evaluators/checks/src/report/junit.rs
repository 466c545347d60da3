//! The JUnit report format, as far as runners agree on it: `testcase` elements that hold what went wrong.

use std::collections::BTreeMap;

/// One `testcase`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Testcase {
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
    /// The names of the elements in it: `failure`, `error`, `skipped`.
    pub children: Vec<String>,
}

/// Reads the test cases of a report; nothing if it is none or was cut off.
pub(crate) fn read(xml: &str) -> Option<Vec<Testcase>> {
    let mut cases: Vec<Testcase> = Vec::new();
    let mut inside = false;
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
            "testsuites" | "testsuite" if tag.closing && rest.trim().is_empty() => {
                return Some(cases);
            }
            name if inside && !tag.closing => cases.last_mut()?.children.push(name.to_owned()),
            _ => {}
        }
    }
    None
}

struct Tag<'a> {
    name: &'a str,
    body: &'a str,
    closing: bool,
    empty: bool,
    length: usize,
}

impl<'a> Tag<'a> {
    /// The markup with which `text` begins.
    fn first(text: &'a str) -> Option<Self> {
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

fn attributes(mut body: &str) -> BTreeMap<String, String> {
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
    fn a_report_that_was_cut_off_is_not_read() {
        assert_eq!(read("<testsuites><testsuite><testcase name=\"a\"/>"), None);
        assert_eq!(read("<testsuites><testsuite><testcase name=\"a"), None);
        assert_eq!(read("no report"), None);
    }
}
