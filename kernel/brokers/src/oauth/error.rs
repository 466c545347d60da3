//! Why there is no token, or no login.

use std::{io, path::PathBuf};

use crate::{durable::DurableError, egress::EgressError, secrets::SecretError};

/// Why a login, or what rests on one, did not work. No variant holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Nobody logged in.
    #[error("there is no login for `{name}`")]
    Absent {
        /// Of the login.
        name: String,
    },
    /// The service does not take the login any more.
    #[error("the login for `{name}` has ended: {reason}")]
    Ended {
        /// Of the login.
        name: String,
        /// What the service says.
        reason: String,
    },
    /// The login was made with another service than the one that is asked now.
    #[error("the login for `{name}` is of `{issuer}`, and its tokens go to nobody else")]
    Issuer {
        /// Of the login.
        name: String,
        /// Who issued it.
        issuer: String,
    },
    /// The person said no.
    #[error("the login was refused in the browser")]
    Denied,
    /// The person did not come in time.
    #[error("the code has expired before it was used")]
    Expired,
    /// The service says no for a reason of its own.
    #[error("the service refuses the login: {reason}")]
    Refused {
        /// What it says.
        reason: String,
    },
    /// The service's answer is not one.
    #[error("the service's answer to the login cannot be understood: {reason}")]
    Answer {
        /// What is wrong with it.
        reason: String,
    },
    /// The service cannot be reached, or is out of order. The login may be as good as ever.
    #[error("the service that issues the login of `{name}` does not answer")]
    Unreachable {
        /// Of the login.
        name: String,
        /// What happened.
        source: EgressError,
    },
    /// The file may not be read.
    #[error(transparent)]
    Unreadable(#[from] SecretError),
    /// The file is not what was written. It is left as it is: what is in it may still be saved.
    #[error("`{}` is broken and was left as it is: {reason}; move it away to log in anew", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file could not be written.
    #[error("the login could not be kept")]
    Unwritten(#[from] DurableError),
    /// Another process holds the file for longer than any exchange takes.
    #[error("`{}` is held by another process", path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
    },
    /// The lock could not be had, or the work on it was cut off.
    #[error("cannot work on `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl LoginError {
    /// Returns the command that mends it, if one does.
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

/// Returns a service's words as one line of bounded length.
pub(super) fn one_line(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(300).collect::<String>().trim().to_owned()
}
