//! Reasons why a pattern is not accepted.

/// Reason why a pattern is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The text is empty.
    #[error("the pattern is empty")]
    Empty,
    /// The text is longer than any honest pattern.
    #[error("the pattern is longer than {limit} characters")]
    TooLong {
        /// The most characters a pattern may have.
        limit: usize,
    },
    /// The pattern has more parts than are matched in reasonable time.
    #[error("the pattern has more than {limit} parts")]
    TooManyParts {
        /// The most parts a pattern may have.
        limit: usize,
    },
    /// The host is not one, or could be read in two ways.
    #[error("`{text}` is not a host: {reason}")]
    Host {
        /// Text of the pattern.
        text: String,
        /// Rule that the text breaks.
        reason: &'static str,
    },
    /// The rule as a whole cannot be parsed.
    #[error("`{text}` is not an http rule: {reason}")]
    Http {
        /// Text of the rule.
        text: String,
        /// Rule that the text breaks.
        reason: &'static str,
    },
    /// The path pattern is not one.
    #[error("`{text}` is not a path pattern: {reason}")]
    Path {
        /// Text of the pattern.
        text: String,
        /// Rule that the text breaks.
        reason: &'static str,
    },
    /// The command is not a program name.
    #[error("`{text}` is not a program name: {reason}")]
    Command {
        /// Text of the pattern.
        text: String,
        /// Rule that the text breaks.
        reason: &'static str,
    },
}
