//! The text of a file as a model is shown it, and how the file writes characters as bytes.
//!
//! A charset is only taken for certain where a mark says it or all bytes are valid UTF-8. Other text is shown with its
//! odd bytes as `\xE9`, and a change copies what it does not replace byte for byte.

use openkoi_sdk::{
    Failure, Result,
    text::{escape, is_odd, is_text, shown},
};

use crate::lines::{self, End};

/// The part of a file that is looked at for zeros.
const SNIFFED: usize = 8192;
const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How characters are written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// The charset of nearly every file.
    Utf8,
    /// UTF-16, two bytes a unit, the lower first.
    Utf16Le,
    /// UTF-16, two bytes a unit, the higher first.
    Utf16Be,
    /// Text in a charset that nothing tells. Its ASCII characters are certain and no others.
    Unknown,
}

/// How a file writes its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// The charset.
    pub charset: Charset,
    /// True if the file begins with a byte order mark.
    pub mark: bool,
}

/// A file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// What is shown: without byte order mark, bytes that are no character as `\xE9`, lines with their own ends.
    pub text: String,
    /// How it is written.
    pub format: Format,
    /// The number of bytes that are shown as `\xE9`.
    pub odd: usize,
}

impl Format {
    /// The format of a new file.
    pub(crate) const NEW: Self = Self { charset: Charset::Utf8, mark: false };

    /// Returns the format of `bytes`, or nothing if they are not text.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let marked = |charset| Some(Self { charset, mark: true });
        if bytes.starts_with(UTF8_MARK) {
            return marked(Charset::Utf8);
        }
        if bytes.starts_with(b"\xFF\xFE") {
            return marked(Charset::Utf16Le);
        }
        if bytes.starts_with(b"\xFE\xFF") {
            return marked(Charset::Utf16Be);
        }
        let unmarked = |charset| Some(Self { charset, mark: false });
        if let Some(charset) = unmarked_utf16(bytes) {
            return unmarked(charset);
        }
        if !is_text(bytes) {
            return None;
        }
        let valid = std::str::from_utf8(bytes).is_ok();
        unmarked(if valid { Charset::Utf8 } else { Charset::Unknown })
    }

    /// Returns the number of bytes of the byte order mark.
    pub(crate) fn mark_length(&self) -> usize {
        match self.charset {
            _ if !self.mark => 0,
            Charset::Utf8 | Charset::Unknown => UTF8_MARK.len(),
            Charset::Utf16Le | Charset::Utf16Be => 2,
        }
    }

    /// Returns the bytes of the smallest unit: a change never begins inside of one.
    pub(crate) fn unit(&self) -> usize {
        if matches!(self.charset, Charset::Utf16Le | Charset::Utf16Be) { 2 } else { 1 }
    }

    /// Writes `text` as bytes, without a mark. In an unknown charset these are the bytes of UTF-8, which is right for
    /// ASCII alone.
    pub(crate) fn bytes(&self, text: &str) -> Vec<u8> {
        match self.charset {
            Charset::Utf8 | Charset::Unknown => text.as_bytes().to_vec(),
            Charset::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Charset::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        }
    }

    /// Reads bytes without a mark as far as their line ends go: what is no character is replaced.
    pub(crate) fn text(&self, bytes: &[u8]) -> String {
        match self.charset {
            Charset::Utf8 | Charset::Unknown => String::from_utf8_lossy(bytes).into_owned(),
            Charset::Utf16Le => shown_utf16(bytes, u16::from_le_bytes).0,
            Charset::Utf16Be => shown_utf16(bytes, u16::from_be_bytes).0,
        }
    }

    /// Checks that `text` can be written to the file. `known` are the characters that already stand at the place.
    ///
    /// # Errors
    ///
    /// The charset is not known, and `text` has more than ASCII.
    pub(crate) fn check(&self, text: &str, known: &str, field: &str) -> Result<()> {
        let foreign = |c: &char| !c.is_ascii() && !known.contains(*c);
        match text.chars().find(foreign) {
            Some(c) if self.charset == Charset::Unknown => Err(Failure::invalid(
                field,
                format!(
                    "`{c}` cannot be written: the file is not UTF-8 and nothing tells its charset, so only ASCII can be \
                     put into it; first convert it in the shell, for example `iconv -f GBK -t UTF-8`, or replace the \
                     whole file with `write_file`, which writes UTF-8"
                ),
            )),
            _ => Ok(()),
        }
    }
}

