//! Text of unknown origin, made safe to print: characters that a terminal would obey or hide are
//! escaped.
//!
//! | in the text | printed |
//! |---|---|
//! | line break, tab | as they are |
//! | carriage return before a line break | left out |
//! | other C0 controls, ESC, DEL | `\x1b` |
//! | C1 controls, bidirectional controls, invisible characters, separators U+2028 and U+2029 | `\u{202e}` |
//! | everything else, joiners in emoji included | as it is |

use std::borrow::Cow;

/// Returns `text` with the characters escaped that a terminal would obey or hide.
pub fn sanitise(text: &str) -> Cow<'_, str> {
    rewrite(text, |c| c == '\n' || c == '\t')
}

/// Returns `text` sanitised as by [`sanitise`], on one line: line breaks and tabs become spaces.
pub fn sanitise_line(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    if text.contains(['\n', '\t']) {
        let spaced = text.replace("\r\n", " ").replace(['\n', '\t'], " ");
        return Cow::Owned(sanitise(&spaced).into_owned());
    }
    sanitise(text)
}

/// Escapes the characters of a JSON text that a terminal would obey. JSON allows such characters
/// inside of strings alone, so the document keeps its meaning.
pub(super) fn json(text: &str) -> Cow<'_, str> {
    // Whoever writes JSON escapes the control characters below the blank; of ASCII, one is left.
    let is_plain = text.is_ascii() && !text.as_bytes().contains(&0x7f);
    if is_plain || !text.chars().any(|c| c != '\n' && is_unsafe(c)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c == '\n' || !is_unsafe(c) {
            safe.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            safe.push_str(&format!("\\u{unit:04x}"));
        }
    }
    Cow::Owned(safe)
}

fn rewrite(text: &str, allowed: impl Fn(char) -> bool) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(|c| is_unsafe(c) && !allowed(c)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\r' if characters.peek() == Some(&'\n') => {}
            c if allowed(c) || !is_unsafe(c) => safe.push(c),
            c if c.is_ascii() => safe.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => safe.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        }
    }
    Cow::Owned(safe)
}

/// Returns true if all of a text is in the part of ASCII that can be seen, as most text is.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || is_bidirectional(c) || is_invisible(c)
}

fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns true for characters that take no room and so can hide: zero-width spaces, separators,
/// annotation and tag characters. The joiners U+200C and U+200D are not among them, because scripts
/// and emoji need them.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{2060}'..='\u{2064}'
            | '\u{206a}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Written apart from the code under test, from the promise in the table.
    fn obeyed(c: char) -> bool {
        let code = u32::from(c);
        (code < 0x20 && c != '\n' && c != '\t')
            || (0x7f..=0x9f).contains(&code)
            || (0x202a..=0x202e).contains(&code)
            || (0x2066..=0x2069).contains(&code)
            || [0x200e, 0x200f, 0x61c].contains(&code)
    }

    fn any_text() -> impl Strategy<Value = String> {
        let nasty = prop_oneof![
            (0u32..0xa0).prop_filter_map("char", char::from_u32),
            (0x2000u32..0x2070).prop_filter_map("char", char::from_u32),
            any::<char>(),
        ];
        proptest::collection::vec(nasty, 0..64).prop_map(|text| text.into_iter().collect())
    }

    proptest! {
        #[test]
        fn nothing_that_a_terminal_obeys_is_left(text in any_text()) {
            prop_assert!(!sanitise(&text).chars().any(obeyed));
            prop_assert!(!sanitise_line(&text).chars().any(|c| obeyed(c) || c == '\n' || c == '\t'));
        }

        #[test]
        fn sanitising_twice_is_sanitising_once(text in any_text()) {
            let once = sanitise(&text).into_owned();
            prop_assert_eq!(sanitise(&once).into_owned(), once);
        }

        #[test]
        fn escaped_json_means_the_same(text in any_text()) {
            let document = serde_json::json!({ "text": text });
            let printed = json(&format!("{document:#}")).into_owned();

            prop_assert!(!printed.chars().any(obeyed));
            let read: serde_json::Value = serde_json::from_str(&printed).unwrap();
            prop_assert_eq!(read, document);
        }
    }

    #[test]
    fn harmless_text_is_not_copied() {
        assert!(matches!(sanitise("naïve 👩‍💻\n\tdone"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        assert_eq!(
            sanitise("a\x1b]52;c;x\x07b\u{9b}2J\u{202e}c"),
            "a\\x1b]52;c;x\\x07b\\u{9b}2J\\u{202e}c"
        );
        assert_eq!(sanitise("one\r\ntwo\rthree"), "one\ntwo\\x0dthree");
    }

    #[test]
    fn in_a_line_breaks_and_tabs_are_spaces() {
        assert_eq!(sanitise_line("one\r\ntwo\nthree\tfour"), "one two three four");
        assert_eq!(sanitise_line("one\rtwo"), "one\\x0dtwo");
        assert!(matches!(sanitise_line("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_hides_in_a_text_is_shown() {
        assert_eq!(
            sanitise("a\u{200b}b\u{feff}c\u{ad}d\u{2028}e\u{e0041}f\u{85}g\x7f"),
            "a\\u{200b}b\\u{feff}c\\u{ad}d\\u{2028}e\\u{e0041}f\\u{85}g\\x7f"
        );
    }

    #[test]
    fn a_document_is_escaped_as_json_has_it_and_keeps_its_line_breaks() {
        let document = "{\n  \"a\": \"x\u{202e}\u{e0041}\u{7f}y\"\n}";

        assert_eq!(json(document), "{\n  \"a\": \"x\\u202e\\udb40\\udc41\\u007fy\"\n}");
        assert!(matches!(json("{\n}"), Cow::Borrowed(_)));
    }
}
