//! Errors of commands, as a person reads them: a kind, one sentence, and hints that can be pasted.

mod of_app;

use std::fmt;

use openkoi_core::failure::sentence;
use serde_json::{Value, json};

use crate::{
    exit::Exit,
    output::{format::SCHEMA_VERSION, sanitise::sanitise},
};

/// Why a command did not do what it was asked. The kind decides the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandError {
    /// The kind, which decides the exit code.
    pub kind: Exit,
    /// One sentence, lower case, no full stop.
    pub message: String,
    /// Hints at what can be done: commands to paste, or sentences.
    pub hints: Vec<String>,
    /// The part of an answer that had arrived, or an empty text.
    pub received: String,
}

impl CommandError {
    /// Returns an error of this kind.
    pub fn new(kind: Exit, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new(), received: String::new() }
    }

    /// Returns an error about the command line, which was not understood.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Returns an error about the configuration or the home directory.
    pub fn configuration(message: impl Into<String>) -> Self {
        Self::new(Exit::Configuration, message)
    }

    /// Returns an error about a failure without a code of its own.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::NotAccepted, message)
    }

    /// Returns the error with one more hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns the error with more hints.
    #[must_use]
    pub fn hints(mut self, hints: impl IntoIterator<Item = String>) -> Self {
        self.hints.extend(hints);
        self
    }

    /// Returns the error with the part of an answer that had arrived.
    #[must_use]
    pub fn received(mut self, text: String) -> Self {
        self.received = text;
        self
    }

    /// Returns an error of this kind whose sentence ends with the causes of `error`.
    ///
    /// Below, an error's sentence leaves its causes out; here they are put together for the person, each once.
    pub fn from_error(kind: Exit, error: &dyn std::error::Error) -> Self {
        Self::new(kind, sentence(error))
    }

    /// Returns the error as a JSON record for programs.
    pub fn record(&self) -> Value {
        let mut error =
            json!({ "kind": self.kind.word(), "message": self.message, "hints": self.hints });
        if !self.received.is_empty() {
            error["received"] = self.received.as_str().into();
        }
        json!({
            "type": "error",
            "is_error": true,
            "error": error,
            "exit_code": self.kind.code(),
            "schema_version": SCHEMA_VERSION,
        })
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", sanitise(&self.message))?;
        for line in self.received.lines() {
            write!(f, "\n  received: {}", sanitise(line))?;
        }
        self.hints.iter().try_for_each(|hint| write!(f, "\n  hint: {}", sanitise(hint)))
    }
}

impl std::error::Error for CommandError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_and_a_line_for_each_hint() {
        let error = CommandError::usage("the task is empty").hint("openkoi \"fix the tests\"");

        assert_eq!(
            error.to_string(),
            "error: the task is empty\n  hint: openkoi \"fix the tests\""
        );
    }

    #[test]
    fn what_had_arrived_of_an_answer_stands_with_the_error() {
        let error = CommandError::failed("it broke").hint("again").received("one\ntwo".to_owned());

        assert_eq!(
            error.to_string(),
            "error: it broke\n  received: one\n  received: two\n  hint: again"
        );
        assert_eq!(error.record()["error"]["received"], "one\ntwo");
        assert!(CommandError::failed("it broke").record()["error"].get("received").is_none());
    }

    #[test]
    fn control_sequences_in_an_error_are_shown_and_not_obeyed() {
        let error = CommandError::failed("bad \x1b[2J name");

        assert_eq!(error.to_string(), "error: bad \\x1b[2J name");
    }

    #[test]
    fn causes_follow_the_sentence() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read it")]
        struct Outer(#[source] std::io::Error);

        let outer = Outer(std::io::Error::other("the disk is on fire"));

        let error = CommandError::from_error(Exit::Configuration, &outer);

        assert_eq!(error.message, "cannot read it: the disk is on fire");
    }

    #[test]
    fn the_record_of_an_error_has_its_kind_its_hints_and_its_code() {
        let error = CommandError::new(Exit::NeedsApproval, "bad \x1b name").hint("a").hint("b");

        assert_eq!(
            error.record(),
            json!({
                "type": "error",
                "is_error": true,
                "error": {
                    "kind": "needs_approval",
                    "message": "bad \x1b name",
                    "hints": ["a", "b"],
                },
                "exit_code": 8,
                "schema_version": 1,
            })
        );
    }
}
