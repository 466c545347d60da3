//! Examples at a prompt in the text of documentation. Each is what is typed and what is answered, up to an empty line or
//! the end of the text.

use super::item::Item;

/// Returns the examples in docstrings of Python.
pub(super) fn python(text: &str) -> Option<Vec<Item<'_>>> {
    let mut items = Vec::new();
    for (start, end) in long_strings(text, &["\"\"\"", "'''"], '#')? {
        if is_statement(text, start - 3) {
            items.extend(example(text, (start, end), ">>>", python_name(text, start)));
        }
    }
    Some(items)
}

/// Returns the examples in documentation of Elixir.
pub(super) fn elixir(text: &str) -> Option<Vec<Item<'_>>> {
    let mut items = Vec::new();
    for (start, end) in long_strings(text, &["\"\"\"", "'''"], '#')? {
        items.extend(example(text, (start, end), "iex", elixir_name(text, end)));
    }
    Some(items)
}

/// Returns whether a text stands for itself, and not in an expression.
fn is_statement(text: &str, start: usize) -> bool {
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let above = text[..line].lines().rev().map(str::trim_end).find(|line| !line.is_empty());
    let prefix = text[line..start].trim();
    prefix.chars().all(|c| "rRuU".contains(c))
        && above.is_none_or(|line| !line.ends_with(['(', '[', ',', '=', '\\']))
}

/// Returns where texts between these marks begin and end; nothing if one has no end. Comments and short strings may hold
/// a mark.
fn long_strings(text: &str, marks: &[&str], comment: char) -> Option<Vec<(usize, usize)>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if let Some(mark) = marks.iter().find(|mark| rest.starts_with(**mark)) {
            let start = at + mark.len();
            let end = start + closing(&text[start..], mark)?;
            found.push((start, end));
            at = end + mark.len();
        } else if first == comment {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if first == '"' || first == '\'' {
            let line = rest.find('\n').unwrap_or(rest.len());
            let mark = &rest[..1];
            // A lone mark, as in `?"`, is none of a string.
            at += closing(&rest[1..line.max(1)], mark).map_or(1, |end| end + 2);
        } else {
            at += first.len_utf8();
        }
    }
    Some(found)
}

/// Returns where a string ends that begins here.
fn closing(text: &str, mark: &str) -> Option<usize> {
    let mut chars = text.char_indices();
    while let Some((index, char)) = chars.next() {
        if char == '\\' {
            chars.next();
        } else if text[index..].starts_with(mark) {
            return Some(index);
        }
    }
    None
}

/// Returns the examples of one text: from the first that is typed to the last answer.
fn example<'a>(
    text: &'a str,
    (start, end): (usize, usize),
    prompt: &str,
    name: String,
) -> Option<Item<'a>> {
    let mut at = start;
    let (mut first, mut last, mut is_in) = (None, start, false);
    for line in text[start..end].split_inclusive('\n') {
        let said = line.trim();
        if said.starts_with(prompt) {
            first = first.or(Some(at));
            is_in = true;
        }
        is_in &= !said.is_empty();
        at += line.len();
        if is_in {
            last = at;
        }
    }
    let start = first?;
    Some(Item { start, end: last, name, text: &text[start..last], alone: false })
}

/// Returns the names of what a docstring stands in, by their indents: `class Bill`, `def total`.
fn python_name(text: &str, start: usize) -> String {
    let mut names = Vec::new();
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let mut indent = text[line..start].len() - text[line..start].trim_start().len();
    for line in text[..line].lines().rev() {
        let code = line.trim_start();
        let is_above = !code.is_empty() && line.len() - code.len() < indent;
        let head = code.strip_prefix("async ").unwrap_or(code);
        if is_above && (head.starts_with("def ") || head.starts_with("class ")) {
            indent = line.len() - code.len();
            names.push(head.split(['(', ':']).next().unwrap_or_default());
        }
    }
    names.reverse();
    names.join(".")
}

/// Returns the function that a text of documentation stands over.
fn elixir_name(text: &str, end: usize) -> String {
    let after = text[end..].lines().skip(1).map(str::trim);
    let head = after.into_iter().find(|line| line.starts_with("def") || line.starts_with("@doc"));
    head.unwrap_or_default().split(['(', ',']).next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::{Split, language};
    use super::*;

    const PYTHON: &str = "\"\"\"Percents.\n\n>>> percent(1, 2)\n50\n\"\"\"\nPROMPT = '>>> no'  # \"\"\"\nTEXT = \"\"\"\n>>> no\n\"\"\"\n\n\
                          class Bill:\n    '''A bill.'''\n\n    def total(self):\n        r\"\"\"Returns it.\n\n        \
                          >>> Bill().total()\n        1\n\n        And so on.\n\n        >>> Bill().total() + 1\n        \
                          2\n        \"\"\"\n        return 1\n";

    #[test]
    fn examples_of_python_are_found_with_what_they_stand_in() {
        let found = python(PYTHON).unwrap();
        let found: Vec<(&str, &str)> =
            found.iter().map(|item| (item.name.as_str(), item.text.trim())).collect();

        assert_eq!(found[0], ("", ">>> percent(1, 2)\n50"));
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].0, "class Bill.def total");
        assert!(found[1].1.starts_with(">>> Bill().total()\n") && found[1].1.ends_with('2'));
    }

    #[test]
    fn the_answers_stay_while_the_words_and_the_product_change() {
        let now = PYTHON.replace("    1\n", "    7\n").replace("return 1", "return 7");
        let now = now.replace("Returns it.", "Returns the sum.");

        let Split::Shown(shown) = language("a.py").unwrap().split(PYTHON, &now) else {
            panic!("{now}")
        };

        assert_eq!(
            shown,
            PYTHON.replace("return 1", "return 7").replace("Returns it.", "Returns the sum.")
        );
    }

    #[test]
    fn a_string_without_an_end_is_no_source() {
        assert_eq!(language("a.py").unwrap().split(PYTHON, "\"\"\">>> 1\n"), Split::Unclear);
    }

    #[test]
    fn examples_of_elixir_belong_to_the_function_below() {
        let text = "@doc \"\"\"\nSums.\n\n    iex> Sum.of(1, 2)\n    3\n\"\"\"\ndef of(a, b), do: a + b\n\
                    def quote, do: ?\"\n";
        let found = elixir(text).unwrap();

        assert_eq!(found[0].name, "def of");
        assert_eq!(found[0].text, "    iex> Sum.of(1, 2)\n    3\n");
    }
}
