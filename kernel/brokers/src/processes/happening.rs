//! The events of a running program.

use std::path::PathBuf;
use std::time::Duration;

/// An event of a program, in the order in which it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// Bytes on its standard output, at most 64 KiB.
    Stdout(Vec<u8>),
    /// Bytes on its standard error, at most 64 KiB.
    Stderr(Vec<u8>),
    /// The end; it is the last event.
    Exited(ProgramExit),
}

/// The end of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramExit {
    /// The exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether it was killed at its deadline.
    pub timed_out: bool,
    /// The time it ran.
    pub duration: Duration,
    /// The file with the complete output, if more was written than was delivered.
    pub saved: Option<PathBuf>,
    /// The number of bytes of output that were not delivered.
    pub omitted: u64,
}
