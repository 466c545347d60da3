//! The ends of blocks and statements, by their brackets, with strings and comments left out; and texts without
//! what a formatter changes.

use super::language::Language;
use super::source::Numbered;

/// Returns the index of the last line of the block that begins at `at`.
pub(crate) fn end_of_block(language: Language, lines: &[Numbered], at: usize) -> usize {
    match language {
        Language::Python => end_by_indentation(lines, at),
        Language::Script => end_by_brackets(language, lines, at, false),
        _ => end_by_brackets(language, lines, at, true),
    }
}

/// Returns the index of the last line of the statement that begins at `at`.
pub(crate) fn end_of_statement(language: Language, lines: &[Numbered], at: usize) -> usize {
    const MOST: usize = 60;
    let mut scanner = Scanner::new(language);
    for (index, (_, text)) in lines.iter().enumerate().skip(at).take(MOST) {
        scanner.line(text);
        if scanner.depth <= 0 && scanner.quote.is_none() {
            return index;
        }
    }
    at
}

fn end_by_brackets(language: Language, lines: &[Numbered], at: usize, braced: bool) -> usize {
    let mut scanner = Scanner::new(language);
    for (index, (_, text)) in lines.iter().enumerate().skip(at) {
        scanner.line(text);
        let begun = if braced { scanner.braces } else { scanner.brackets };
        if begun && scanner.depth <= 0 && scanner.quote.is_none() {
            return index;
        }
    }
    lines.len() - 1
}

fn end_by_indentation(lines: &[Numbered], at: usize) -> usize {
    let own = indentation(&lines[at].1);
    let mut scanner = Scanner::new(Language::Python);
    let mut last = at;
    for (index, (_, text)) in lines.iter().enumerate().skip(at) {
        let inside = scanner.depth > 0 || scanner.quote.is_some();
        if index > at && !inside && !text.trim().is_empty() && indentation(text) <= own {
            break;
        }
        scanner.line(text);
        if !text.trim().is_empty() {
            last = index;
        }
    }
    last
}

fn indentation(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// Returns the texts of `lines` as one, without white space and without commas that a formatter adds.
pub(crate) fn squeezed<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let text: String = lines.flat_map(str::chars).filter(|c| !c.is_whitespace()).collect();
    text.replace(",)", ")").replace(",]", "]").replace(",}", "}")
}

/// Follows brackets through code.
struct Scanner {
    language: Language,
    depth: i32,
    /// True if a brace was opened.
    braces: bool,
    /// True if any bracket was opened.
    brackets: bool,
    /// The end of the string or comment that is open across lines.
    quote: Option<String>,
}

impl Scanner {
    fn new(language: Language) -> Self {
        Self { language, depth: 0, braces: false, brackets: false, quote: None }
    }

    fn line(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            rest = match self.quote.take() {
                Some(end) => self.quoted(rest, end),
                None => self.code(rest),
            };
        }
        // Only some strings go on in the next line.
        if self
            .quote
            .as_deref()
            .is_some_and(|end| matches!(end, "\"" | "'") && self.language != Language::Rust)
        {
            self.quote = None;
        }
    }

    /// Reads inside of a string or comment and returns what follows its end.
    fn quoted<'a>(&mut self, text: &'a str, end: String) -> &'a str {
        let raw = end.ends_with('#') || end == "*/";
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            if c == '\\' && !raw {
                chars.next();
            } else if text[at..].starts_with(&end) {
                return &text[at + end.len()..];
            }
        }
        self.quote = Some(end);
        ""
    }

    /// Reads one thing of code and returns what follows.
    fn code<'a>(&mut self, text: &'a str) -> &'a str {
        if let Some((start, end)) = self.opening(text) {
            self.quote = Some(end);
            return &text[start..];
        }
        if self.is_comment(text) {
            return "";
        }
        let Some(c) = text.chars().next() else { return "" };
        match c {
            '{' | '(' | '[' => {
                self.depth += 1;
                self.brackets = true;
                self.braces |= c == '{';
            }
            '}' | ')' | ']' => self.depth -= 1,
            _ => {}
        }
        &text[c.len_utf8()..]
    }

    fn is_comment(&self, text: &str) -> bool {
        match self.language {
            Language::Python => text.starts_with('#'),
            _ => text.starts_with("//"),
        }
    }

    /// Returns the length of the opening of a string or comment, and what ends it.
    fn opening(&self, text: &str) -> Option<(usize, String)> {
        let fixed = |start: &str| text.starts_with(start).then(|| (start.len(), start.to_owned()));
        match self.language {
            Language::Python => ["\"\"\"", "'''", "\"", "'"].into_iter().find_map(fixed),
            _ if text.starts_with("/*") => Some((2, "*/".to_owned())),
            Language::Rust => raw(text).or_else(|| fixed("\"")).or_else(|| character(text)),
            Language::Go | Language::Script => ["\"", "'", "`"].into_iter().find_map(fixed),
            Language::Other => None,
        }
    }
}

/// `r#"…"#`
fn raw(text: &str) -> Option<(usize, String)> {
    let rest = text.strip_prefix('r')?;
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let opens = rest[hashes..].starts_with('"') && hashes > 0;
    opens.then(|| (hashes + 2, format!("\"{}", "#".repeat(hashes))))
}

/// A character of Rust, and no lifetime: `'}'`, `'\''`.
fn character(text: &str) -> Option<(usize, String)> {
    let mut chars = text.strip_prefix('\'')?.chars();
    let (first, second) = (chars.next()?, chars.next()?);
    (first == '\\' || second == '\'').then(|| (1, "'".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<Numbered> {
        (1..).zip(text.lines().map(str::to_owned)).collect()
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        for (path, text) in [
            (
                "a.rs",
                "fn a<'a>() { // }\n    let c = '}'; let d = \"}\\\"}\"; /* }\n } */\n}\nfn b() {}",
            ),
            ("a.go", "func A() {\n\tx := `}\n}`; y := '}'\n}\nfunc B() {}"),
            ("a.js", "it('a', () => {\n  `}\n`; '}'; // }\n});\nit()"),
        ] {
            let lines = lines(text);
            assert_eq!(end_of_block(Language::of(path), &lines, 0), lines.len() - 2, "{path}");
        }
    }

    #[test]
    fn a_statement_ends_with_its_brackets() {
        let lines = lines("assert_eq!(\n    a(1),\n    2,\n);\nb();");

        assert_eq!(end_of_statement(Language::Rust, &lines, 0), 3);
        assert_eq!(end_of_statement(Language::Rust, &lines, 4), 4);
    }

    #[test]
    fn the_work_of_a_formatter_makes_no_difference() {
        let long = "assert_eq!(\n    a(1, 2),\n    3,\n);";

        assert_eq!(squeezed(long.lines()), squeezed("assert_eq!(a(1, 2), 3);".lines()));
    }
}
