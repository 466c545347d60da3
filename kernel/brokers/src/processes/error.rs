//! Errors of programs.

use std::io;

/// Why a program was not started.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// There is no such program.
    #[error("there is no program `{program}` on the path")]
    NotFound {
        /// Its name.
        program: String,
    },
    /// Part of the command is refused. Nothing was started.
    #[error("{what} is not allowed")]
    Denied {
        /// The refused part.
        what: String,
    },
    /// The sandbox cannot be set up. Nothing was started.
    #[error(
        "the sandbox cannot be set up: {reason}; {fix}, or set `sandbox = \"off\"` to run programs without one"
    )]
    Sandbox {
        /// The part of the sandbox, and why.
        reason: String,
        /// What a person can do about it.
        fix: &'static str,
    },
    /// The system could not.
    #[error("cannot {act} `{program}`")]
    Io {
        /// The verb for what was tried.
        act: &'static str,
        /// The program.
        program: String,
        /// The error of the system.
        source: io::Error,
    },
}