impl Text {
    /// Reads `bytes`, or returns nothing if they are not text.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let format = Format::of(bytes)?;
        let (text, odd) = match format.charset {
            Charset::Utf8 => shown(&bytes[format.mark_length()..]),
            Charset::Unknown => shown_unknown(bytes),
            Charset::Utf16Le => shown_utf16(&bytes[format.mark_length()..], u16::from_le_bytes),
            Charset::Utf16Be => shown_utf16(&bytes[format.mark_length()..], u16::from_be_bytes),
        };
        Some(Self { text, format, odd })
    }

    /// Says what is unusual about the text, or nothing.
    pub(crate) fn describe(&self) -> Option<String> {
        let mut notes: Vec<String> = Vec::new();
        match self.format.charset {
            Charset::Utf8 if self.format.mark => notes.push("UTF-8 with a byte order mark".into()),
            Charset::Utf8 => {}
            Charset::Utf16Le => notes.push("UTF-16, little-endian".into()),
            Charset::Utf16Be => notes.push("UTF-16, big-endian".into()),
            Charset::Unknown => notes.push("not UTF-8: its charset is not known".into()),
        }
        if self.odd > 0 {
            let bytes = crate::format::count(self.odd, "byte");
            let shown = if self.odd == 1 { "is" } else { "are" };
            notes.push(format!("{bytes} that cannot be shown {shown} written as \\xE9"));
        }
        match lines::kinds(&self.text) {
            (_, 0) => {}
            (0, _) => notes.push("lines end with CRLF".into()),
            _ => notes.push("lines end with LF and CRLF".into()),
        }
        (!notes.is_empty()).then(|| notes.join("; "))
    }

    /// Returns the end of the lines of the file: that of the first.
    pub(crate) fn first_end(&self) -> End {
        lines::ends(&self.text).next().unwrap_or(End::Lf)
    }
}

/// UTF-8 with a few stray bytes is shown as UTF-8. In text of another charset what looks like a character of UTF-8 is
/// none, so only its ASCII is shown.
fn shown_unknown(bytes: &[u8]) -> (String, usize) {
    let (text, odd) = shown(bytes);
    if odd <= text.chars().filter(|c| !c.is_ascii()).count() {
        return (text, odd);
    }
    let mut text = String::with_capacity(bytes.len());
    let mut odd = 0;
    for &byte in bytes {
        if may_be_escaped(byte) {
            odd += 1;
            escape(&mut text, byte.into());
        } else {
            text.push(char::from(byte));
        }
    }
    (text, odd)
}

fn shown_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> (String, usize) {
    let (mut text, mut odd) = (String::with_capacity(bytes.len() / 2), 0);
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    for c in char::decode_utf16(units) {
        match c {
            Ok(c) if !is_odd(c) => text.push(c),
            Ok(c) => {
                odd += 1;
                escape(&mut text, c as u32);
            }
            Err(lone) => {
                odd += 1;
                text.push_str(&format!("\\u{:04X}", lone.unpaired_surrogate()));
            }
        }
    }
    if bytes.len() % 2 == 1 {
        odd += 1;
        escape(&mut text, bytes[bytes.len() - 1].into());
    }
    (text, odd)
}

