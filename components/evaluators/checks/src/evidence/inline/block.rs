//! Blocks for tests in languages with brackets. Where a block ends is told twice, by its brackets and by the indent of its
//! last line; a source in which both do not agree cannot be split.

use super::item::Item;

/// How a language writes what is no code.
struct Syntax {
    /// Marks of a string; what follows a backslash in it is a part of it.
    strings: &'static [char],
    /// Marks of a string in which a backslash is none.
    raw: &'static [char],
    /// Beginnings of what ends with the line: comments, and strings of a line.
    lines: &'static [&'static str],
    /// Comments, and whether they nest.
    comments: &'static [(&'static str, &'static str, bool)],
}

const ZIG: Syntax =
    Syntax { strings: &['"', '\''], raw: &[], lines: &["//", "\\\\"], comments: &[] };
const D: Syntax = Syntax {
    strings: &['"', '\''],
    raw: &['`'],
    lines: &["//"],
    comments: &[("/*", "*/", false), ("/+", "+/", true)],
};
const SCRIPT: Syntax = Syntax {
    strings: &['"', '\'', '`'],
    raw: &[],
    lines: &["//"],
    comments: &[("/*", "*/", false)],
};

/// Returns the tests of Zig: `test "adds" {`, `test add {`.
pub(super) fn zig(text: &str) -> Option<Vec<Item<'_>>> {
    let is_head = |line: &str| {
        let rest = line.strip_prefix("test")?;
        let is_test = rest.starts_with([' ', '"', '{']) && line.ends_with('{');
        is_test.then(|| rest.trim_end_matches('{').trim().to_owned())
    };
    blocks(text, &ZIG, &is_head)
}

/// Returns the tests of D: `unittest {`, which have no names, with attributes before them.
pub(super) fn d(text: &str) -> Option<Vec<Item<'_>>> {
    let is_head = |line: &str| {
        let words = line.strip_suffix('{').unwrap_or(line).trim();
        let last = words.rsplit([' ', ')']).next()?;
        (last == "unittest").then(|| "unittest".to_owned())
    };
    blocks(text, &D, &is_head)
}

/// Returns the tests that stand in a source of a script: `if (import.meta.vitest) {`.
pub(super) fn vitest(text: &str) -> Option<Vec<Item<'_>>> {
    let is_head = |line: &str| {
        let squeezed: String = line.chars().filter(|char| !char.is_whitespace()).collect();
        let is_test = squeezed == "if(import.meta.vitest){"
            || squeezed == "if(import.meta.vitest!==undefined){";
        is_test.then(|| "vitest".to_owned())
    };
    let items = blocks(text, &SCRIPT, &is_head)?;
    // What is used in another form is not known.
    let known: usize =
        items.iter().map(|item| item.text.matches("import.meta.vitest").count()).sum();
    (known == text.matches("import.meta.vitest").count()).then_some(items)
}

fn blocks<'a>(
    text: &'a str,
    syntax: &Syntax,
    name: &dyn Fn(&str) -> Option<String>,
) -> Option<Vec<Item<'a>>> {
    let code = code(text, syntax)?;
    let mut items = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let line = text[at..].split_inclusive('\n').next().unwrap_or_default();
        let next = at + line.len();
        let indent = line.len() - line.trim_start().len();
        // A line that begins in a string or a comment is none.
        let is_code = code.get(at + indent).copied().unwrap_or(false);
        let found = is_code.then(|| name(line.trim())).flatten();
        let Some(name) = found else {
            at = next;
            continue;
        };
        let end = end(text, &code, at)?;
        let last = text[..end].rfind('\n').map_or(0, |at| at + 1);
        let is_fitting = text[last..end].trim_start() == "}"
            && end - last == indent + 1
            && text[last..last + indent] == line[..indent];
        if !is_fitting && text[at..end].contains('\n') {
            return None;
        }
        items.push(Item { start: at, end, name, text: &text[at..end], alone: indent == 0 });
        at = end + text[end..].find('\n').map_or(text.len() - end, |at| at + 1);
    }
    Some(items)
}

