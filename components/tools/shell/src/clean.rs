//! Text as a terminal would leave it on the screen, without what moves its cursor.

/// Returns the text of `bytes`: escape sequences dropped, overwritten parts of lines too, other control
/// characters as well, but for tabs.
pub(crate) fn text(bytes: &[u8]) -> String {
    let text = without_escapes(&String::from_utf8_lossy(bytes));
    let mut clean = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        clean.push_str(&visible(body.trim_end_matches('\r')));
        clean.push_str(end);
    }
    clean
}

/// Returns the first line of `text` for a message.
pub(crate) fn line(text: &str) -> String {
    visible(&without_escapes(text.trim().lines().next().unwrap_or_default()))
}

/// A carriage return begins the line anew, as progress bars do.
fn visible(line: &str) -> String {
    let last = line.rsplit('\r').find(|part| !part.is_empty()).unwrap_or_default();
    let mut shown = String::with_capacity(last.len());
    for c in last.chars() {
        match c {
            '\u{8}' => {
                shown.pop();
            }
            '\t' => shown.push('\t'),
            c if c.is_control() => {}
            c => shown.push(c),
        }
    }
    shown
}

fn without_escapes(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => escape(&mut rest),
            '\u{9b}' => control_sequence(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => string(&mut rest),
            c => clean.push(c),
        }
    }
    clean
}

fn escape(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('[') => control_sequence(rest),
        Some(']' | 'P' | 'X' | '^' | '_') => string(rest),
        // Two more characters choose a character set.
        Some('(' | ')' | '*' | '+' | '#' | '%') => drop(rest.next()),
        _ => {}
    }
}

/// Parameters, then one letter or sign that ends it.
fn control_sequence(rest: &mut std::str::Chars<'_>) {
    let mut ahead = rest.clone();
    while let Some(c) = ahead.next() {
        match c {
            '\u{20}'..='\u{3f}' => *rest = ahead.clone(),
            '\u{40}'..='\u{7e}' => {
                *rest = ahead;
                return;
            }
            // Not a sequence after all; what follows is text.
            _ => return,
        }
    }
}

/// Titles, links and the like: up to a bell or a string terminator, or the end of the line if there is none.
fn string(rest: &mut std::str::Chars<'_>) {
    let mut ahead = rest.clone();
    while let Some(c) = ahead.next() {
        match c {
            '\u{7}' | '\u{9c}' => {
                *rest = ahead;
                return;
            }
            '\u{1b}' => {
                if ahead.clone().next() == Some('\\') {
                    ahead.next();
                }
                *rest = ahead;
                return;
            }
            '\n' => return,
            _ => *rest = ahead.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_read_is_left() {
        let cases = [
            ("\x1b[1;31mred\x1b[0m plain", "red plain"),
            ("\x1b]0;title\x07after", "after"),
            ("\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("10%\r50%\r100%\ndone", "100%\ndone"),
            ("crlf\r\nnext\r\n", "crlf\nnext\n"),
            ("ab\u{8}c\u{7}\0", "ac"),
            ("a\tb", "a\tb"),
            ("\u{9b}2Jtext\x1b(Bmore", "textmore"),
            ("\x1b]52;c;never ended\nnext line", "\nnext line"),
            ("cut\x1b[", "cut"),
            ("ä€😀", "ä€😀"),
        ];

        for (raw, clean) in cases {
            assert_eq!(text(raw.as_bytes()), clean, "{raw:?}");
        }
        assert_eq!(text(b"a\xFFb"), "a\u{FFFD}b");
        assert_eq!(line("  first\nsecond"), "first");
    }
}
