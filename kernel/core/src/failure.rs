//! Failures of a call, in a form that a model can read and a program can branch on.

use serde::{Deserialize, Serialize};

/// Returns an error and its causes as one sentence that says nothing twice.
///
/// An error's own words may hold those of its cause, or be held by them; libraries do both. The longer ones stand.
pub fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if words.contains(&text) {
            text = words;
        } else if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

/// Reason why a call did not do what was asked. It never ends a run by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The input was not accepted; sending the same again does not help.
    #[error("{}{message}", at(field))]
    Invalid {
        /// A JSON pointer, or empty for the whole input.
        field: String,
        /// Mistake in the input, and what would be right.
        message: String,
    },
    /// Policy refused; nothing happened.
    #[error("denied: {what}{}", hinted(hint))]
    Denied {
        /// Action that was refused.
        what: String,
        /// Step by which a person can allow it; may be empty.
        hint: String,
    },
    /// The named thing does not exist.
    #[error("not found: {0}")]
    NotFound(String),
    /// The thing is not in the state that the call needs.
    #[error("conflict: {0}")]
    Conflict(String),
    /// A service could not answer; later it may.
    #[error("unavailable: {message}")]
    Unavailable {
        /// Report of the trouble, in words.
        message: String,
        /// True if the request left this machine.
        request_sent: bool,
        /// Wait that the service asks for, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// A limit on size, time or number was reached.
    #[error("limit `{name}` ({value}) reached{}", hinted(knob))]
    Limited {
        /// Name of the limit.
        name: String,
        /// Value of the limit.
        value: u64,
        /// The setting that changes it, or empty.
        knob: String,
    },
    /// The caller gave up, or the run was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The operation is not offered.
    #[error("unsupported: {0}")]
    Unsupported(String),
    /// The guest broke: panic, bad memory, time, stack.
    #[error("`{component}` broke: {message}")]
    Trapped {
        /// Name of the component.
        component: String,
        /// Report of the trap, in words.
        message: String,
    },
    /// Any other failure, in words.
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    /// Returns the failure's kind as one word, for records.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::Denied { .. } => "denied",
            Self::NotFound(_) => "not_found",
            Self::Conflict(_) => "conflict",
            Self::Unavailable { .. } => "unavailable",
            Self::Limited { .. } => "limited",
            Self::Cancelled => "cancelled",
            Self::Unsupported(_) => "unsupported",
            Self::Trapped { .. } => "trapped",
            Self::Failed(_) => "failed",
        }
    }
}

fn at(field: &str) -> String {
    if field.is_empty() { String::new() } else { format!("{field}: ") }
}

fn hinted(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!(" (to allow it: {hint})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Told {
        words: &'static str,
        source: Option<Box<Told>>,
    }

    fn told(words: &[&'static str]) -> String {
        let chain =
            words.iter().rev().fold(None, |source, words| Some(Box::new(Told { words, source })));
        sentence(&*chain.unwrap())
    }

    #[test]
    fn an_error_and_its_causes_are_told_once_whichever_of_them_repeats_the_other() {
        for (words, expected) in [
            (&["cannot write `a`", "the disk is full"][..], "cannot write `a`: the disk is full"),
            (&["cannot write `/tmp`", "cannot write `/tmp`"], "cannot write `/tmp`"),
            (
                &["the disk is full", "cannot write `a`: the disk is full"],
                "cannot write `a`: the disk is full",
            ),
            (&["`a`: the disk is full", "the disk is full"], "`a`: the disk is full"),
            (&["a", "bb: a", "ccc"], "bb: a: ccc"),
            (&["alone"], "alone"),
        ] {
            assert_eq!(told(words), expected, "{words:?}");
        }
    }
}