/// Returns where the brackets that open at or after `start` are closed again.
fn end(text: &str, code: &[bool], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, char) in text[start..].char_indices() {
        let at = start + index;
        if !code.get(at).copied().unwrap_or(false) {
            continue;
        }
        match char {
            '{' => depth += 1,
            '}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns for each byte whether it is code; nothing where a string or a comment has no end.
fn code(text: &str, syntax: &Syntax) -> Option<Vec<bool>> {
    let mut code = vec![true; text.len()];
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if syntax.lines.iter().any(|begin| rest.starts_with(begin)) {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some((open, close, nests)) =
            syntax.comments.iter().find(|(open, _, _)| rest.starts_with(open))
        {
            comment(rest, open, close, *nests)?
        } else if syntax.raw.contains(&first) {
            rest[1..].find(first)? + 2
        } else if syntax.strings.contains(&first) {
            string(&rest[1..], first)? + 1
        } else {
            at += first.len_utf8();
            continue;
        };
        code[at..at + length].fill(false);
        at += length;
    }
    Some(code)
}

fn string(text: &str, mark: char) -> Option<usize> {
    let mut chars = text.char_indices();
    while let Some((index, char)) = chars.next() {
        match char {
            '\\' => drop(chars.next()),
            '\n' if mark == '\'' => return None,
            _ if char == mark => return Some(index + 1),
            _ => {}
        }
    }
    None
}

fn comment(text: &str, open: &str, close: &str, nests: bool) -> Option<usize> {
    let (mut at, mut depth) = (open.len(), 1);
    while depth > 0 {
        let ends = text[at..].find(close)?;
        match text[at..].find(open).filter(|begins| nests && *begins < ends) {
            Some(begins) => (at, depth) = (at + begins + open.len(), depth + 1),
            None => (at, depth) = (at + ends + close.len(), depth - 1),
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::super::{Split, language};
    use super::*;

    fn names(items: Option<Vec<Item<'_>>>) -> Vec<String> {
        items.unwrap().into_iter().map(|item| item.name).collect()
    }

    /// Makes a test weaker, and mends the product; the test as it was has to come back, and nothing else.
    fn holds(path: &str, before: &str, tests: (&str, &str), product: (&str, &str)) {
        let mended = before.replace(product.0, product.1);
        let now = mended.replace(tests.0, tests.1);
        assert!(mended != before && now != mended, "{path}");

        assert_eq!(language(path).unwrap().split(before, &now), Split::Shown(mended), "{path}");
        let unchanged = before.replace(product.0, product.1);
        assert_eq!(language(path).unwrap().split(before, &unchanged), Split::Same, "{path}");
    }

    const ZIG_SOURCE: &str = "const std = @import(\"std\");\n// test \"no\" {\nconst text =\n    \\\\test \"no\" {\n;\n\
                              fn testAll() void {\n    const c = '{';\n}\n\ntest \"adds {\" {\n    \
                              if (true) {\n        try std.testing.expect(add(1, 2) == 3);\n    }\n}\n\n\
                              test add {\n    try std.testing.expect(true);\n}\n";
    const D_SOURCE: &str = "int add(int a, int b) { return a - b; }\n/+ /+ unittest { +/ +/\n@safe unittest\n{\n    \
                            assert(add(1, 2) == 3);\n}\n\nunittest {\n    auto s = `}`;\n}\n";
    const SCRIPT_SOURCE: &str = "export const add = (a, b) => a - b;\n\nif (import.meta.vitest) {\n  \
                                 const { it, expect } = import.meta.vitest;\n  it('adds }', () => {\n    \
                                 expect(add(1, 2)).toBe(3);\n  });\n}\n";

    #[test]
    fn blocks_for_tests_are_found_and_words_like_them_are_not() {
        assert_eq!(names(zig(ZIG_SOURCE)), ["\"adds {\"", "add"]);
        assert_eq!(names(d(D_SOURCE)), ["unittest", "unittest"]);
        assert_eq!(names(vitest(SCRIPT_SOURCE)), ["vitest"]);
    }

    #[test]
    fn the_tests_come_back_as_they_were_over_the_changed_product() {
        holds("a.zig", ZIG_SOURCE, ("add(1, 2) == 3", "true"), ("'{'", "'}'"));
        holds("a.d", D_SOURCE, ("add(1, 2) == 3", "true"), ("a - b", "a + b"));
        holds("a.ts", SCRIPT_SOURCE, ("toBe(3)", "toBe(-1)"), ("a - b", "a + b"));
    }

    #[test]
    fn what_two_ways_of_reading_do_not_agree_about_is_unclear() {
        for (path, text) in [
            // An expression that looks like the beginning of a string.
            ("a.ts", "const a = /[\"]/;\nif (import.meta.vitest) {\n  it();\n}\n"),
            ("a.ts", "if (import.meta.vitest) {\n  it(/}/);\n}\nexport const a = 1;\n"),
            ("a.ts", "const test = import.meta.vitest;\ntest?.it();\n"),
            ("a.zig", "test \"adds\" {\n    x();\n"),
            ("a.d", "unittest {\n    x();\n  }\n"),
        ] {
            assert_eq!(language(path).unwrap().split(text, text), Split::Unclear, "{text}");
        }
    }
}