/// Turns `\xE9` back into the byte where `wanted` says so of the byte; the rest stays as UTF-8.
pub(crate) fn unescape(text: &str, wanted: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\x") {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let digits = rest.get(at + 2..at + 4);
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(|byte| wanted(*byte)) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[at + 4..];
            }
            None => {
                bytes.extend_from_slice(b"\\x");
                rest = &rest[at + 2..];
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// Returns whether [`Text`] may show the byte as `\xE9`.
pub(crate) fn may_be_escaped(byte: u8) -> bool {
    !byte.is_ascii() || is_odd(char::from(byte))
}

/// Text of Western languages in UTF-16 has a zero in every other byte and hardly any elsewhere, and is valid to its end.
fn unmarked_utf16(bytes: &[u8]) -> Option<Charset> {
    let head = &bytes[..bytes.len().min(SNIFFED)];
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), head.len() / 2);
    if bytes.len() % 2 == 1 || half < 2 {
        return None;
    }
    let (charset, unit): (_, fn([u8; 2]) -> u16) = if odd * 10 > half * 7 && even * 20 < half {
        (Charset::Utf16Le, u16::from_le_bytes)
    } else if even * 10 > half * 7 && odd * 20 < half {
        (Charset::Utf16Be, u16::from_be_bytes)
    } else {
        return None;
    };
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).all(|c| c.is_ok_and(|c| !is_odd(c))).then_some(charset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(bytes: &[u8]) -> String {
        let text = Text::decode(bytes).unwrap();
        format!("{:?} [{}]", text.text, text.describe().unwrap_or_default())
    }

    #[test]
    fn text_is_shown_whatever_it_is_written_in() {
        let unknown = "not UTF-8: its charset is not known";
        let cases: [(&[u8], String); 12] = [
            ("a\nä\n".as_bytes(), "\"a\\nä\\n\" []".into()),
            (
                b"\xEF\xBB\xBFa\r\nb",
                "\"a\\r\\nb\" [UTF-8 with a byte order mark; lines end with CRLF]".into(),
            ),
            (b"a\r\nb\n", "\"a\\r\\nb\\n\" [lines end with LF and CRLF]".into()),
            (b"\xFF\xFEa\0\n\0", "\"a\\n\" [UTF-16, little-endian]".into()),
            (b"\xFE\xFF\0a\0\n", "\"a\\n\" [UTF-16, big-endian]".into()),
            (b"a\0b\0c\0\n\0", "\"abc\\n\" [UTF-16, little-endian]".into()),
            (
                b"caf\xE9\n",
                format!("\"caf\\\\xE9\\n\" [{unknown}; 1 byte that cannot be shown is written as \\xE9]"),
            ),
            (
                b"\xEF\xBB\xBFcaf\xE9\n",
                "\"caf\\\\xE9\\n\" [UTF-8 with a byte order mark; 1 byte that cannot be shown is written as \\xE9]"
                    .into(),
            ),
            (
                b"\xD6\xD0\xCE\xC4\n",
                format!(
                    "\"\\\\xD6\\\\xD0\\\\xCE\\\\xC4\\n\" [{unknown}; 4 bytes that cannot be shown are written as \\xE9]"
                ),
            ),
            (
                b"const a = 1;\nhello\0world\n",
                "\"const a = 1;\\nhello\\\\x00world\\n\" [1 byte that cannot be shown is written as \\xE9]".into(),
            ),
            (
                b"\xFF\xFEa\0b",
                "\"a\\\\x62\" [UTF-16, little-endian; 1 byte that cannot be shown is written as \\xE9]".into(),
            ),
            (
                b"\xFF\xFEa\0\x00\xD8\n\0",
                "\"a\\\\uD800\\n\" [UTF-16, little-endian; 1 byte that cannot be shown is written as \\xE9]".into(),
            ),
        ];

        for (bytes, wanted) in cases {
            assert_eq!(describe(bytes), wanted, "{bytes:02X?}");
        }
    }

    #[test]
    fn what_looks_like_a_character_in_another_charset_is_none() {
        // In GBK, the middle two bytes would be a Hebrew letter of UTF-8.
        let text = Text::decode(b"\xD6\xD0\xD7\xA2\xCA\xCD\n").unwrap();
        assert_eq!((text.text.as_str(), text.odd), ("\\xD6\\xD0\\xD7\\xA2\\xCA\\xCD\n", 6));
        let text = Text::decode(
            "äöü\n".as_bytes().iter().copied().chain(*b"\xE9\n").collect::<Vec<_>>().as_slice(),
        );
        assert_eq!(text.unwrap().text, "äöü\n\\xE9\n");
    }

    #[test]
    fn other_bytes_are_not_text() {
        let cases: [&[u8]; 3] = [
            b"\x7FELF\x02\x01\x01\0\0\0\0\0",
            b"\x89\x01\x02\x03\x04\x05\x06\xFF",
            b"SQLite format 3\0\x10\0\x01\x01\0\0\0\0\0\0",
        ];
        for bytes in cases {
            assert_eq!(Text::decode(bytes), None, "{bytes:02X?}");
        }
    }

    #[test]
    fn escapes_become_the_bytes_that_they_stand_for_and_nothing_else() {
        assert_eq!(unescape("caf\\xE9 \\x41 \\xZ \\x", may_be_escaped), b"caf\xE9 \\x41 \\xZ \\x");
        assert_eq!(unescape("\\x00é\\xé", may_be_escaped), "\0é\\xé".as_bytes());
        assert_eq!(unescape("\\xE9\\xE8", |byte| byte == 0xE8), b"\\xE9\xE8");
    }
}
