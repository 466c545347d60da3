//! The words of a question, as the full-text index is asked.

use std::collections::BTreeSet;

/// Words that say nothing of what a question is about. They would find everything.
const EMPTY: &str = "a an the of in on at to for and or is are was were be been do does did has have had how what when where \
    who which why with by from as it its this that i you he she they we my your his her their our me him them can could \
    should would will not no so if then than there about into over any some";

/// The most words of one question.
const MOST: usize = 64;

/// Returns the query for a text: one of its words has to be there, and each that is counts. Empty if it has none.
pub(super) fn query(text: &str) -> String {
    let empty: BTreeSet<&str> = EMPTY.split_whitespace().collect();
    let words = text.split(|one: char| !one.is_alphanumeric()).map(str::to_lowercase);
    let told = words.filter(|word| !word.is_empty() && !empty.contains(word.as_str()));
    let told: BTreeSet<String> = told.take(MOST).map(|word| format!("\"{word}\"")).collect();
    told.into_iter().collect::<Vec<_>>().join(" OR ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_asked_by_the_words_that_say_something() {
        assert_eq!(query("How do I run the tests?"), "\"run\" OR \"tests\"");
        assert_eq!(query("what is it"), "");
        assert_eq!(query("a\" OR text:\"b"), "\"b\" OR \"text\"");
        assert_eq!(query("Käse käse"), "\"käse\"");
        assert!(query(&"x1 y2 z3 ".repeat(1_000)).len() < 100);
    }
}
