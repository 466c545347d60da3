//! Errors of an exchange.

use std::fmt;
use std::time::Duration;

/// Why an exchange failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EgressError {
    /// The kind of error.
    pub kind: EgressErrorKind,
    /// One sentence without secrets.
    pub message: String,
    /// Whether a byte of the request may have left this machine. When true, only a request that is
    /// idempotent may be sent again.
    pub request_sent: bool,
    /// The command that allows the request.
    pub hint: Option<String>,
    /// The pause that the server asks for.
    pub retry_after: Option<Duration>,
}

/// The kinds of errors that a caller treats differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EgressErrorKind {
    /// No rule covers the request, the address is closed, or it holds a secret of another host.
    Denied,
    /// The request is malformed.
    InvalidRequest,
    /// The name has no address.
    Resolve,
    /// The address does not answer.
    Connect,
    /// The server's certificate is not trusted, or TLS failed.
    Tls,
    /// A deadline passed.
    Timeout {
        /// The phase that it ended.
        phase: Phase,
    },
    /// The body, or the chain of redirects, is longer than allowed.
    TooLarge,
    /// The connection broke.
    Interrupted,
}

/// A phase of an exchange, by what is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A connection.
    Connect,
    /// The head of the answer.
    FirstByte,
    /// The next piece of the body.
    Idle,
    /// The end of the whole exchange.
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

    /// An answer that is not the expected one, for callers in this crate that parse it.
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
