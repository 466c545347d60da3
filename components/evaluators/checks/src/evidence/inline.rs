//! Tests that stand in the source that they test: the file is given back with its product as it is now, and its tests as
//! they were.
//!
//! Told by structure: where a test begins and ends. A file in which that cannot be seen is evidence and product at once.
//!
//! | module | finds |
//! |---|---|
//! | `item` | a test, as all of these find it |
//! | `rust` | items that are compiled for tests only, and examples in documentation |
//! | `docstring` | examples at a prompt: `>>>` of Python, `iex>` of Elixir |
//! | `block` | `test {}` of Zig, `unittest {}` of D, `if (import.meta.vitest) {}` |

mod block;
mod docstring;
mod item;
mod rust;

use crate::detect::project::{below, parent};
use crate::world::World;
use item::Item;

/// A file as the frozen run shows it.
#[derive(Debug, PartialEq)]
pub(super) enum Split {
    /// Its tests are as they were, or it has none.
    Same,
    /// The text with the tests as they were.
    Shown(String),
    /// They cannot be told apart.
    Unclear,
}

/// Finds the tests of a source; nothing where they cannot be told from the product.
type Find = fn(&str) -> Option<Vec<Item<'_>>>;

/// A kind of source that may hold tests.
pub(super) struct Language {
    ends: &'static [&'static str],
    /// The words without which there are no tests in it.
    marks: &'static [&'static str],
    find: &'static [Find],
    /// The word by which a runner's settings, or a file of tests, have these tests collected; empty: they always are.
    pub(super) collected: &'static str,
}

const LANGUAGES: [Language; 6] = [
    Language {
        ends: &[".rs"],
        marks: &["test", "```"],
        find: &[rust::items, rust::examples],
        collected: "",
    },
    Language { ends: &[".py"], marks: &[">>>"], find: &[docstring::python], collected: "doctest" },
    Language { ends: &[".ex"], marks: &["iex>"], find: &[docstring::elixir], collected: "doctest" },
    Language { ends: &[".zig"], marks: &["test"], find: &[block::zig], collected: "" },
    Language { ends: &[".d"], marks: &["unittest"], find: &[block::d], collected: "" },
    Language {
        ends: &[".ts", ".tsx", ".mts", ".js", ".jsx", ".mjs"],
        marks: &["import.meta.vitest"],
        find: &[block::vitest],
        collected: "includeSource",
    },
];

/// Returns whether a page of Markdown is a part of a crate's documentation, so that its examples are tests of the crate.
pub(super) fn is_included(path: &str, world: &dyn World) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    if !name.ends_with(".md") {
        return false;
    }
    let includes = |text: &str| {
        let mut included = text.split("include_str!(").skip(1);
        included.any(|rest| rest.split(')').next().is_some_and(|file| file.contains(name)))
    };
    let mut folder = parent(path);
    loop {
        let roots = ["src/lib.rs", "src/main.rs"].map(|root| below(folder, root));
        if roots.iter().any(|root| world.read(root).is_some_and(|text| includes(&text))) {
            return true;
        }
        if folder.is_empty() {
            return false;
        }
        folder = parent(folder);
    }
}

/// Returns the language of a source that may hold tests.
pub(super) fn language(path: &str) -> Option<&'static Language> {
    LANGUAGES.iter().find(|language| language.ends.iter().any(|end| path.ends_with(end)))
}

impl Language {
    /// Returns whether one of these texts may hold tests.
    pub(super) fn is_marked(&self, texts: [&str; 2]) -> bool {
        self.marks.iter().any(|mark| texts.iter().any(|text| text.contains(mark)))
    }

    /// Splits a source.
    pub(super) fn split(&self, before: &str, now: &str) -> Split {
        let mut shown = now.to_owned();
        for find in self.find {
            let Some(next) = given_back(before, &shown, *find) else { return Split::Unclear };
            shown = next;
        }
        if shown == now { Split::Same } else { Split::Shown(shown) }
    }
}

/// Returns the source with its product as it is now and its tests as they were; `now` itself where the tests are the same,
/// and nothing where they cannot be told apart.
fn given_back(before: &str, now: &str, find: Find) -> Option<String> {
    let (old, new) = (find(before)?, find(now)?);
    let parts = |items: &[Item<'_>]| -> Vec<String> {
        items.iter().map(|item| item.text.trim().to_owned()).collect()
    };
    if parts(&old) == parts(&new) {
        return Some(now.to_owned());
    }
    let mut shown = String::new();
    let mut used = vec![false; old.len()];
    let mut at = 0;
    for item in &new {
        shown.push_str(&now[at..item.start]);
        let same =
            old.iter().enumerate().find(|(index, one)| !used[*index] && one.name == item.name);
        if let Some((index, one)) = same {
            used[index] = true;
            shown.push_str(one.text);
        }
        at = item.end;
    }
    shown.push_str(&now[at..]);
    for (item, _) in old.iter().zip(&used).filter(|(item, used)| !**used && item.alone) {
        shown.push('\n');
        shown.push_str(item.text);
        shown.push('\n');
    }
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_are_gone_come_back_and_new_ones_are_left_out() {
        let before = "fn a() {}\n#[cfg(test)]\nmod tests { 1 }\n";

        assert_eq!(
            language("a.rs").unwrap().split(before, "fn b() {}\n#[test]\nfn new() {}\n"),
            Split::Shown("fn b() {}\n\n\n#[cfg(test)]\nmod tests { 1 }\n".to_owned())
        );
    }

    #[test]
    fn a_source_without_tests_or_with_the_same_is_as_it_is() {
        for (path, text) in [("a.rs", "fn a() {}\n"), ("a.py", "\"\"\"\n>>> 1\n1\n\"\"\"\n")] {
            let now = text.to_owned() + "x = 1\n";
            assert_eq!(language(path).unwrap().split(text, &now), Split::Same, "{path}");
        }
    }
}
