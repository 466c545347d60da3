//! Glob patterns over paths whose parts are joined with `/`.
//!
//! | pattern | matches |
//! |---|---|
//! | `*` | any characters but `/` |
//! | `?` | one character but `/` |
//! | `[a-z]`, `[!a-z]` | one character in, or not in, the set |
//! | `**/` | any directories, none included |
//! | `/**` at the end | everything below |
//! | `{a,b}` | either |
//! | `\x` | `x` itself |
//!
//! ```
//! use openkoi_sdk::glob::Glob;
//!
//! let glob = Glob::new("src/**/*.{rs,toml}")?;
//! assert!(glob.matches("src/a/b/main.rs"));
//! assert!(glob.matches("src/main.rs"));
//! assert!(!glob.matches("tests/main.rs"));
//! # Ok::<(), openkoi_sdk::Failure>(())
//! ```

use crate::{Failure, Result};

/// The most alternatives that braces may spell out.
const MAX_ALTERNATIVES: usize = 256;

/// A pattern that has been read.
#[derive(Clone, Debug)]
pub struct Glob {
    alternatives: Vec<Vec<Token>>,
    ignore_case: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Char(char),
    /// `?`
    Any,
    /// `*`
    Star,
    /// `**/`: nothing, or directories with their slash.
    Directories,
    /// `**` after the last slash: at least one character.
    Rest,
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    /// Reads `pattern`, braces included.
    ///
    /// # Errors
    ///
    /// [`Failure::Invalid`] for an unclosed `[` or `{`, or braces that spell out too much.
    pub fn new(pattern: &str) -> Result<Self> {
        let mut alternatives = Vec::new();
        for spelled in expand(pattern)? {
            alternatives.push(tokens(&spelled)?);
        }
        Ok(Self { alternatives, ignore_case: false })
    }

    /// Reads `pattern` as files of ignore rules do: braces are ordinary characters.
    ///
    /// # Errors
    ///
    /// [`Failure::Invalid`] for an unclosed `[`.
    pub fn without_braces(pattern: &str) -> Result<Self> {
        Ok(Self { alternatives: vec![tokens(pattern)?], ignore_case: false })
    }

    /// Makes `a` match `A`.
    #[must_use]
    pub fn ignore_case(mut self, ignore: bool) -> Self {
        self.ignore_case = ignore;
        self
    }

    /// Returns whether the whole of `path` matches.
    pub fn matches(&self, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        self.alternatives.iter().any(|tokens| self.matches_tokens(tokens, &path))
    }

    /// Follows every way to match at once and none twice, so that no pattern takes long.
    fn matches_tokens(&self, tokens: &[Token], path: &[char]) -> bool {
        let width = path.len() + 1;
        let mut seen = vec![false; (tokens.len() + 1) * width];
        let mut open = vec![(0, 0)];
        while let Some((token, at)) = open.pop() {
            if std::mem::replace(&mut seen[token * width + at], true) {
                continue;
            }
            let Some(pattern) = tokens.get(token) else {
                if at == path.len() {
                    return true;
                }
                continue;
            };
            let next = path.get(at).copied();
            match pattern {
                Token::Rest if next.is_some() => return true,
                Token::Star => {
                    open.push((token + 1, at));
                    if next.is_some_and(|c| c != '/') {
                        open.push((token, at + 1));
                    }
                }
                Token::Directories => {
                    open.push((token + 1, at));
                    if let Some(slash) = path[at..].iter().position(|&c| c == '/') {
                        open.push((token, at + slash + 1));
                    }
                }
                one => {
                    if next.is_some_and(|c| self.matches_one(one, c)) {
                        open.push((token + 1, at + 1));
                    }
                }
            }
        }
        false
    }

    fn matches_one(&self, token: &Token, c: char) -> bool {
        match token {
            Token::Char(wanted) => self.equal(*wanted, c),
            Token::Any => c != '/',
            Token::Set { negated, ranges } => {
                let within = |c: char| ranges.iter().any(|&(low, high)| (low..=high).contains(&c));
                let found = within(c) || (self.ignore_case && within(swapped(c)));
                c != '/' && found != *negated
            }
            _ => false,
        }
    }

    fn equal(&self, a: char, b: char) -> bool {
        a == b || (self.ignore_case && a.to_lowercase().eq(b.to_lowercase()))
    }
}

fn swapped(c: char) -> char {
    let mut other = if c.is_lowercase() {
        c.to_uppercase().collect::<Vec<_>>()
    } else {
        c.to_lowercase().collect()
    };
    other.pop().filter(|_| other.is_empty()).unwrap_or(c)
}

fn tokens(pattern: &str) -> Result<Vec<Token>> {
    let pattern: Vec<char> = pattern.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = pattern.get(at) {
        at += 1;
        match c {
            '*' => at = stars(&pattern, at - 1, &mut tokens),
            '?' => tokens.push(Token::Any),
            '[' => at = set(&pattern, at, &mut tokens)?,
            '\\' if at < pattern.len() => {
                tokens.push(Token::Char(pattern[at]));
                at += 1;
            }
            c => tokens.push(Token::Char(c)),
        }
    }
    Ok(tokens)
}

