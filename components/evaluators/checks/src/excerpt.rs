//! The part of a long output that somebody who has to fix the failure needs.

/// The most that an excerpt holds, in bytes.
pub(crate) const MAX: usize = 8 * 1024;

/// Lines with which the interesting part of an output begins, by any runner.
const BEGINNINGS: [&str; 14] = [
    "failures:",
    "error[",
    "error:",
    "=== FAIL",
    "=================================== FAILURES",
    "==================================== ERRORS",
    "======================================================================",
    "Traceback (most recent call last)",
    "--- FAIL",
    "not ok ",
    "✖ ",
    "  ●",
    "FAIL ",
    "make: ***",
];

/// Returns at most [`MAX`] bytes of `output`: from where it begins to speak of the failure, and its end.
pub(crate) fn useful(output: &str) -> String {
    let text = plain(output);
    let text = text.trim_matches('\n');
    if text.len() <= MAX {
        return text.to_owned();
    }
    let from = beginning(text).unwrap_or(text.len());
    if text.len() - from <= MAX {
        return end(text, MAX).to_owned();
    }
    const MARK: &str = "\n[…]\n";
    let head = &text[from..floor(text, from + MAX * 2 / 3)];
    let tail = end(text, MAX - head.len() - MARK.len());
    format!("{head}{MARK}{tail}")
}

fn beginning(text: &str) -> Option<usize> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if BEGINNINGS.iter().any(|start| line.starts_with(start)) {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

/// The last whole lines of `text`, at most `max` bytes of them.
fn end(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let from = (text.len() - max..=text.len()).find(|at| text.is_char_boundary(*at));
    let tail = &text[from.unwrap_or(text.len())..];
    tail.split_once('\n').map_or(tail, |(_, rest)| rest)
}

fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// Returns `output` without control sequences; of a line that was overwritten, what was seen last.
pub(crate) fn plain(output: &str) -> String {
    let mut text = String::with_capacity(output.len());
    let mut line_start = 0;
    let mut chars = output.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_sequence(&mut chars),
            '\n' => {
                text.push('\n');
                line_start = text.len();
            }
            '\r' if chars.peek().is_some_and(|next| *next != '\n') => text.truncate(line_start),
            '\t' => text.push('\t'),
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text
}

fn skip_sequence(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => {
            chars.find(|c| ('@'..='~').contains(c));
        }
        Some(']') => skip_title(chars),
        _ => {}
    }
}

/// A title ends with a bell, or with an escape and a backslash.
fn skip_title(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if chars.find(|c| matches!(c, '\u{7}' | '\u{1b}')) == Some('\u{1b}') {
        chars.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_output_stays_whole_and_loses_its_colours() {
        assert_eq!(useful("\u{1b}[31mred\u{1b}[0m\n"), "red");
        assert_eq!(plain("\u{1b}]0;title\u{7}a\r\nb\u{8}"), "a\nb");
        assert_eq!(plain("10%\r20%\rdone\n"), "done\n");
    }

    #[test]
    fn a_long_output_is_told_from_its_failure_to_its_end() {
        let noise = "   Compiling something v0.1.0\n".repeat(500);
        let failure = format!("error[E0308]: mismatched types\n{}", "  | more\n".repeat(2000));
        let text = useful(&format!("{noise}{failure}error: could not compile `x`\n"));

        assert!(text.starts_with("error[E0308]: mismatched types\n"), "{text}");
        assert!(text.ends_with("error: could not compile `x`"), "{text}");
        assert!(text.len() <= MAX, "{}", text.len());
    }

    #[test]
    fn a_long_output_that_no_runner_is_known_for_is_told_by_its_end() {
        let text = useful(&format!("{}ä the end", "zeile ä\n".repeat(3000)));

        assert!(text.starts_with("zeile ä\n") && text.ends_with("the end"), "{text}");
        assert!(text.len() <= MAX && text.len() > MAX - 20, "{}", text.len());
    }
}
