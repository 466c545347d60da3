//! Errors of logins.

use std::{io, path::PathBuf};

use crate::{
    durable::DurableError,
    egress::EgressError,
    secrets::{AuthFileError, SecretError},
};

/// Why a login, or a request for one of its tokens, failed. No variant holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// There is no login of this name.
    #[error("there is no login for `{name}`")]
    Absent {
        /// The name of the login.
        name: String,
    },
    /// The service does not accept the login any more.
    #[error("the login for `{name}` has ended: {reason}")]
    Ended {
        /// The name of the login.
        name: String,
        /// The reason, in the service's words.
        reason: String,
    },
    /// The login was made with another service than the one that is asked now.
    #[error("the login for `{name}` is of `{issuer}`, and its tokens go to nobody else")]
    Issuer {
        /// The name of the login.
        name: String,
        /// The host that issued its tokens.
        issuer: String,
    },
    /// The person refused the login.
    #[error("the login was refused in the browser")]
    Denied,
    /// The person did not use the code in time.
    #[error("the code has expired before it was used")]
    Expired,
    /// The person did not come back from the browser in time.
    #[error("nobody finished the login in the browser within {minutes} minutes")]
    Unfinished {
        /// The longest wait.
        minutes: u64,
    },
    /// This machine cannot be come back to.
    #[error("the browser could not come back to this machine: {source}")]
    Listener {
        /// The error of the system.
        source: io::Error,
    },
    /// The service refuses the login.
    #[error("the service refuses the login: {reason}")]
    Refused {
        /// The reason, in the service's words.
        reason: String,
    },
    /// The service's answer is malformed.
    #[error("the service's answer to the login cannot be understood: {reason}")]
    Answer {
        /// What is wrong with it.
        reason: String,
    },
    /// The service cannot be reached, or is out of order. The login may still be valid.
    #[error("the service that issues the login of `{name}` does not answer")]
    Unreachable {
        /// The name of the login.
        name: String,
        /// The error of the request.
        source: EgressError,
    },
    /// The file of logins may not be read.
    #[error(transparent)]
    Unreadable(SecretError),
    /// The file of logins is damaged. It is left as it is, because its tokens may still be saved by hand.
    #[error("`{}` is broken and was left as it is: {reason}; move it away to log in anew", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The damage.
        reason: String,
    },
    /// The file of logins could not be written.
    #[error("the login could not be kept")]
    Unwritten(#[from] DurableError),
    /// Another process holds the lock for longer than the longest exchange takes.
    #[error("`{}` is held by another process", path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
    },
    /// The lock could not be taken, or the work under it was cut off.
    #[error("cannot work on `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

impl LoginError {
    /// Returns the command that fixes it, if there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Absent { name } | Self::Ended { name, .. } | Self::Issuer { name, .. } => {
                Some(format!("openkoi connect {name}"))
            }
            _ => None,
        }
    }
}

impl From<AuthFileError> for LoginError {
    fn from(error: AuthFileError) -> Self {
        match error {
            AuthFileError::Unreadable(error) => Self::Unreadable(error),
            AuthFileError::Broken { path, reason } => Self::Broken { path, reason },
            AuthFileError::Unwritten(error) => Self::Unwritten(error),
        }
    }
}

/// Returns a service's words as one line of at most 300 characters.
pub(super) fn one_line(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(300).collect::<String>().trim().to_owned()
}
