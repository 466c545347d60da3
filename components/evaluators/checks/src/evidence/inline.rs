//! Tests of Rust that stand in the source that they test.

/// An item that is compiled for tests only: a module with tests, or a test of its own.
#[derive(Debug, PartialEq)]
struct Item<'a> {
    start: usize,
    end: usize,
    /// `mod tests`, `fn adds`.
    name: String,
    text: &'a str,
}

/// Returns the source with its product as it is now and its tests as they were; `now` itself where the tests are the same,
/// and nothing where they cannot be told apart.
pub(super) fn frozen(before: &str, now: &str) -> Option<String> {
    let (old, new) = (items(before)?, items(now)?);
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
    for (item, _) in old.iter().zip(&used).filter(|(_, used)| !**used) {
        shown.push('\n');
        shown.push_str(item.text);
        shown.push('\n');
    }
    Some(shown)
}

/// Returns the items for tests, in their order; nothing if the brackets do not fit.
fn items(text: &str) -> Option<Vec<Item<'_>>> {
    let mut lexer = Lexer { text, at: 0 };
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
        items.push(Item { start, end: lexer.at, name, text: &text[start..lexer.at] });
    }
    Some(items)
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
            } else if rest.starts_with("/*") {
                self.comment()?;
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
    fn tests_that_are_gone_come_back_and_new_ones_are_left_out() {
        let before = "fn a() {}\n#[cfg(test)]\nmod tests { 1 }\n";

        assert_eq!(
            frozen(before, "fn b() {}\n#[test]\nfn new() {}\n").unwrap(),
            "fn b() {}\n\n\n#[cfg(test)]\nmod tests { 1 }\n"
        );
    }
}
