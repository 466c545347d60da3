//! Why something is not remembered.

use openkoi_core::memory::LONGEST;

/// Why something is not remembered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// There are no words in it.
    #[error("there is nothing to remember in it")]
    Empty,
    /// It is too long.
    #[error("it has {0} bytes, and {LONGEST} are the most: remember the point of it")]
    Long(usize),
    /// It has more than one line, or characters that drive a terminal.
    #[error("it has line breaks or control characters: one line is remembered at a time")]
    Lines,
    /// It looks like a secret.
    #[error(
        "it holds what looks like a key or a password, which is never remembered; leave that out"
    )]
    Secret,
    /// Its id, or a number in it, is not one.
    #[error("`{0}` is not what an export holds")]
    Odd(&'static str),
}
