//! Patterns that grants and manifests are written in: hosts, HTTP rules, paths and commands.
//!
//! Everything here is pure: a pattern is parsed once, refused with a sentence if it could be read in two
//! ways, and then only matched. The callers decide what follows from a match.
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
//! let target = HttpTarget { method: "GET", secure: true, host: "api.example.com", port: 443, path: "/v1/items", query: "" };
//! assert!(rule.matches(&target));
//! assert!(!rule.matches(&HttpTarget { path: "/v2/items", ..target }));
//! assert!(!rule.matches(&HttpTarget { host: "api.example.com.evil.com", ..target }));
//! # Ok::<(), openkoi_core::pattern::PatternError>(())
//! ```

mod address;
mod command;
mod error;
mod host;
mod http;
mod path;
mod text;

pub use address::is_public_address;
pub use command::CommandRule;
pub use error::PatternError;
pub use host::HostPattern;
pub use http::{HttpRule, HttpTarget};
pub use path::PathGlob;
