//! Paths with wildcards, for workspaces and URLs alike.

use super::{error::PatternError, text::text_form};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

const LONGEST: usize = 1024;
const MOST_SEGMENTS: usize = 64;
/// Most bytes of a path that can match: file systems and servers take no longer ones.
const LONGEST_PATH: usize = 16 * 1024;

/// A path in which `*` stands for any characters of one segment and `**`, alone in a segment, for any number
/// of segments, none included.
///
/// A path is normalised before it is compared: empty and `.` segments vanish, and one that goes up (`..`)
/// or holds a NUL or a backslash matches nothing. Matching takes time in proportion to pattern times path, so no pattern
/// is a bomb.
///
/// ```
/// use openkoi_core::pattern::PathGlob;
///
/// let glob: PathGlob = "a/*".parse()?;
/// assert!(glob.matches("a/b"));
/// assert!(!glob.matches("a/b/c"));
/// assert!(!glob.matches("a/../../.ssh/id"));
/// # Ok::<(), openkoi_core::pattern::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathGlob {
    absolute: bool,
    segments: Vec<String>,
}

text_form!(PathGlob);

impl PathGlob {
    /// Returns whether the pattern matches `path`.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        if path.len() > LONGEST_PATH || path.contains(['\0', '\\']) {
            return false;
        }
        let segments: Vec<&str> =
            path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        self.absolute == path.starts_with('/')
            && !segments.contains(&"..")
            && self.matches_segments(&segments)
    }

    /// Returns true if `other` surely matches each path that the pattern matches. False says nothing: whoever asks
    /// shows a person the pattern then, which is the safe side.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        // With one `**`, at the end, a pattern is compared segment by segment.
        let (wide, below) = match other.segments.split_last() {
            Some((last, wide)) if last == "**" => (wide, true),
            _ => (other.segments.as_slice(), false),
        };
        let fits = if below {
            self.segments.len() >= wide.len()
        } else {
            self.segments.len() == wide.len()
        };
        let covers = |(wide, own): (&String, &String)| {
            wide == own
                || match own.contains('*') {
                    true => wide == "*" && own != "**",
                    false => segment_matches(wide, own),
                }
        };
        self.absolute == other.absolute
            && fits
            && !wide.iter().any(|part| part == "**")
            && wide.iter().zip(&self.segments).all(covers)
    }

    /// Compares segments that the caller has normalised.
    ///
    /// Matching is greedy with one point of return: it is enough to let the last `**` take one segment more, so
    /// nothing is tried twice.
    pub(super) fn matches_segments(&self, path: &[&str]) -> bool {
        let (mut p, mut s) = (0, 0);
        let mut retry = None;
        while s < path.len() {
            if self.segments.get(p).is_some_and(|part| part == "**") {
                retry = Some((p, s));
                p += 1;
            } else if self.segments.get(p).is_some_and(|part| segment_matches(part, path[s])) {
                p += 1;
                s += 1;
            } else if let Some((star, taken)) = retry {
                retry = Some((star, taken + 1));
                p = star + 1;
                s = taken + 1;
            } else {
                return false;
            }
        }
        self.segments[p..].iter().all(|part| part == "**")
    }
}

/// Compares one segment; `*` takes any characters, and a segment of its own takes at least one.
fn segment_matches(pattern: &str, text: &str) -> bool {
    // In a URL an encoded slash is a slash to many servers, so that a star must not reach over it.
    let crosses = pattern.contains('*') && (text.contains("%2F") || text.contains("%5C"));
    if text.is_empty() || crosses {
        return false;
    }
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut retry = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            retry = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            p += 1;
            t += 1;
        } else if let Some((star, taken)) = retry {
            retry = Some((star, taken + 1));
            p = star + 1;
            t = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

impl FromStr for PathGlob {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let refuse = |reason| Err(PatternError::Path { text: text.to_owned(), reason });
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > LONGEST {
            return Err(PatternError::TooLong { limit: LONGEST });
        }
        if text.contains(['[', ']', '{', '}', '?', '\\']) || text.chars().any(char::is_control) {
            return refuse("only `*` and `**` are wildcards");
        }
        let segments: Vec<String> = text
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .map(str::to_owned)
            .collect();
        if segments.len() > MOST_SEGMENTS {
            return Err(PatternError::TooManyParts { limit: MOST_SEGMENTS });
        }
        if segments.iter().any(|part| part == "..") {
            return refuse("it may not go up with `..`");
        }
        if segments.iter().any(|part| part.contains("**") && part != "**") {
            return refuse("`**` stands alone between slashes");
        }
        Ok(Self { absolute: text.starts_with('/'), segments })
    }
}

