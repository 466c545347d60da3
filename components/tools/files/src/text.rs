//! The text of a file and everything that has to be kept to write it back: encoding, byte order mark, line
//! ends.

use openkoi_sdk::{Failure, Result};

/// The part of a file that is looked at to tell text from other bytes.
const SNIFFED: usize = 8192;

/// The encoding of characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// The encoding of nearly every file.
    Utf8,
    /// Two bytes a unit, the lower first.
    Utf16Le,
    /// Two bytes a unit, the higher first.
    Utf16Be,
    /// One byte a character; what is left when bytes are no UTF-8 and yet text.
    Latin1,
}

/// The end of each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// `\n`, or there is no line end at all.
    Lf,
    /// `\r\n` everywhere.
    CrLf,
    /// Some of both: lines are left as they are.
    Mixed,
}

/// A file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// The text, without byte order mark. Lines end with `\n`, but for those of a mixed file.
    pub text: String,
    /// The format that it was written in.
    pub format: Format,
}

/// The format in which a text is written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    /// The encoding.
    pub encoding: Encoding,
    /// True if it begins with a byte order mark.
    pub mark: bool,
    /// The end of each line.
    pub ending: Ending,
}

impl Format {
    /// The format of a new file.
    pub(crate) const NEW: Self = Self { encoding: Encoding::Utf8, mark: false, ending: Ending::Lf };

    /// Writes `text` as bytes. Its lines may end with `\n` whatever those of the file do.
    ///
    /// # Errors
    ///
    /// If the encoding has no bytes for one of the characters.
    pub(crate) fn encode(&self, text: &str) -> Result<Vec<u8>> {
        let with_ends = match self.ending {
            Ending::CrLf => text.replace("\r\n", "\n").replace('\n', "\r\n"),
            Ending::Lf | Ending::Mixed => text.to_owned(),
        };
        let marked = if self.mark { format!("\u{FEFF}{with_ends}") } else { with_ends };
        match self.encoding {
            Encoding::Utf8 => Ok(marked.into_bytes()),
            Encoding::Utf16Le => Ok(marked.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            Encoding::Utf16Be => Ok(marked.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            Encoding::Latin1 => marked.chars().map(latin1).collect(),
        }
    }

    /// Says what is unusual about the format, or nothing.
    pub(crate) fn describe(&self) -> Option<String> {
        let mut notes = Vec::new();
        match self.encoding {
            Encoding::Utf8 if self.mark => notes.push("UTF-8 with a byte order mark"),
            Encoding::Utf8 => {}
            Encoding::Utf16Le => notes.push("UTF-16, little-endian"),
            Encoding::Utf16Be => notes.push("UTF-16, big-endian"),
            Encoding::Latin1 => notes.push("Latin-1"),
        }
        match self.ending {
            Ending::Lf => {}
            Ending::CrLf => notes.push("lines end with CRLF"),
            Ending::Mixed => notes.push("lines end with LF and CRLF"),
        }
        (!notes.is_empty()).then(|| notes.join("; "))
    }
}

fn latin1(c: char) -> Result<u8> {
    u8::try_from(u32::from(c)).map_err(|_| {
        Failure::invalid(
            "",
            format!("the file is in Latin-1, which has no `{c}`; use only characters that it has"),
        )
    })
}

impl Text {
    /// Reads `bytes`, or returns nothing if they are not text.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (encoding, mark, text) = decode(bytes)?;
        let ending = ending_of(&text);
        let text = if ending == Ending::CrLf { text.replace("\r\n", "\n") } else { text };
        Some(Self { text, format: Format { encoding, mark, ending } })
    }
}

fn decode(bytes: &[u8]) -> Option<(Encoding, bool, String)> {
    if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF") {
        return Some((Encoding::Utf8, true, String::from_utf8_lossy(rest).into_owned()));
    }
    if let Some(rest) = bytes.strip_prefix(b"\xFF\xFE") {
        return Some((Encoding::Utf16Le, true, utf16(rest, u16::from_le_bytes)?));
    }
    if let Some(rest) = bytes.strip_prefix(b"\xFE\xFF") {
        return Some((Encoding::Utf16Be, true, utf16(rest, u16::from_be_bytes)?));
    }
    let head = &bytes[..bytes.len().min(SNIFFED)];
    if head.contains(&0) {
        return unmarked_utf16(bytes, head);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some((Encoding::Utf8, false, text.to_owned())),
        Err(_) if looks_like_text(head) => {
            Some((Encoding::Latin1, false, bytes.iter().map(|&byte| char::from(byte)).collect()))
        }
        Err(_) => None,
    }
}