/// Reads a run of stars from `start` and returns where it ends. Two stars that fill a part of the path are more
/// than one; any others are as good as one.
fn stars(pattern: &[char], start: usize, tokens: &mut Vec<Token>) -> usize {
    let run = pattern[start..].iter().take_while(|&&c| c == '*').count();
    let end = start + run;
    let begins_part = start == 0 || pattern[start - 1] == '/';
    match pattern.get(end) {
        Some('/') if run == 2 && begins_part => {
            tokens.push(Token::Directories);
            end + 1
        }
        None if run == 2 && begins_part => {
            tokens.push(Token::Rest);
            end
        }
        _ => {
            tokens.push(Token::Star);
            end
        }
    }
}

/// Reads a set whose `[` is just before `at` and returns where it ends.
fn set(pattern: &[char], mut at: usize, tokens: &mut Vec<Token>) -> Result<usize> {
    let negated = matches!(pattern.get(at), Some('!' | '^'));
    at += usize::from(negated);
    let first = at;
    let mut ranges = Vec::new();
    loop {
        let Some(&c) = pattern.get(at) else {
            return Err(Failure::invalid("", "a `[` of the pattern is never closed"));
        };
        if c == ']' && at > first {
            tokens.push(Token::Set { negated, ranges });
            return Ok(at + 1);
        }
        let (low, after) = literal(pattern, at);
        let is_range =
            pattern.get(after) == Some(&'-') && pattern.get(after + 1).is_some_and(|&c| c != ']');
        let (high, after) = if is_range { literal(pattern, after + 1) } else { (low, after) };
        ranges.push((low, high));
        at = after;
    }
}

fn literal(pattern: &[char], at: usize) -> (char, usize) {
    match (pattern[at], pattern.get(at + 1)) {
        ('\\', Some(&c)) => (c, at + 2),
        (c, _) => (c, at + 1),
    }
}

/// Spells out braces, innermost ones too.
fn expand(pattern: &str) -> Result<Vec<String>> {
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(pattern) = open.pop() {
        if done.len() + open.len() >= MAX_ALTERNATIVES {
            let message = format!(
                "the braces of the pattern spell out more than {MAX_ALTERNATIVES} patterns"
            );
            return Err(Failure::invalid("", message));
        }
        match braces(&pattern)? {
            None => done.push(pattern),
            Some((before, choices, after)) => {
                open.extend(choices.iter().rev().map(|choice| format!("{before}{choice}{after}")));
            }
        }
    }
    Ok(done)
}

type Braces<'a> = (&'a str, Vec<&'a str>, &'a str);

/// Finds the first pair of braces that is neither escaped nor inside a set.
fn braces(pattern: &str) -> Result<Option<Braces<'_>>> {
    let mut depth = 0_usize;
    let mut start = 0;
    let mut commas = Vec::new();
    let mut escaped = false;
    let mut in_set = false;
    for (at, c) in pattern.char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match c {
            '\\' => escaped = true,
            '[' => in_set = true,
            ']' => in_set = false,
            _ if in_set => {}
            '{' => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            ',' if depth == 1 => commas.push(at),
            '}' if depth == 1 => return Ok(Some(split(pattern, start, &commas, at))),
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if depth > 0 {
        return Err(Failure::invalid("", "a `{` of the pattern is never closed"));
    }
    Ok(None)
}

fn split<'a>(pattern: &'a str, start: usize, commas: &[usize], end: usize) -> Braces<'a> {
    let mut choices = Vec::new();
    let mut from = start + 1;
    for &to in commas.iter().chain([&end]) {
        choices.push(&pattern[from..to]);
        from = to + 1;
    }
    (&pattern[..start], choices, &pattern[end + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Glob::new(pattern).unwrap().matches(path)
    }

    #[test]
    fn patterns_match_what_the_table_says() {
        let cases = [
            ("*.rs", "main.rs", true),
            ("*.rs", "src/main.rs", false),
            ("**/*.rs", "main.rs", true),
            ("**/*.rs", "a/b/main.rs", true),
            ("src/**", "src/a/b", true),
            ("src/**", "src", false),
            ("src/**", "src/", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "ab", false),
            ("a**b", "axxb", true),
            ("a**b", "a/b", false),
            ("?.c", "ä.c", true),
            ("?.c", "/.c", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[!a-c]x", "/x", false),
            ("[]]x", "]x", true),
            ("[a-]", "-", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
            ("{a,b{c,d}}.x", "bd.x", true),
            ("{a,b{c,d}}.x", "b.x", false),
            ("[{]a", "{a", true),
            ("", "", true),
            ("*", "", true),
        ];

        for (pattern, path, expected) in cases {
            assert_eq!(matches(pattern, path), expected, "{pattern} against {path}");
        }
    }

    #[test]
    fn case_is_ignored_only_when_asked() {
        let glob = Glob::new("[A-C]*.Rs").unwrap();

        assert!(!glob.matches("bx.rs"));
        assert!(glob.ignore_case(true).matches("bx.rs"));
    }

    #[test]
    fn a_pattern_that_never_closes_is_refused() {
        for pattern in ["[a", "{a,b", "a{b{c}"] {
            assert!(matches!(Glob::new(pattern), Err(Failure::Invalid(_))), "{pattern}");
        }
        assert!(Glob::new(&"{a,b}".repeat(20)).is_err());
    }

    #[test]
    fn many_stars_do_not_take_long() {
        let pattern = "*a".repeat(200) + "b";

        assert!(!matches(&pattern, &"a".repeat(2000)));
    }
}
