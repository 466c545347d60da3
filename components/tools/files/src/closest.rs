//! The places of a file that a text which does not occur in it may have meant.

mod composed;

use std::ops::Range;

use openkoi_text::{Charset, Text};

use crate::format;

/// The part of a long text that is compared.
const COMPARED_LINES: usize = 40;
/// Files of more lines are only searched for the first line.
const MAX_WORK: usize = 2_000_000;

/// What two texts may differ in and still be alike, a bit for each.
#[derive(Clone, Copy)]
struct Fold(u16);

const QUOTES: u16 = 1;
const DASHES: u16 = 2;
const DOTS: u16 = 4;
const WIDTH: u16 = 8;
const COMPOSED: u16 = 16;
const INVISIBLE: u16 = 32;
const ENDS: u16 = 64;
const SPACE: u16 = 128;
const CASE: u16 = 256;

/// All but that which changes the meaning.
const LOOKS: u16 = CASE - 1;

/// Each with what is said of it; white space apart, of which more is said. From the one that is left out first, where two
/// would do.
const NAMES: [(u16, &str); 8] = [
    (CASE, "upper and lower case"),
    (ENDS, "the ends of lines (CR alone and LF)"),
    (INVISIBLE, "invisible characters"),
    (COMPOSED, "composed characters (é as one character, or as e and an accent)"),
    (WIDTH, "full-width forms (（ ， ； and ( , ;)"),
    (DOTS, "dots (… and ...)"),
    (DASHES, "dashes (— – − and -)"),
    (QUOTES, "quotes (“ ” ‘ ’ and \" ')"),
];

/// Says what the file has instead of `old`.
pub(crate) fn describe(text: &Text, old: &str) -> String {
    const ABSENT: &str = "this text does not occur in the file";
    let breaks = text.format.breaks;
    let (shown, old) = (breaks.plain(&text.text), breaks.plain(old));
    if let Some(stripped) = without_numbers(&old)
        && shown.contains(&stripped)
    {
        return format!("{ABSENT}; leave out the line numbers, which are not part of it");
    }
    if shown.contains(&old) {
        return format!("{ABSENT} on its own: {}", no_characters(text.format.charset));
    }
    let lines: Vec<&str> = shown.split('\n').collect();
    if let Some((range, differ)) = alike(&shown, &old) {
        let real = format::numbered(lines[range.clone()].iter().copied(), range.start + 1);
        return format!("{ABSENT}; these lines differ from it only in {differ}:\n{real}");
    }
    if text.format.charset == Charset::Unknown && !old.is_ascii() {
        return format!(
            "{ABSENT}, which is not UTF-8: what is not ASCII in it is shown as \\xE9, and is found as it is shown"
        );
    }
    let wanted: Vec<&str> = old.lines().collect();
    match closest(&lines, &wanted) {
        Some(range) => {
            let real = format::numbered(lines[range.clone()].iter().copied(), range.start + 1);
            format!("{ABSENT}; these lines are the closest to it:\n{real}")
        }
        None => format!("{ABSENT}, nor anything like it; read the file again"),
    }
}

/// Says why a text is not found that is shown.
fn no_characters(charset: Charset) -> &'static str {
    if charset == Charset::Unknown {
        "it follows a byte that is no ASCII, of which it may be the second half, since nothing tells the charset of the \
         file; begin at an earlier character, as it is shown"
    } else {
        "some of it is shown as `\\x…` or `\\u…` and is no character; take the text before or after that"
    }
}

/// Returns the lines in which `old` stands but for small differences, and names them.
fn alike(text: &str, old: &str) -> Option<(Range<usize>, String)> {
    if old.trim().is_empty() {
        return None;
    }
    let most = [LOOKS, LOOKS | CASE].into_iter().map(Fold);
    let (fold, lines) = most.filter_map(|fold| Some((fold, fold.find(text, old)?))).next()?;
    let there: String = text.split_inclusive('\n').skip(lines.start).take(lines.len()).collect();
    // Each that can be left out is no difference.
    let mut needed = fold;
    for (one, _) in [(SPACE, "")].iter().chain(&NAMES) {
        let less = Fold(needed.0 & !one);
        if less.find(&there, old).is_some() {
            needed = less;
        }
    }
    let named = NAMES.iter().rev().filter(|(one, _)| needed.0 & one != 0);
    let mut named: Vec<String> = named.map(|(_, name)| (*name).to_owned()).collect();
    if needed.0 & SPACE != 0 {
        named.push(white_space(&there, old).to_owned());
    }
    let last = named.pop()?;
    let all = if named.is_empty() { last } else { format!("{} and {last}", named.join(", ")) };
    Some((lines, all))
}

