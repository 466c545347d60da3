//! JSON set out in lines, in the order and with the numbers in which it was written.

use openkoi_sdk::serde_json;
use serde::de::IgnoredAny;

/// Deeper levels are not indented further, so that a hostile document does not grow out of bounds.
const MAX_INDENT: usize = 32;

/// Returns `text` with a line for each value, or nothing if it is not JSON.
pub(crate) fn lines(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth: usize = 0;
    let mut characters = text.chars().filter({
        let mut scan = Strings::default();
        move |&c| scan.inside(c) || !c.is_whitespace()
    });
    let mut strings = Strings::default();
    let mut next = characters.next();
    while let Some(c) = next {
        next = characters.next();
        if strings.inside(c) {
            out.push(c);
            continue;
        }
        match c {
            '{' | '[' if matches!(next, Some('}' | ']')) => out.push(c),
            '{' | '[' => {
                depth += 1;
                out.push(c);
                line(&mut out, depth);
            }
            '}' | ']' if out.ends_with(['{', '[']) => out.push(c),
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c => out.push(c),
        }
    }
    Some(out)
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.push_str(&"  ".repeat(depth.min(MAX_INDENT)));
}

/// Tells what is inside of a string, its quotes included.
#[derive(Default)]
struct Strings {
    open: bool,
    escaped: bool,
}

impl Strings {
    fn inside(&mut self, c: char) -> bool {
        let was_open = self.open;
        match c {
            _ if std::mem::take(&mut self.escaped) => {}
            '\\' if self.open => self.escaped = true,
            '"' => self.open = !self.open,
            _ => {}
        }
        was_open || self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_order_are_left_alone() {
        let text = r#" {"z" : 1.50, "a":"b, {\" : }", "e": [ ], "n":[[1],null]} "#;

        assert_eq!(
            lines(text).unwrap(),
            "{\n  \"z\": 1.50,\n  \"a\": \"b, {\\\" : }\",\n  \"e\": [],\n  \"n\": [\n    [\n      1\n    ],\n    null\n  ]\n}"
        );
        assert_eq!(lines(r#"["[", "{"]"#).unwrap(), "[\n  \"[\",\n  \"{\"\n]");
        assert_eq!(lines("{oops}"), None);
    }
}
