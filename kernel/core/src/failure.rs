//! What goes wrong inside a call, in a form that a model can read and a program can branch on.

use serde::{Deserialize, Serialize};

/// Why a call did not do what was asked. It never ends a run by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The input was not accepted; the same input will never be.
    #[error("{}{message}", at(field))]
    Invalid {
        /// A JSON pointer, or empty for the whole input.
        field: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// Policy refused; nothing happened.
    #[error("denied: {what}{}", hinted(hint))]
    Denied {
        /// What was refused.
        what: String,
        /// What a person can do to allow it.
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
        /// What happened.
        message: String,
        /// Whether the request left this machine.
        request_sent: bool,
        /// How long the service asks to be left alone, in milliseconds.
        retry_after_ms: Option<u64>,
    },
    /// A limit was reached.
    #[error("limit `{name}` ({value}) reached{}", hinted(knob))]
    Limited {
        /// The limit.
        name: String,
        /// Its value.
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
        /// Which component.
        component: String,
        /// What broke.
        message: String,
    },
    /// Anything else.
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
