//! Claims of an answer about checks. Only plain statements that something passes or was run count: no wishes,
//! no conditions, no plans, no questions.

use crate::plan::Category;

/// A statement of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    /// Its subject.
    pub category: Category,
    /// The line of the answer, from 1.
    pub line: u32,
    /// The sentence, cut.
    pub sentence: String,
}

/// Returns the claims in an answer, one for each category, the first of each.
pub(crate) fn read(answer: &str) -> Vec<Claim> {
    let mut claims: Vec<Claim> = Vec::new();
    let mut code = false;
    for (number, line) in answer.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            code = !code;
        }
        if code || line.trim_start().starts_with('>') {
            continue;
        }
        for sentence in line.split_inclusive(['.', '!', '?', ';']) {
            let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
            for category in categories(sentence) {
                if claims.iter().all(|claim| claim.category != category) {
                    claims.push(Claim { category, line: number, sentence: cut(sentence) });
                }
            }
        }
    }
    claims
}

fn cut(sentence: &str) -> String {
    let text =
        sentence.trim().trim_start_matches(['-', '*', '#', ' ']).trim_end_matches(['.', '!', ';']);
    text.chars().take(120).collect()
}

/// Words by which a sentence is about a kind of check.
const SUBJECTS: [(Category, &[&str]); 4] = [
    (Category::Test, &["test", "tests", "testsuite", "suite", "specs"]),
    (Category::Build, &["build", "builds", "compiles", "compilation"]),
    (Category::Lint, &["lint", "linter", "linters", "lints", "clippy", "eslint", "ruff"]),
    (Category::Types, &["typecheck", "typechecks", "type-check", "type-checks", "mypy", "tsc"]),
];

/// Words that say that it went well.
const WELL: [&str; 17] = [
    "pass",
    "passes",
    "passed",
    "passing",
    "green",
    "succeed",
    "succeeds",
    "succeeded",
    "successful",
    "successfully",
    "clean",
    "compiles",
    "typechecks",
    "type-checks",
    "verified",
    "ran",
    "builds",
];

/// Words that keep a sentence from being a statement that something went well.
const UNLESS: [&str; 34] = [
    "if", "when", "once", "until", "unless", "should", "would", "could", "will", "can", "may",
    "might", "must", "need", "needs", "not", "cannot", "never", "no", "fail", "fails", "failed",
    "failing", "failure", "broken", "before", "after", "ensure", "make", "please", "run", "to",
    "let", "without",
];

fn categories(sentence: &str) -> Vec<Category> {
    let words: Vec<String> = words(sentence);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let negated = words.iter().any(|word| word.ends_with("n't"));
    if sentence.trim_end().ends_with('?') || negated || !has(&WELL) || hedged(&words) {
        return Vec::new();
    }
    SUBJECTS.iter().filter(|(_, subjects)| has(subjects)).map(|(category, _)| *category).collect()
}

/// "0 failed" and "no errors" are good news; any other word of that kind is none.
fn hedged(words: &[String]) -> bool {
    let bad = |word: &String| {
        ["fail", "error", "warn", "problem", "regression"].iter().any(|b| word.starts_with(b))
    };
    words.iter().enumerate().any(|(at, word)| {
        let denies = matches!(word.as_str(), "no" | "without");
        let denied = at > 0 && matches!(words[at - 1].as_str(), "0" | "no" | "zero" | "without");
        let good = (denies && words.get(at + 1).is_some_and(bad)) || (denied && bad(word));
        UNLESS.contains(&word.as_str()) && !good
    })
}

fn words(sentence: &str) -> Vec<String> {
    let inside = |c: char| c.is_alphanumeric() || c == '\'' || c == '’' || c == '-';
    let words = sentence.split(|c: char| !inside(c)).filter(|word| !word.is_empty());
    words.map(|word| word.to_lowercase().replace('’', "'")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The host does not ask about an answer without any word of the manifest, so these have to find every claim.
    #[test]
    fn the_words_of_the_manifest_are_in_every_claim() {
        let manifest = include_str!("../component.toml");
        let line = manifest.lines().find(|line| line.starts_with("answer-words")).unwrap();
        let words: Vec<&str> = line.split('"').skip(1).step_by(2).collect();

        for subject in SUBJECTS.iter().flat_map(|(_, subjects)| *subjects) {
            assert!(words.iter().any(|word| subject.contains(word)), "{subject}");
        }
        for word in words {
            let found = SUBJECTS.iter().any(|(_, all)| all.iter().any(|one| one.contains(word)));
            assert!(found, "{word}");
        }
    }

    fn read_words(answer: &str) -> Vec<&'static str> {
        read(answer).iter().map(|claim| claim.category.word()).collect()
    }

    #[test]
    fn plain_statements_are_claims() {
        for (answer, expected) in [
            ("All tests pass.", vec!["test"]),
            ("- I ran the test suite: 14 passed, 0 failed", vec!["test"]),
            ("The project builds successfully and clippy is clean.", vec!["build", "lint"]),
            ("It compiles. The tests are green!", vec!["build", "test"]),
            ("It type-checks with no errors", vec!["types"]),
        ] {
            assert_eq!(read_words(answer), expected, "{answer}");
        }
    }

    #[test]
    fn wishes_conditions_and_bad_news_are_not_claims() {
        for answer in [
            "The tests should pass now.",
            "If the tests pass, merge it.",
            "Run the tests to see whether they pass.",
            "Do the tests pass?",
            "Two tests fail, the others pass.",
            "The build doesn't pass.",
            "The tests did not run successfully.",
            "The function passes a reference.",
            "No tests passed.",
            "```\nAll tests pass.\n```",
            "> All tests pass.",
        ] {
            assert_eq!(read(answer), [], "{answer}");
        }
    }

    #[test]
    fn a_claim_says_where_it_stands() {
        let claim =
            Claim { category: Category::Test, line: 3, sentence: "All 3 tests passed".to_owned() };

        assert_eq!(read("Done.\n\n* All 3 tests passed.\n* The tests passed again."), [claim]);
    }
}
