//! Makes text from outside safe to show.

use std::fmt::Write as _;

use crate::sabotage::{Guard, off};

/// Returns `text` with every control character replaced by a visible one. New lines and tabs stay, `\r\n`
/// becomes `\n`.
#[must_use]
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' | '\t' => shown.push(c),
            '\r' if rest.peek() == Some(&'\n') => {}
            c if off(Guard::HostVisible) => shown.push(c),
            c if c < ' ' => shown.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
            '\u{7f}' => shown.push('\u{2421}'),
            c if steers(c) => {
                // Writing to a string does not fail.
                if write!(shown, "<U+{:04X}>", c as u32).is_err() {
                    shown.push('\u{fffd}');
                }
            }
            c => shown.push(c),
        }
    }
    shown
}

/// Returns true for characters that change how others are shown: C1 controls, bidirectional overrides and isolates,
/// line separators, tags.
fn steers(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'
        | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{e0000}'..='\u{e007f}')
}

/// Returns `text` on one line, control characters replaced, at most `most` characters.
#[must_use]
pub(crate) fn one_line(text: &str, most: usize) -> String {
    // Cut first: a long text is not worth rendering.
    let head = cut(text, most.saturating_mul(8));
    let words: Vec<&str> = head.split_whitespace().collect();
    let line = visible(&words.join(" "));
    if line.chars().count() <= most && head.len() == text.len() {
        return line;
    }
    let mut short: String = line.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Returns the longest beginning of `text` that has at most `most` bytes and ends between characters.
#[must_use]
pub(crate) fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_drive_a_terminal_become_visible() {
        let hostile = "a\u{1b}]52;c;eA==\u{7}b\u{9b}2Jc\rd\u{8}\u{202e}e\u{7f}\u{e0041}";

        let shown = visible(hostile);

        assert_eq!(shown, "a␛]52;c;eA==␇b<U+009B>2Jc␍d␈<U+202E>e␡<U+E0041>");
    }

    #[test]
    fn new_lines_and_tabs_stay() {
        assert_eq!(visible("a\r\n\tb\n"), "a\n\tb\n");
    }

    #[test]
    fn one_line_is_one_line_of_the_given_length() {
        assert_eq!(one_line("a\n  b\tc", 10), "a b c");
        assert_eq!(one_line("abcdef", 4), "abc…");
        assert_eq!(one_line(&"é".repeat(1000), 5), "éééé…");
    }

    #[test]
    fn a_cut_ends_between_characters() {
        assert_eq!(cut("éé", 3), "é");
        assert_eq!(cut("ab", 5), "ab");
    }
}