/// Text of Western languages in UTF-16 has a zero in every other byte and hardly any elsewhere.
fn unmarked_utf16(bytes: &[u8], head: &[u8]) -> Option<(Encoding, bool, String)> {
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|&&byte| byte == 0).count();
    let (even, odd, half) = (zeros(0), zeros(1), head.len() / 2);
    if bytes.len() % 2 == 1 || half == 0 {
        None
    } else if odd * 10 > half * 7 && even * 20 < half {
        Some((Encoding::Utf16Le, false, utf16(bytes, u16::from_le_bytes)?))
    } else if even * 10 > half * 7 && odd * 20 < half {
        Some((Encoding::Utf16Be, false, utf16(bytes, u16::from_be_bytes)?))
    } else {
        None
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    if bytes.len() % 2 == 1 {
        return None;
    }
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    String::from_utf16(&units).ok()
}

fn looks_like_text(head: &[u8]) -> bool {
    let strange =
        |byte: &u8| matches!(*byte, 0x00..=0x08 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F..=0x9F);
    head.iter().filter(|byte| strange(byte)).count() * 50 <= head.len()
}

fn ending_of(text: &str) -> Ending {
    let crlf = text.matches("\r\n").count();
    let all = text.matches('\n').count();
    match crlf {
        0 => Ending::Lf,
        _ if crlf == all => Ending::CrLf,
        _ => Ending::Mixed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(bytes: &[u8]) -> String {
        let text = Text::decode(bytes).unwrap();
        format!("{:?} [{}]", text.text, text.format.describe().unwrap_or_default())
    }

    #[test]
    fn text_is_decoded_whatever_it_is_written_in() {
        assert_eq!(describe("a\nä\n".as_bytes()), "\"a\\nä\\n\" []");
        assert_eq!(
            describe(b"\xEF\xBB\xBFa\r\nb"),
            "\"a\\nb\" [UTF-8 with a byte order mark; lines end with CRLF]"
        );
        assert_eq!(describe(b"a\r\nb\n"), "\"a\\r\\nb\\n\" [lines end with LF and CRLF]");
        assert_eq!(describe(b"\xFF\xFEa\0\n\0"), "\"a\\n\" [UTF-16, little-endian]");
        assert_eq!(describe(b"\xFE\xFF\0a\0\n"), "\"a\\n\" [UTF-16, big-endian]");
        assert_eq!(describe(b"a\0b\0c\0\n\0"), "\"abc\\n\" [UTF-16, little-endian]");
        assert_eq!(describe(b"caf\xE9\n"), "\"café\\n\" [Latin-1]");
    }

    #[test]
    fn other_bytes_are_not_text() {
        assert_eq!(Text::decode(b"\x7FELF\x02\x01\x01\0\0\0\0\0"), None);
        assert_eq!(Text::decode(b"\x89\x01\x02\x03\x04\x05\x06\xFF"), None);
        assert_eq!(Text::decode(b"\xFF\xFEa"), None);
    }

    #[test]
    fn what_was_decoded_is_written_back_byte_for_byte() {
        let files: [&[u8]; 8] = [
            b"",
            b"a\nb",
            b"a\r\nb\r\n",
            b"a\r\nb\n",
            b"\xEF\xBB\xBFx\r\n",
            b"\xFF\xFEa\0\r\0\n\0",
            b"\xFE\xFF\0a",
            b"caf\xE9\r\n",
        ];

        for bytes in files {
            let text = Text::decode(bytes).unwrap();
            assert_eq!(text.format.encode(&text.text).unwrap(), bytes);
        }
    }

    #[test]
    fn a_character_that_latin_1_lacks_is_refused() {
        let text = Text::decode(b"caf\xE9").unwrap();

        assert!(text.format.encode("€").is_err());
    }
}
