//! Patterns of programs that may be run.

use super::{error::PatternError, text::text_form};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

const LONGEST: usize = 128;

/// A program by its name on the host's path, or any of them.
///
/// A name is all that is compared: `/tmp/git` and `./git` are matched by no rule, so that what runs is what
/// the host's path holds.
///
/// ```
/// use openkoi_core::pattern::CommandRule;
///
/// let rule: CommandRule = "git".parse()?;
/// assert!(rule.matches("git"));
/// assert!(!rule.matches("/tmp/git"));
/// # Ok::<(), openkoi_core::pattern::PatternError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommandRule(Option<String>);

text_form!(CommandRule);

impl CommandRule {
    /// Returns whether `program` may be run under this rule.
    #[must_use]
    pub fn matches(&self, program: &str) -> bool {
        check(program).is_ok() && self.0.as_deref().is_none_or(|name| name == program)
    }

    /// Returns the rule for the programs that both match, or `None` if there is none.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        match (self.is_within(other), other.is_within(self)) {
            (true, _) => Some(self.clone()),
            (_, true) => Some(other.clone()),
            _ => None,
        }
    }

    /// Returns whether `other` matches each program that the rule matches.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        other.0.is_none() || self.0 == other.0
    }
}

impl FromStr for CommandRule {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text == "*" {
            return Ok(Self(None));
        }
        check(text)?;
        Ok(Self(Some(text.to_owned())))
    }
}

impl fmt::Display for CommandRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_deref().unwrap_or("*"))
    }
}

fn check(name: &str) -> Result<(), PatternError> {
    let refuse = |reason| Err(PatternError::Command { text: name.to_owned(), reason });
    if name.is_empty() {
        return Err(PatternError::Empty);
    }
    if name.len() > LONGEST {
        return Err(PatternError::TooLong { limit: LONGEST });
    }
    if name.contains(['/', '\\']) {
        return refuse("a program is named, not given as a path");
    }
    if name.starts_with(['-', '.']) {
        return refuse("it may not start with `-` or `.`");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b)) {
        return refuse("only letters, digits, `.`, `_`, `+` and `-` are allowed");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CommandRule;

    #[test]
    fn a_name_matches_itself_and_nothing_near_it() {
        let rule: CommandRule = "git".parse().unwrap();

        assert!(rule.matches("git"));
        for near in ["Git", "git ", "git\0", "git-lfs", "./git", "/usr/bin/git", "env git", ""] {
            assert!(!rule.matches(near), "{near:?}");
        }
    }

    #[test]
    fn a_star_matches_program_names_and_no_paths() {
        let rule: CommandRule = "*".parse().unwrap();

        assert!(rule.matches("cargo"));
        assert!(!rule.matches("/tmp/cargo"));
        assert!(!rule.matches("../cargo"));
        assert!(!rule.matches("-rf"));
    }

    #[test]
    fn command_lines_and_paths_are_not_names() {
        for text in ["", "git status", "/bin/sh", "..", "-c", "a*", "sh;ls", "$(id)"] {
            assert!(text.parse::<CommandRule>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_text_form_round_trips() {
        for text in ["*", "git", "g++", "python3.12"] {
            assert_eq!(text.parse::<CommandRule>().unwrap().to_string(), text);
        }
    }
}