fn white_space(there: &str, old: &str) -> &'static str {
    let other = |text: &str| text.contains(|c: char| c.is_whitespace() && !c.is_ascii());
    match (there.contains('\t'), old.contains('\t')) {
        (true, false) => "white space (the file has tabs)",
        (false, true) => "white space (the file has no tabs)",
        _ if other(there) => {
            "white space (the file has other spaces than the plain one, such as U+00A0)"
        }
        _ => "white space",
    }
}

impl Fold {
    fn has(self, one: u16) -> bool {
        self.0 & one != 0
    }

    /// Returns the lines of `text` in which `old` stands, both folded.
    fn find(self, text: &str, old: &str) -> Option<Range<usize>> {
        let folded = self.apply(old);
        let at = if folded.is_empty() { None } else { self.apply(text).find(&folded) }?;
        let line = self.line(text, at);
        let end = self.line(text, at + folded.trim_end_matches('\n').len().max(1) - 1);
        Some(line..end + 1)
    }

    /// Returns the number of the line of `text` in which the byte stands that is at `at` once it is folded.
    fn line(self, text: &str, at: usize) -> usize {
        let (mut folded, mut line) = (String::new(), 0);
        for c in text.chars() {
            self.push(&mut folded, c);
            if folded.len() > at {
                break;
            }
            line += usize::from(c == '\n');
        }
        line
    }

    fn apply(self, text: &str) -> String {
        let mut folded = String::with_capacity(text.len());
        text.chars().for_each(|c| self.push(&mut folded, c));
        folded
    }

    fn push(self, folded: &mut String, c: char) {
        match c {
            '\n' => folded.push(c),
            '\r' if self.has(ENDS) => folded.push('\n'),
            c if c.is_whitespace() && self.has(SPACE) => {}
            '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' if self.has(INVISIBLE) => {
            }
            '\u{2018}'..='\u{201B}' | '\u{2032}' | '\u{2039}' | '\u{203A}' | '`'
                if self.has(QUOTES) =>
            {
                folded.push('\'');
            }
            '\u{201C}'..='\u{201F}' | '\u{2033}' | '«' | '»' if self.has(QUOTES) => {
                folded.push('"')
            }
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' if self.has(DASHES) => {
                // Two or three plain dashes stand for a long one.
                folded.push_str(if folded.ends_with('-') { "" } else { "-" });
            }
            '\u{2026}' if self.has(DOTS) => folded.push_str("..."),
            '\u{3002}' if self.has(WIDTH) => folded.push('.'),
            '\u{3001}' if self.has(WIDTH) => folded.push(','),
            '\u{FF01}'..='\u{FF5E}' if self.has(WIDTH) => {
                folded.extend(char::from_u32(c as u32 - 0xFEE0));
            }
            c if self.has(COMPOSED) && self.has(CASE) => {
                c.to_lowercase().for_each(|c| composed::push(folded, c));
            }
            c if self.has(COMPOSED) => composed::push(folded, c),
            c if self.has(CASE) => folded.extend(c.to_lowercase()),
            c => folded.push(c),
        }
    }
}

/// Slides the wanted lines over the file and takes the place where they fit best, if they fit at all.
fn closest(lines: &[&str], wanted: &[&str]) -> Option<Range<usize>> {
    let mut wanted: Vec<&str> = wanted.iter().take(COMPARED_LINES).copied().collect();
    if lines.len() * wanted.len() > MAX_WORK {
        wanted.truncate(1);
    }
    let starts = lines.len().checked_sub(wanted.len().min(lines.len()))?;
    let scored = (0..=starts).map(|at| (score(&lines[at..], &wanted), at));
    let (best, at) = scored.max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))?;
    let end = (at + wanted.len()).min(lines.len());
    (best >= 0.5 && end > at).then_some(at..end)
}

