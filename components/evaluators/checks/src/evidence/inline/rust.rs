//! Tests of Rust.

use super::item::Item;

/// Returns the items that are compiled for tests only, in their order: a module with tests, or a test of its own; nothing
/// if the brackets do not fit.
pub(super) fn items(text: &str) -> Option<Vec<Item<'_>>> {
    let mut lexer = Lexer { text, at: 0, comments: Vec::new() };
    let mut items = Vec::new();
    while let Some(token) = lexer.next()? {
        if token != "#" || !lexer.rest().starts_with('[') {
            continue;
        }
        let start = lexer.at - 1;
        let mut is_test = false;
        loop {
            let attribute = lexer.group()?;
            is_test |= is_for_tests(attribute);
            let mark = lexer.at;
            if lexer.next()? != Some("#") || !lexer.rest().starts_with('[') {
                lexer.at = mark;
                break;
            }
        }
        if !is_test {
            continue;
        }
        let head = lexer.at;
        let name = loop {
            match lexer.next()? {
                Some(
                    word @ ("mod" | "fn" | "use" | "struct" | "impl" | "const" | "static" | "enum"),
                ) => {
                    let word = word.to_owned();
                    let mark = lexer.at;
                    let next = lexer.next()?.unwrap_or_default().to_owned();
                    lexer.at = mark;
                    break format!("{word} {next}");
                }
                Some("{") | None => return None,
                Some(_) => {}
            }
        };
        lexer.at = head;
        loop {
            match lexer.next()? {
                Some(";") => break,
                Some("{") => {
                    lexer.at -= 1;
                    lexer.group()?;
                    break;
                }
                Some(_) => {}
                None => return None,
            }
        }
        let text = &text[start..lexer.at];
        items.push(Item { start, end: lexer.at, name, text, alone: true });
    }
    Some(items)
}

/// Returns the examples in documentation that are run as tests, each from fence to fence; nothing where a fence stands in
/// the first or the last line of a comment of another kind than that of lines.
pub(super) fn examples(text: &str) -> Option<Vec<Item<'_>>> {
    let mut lexer = Lexer { text, at: 0, comments: Vec::new() };
    while lexer.next()?.is_some() {}
    let mut lines = Vec::new();
    for (start, end) in lexer.comments {
        let comment = &text[start..end];
        if is_block(comment) {
            lines.extend(lines_of_block(text, start, end)?);
        } else if is_documentation(comment) {
            // Whole lines, with what stands before the comment.
            let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
            let end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
            lines.push((begin, end, &comment[..3], comment[3..].trim()));
        }
    }
    Some(fenced(text, &lines))
}

fn is_block(comment: &str) -> bool {
    let is_empty = comment.starts_with("/**/");
    (comment.starts_with("/**") && !is_empty) || comment.starts_with("/*!")
}

/// Returns the lines of documentation between `/**` and `*/`, without the stars before them. Nothing where the first or
/// the last line, which others share, has a fence.
fn lines_of_block(text: &str, start: usize, end: usize) -> Option<Vec<Documentation<'_>>> {
    let mark = &text[start..start + 3];
    let is_fence = |said: &str| said.contains("```") || said.contains("~~~");
    let (mut lines, mut at) = (Vec::new(), start);
    let pieces: Vec<&str> = text[start..end].split_inclusive('\n').collect();
    for (index, piece) in pieces.iter().enumerate() {
        let begin = text[..at].rfind('\n').map_or(0, |at| at + 1);
        at += piece.len();
        let is_shared = index == 0 || index + 1 == pieces.len();
        if is_shared && is_fence(piece) {
            return None;
        }
        let to = if piece.ends_with('\n') {
            at
        } else {
            text[at..].find('\n').map_or(text.len(), |to| at + to + 1)
        };
        let said = if is_shared { "" } else { piece.trim().trim_start_matches('*').trim() };
        lines.push((begin, to, mark, said));
    }
    Some(lines)
}

fn is_documentation(comment: &str) -> bool {
    comment.starts_with("//!") || (comment.starts_with("///") && !comment.starts_with("////"))
}

/// A line of documentation: where it begins and ends, its mark, and what it says.
type Documentation<'a> = (usize, usize, &'a str, &'a str);

