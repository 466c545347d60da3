//! Tasks that themselves ask for tests to be changed.

const VERBS: [&str; 22] = [
    "remove",
    "delete",
    "drop",
    "rename",
    "rewrite",
    "update",
    "replace",
    "change",
    "adapt",
    "adjust",
    "migrate",
    "port",
    "convert",
    "refactor",
    "move",
    "skip",
    "disable",
    "ignore",
    "reorganize",
    "reorganise",
    "split",
    "simplify",
];

/// Words that may stand between the verb and the tests.
const BETWEEN: [&str; 22] = [
    "the",
    "a",
    "an",
    "all",
    "our",
    "these",
    "those",
    "this",
    "that",
    "failing",
    "broken",
    "old",
    "flaky",
    "existing",
    "unit",
    "integration",
    "slow",
    "outdated",
    "stale",
    "obsolete",
    "its",
    "of",
];

const NEGATIONS: [&str; 8] = ["not", "don't", "dont", "never", "without", "no", "cannot", "avoid"];

/// Returns whether `task` asks for that in so many words. "Fix the tests" does not: most often it means the
/// code.
pub(crate) fn wants_tests_changed(task: &str) -> bool {
    let lower = task.to_lowercase().replace('’', "'");
    let words: Vec<&str> = lower
        .split(|c: char| !(c.is_alphanumeric() || "'_-./".contains(c)))
        .filter(|word| !word.is_empty())
        .collect();
    words.iter().enumerate().any(|(at, word)| {
        let verb = VERBS.contains(word);
        let negated = words[at.saturating_sub(4)..at].iter().any(|word| NEGATIONS.contains(word));
        verb && !negated && object_is_tests(&words[at + 1..])
    })
}

fn object_is_tests(words: &[&str]) -> bool {
    let object = words.iter().take(5).find(|word| !BETWEEN.contains(word));
    object.is_some_and(|word| {
        let word = word.trim_end_matches('.');
        matches!(
            word,
            "test" | "tests" | "assertion" | "assertions" | "spec" | "specs" | "snapshots"
        ) || word.starts_with("test_")
            || word.starts_with("tests/")
            || word.starts_with("test/")
            || word.ends_with("_test.go")
    })
}

#[cfg(test)]
mod tests {
    use super::wants_tests_changed;

    #[test]
    fn only_plain_words_count() {
        for task in [
            "Update the tests for the new API",
            "Rename test_parse to test_read.",
            "Please move the slow integration tests to another folder",
            "delete tests/old.rs",
        ] {
            assert!(wants_tests_changed(task), "{task}");
        }
        for task in [
            "Fix the failing tests",
            "Update the code so that the tests pass",
            "Make it pass and do not change the tests",
            "Refactor the parser without changing tests",
            "Add a test for the parser",
            "Remove the dead code; tests must stay green",
        ] {
            assert!(!wants_tests_changed(task), "{task}");
        }
    }
}
