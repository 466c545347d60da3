//! How an exchange goes wrong.

use std::fmt;
use std::time::Duration;

/// An exchange that did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EgressError {
    /// What kind of going wrong.
    pub kind: EgressErrorKind,
    /// One sentence without secrets.
    pub message: String,
    /// Whether a byte of the request may have left this machine. When true, only a request that is
    /// idempotent may be sent again.
    pub request_sent: bool,
    /// What a person can do to allow it.
    pub hint: Option<String>,
    /// How long the other side asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// Kinds of going wrong that a caller treats differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EgressErrorKind {
    /// No rule covers it, the address is closed, or a secret was on its way out.
    Denied,
    /// The request could not be understood.
    InvalidRequest,
    /// The name has no address.
    Resolve,
    /// Nobody answers at the address.
    Connect,
    /// The other side could not prove who it is.
    Tls,
    /// A deadline passed.
    Timeout {
        /// Which.
        phase: Phase,
    },
    /// The body, or the chain of redirects, is longer than allowed.
    TooLarge,
    /// The connection broke.
    Interrupted,
}

/// What an exchange was waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A connection.
    Connect,
    /// The head of the answer.
    FirstByte,
    /// The next piece of the body.
    Idle,
    /// The end of everything.
    Total,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "for a connection",
            Self::FirstByte => "for the first byte",
            Self::Idle => "for more of the answer",
            Self::Total => "for the end of the answer",
        })
    }
}

impl EgressError {
    pub(super) fn new(kind: EgressErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message, request_sent: false, hint: None, retry_after: None }
    }

    pub(super) fn denied(message: impl Into<String>) -> Self {
        Self::new(EgressErrorKind::Denied, message)
    }

    /// An answer came that is none, for callers in this crate that read it themselves.
    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self::new(EgressErrorKind::Interrupted, message).sent(true)
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(EgressErrorKind::InvalidRequest, message)
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn sent(mut self, sent: bool) -> Self {
        self.request_sent |= sent;
        self
    }
}
