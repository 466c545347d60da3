//! Tests that follow a renaming in the code: the same assertion about the same thing under its new name.

use std::collections::{BTreeMap, BTreeSet};

/// Words after which something gets its name.
const DECLARING: [&str; 14] = [
    "fn",
    "def",
    "func",
    "function",
    "class",
    "struct",
    "enum",
    "trait",
    "type",
    "interface",
    "const",
    "static",
    "mod",
    "variant",
];

/// The names that the code no longer declares, and those that it declares now.
pub(crate) struct Renaming {
    gone: BTreeSet<String>,
    come: BTreeSet<String>,
}

impl Renaming {
    /// Reads declarations from removed and added lines of code outside of tests.
    pub(crate) fn new<'a>(
        removed: impl Iterator<Item = &'a str>,
        added: impl Iterator<Item = &'a str>,
    ) -> Self {
        let gone: BTreeSet<String> = removed.filter_map(declared).collect();
        let come: BTreeSet<String> = added.filter_map(declared).collect();
        // What is declared before and after was changed and not renamed.
        Self {
            gone: gone.difference(&come).cloned().collect(),
            come: come.difference(&gone).cloned().collect(),
        }
    }

    /// Returns whether `new` is `old` with nothing but names changed that the code changed, too.
    pub(crate) fn leads_to(&self, old: &str, new: &str) -> bool {
        let (old, new) = (tokens(old), tokens(new));
        let mut names: BTreeMap<&str, &str> = BTreeMap::new();
        old.len() == new.len()
            && old.iter().zip(&new).all(|(old, new)| {
                let renamed = self.gone.contains(*old) && self.come.contains(*new);
                old == new || (renamed && *names.entry(old).or_insert(new) == *new)
            })
    }
}

fn declared(line: &str) -> Option<String> {
    let words = tokens(line);
    let at = words.iter().position(|word| DECLARING.contains(word))?;
    let mut rest = words[at + 1..].iter();
    let first = rest.next()?;
    // The receiver of a method stands between.
    let name = if *first == "(" { rest.skip_while(|word| **word != ")").nth(1)? } else { first };
    name.starts_with(is_word).then(|| (*name).to_owned())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Words, and every other character but spaces by itself.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match is_word(first) {
            true => rest.find(|c: char| !is_word(c)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_code_changed_may_change() {
        let removed = ["pub fn add(a: i32)", "func (s *Server) Start() error {"];
        let added = ["pub fn sum(a: i32)", "func (s *Server) Run() error {"];
        let renaming = Renaming::new(removed.into_iter(), added.into_iter());

        assert!(renaming.leads_to("assert_eq!(add(1,2),3);", "assert_eq!(sum(1,2),3);"));
        assert!(renaming.leads_to("if s.Start() != nil {", "if s.Run() != nil {"));
    }

    #[test]
    fn values_and_other_names_may_not() {
        let renaming = Renaming::new(["fn add() {"].into_iter(), ["fn sum() {"].into_iter());

        assert!(!renaming.leads_to("assert_eq!(add(1,2),3);", "assert_eq!(sum(1,2),4);"));
        assert!(!renaming.leads_to("assert!(add(1));", "assert!(true);"));
        assert!(!renaming.leads_to("assert_eq!(add(1),sub(1));", "assert_eq!(sum(1),sum(1));"));
        let unchanged = Renaming::new(["fn add() {"].into_iter(), ["fn add() {"].into_iter());
        assert!(!unchanged.leads_to("assert!(add(1));", "assert!(sum(1));"));
    }
}