fn fenced<'a>(text: &'a str, lines: &[Documentation<'_>]) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    let mut open: Option<(usize, &str)> = None;
    for (index, (begin, end, mark, said)) in lines.iter().enumerate() {
        let is_apart = index == 0 || lines[index - 1].1 != *begin || lines[index - 1].2 != *mark;
        if is_apart {
            open = None;
        }
        let fence = ["```", "~~~"].into_iter().find(|fence| said.starts_with(fence));
        match (open, fence) {
            (None, Some(fence)) => open = Some((*begin, fence)),
            (Some((start, opened)), Some(fence)) if opened == fence => {
                let name = belongs_to(text, *end, lines.get(index..).unwrap_or_default(), mark);
                let text = &text[start..*end];
                items.push(Item { start, end: *end, name, text, alone: false });
                open = None;
            }
            _ => {}
        }
    }
    items
}

/// Returns the beginning of the line of code that documentation stands over: `pub fn percent`.
fn belongs_to(text: &str, end: usize, rest: &[Documentation<'_>], mark: &str) -> String {
    if matches!(mark, "//!" | "/*!") {
        return mark.to_owned();
    }
    let mut at = end;
    for (begin, end, _, _) in rest.iter().skip(1) {
        if *begin != at {
            break;
        }
        at = *end;
    }
    let mut code = text[at..].lines().map(str::trim).filter(|line| !line.is_empty());
    let line = code.find(|line| !line.starts_with(['#', '/'])).unwrap_or_default();
    line.split(['(', '{', '<', '=', ';', ':']).next().unwrap_or_default().trim().to_owned()
}

/// Returns whether an attribute makes an item one for tests: `cfg(test)`, `test`, `tokio::test`, `rstest`.
fn is_for_tests(attribute: &str) -> bool {
    let inside = attribute.trim_start_matches('[').trim_end_matches(']').trim();
    let path = inside.split(['(', ' ', '=']).next().unwrap_or(inside);
    let last = path.rsplit("::").next().unwrap_or(path);
    let words = inside.split(|c: char| !c.is_alphanumeric() && c != '_');
    match last {
        "cfg" => {
            let words: Vec<&str> = words.collect();
            words.contains(&"test") && !words.contains(&"not")
        }
        _ => last == "test" || last.ends_with("test") || last == "test_case",
    }
}

/// Walks over the tokens of a source: words, and single characters. Comments and the insides of strings are none.
struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Where comments begin and end, of those that were passed.
    comments: Vec<(usize, usize)>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Returns the next token; nothing inside at the end, and nothing at all where a string or comment has no end.
    #[expect(clippy::option_option, reason = "the end and a fault are two things")]
    fn next(&mut self) -> Option<Option<&'a str>> {
        loop {
            let rest = self.rest();
            let Some(first) = rest.chars().next() else { return Some(None) };
            let start = self.at;
            if first.is_whitespace() {
                self.at += first.len_utf8();
            } else if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
                self.comments.push((start, self.at));
            } else if rest.starts_with("/*") {
                self.comment()?;
                self.comments.push((start, self.at));
            } else if let Some(marks) = raw_string(rest) {
                let begin = rest.find('"')? + 1;
                let end = format!("\"{}", "#".repeat(marks));
                self.at += begin + rest[begin..].find(&end)? + end.len();
                return Some(Some(&self.text[start..self.at]));
            } else if first == '"' || rest.starts_with("b\"") || rest.starts_with("c\"") {
                self.at += rest.find('"')? + 1;
                self.string('"')?;
                return Some(Some(&self.text[start..self.at]));
            } else if first == '\'' && is_character(rest) {
                self.at += 1;
                self.string('\'')?;
                return Some(Some(&self.text[start..self.at]));
            } else if first.is_alphanumeric() || first == '_' {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
                self.at += end.unwrap_or(rest.len());
                return Some(Some(&self.text[start..self.at]));
            } else {
                self.at += first.len_utf8();
                return Some(Some(&self.text[start..self.at]));
            }
        }
    }

    fn comment(&mut self) -> Option<()> {
        let mut depth = 0;
        loop {
            let rest = self.rest();
            let (open, close) = (rest.find("/*"), rest.find("*/")?);
            match open {
                Some(open) if open < close => (depth, self.at) = (depth + 1, self.at + open + 2),
                _ => (depth, self.at) = (depth - 1, self.at + close + 2),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// Goes behind the end of a string whose beginning was passed.
    fn string(&mut self, mark: char) -> Option<()> {
        let mut chars = self.rest().char_indices();
        while let Some((index, char)) = chars.next() {
            if char == '\\' {
                chars.next();
            } else if char == mark {
                self.at += index + char.len_utf8();
                return Some(());
            }
        }
        None
    }

    /// Returns a group in brackets that begins here, and goes behind it.
    fn group(&mut self) -> Option<&'a str> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.next()?? {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.checked_sub(1)?,
                _ => {}
            }
            if depth == 0 {
                return Some(&self.text[start..self.at]);
            }
        }
    }
}

