//! Patterns that grants and manifests are written in: hosts, HTTP rules, paths and commands.
//!
//! Everything here is pure: a pattern is parsed once, refused with a sentence if it could be read in two
//! ways, and then only matched. Who asks and what follows from a match is decided elsewhere.
//!
//! # Accepted forms
//!
//! | type | form | matches |
//! |---|---|---|
//! | [`HostPattern`] | `api.example.com` | that host and no other |
//! | | `*.example.com` | exactly one more label: `a.example.com`, not `example.com`, not `a.b.example.com` |
//! | | `*` | any public name, never a literal address, `localhost` or a local name |
//! | | `127.0.0.1`, `[::1]` | that literal address, however it was spelt in the URL |
//! | | `localhost` | that name |
//! | [`HttpRule`] | `https://api.example.com/v1/**` | any method, port 443, paths below `/v1` |
//! | | `GET,POST https://api.example.com/v1/*` | these methods, one more path segment |
//! | | `api.example.com` | the same as `https://api.example.com/**` |
//! | | `https://api.example.com:8443/**` | that port only |
//! | | `http://127.0.0.1:11434/**` | a private literal, in the clear because the rule says so |
//! | [`PathGlob`] | `src/*.rs` | `*` stays within one segment |
//! | | `src/**` | `src` and everything below it |
//! | [`CommandRule`] | `git` | the program of that name on the host's path |
//! | | `*` | any program on the host's path |
//!
//! ```
//! use openkoi_core::pattern::{HttpRule, HttpTarget};
//!
//! let rule: HttpRule = "GET https://api.example.com/v1/**".parse()?;
//! let target = HttpTarget { method: "GET", secure: true, host: "api.example.com", port: 443, path: "/v1/items" };
//! assert!(rule.matches(&target));
//! assert!(!rule.matches(&HttpTarget { path: "/v2/items", ..target }));
//! assert!(!rule.matches(&HttpTarget { host: "api.example.com.evil.com", ..target }));
//! # Ok::<(), openkoi_core::pattern::PatternError>(())
//! ```

mod address;
mod command;
mod host;
mod http;
mod path;

pub use address::is_public_address;
pub use command::CommandRule;
pub use host::HostPattern;
pub use http::{HttpRule, HttpTarget};
pub use path::PathGlob;

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

/// Gives a pattern type its text form in serde, `TryFrom<String>` and `From<T> for String`.
macro_rules! text_form {
    ($type:ty) => {
        impl TryFrom<String> for $type {
            type Error = crate::pattern::PatternError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(pattern: $type) -> Self {
                pattern.to_string()
            }
        }
    };
}
use text_form;
