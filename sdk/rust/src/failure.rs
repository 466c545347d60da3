//! Why a call did not do what was asked, in a form that the model and the host can act on.
//!
//! A failure is an answer, not the end of a run: say what was wrong and what would be right, in one sentence.

use std::fmt;

/// The result of nearly every function of this crate.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// One argument that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidInput {
    /// The field, as a JSON pointer (`/path`), or empty when the whole input is meant.
    pub field: String,
    /// One sentence: its fault, and what would be right.
    pub message: String,
}

/// A refusal by policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The thing that was refused, for example `read of .env`.
    pub what: String,
    /// The way for a person to allow it. Empty if there is none.
    pub hint: String,
}

/// A service that could not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// One sentence about it, without secrets.
    pub message: String,
    /// True if any byte of the request left this machine; then only an idempotent one may be sent again.
    pub request_sent: bool,
    /// The time that the service asks to be left alone, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// A limit of the host that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The name of the limit, for example `http-body-bytes`.
    pub name: String,
    /// Its value, in the unit that its name carries.
    pub value: u64,
    /// The setting that changes it. Empty if it is fixed.
    pub knob: String,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The input was not accepted; the same input will never be.
    Invalid(InvalidInput),
    /// Policy refused.
    Denied(Denial),
    /// The named thing does not exist.
    NotFound(String),
    /// The thing exists, but not in the state that the call needs.
    Conflict(String),
    /// A service could not answer; later it may.
    Unavailable(Outage),
    /// A limit of the host was reached.
    Limited(Limit),
    /// The caller gave up, or the run was cancelled.
    Cancelled,
    /// This implementation does not offer the operation.
    Unsupported(String),
    /// Anything else, one sentence for a person.
    Failed(String),
}

impl Failure {
    /// Refuses the argument at `field`, a JSON pointer such as `/path`.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(InvalidInput { field: field.into(), message: message.into() })
    }

    /// Reports anything that no other variant says.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }

    /// Refuses by policy; `hint` says what a person can do to allow it, or is empty.
    pub fn denied(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Denied(Denial { what: what.into(), hint: hint.into() })
    }

    /// Reports that `what` does not exist.
    pub fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound(what.into())
    }

    /// Reports that something is not in the state that the call needs.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict(message.into())
    }

    /// Reports an operation that this component does not offer.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported(what.into())
    }

    /// Reports a service that broke off after the request had been sent.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable(Outage {
            message: message.into(),
            request_sent: true,
            retry_after_ms: None,
        })
    }

    /// Reports a limit that no setting changes.
    pub fn limited(name: impl Into<String>, value: u64) -> Self {
        Self::Limited(Limit { name: name.into(), value, knob: String::new() })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(input) if input.field.is_empty() => f.write_str(&input.message),
            Self::Invalid(input) => write!(f, "`{}`: {}", input.field, input.message),
            Self::Denied(denial) => write!(f, "{} is not allowed", denial.what),
            Self::NotFound(what) => write!(f, "{what} does not exist"),
            Self::Unavailable(outage) => f.write_str(&outage.message),
            Self::Limited(limit) => {
                write!(f, "the limit {} of {} is reached", limit.name, limit.value)
            }
            Self::Cancelled => f.write_str("cancelled"),
            Self::Unsupported(what) => write!(f, "{what} is not supported"),
            Self::Conflict(message) | Self::Failed(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Failure {}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::failed(format!("not the expected JSON: {error}"))
    }
}

impl From<Failure> for std::io::Error {
    fn from(failure: Failure) -> Self {
        Self::other(failure)
    }
}

/// Runs `call` where there is a host, and says so where there is none: natively, in unit tests.
pub(crate) fn hosted<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    if cfg!(target_family = "wasm") {
        call()
    } else {
        Err(Failure::unsupported("a host function outside of the host"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reads_as_a_sentence() {
        assert_eq!(
            Failure::invalid("/path", "must not be empty").to_string(),
            "`/path`: must not be empty"
        );
        assert_eq!(Failure::invalid("", "not JSON").to_string(), "not JSON");
        assert_eq!(Failure::not_found("`a.txt`").to_string(), "`a.txt` does not exist");
        assert_eq!(
            Failure::limited("sse-line-bytes", 9).to_string(),
            "the limit sse-line-bytes of 9 is reached"
        );
    }

    #[test]
    fn host_functions_fail_natively_instead_of_breaking_the_link() {
        assert!(matches!(crate::files::stat("a"), Err(Failure::Unsupported(_))));
    }
}