/// Returns the number of marks of a raw string that begins here.
fn raw_string(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(['b', 'c']).unwrap_or(text).strip_prefix('r')?;
    let marks = rest.chars().take_while(|c| *c == '#').count();
    rest[marks..].starts_with('"').then_some(marks)
}

/// Tells a character from a lifetime.
fn is_character(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    matches!((chars.next(), chars.next()), (Some('\\'), _) | (Some(_), Some('\'')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Option<Vec<String>> {
        Some(items(text)?.into_iter().map(|item| item.name).collect())
    }

    #[test]
    fn items_for_tests_are_found_and_others_are_not() {
        let text = r###"
            #[derive(Debug)] struct A;
            // #[cfg(test)] mod no {}
            const S: &str = "#[cfg(test)] mod no {}";
            const R: &str = r#"#[test] fn no() {}"#;
            fn b<'a>(c: &'a str) -> char { '{' }
            #[cfg(not(test))] fn d() {}
            /// Words.
            #[cfg(test)]
            #[allow(dead_code)]
            mod tests { #[test] fn x() { assert!('"' == '"'); /* } */ } }
            #[tokio::test] async fn y() {}
            #[cfg(test)] mod far;
        "###;

        assert_eq!(names(text).unwrap(), ["mod tests", "fn y", "mod far"]);
    }

    #[test]
    fn brackets_that_do_not_fit_are_no_source() {
        assert_eq!(names("#[cfg(test)]\nmod tests {"), None);
        assert_eq!(names("fn a() { \" }"), None);
    }

    #[test]
    fn examples_are_found_from_fence_to_fence_with_what_they_belong_to() {
        let text = "//! ```\n//! a();\n//! ```\n\nconst S: &str = \"\n/// ```\n/// no\n/// ```\n\";\n\
                    // ```\n// no\n// ```\n\
                    /// Words.\n///\n/// ```should_panic\n/// b();\n/// ```\n/// More.\n#[must_use]\n\
                    pub fn b(x: u8) {}\n\
                    impl A {\n    /// ~~~\n    /// ```\n    /// ~~~\n    fn c() {}\n}\n";
        let found = examples(text).unwrap();
        let names: Vec<(&str, &str)> =
            found.iter().map(|item| (item.name.as_str(), item.text)).collect();

        assert_eq!(
            names,
            [
                ("//!", "//! ```\n//! a();\n//! ```\n"),
                ("pub fn b", "/// ```should_panic\n/// b();\n/// ```\n"),
                ("fn c", "    /// ~~~\n    /// ```\n    /// ~~~\n"),
            ]
        );
        assert_eq!(examples("/** ```\n a();\n ``` */ fn a() {}"), None);
    }

    #[test]
    fn examples_in_comments_of_blocks_are_found_where_they_have_lines_of_their_own() {
        let text = "/*! Words.\n ```\n a();\n ```\n*/\n/**\n * ```\n * b();\n * ```\n */\npub fn b() {}\n\
                    /* ```\n no\n ``` */\n/**/ fn c() {}\n";
        let found = examples(text).unwrap();
        let names: Vec<(&str, &str)> =
            found.iter().map(|item| (item.name.as_str(), item.text)).collect();

        assert_eq!(
            names,
            [("/*!", " ```\n a();\n ```\n"), ("pub fn b", " * ```\n * b();\n * ```\n")]
        );
    }
}