fn score(lines: &[&str], wanted: &[&str]) -> f64 {
    let alike: f64 = lines.iter().zip(wanted).map(|(line, wanted)| likeness(line, wanted)).sum();
    alike / wanted.len() as f64
}

/// The share of two lines that agrees from both ends, white space left out.
fn likeness(a: &str, b: &str) -> f64 {
    let fold = Fold(LOOKS & !COMPOSED);
    let significant = |line: &str| fold.apply(line).chars().collect::<Vec<_>>();
    let (a, b) = (significant(a), significant(b));
    if a == b {
        return 1.0;
    }
    let shorter = a.len().min(b.len());
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let end =
        a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count().min(shorter - start);
    // Never a full score: these lines do differ.
    (start + end) as f64 / (a.len().max(b.len()) + 1) as f64
}

/// Drops the numbers of `read_file` if every line has one.
fn without_numbers(old: &str) -> Option<String> {
    let lines: Option<Vec<&str>> = old
        .lines()
        .map(|line| {
            let (number, rest) = line.split_once('\t')?;
            number.trim().parse::<usize>().ok().map(|_| rest)
        })
        .collect();
    lines.filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "fn main() {\n    let a = 1;\n    let b = 2;\n}\n";

    fn said(file: &str, old: &str) -> String {
        describe(&Text::decode(file.as_bytes(), &Default::default).unwrap(), old)
    }

    #[test]
    fn a_small_difference_is_named_with_the_real_lines() {
        let cases = [
            (
                FILE,
                "let a = 1;\nlet b = 2;",
                "white space:\n     2\t    let a = 1;\n     3\t    let b = 2;\n",
            ),
            (
                "x\nShe said “Hello” — it’s fine…\n",
                "said \"Hello\" - it's fine...",
                "only in quotes (“ ” ‘ ’ and \" '), dashes (— – − and -) and dots (… and ...):\n     2\tShe said “Hello” — it’s fine…\n",
            ),
            ("a — b\n", "a -- b", "only in dashes (— – − and -):"),
            ("a = 'b';\n", "a = ‘b’;", "only in quotes (“ ” ‘ ’ and \" '):"),
            (
                "a\u{A0}b\n",
                "a b",
                "only in white space (the file has other spaces than the plain one",
            ),
            ("\tprint(“a”)\n", "    print(\"a\")", "and white space (the file has tabs):"),
            ("    a = 1\n", "\ta = 1", "only in white space (the file has no tabs):"),
            ("cafe\u{301}\n", "café", "only in composed characters (é as one"),
            ("한글\n", "\u{1112}\u{1161}\u{11AB}\u{1100}\u{1173}\u{11AF}", "only in composed"),
            (
                "print（“a”，b）；\n",
                "print(\"a\",b);",
                "only in quotes (“ ” ‘ ’ and \" ') and full-width forms",
            ),
            ("a\u{200B}b\n", "ab", "only in invisible characters:"),
            ("x\na\rb\nc\n", "a\nb\nc", "only in the ends of lines (CR alone and LF):\n     2\ta"),
            ("Hello World\n", "hello world", "only in upper and lower case:"),
        ];
        for (file, old, wanted) in cases {
            let said = said(file, old);
            assert!(said.contains(wanted), "{old:?}: {said}");
        }
    }

    #[test]
    fn the_closest_lines_are_shown() {
        assert_eq!(
            said(FILE, "    let b = 3;\n}"),
            "this text does not occur in the file; these lines are the closest to it:\n     3\t    let b = 2;\n     4\t}\n"
        );
    }

    #[test]
    fn line_numbers_are_recognised() {
        assert!(
            said(FILE, "     2\t    let a = 1;\n     3\t    let b = 2;")
                .contains("leave out the line numbers")
        );
    }

    #[test]
    fn nothing_is_shown_where_nothing_is_alike() {
        assert!(said(FILE, "SELECT * FROM tasks").ends_with("read the file again"));
        assert!(said("", "x").ends_with("read the file again"));
        assert!(said("x\n", "a\nb\nc\nd").ends_with("read the file again"));
    }
}