impl fmt::Display for PathGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lead = if self.absolute { "/" } else { "" };
        match (self.absolute, self.segments.is_empty()) {
            (false, true) => f.write_str("."),
            _ => write!(f, "{lead}{}", self.segments.join("/")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PathGlob;

    fn matches(pattern: &str, path: &str) -> bool {
        pattern.parse::<PathGlob>().unwrap().matches(path)
    }

    #[test]
    fn a_star_stays_within_its_segment() {
        assert!(matches("a/*", "a/b"));
        assert!(matches("a/*.rs", "a/lib.rs"));
        assert!(matches("a/l*b*s", "a/lib.rs"));
        assert!(!matches("a/*", "a/b/c"));
        assert!(!matches("a/*", "a"));
        assert!(!matches("*", "a/b"));
        assert!(!matches("a/*.rs", "a/x/lib.rs"));
    }

    #[test]
    fn a_path_is_normalised_before_it_is_compared() {
        assert!(matches("a/*", "a/./b"));
        assert!(matches("a/*", "a//b/"));
        assert!(!matches("a/*", "a/../../.ssh/id"));
        assert!(!matches("a/**", "a/../b"));
        assert!(!matches("a/**", "a/b/.."));
        assert!(!matches("a/**", "a/b\\..\\c"));
        assert!(!matches("a/**", "a/b\0c"));
        assert!(!matches("**", "/etc/passwd"));
        assert!(!matches("/**", "etc/passwd"));
    }

    #[test]
    fn two_stars_cross_segments() {
        for path in ["src", "src/a", "src/a/b/c"] {
            assert!(matches("src/**", path), "{path}");
        }
        assert!(!matches("src/**", "srcs/a"));
        assert!(matches("**/test/*.rs", "a/b/test/c.rs"));
        assert!(matches("**/test/*.rs", "test/c.rs"));
        assert!(!matches("**/test/*.rs", "test/c/d.rs"));
        assert!(matches("a/**/b/**/c", "a/b/x/b/y/c"));
    }

    #[test]
    fn patterns_that_could_be_read_in_two_ways_are_refused() {
        for text in ["", "a/../b", "a[bc]", "a/{b,c}", "a**", "**b/c", "a\\b", "a\nb", "a?"] {
            assert!(text.parse::<PathGlob>().is_err(), "{text:?}");
        }
        assert!("a/".repeat(65).parse::<PathGlob>().is_err());
        assert!("a".repeat(1025).parse::<PathGlob>().is_err());
    }

    #[test]
    fn patterns_full_of_stars_are_matched_without_trying_every_way() {
        // A matcher that tries every way would not come back from these.
        let stars: PathGlob = format!("{}z", "*a".repeat(500)).parse().unwrap();
        let deep: PathGlob = format!("{}z", "**/a/".repeat(31)).parse().unwrap();
        assert!(!stars.matches(&"a".repeat(16_000)));
        assert!(!deep.matches(&"a/".repeat(8_000)));
    }

    #[test]
    fn the_text_form_round_trips() {
        for text in ["a/*", "/v1/**", "/", "**", "."] {
            let glob: PathGlob = text.parse().unwrap();
            assert_eq!(glob.to_string(), text);
            assert_eq!(glob.to_string().parse::<PathGlob>().unwrap(), glob);
        }
    }
}
