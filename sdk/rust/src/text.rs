//! Bytes as text, with a visible form for what is no character.

use std::fmt::Write as _;

/// The part of a file that is looked at to tell text from other bytes.
const SNIFFED: usize = 8192;

/// Returns whether `bytes` look like text. A control character or two may be in any text, and what is not UTF-8 may be
/// in another charset; other files are full of control characters.
pub fn is_text(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(SNIFFED)];
    let strange = |byte: &&u8| matches!(**byte, 0x00..=0x08 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F);
    head.iter().filter(strange).count() <= 1 + head.len() / 50
}

/// Returns text in which every byte that is no character, and every control character but tabs and line ends, stands as
/// `\xE9`; and the number of these bytes.
pub fn shown(bytes: &[u8]) -> (String, usize) {
    let mut text = String::with_capacity(bytes.len());
    let mut odd = 0;
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_odd(c) {
                odd += 1;
                escape(&mut text, c as u32);
            } else {
                text.push(c);
            }
        }
        for &byte in chunk.invalid() {
            odd += 1;
            escape(&mut text, byte.into());
        }
    }
    (text, odd)
}

/// Returns whether `c` is a control character that [`shown`] writes as `\x00`.
pub fn is_odd(c: char) -> bool {
    c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// Adds the visible form of a byte to `text`.
pub fn escape(text: &mut String, code: u32) {
    let written = write!(text, "\\x{code:02X}");
    debug_assert!(written.is_ok(), "writing to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_character_has_a_visible_form() {
        assert_eq!(shown(b"a\tb\r\n\0caf\xE9"), ("a\tb\r\n\\x00caf\\xE9".to_owned(), 2));
        assert_eq!(shown("ä€😀".as_bytes()), ("ä€😀".to_owned(), 0));
    }

    #[test]
    fn an_odd_byte_makes_no_binary_file() {
        assert!(is_text(b"") && is_text(b"hello\0world") && is_text(b"\xD6\xD0\xCE\xC4"));
        assert!(!is_text(b"\x7FELF\x02\x01\x01\0\0\0") && !is_text(&[0; 100]));
    }
}
