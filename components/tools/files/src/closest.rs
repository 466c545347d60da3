//! The places of a file that a text which does not occur in it may have meant.

use crate::{
    format,
    text::{Charset, Text},
};

/// The part of a long text that is compared.
const COMPARED_LINES: usize = 40;
/// Files of more lines are only searched for the first line.
const MAX_WORK: usize = 2_000_000;

/// What two texts may differ in and still be alike.
#[derive(Clone, Copy)]
struct Fold {
    /// Quotes, dashes and dots that word processors put in place of the plain ones.
    signs: bool,
    space: bool,
    case: bool,
}

/// From the smallest difference to the largest, with what is said of it.
const FOLDS: [(Fold, &str); 4] = [
    (
        Fold { signs: true, space: false, case: false },
        "typographic and plain quotes, dashes or dots (“ ” ‘ ’ — … and \" ' - ...)",
    ),
    (Fold { signs: false, space: true, case: false }, "white space"),
    (
        Fold { signs: true, space: true, case: false },
        "white space and typographic quotes, dashes or dots",
    ),
    (Fold { signs: true, space: true, case: true }, "upper and lower case, white space or signs"),
];

/// Says what the file has instead of `old`.
pub(crate) fn describe(text: &Text, old: &str) -> String {
    const ABSENT: &str = "this text does not occur in the file";
    let (shown, old) = (text.text.replace("\r\n", "\n"), old.replace("\r\n", "\n"));
    if let Some(stripped) = without_numbers(&old)
        && shown.contains(&stripped)
    {
        return format!("{ABSENT}; leave out the line numbers, which are not part of it");
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

/// Returns the lines in which `old` stands but for a small difference, and the difference.
fn alike(text: &str, old: &str) -> Option<(std::ops::Range<usize>, &'static str)> {
    FOLDS.iter().find_map(|(fold, differ)| {
        let (text, old) = (fold.apply(text), fold.apply(old));
        let at = if old.trim().is_empty() { None } else { text.find(&old) }?;
        let line = text[..at].matches('\n').count();
        let more = old.trim_end_matches('\n').matches('\n').count();
        Some((line..line + more + 1, *differ))
    })
}

impl Fold {
    fn apply(self, text: &str) -> String {
        let mut folded = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\n' => folded.push(c),
                c if self.space && c.is_whitespace() => {}
                c if self.signs => push_plain(&mut folded, c, self.case),
                c => folded.push(c),
            }
        }
        folded
    }
}

fn push_plain(folded: &mut String, c: char, case: bool) {
    match c {
        '\u{2018}'..='\u{201B}' | '\u{2032}' | '\u{2039}' | '\u{203A}' | '`' => folded.push('\''),
        '\u{201C}'..='\u{201F}' | '\u{2033}' | '«' | '»' => folded.push('"'),
        // Two or three plain dashes stand for a long one.
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' if folded.ends_with('-') => {}
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' => folded.push('-'),
        '\u{2026}' => folded.push_str("..."),
        '\u{A0}' | '\u{2002}'..='\u{200A}' | '\u{202F}' | '\u{3000}' => folded.push(' '),
        '\u{FF01}'..='\u{FF5E}' => {
            folded.extend(char::from_u32(c as u32 - 0xFEE0));
        }
        c if case => folded.extend(c.to_lowercase()),
        c => folded.push(c),
    }
}

/// Slides the wanted lines over the file and takes the place where they fit best, if they fit at all.
fn closest(lines: &[&str], wanted: &[&str]) -> Option<std::ops::Range<usize>> {
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
    let fold = Fold { signs: true, space: true, case: false };
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
        describe(&Text::decode(file.as_bytes()).unwrap(), old)
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
                "typographic and plain quotes, dashes or dots (“ ” ‘ ’ — … and \" ' - ...):\n     2\tShe said “Hello” — it’s fine…\n",
            ),
            (
                "She said “Hello” — it’s fine…\n",
                "\"Hello\" -- it's fine...",
                "typographic and plain quotes",
            ),
            ("a = 'b';\n", "a = ‘b’;", "typographic and plain quotes"),
            ("a\u{A0}b\n", "a b", "typographic and plain quotes"),
            ("\tprint(“a”)\n", "    print(\"a\")", "white space and typographic quotes"),
            ("Hello World\n", "hello world", "upper and lower case"),
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
