//! Why a pattern was not accepted.

/// Why a pattern was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing was written.
    #[error("the pattern is empty")]
    Empty,
    /// Longer than any honest pattern.
    #[error("the pattern is longer than {limit} characters")]
    TooLong {
        /// The most characters a pattern may have.
        limit: usize,
    },
    /// More parts than are matched in reasonable time.
    #[error("the pattern has more than {limit} parts")]
    TooManyParts {
        /// The most parts a pattern may have.
        limit: usize,
    },
    /// The host could be read in two ways, or is none.
    #[error("`{text}` is not a host: {reason}")]
    Host {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The rule as a whole does not parse.
    #[error("`{text}` is not an http rule: {reason}")]
    Http {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The path pattern is none.
    #[error("`{text}` is not a path pattern: {reason}")]
    Path {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The command is no program name.
    #[error("`{text}` is not a program name: {reason}")]
    Command {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}
