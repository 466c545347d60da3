//! Replaces in an output what differs from run to run, so that the rest can be compared whole.

use std::{borrow::Cow, path::Path, sync::LazyLock};

use regex::Regex;

/// A pattern with the placeholder that takes its place.
struct Rule {
    pattern: Regex,
    placeholder: &'static str,
}

/// In order: an earlier rule takes the text away from a later one.
const RULES: [(&str, &str); 8] = [
    // A ULID in lower case: 26 characters of Crockford's alphabet, the first at most 7.
    (r"\b[0-7][0-9a-hjkmnp-tv-z]{25}\b", "[ID]"),
    (r"\b[0-9a-f]{64}\b", "[HASH]"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", "[TIME]"),
    (r"\b(just now|\d+ ?(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?) ago)\b", "[AGO]"),
    (r"\b\d+m ?\d+(\.\d+)? ?s\b", "[DURATION]"),
    (r"\b\d+(\.\d+)? ?(ms|s|seconds?)\b", "[DURATION]"),
    (r"\b(127\.0\.0\.1|localhost):\d{2,5}\b", "$1:[PORT]"),
    (r"\b(pid|process) \d+\b", "$1 [PID]"),
];

static COMPILED: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let rules = RULES.iter().map(|(pattern, placeholder)| Rule {
        pattern: Regex::new(pattern).expect("the pattern above is valid"),
        placeholder,
    });
    rules.collect()
});

/// Replaces ids, hashes, times, durations, ports and process ids.
pub fn normalise(text: &str) -> String {
    COMPILED.iter().fold(text.to_owned(), |text, rule| {
        match rule.pattern.replace_all(&text, rule.placeholder) {
            Cow::Borrowed(_) => text,
            Cow::Owned(replaced) => replaced,
        }
    })
}

/// Replaces each path by its placeholder, the longest first, so that a directory inside another is told apart.
pub fn paths(text: &str, placeholders: &[(&Path, &str)]) -> String {
    let mut sorted: Vec<_> = placeholders.to_vec();
    sorted.sort_by_key(|(path, _)| std::cmp::Reverse(path.as_os_str().len()));
    sorted.into_iter().fold(text.to_owned(), |text, (path, placeholder)| {
        text.replace(path.to_string_lossy().as_ref(), placeholder)
    })
}

/// Replaces the short form of each id, its last eight characters, too.
pub fn short_ids<'a>(text: &str, ids: impl IntoIterator<Item = &'a String>) -> String {
    ids.into_iter().fold(text.to_owned(), |text, id| match id.get(18..) {
        Some(short) => text.replace(id.as_str(), "[ID]").replace(short, "[ID]"),
        None => text,
    })
}

/// Returns all ids in `text`, in order.
pub fn ids(text: &str) -> Vec<String> {
    COMPILED[0].pattern.find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

/// Returns whether `text` has the form of an id.
pub fn is_id(text: &str) -> bool {
    let id = &COMPILED[0].pattern;
    id.find(text).is_some_and(|found| found.len() == text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_replaced_and_nothing_else() {
        let table = [
            ("task 01jd3v8q9n2k4m6p8r0t2w4y6z", "task [ID]"),
            ("at 2026-11-22T10:54:03.123Z and 2026-11-22 10:54", "at [TIME] and [TIME]"),
            ("3 minutes ago, just now, 2s ago", "[AGO], [AGO], [AGO]"),
            ("took 1m 12s, 320ms, 1.5 s", "took [DURATION], [DURATION], [DURATION]"),
            ("http://127.0.0.1:41234/v1", "http://127.0.0.1:[PORT]/v1"),
            ("3 iterations, 4 files, 9.2, $0.01", "3 iterations, 4 files, 9.2, $0.01"),
            ("version 0.1.0, 300 tests", "version 0.1.0, 300 tests"),
        ];
        for (text, normal) in table {
            assert_eq!(normalise(text), normal);
        }
    }

    #[test]
    fn the_longest_path_is_replaced_first() {
        let placeholders = [(Path::new("/t/x"), "[TEMP]"), (Path::new("/t/x/work"), "[WORK]")];

        assert_eq!(paths("/t/x/work/a /t/x/b", &placeholders), "[WORK]/a [TEMP]/b");
    }

    #[test]
    fn an_id_is_known_by_its_last_eight_characters() {
        let id = "01jd3v8q9n2k4m6p8r0t2w4y6z".to_owned();
        assert_eq!(ids(&format!("{{\"id\":\"{id}\"}} and no more")), std::slice::from_ref(&id));
        assert!(is_id(&id) && !is_id("0t2w4y6z") && !is_id("no id"));

        assert_eq!(
            short_ids("openkoi resume 0t2w4y6z", [&"x".repeat(3)]),
            "openkoi resume 0t2w4y6z"
        );
        assert_eq!(short_ids("openkoi resume 0t2w4y6z", [&id]), "openkoi resume [ID]");
    }
}
