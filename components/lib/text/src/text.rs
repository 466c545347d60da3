//! The text of a file as a model is shown it, and how the file writes characters as bytes.
//!
//! A charset is only taken for certain where a mark says it, all bytes are valid UTF-8, or something says it and all bytes
//! agree. Other text is shown with its odd bytes as `\xE9`, and a change copies what it does not replace byte for byte.

use openkoi_sdk::{
    Failure, Result,
    text::{escape, is_odd, is_text, shown},
};

use crate::{
    charset::{Legacy, Named},
    declared,
    hints::Hints,
    lines::{self, Breaks, End},
};

/// The part of a file that is looked at for zeros.
const SNIFFED: usize = 8192;
const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How characters are written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// The charset of nearly every file.
    Utf8,
    /// UTF-16, two bytes a unit, the lower first.
    Utf16Le,
    /// UTF-16, two bytes a unit, the higher first.
    Utf16Be,
    /// A charset from before Unicode, which something names and all bytes agree with.
    Legacy(Legacy),
    /// Text in a charset that nothing tells. Its ASCII characters are certain and no others.
    Unknown,
}

/// How a file writes its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// The charset.
    pub charset: Charset,
    /// True if the file begins with a byte order mark.
    pub mark: bool,
    /// What ends its lines.
    pub breaks: Breaks,
}

/// A file's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What is shown: without byte order mark, bytes that are no character as `\xE9`, lines with their own ends.
    pub text: String,
    /// How it is written.
    pub format: Format,
    /// The number of bytes that are shown as `\xE9`.
    pub odd: usize,
}

impl Format {
    /// The format of a new file of which nothing is said.
    pub const NEW: Self = Self { charset: Charset::Utf8, mark: false, breaks: Breaks::Feeds };

    /// Returns the format of `bytes`, or nothing if they are not text. `hints` is asked only where the bytes do not tell.
    pub fn of(bytes: &[u8], hints: &dyn Fn() -> Hints) -> Option<Self> {
        let (charset, mark) = charset(bytes, hints)?;
        Some(Self { charset, mark, breaks: breaks(bytes, charset) })
    }

    /// Returns the format in which `text` is put into a file that has these bytes: one with nothing but ASCII so far may be
    /// in any charset, and the first other letter is written in that which the file or its place names.
    pub fn for_text(self, text: &str, bytes: &[u8], hints: &dyn Fn() -> Hints) -> Self {
        if text.is_ascii() || self.mark || self.charset != Charset::Utf8 || !bytes.is_ascii() {
            return self;
        }
        let named = declared::charset(bytes).or_else(|| hints().new_text());
        match named {
            Some(Named::Legacy(legacy)) => Self { charset: Charset::Legacy(legacy), ..self },
            _ => self,
        }
    }

    /// Returns the format of a new file with `text`.
    pub fn of_new(text: &str, hints: &Hints) -> Self {
        let named = declared::charset(text.as_bytes());
        let named = named.or_else(|| hints.new_text());
        let (charset, mark) = match named {
            Some(Named::Utf8Mark) => (Charset::Utf8, true),
            Some(Named::Utf16Le) => (Charset::Utf16Le, true),
            Some(Named::Utf16Be) => (Charset::Utf16Be, true),
            Some(Named::Legacy(legacy)) if !text.is_ascii() => (Charset::Legacy(legacy), false),
            _ => (Charset::Utf8, false),
        };
        Self { charset, mark, breaks: Breaks::of(text) }
    }

    /// Returns the charset that `text` as a whole file names in its first lines, if that is another one than this.
    pub fn renamed_by(self, text: &str) -> Option<Self> {
        let charset = match declared::charset(text.as_bytes())? {
            Named::Utf8 => Charset::Utf8,
            Named::Legacy(legacy) => Charset::Legacy(legacy),
            _ => return None,
        };
        let same = match (charset, self.charset) {
            (Charset::Legacy(new), Charset::Legacy(old)) => new.name() == old.name(),
            (new, old) => new == old,
        };
        (!same && !self.mark && self.unit() == 1).then_some(Self { charset, ..self })
    }

    /// Returns the bytes of the byte order mark.
    pub fn mark(&self) -> &'static [u8] {
        match self.charset {
            _ if !self.mark => b"",
            Charset::Utf8 | Charset::Unknown | Charset::Legacy(_) => UTF8_MARK,
            Charset::Utf16Le => b"\xFF\xFE",
            Charset::Utf16Be => b"\xFE\xFF",
        }
    }

    /// Returns the bytes of the smallest unit: a change never begins inside of one.
    pub fn unit(&self) -> usize {
        if matches!(self.charset, Charset::Utf16Le | Charset::Utf16Be) { 2 } else { 1 }
    }

    /// Returns whether a character may begin at `at`.
    pub fn begins(&self, bytes: &[u8], at: usize) -> bool {
        match self.charset {
            Charset::Utf8 => true,
            Charset::Utf16Le | Charset::Utf16Be => at.is_multiple_of(2),
            Charset::Legacy(legacy) => legacy.begins(bytes, at),
            Charset::Unknown => !splits(bytes, at),
        }
    }

    /// Writes `text` as bytes, without a mark; nothing if the charset has not all of its characters. In an unknown charset
    /// these are the bytes of UTF-8, which is right for ASCII alone.
    pub fn bytes(&self, text: &str) -> Option<Vec<u8>> {
        match self.charset {
            Charset::Utf8 | Charset::Unknown => Some(text.as_bytes().to_vec()),
            Charset::Utf16Le => Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            Charset::Utf16Be => Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            Charset::Legacy(legacy) => legacy.encode(text),
        }
    }

    /// Reads bytes without a mark as far as their line ends go: what is no character is replaced.
    pub fn text(&self, bytes: &[u8]) -> String {
        let lossy = || String::from_utf8_lossy(bytes).into_owned();
        match self.charset {
            Charset::Utf8 | Charset::Unknown => lossy(),
            Charset::Utf16Le => shown_utf16(bytes, u16::from_le_bytes).0,
            Charset::Utf16Be => shown_utf16(bytes, u16::from_be_bytes).0,
            Charset::Legacy(legacy) => legacy.decode(bytes).unwrap_or_else(lossy),
        }
    }

    /// Checks that `text` can be written to the file. `known` are the characters that already stand at the place.
    ///
    /// # Errors
    ///
    /// The charset is not known, and `text` has more than ASCII; or it is known and lacks a character.
    pub fn check(&self, text: &str, known: &str, field: &str) -> Result<()> {
        let lacks = match self.charset {
            Charset::Unknown => text.chars().find(|c| !c.is_ascii() && !known.contains(*c)),
            Charset::Legacy(legacy) => legacy.lacks(text),
            _ => None,
        };
        match (lacks, self.charset) {
            (None, _) => Ok(()),
            (Some(c), Charset::Legacy(legacy)) => Err(Failure::invalid(
                field,
                format!(
                    "`{c}` cannot be written: {} says that the file is in {}, which does not have it",
                    legacy.by(),
                    legacy.name()
                ),
            )),
            (Some(c), _) => Err(Failure::invalid(
                field,
                format!(
                    "`{c}` cannot be written: the file is not UTF-8 and nothing tells its charset, so only ASCII can be \
                     put into it; the user can name it (`charset` in `.editorconfig`, or the setting `files.encoding`), \
                     or convert it in the shell, for example `iconv -f GBK -t UTF-8`, or replace the whole file with \
                     `write_file`, which writes UTF-8"
                ),
            )),
        }
    }

    /// Names the charset, unless it is the common one.
    pub fn describe(&self) -> Option<String> {
        match self.charset {
            Charset::Utf8 if self.mark => Some("UTF-8 with a byte order mark".into()),
            Charset::Utf8 => None,
            Charset::Utf16Le => Some("UTF-16, little-endian".into()),
            Charset::Utf16Be => Some("UTF-16, big-endian".into()),
            Charset::Legacy(legacy) => Some(format!("{}, as {} says", legacy.name(), legacy.by())),
            Charset::Unknown => Some("not UTF-8: its charset is not known".into()),
        }
    }
}

impl Text {
    /// Reads `bytes`, or returns nothing if they are not text. `hints` is asked only where the bytes do not tell.
    pub fn decode(bytes: &[u8], hints: &dyn Fn() -> Hints) -> Option<Self> {
        let format = Format::of(bytes, hints)?;
        let body = &bytes[format.mark().len()..];
        let (text, odd) = match format.charset {
            Charset::Utf8 => shown(body),
            Charset::Unknown => shown_unknown(bytes),
            Charset::Utf16Le => shown_utf16(body, u16::from_le_bytes),
            Charset::Utf16Be => shown_utf16(body, u16::from_be_bytes),
            Charset::Legacy(legacy) => shown(legacy.decode(body)?.as_bytes()),
        };
        Some(Self { text, format, odd })
    }

    /// Says what is unusual about the text, or nothing.
    pub fn describe(&self) -> Option<String> {
        let mut notes: Vec<String> = self.format.describe().into_iter().collect();
        if self.odd > 0 {
            let (bytes, shown) = match self.odd {
                1 => ("1 byte".to_owned(), "is"),
                odd => (format!("{odd} bytes"), "are"),
            };
            notes.push(format!("{bytes} that cannot be shown {shown} written as \\xE9"));
        }
        notes.extend(lines::describe(&self.text));
        (!notes.is_empty()).then(|| notes.join("; "))
    }

    /// Returns the end of the lines of the file: that of the first.
    pub fn first_end(&self) -> End {
        self.format.breaks.ends(&self.text).next().unwrap_or(End::LF)
    }
}

/// Returns the charset of `bytes`, and whether they begin with its mark.
fn charset(bytes: &[u8], hints: &dyn Fn() -> Hints) -> Option<(Charset, bool)> {
    let marks = [
        (UTF8_MARK, Charset::Utf8),
        (b"\xFF\xFE".as_slice(), Charset::Utf16Le),
        (b"\xFE\xFF".as_slice(), Charset::Utf16Be),
    ];
    // UTF-32 begins as UTF-16 does.
    if bytes.starts_with(b"\xFF\xFE\0\0") {
        return None;
    }
    if let Some((_, charset)) = marks.into_iter().find(|(mark, _)| bytes.starts_with(mark)) {
        return Some((charset, true));
    }
    let is_utf8 = std::str::from_utf8(bytes).is_ok();
    let found = if let Some(charset) = unmarked_utf16(bytes) {
        Some(charset)
    } else if is_text(bytes) && (is_utf8 || is_damaged_utf8(bytes)) {
        Some(Charset::Utf8)
    } else {
        let told = told(bytes, is_utf8, hints);
        told.or_else(|| is_text(bytes).then_some(Charset::Unknown))
    };
    found.map(|charset| (charset, false))
}

/// Returns the charset that something says bytes are in that are no text of UTF-8, if they can be in it.
fn told(bytes: &[u8], is_utf8: bool, hints: &dyn Fn() -> Hints) -> Option<Charset> {
    let hints = hints();
    let mut all = declared::charset(bytes).into_iter().chain(hints.charsets());
    all.find_map(|named| match named {
        Named::Utf16Le => is_utf16(bytes, u16::from_le_bytes).then_some(Charset::Utf16Le),
        Named::Utf16Be => is_utf16(bytes, u16::from_be_bytes).then_some(Charset::Utf16Be),
        Named::Legacy(legacy) if !is_utf8 && is_text(bytes) => {
            legacy.confirmed(bytes).map(Charset::Legacy)
        }
        _ => None,
    })
}

/// Text of UTF-8 with a few stray bytes could be text of many other charsets; in text that is one of those, hardly anything
/// looks like letters of UTF-8.
fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let (mut letters, mut odd) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        letters += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        odd += chunk.invalid().len();
    }
    letters >= 2 * odd
}

fn breaks(bytes: &[u8], charset: Charset) -> Breaks {
    let has = |sign: u8| match charset {
        Charset::Utf16Le => bytes.chunks_exact(2).any(|unit| unit == [sign, 0]),
        Charset::Utf16Be => bytes.chunks_exact(2).any(|unit| unit == [0, sign]),
        // A line end is a part of no other character.
        Charset::Utf8 | Charset::Legacy(_) | Charset::Unknown => bytes.contains(&sign),
    };
    if !has(b'\n') && has(b'\r') { Breaks::Returns } else { Breaks::Feeds }
}

/// In the charsets of East Asia a byte that is no ASCII may be followed by one that looks like a letter and is its
/// other half.
fn splits(bytes: &[u8], at: usize) -> bool {
    let lead = at.checked_sub(1).and_then(|before| bytes.get(before));
    let half = bytes.get(at).is_some_and(|byte| (0x30..=0x7E).contains(byte));
    half && lead.is_some_and(|byte| *byte >= 0x81)
}

/// In text of another charset what looks like a character of UTF-8 is none, so only its ASCII is shown.
fn shown_unknown(bytes: &[u8]) -> (String, usize) {
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

/// Writes `text` with `write`, but `\xE9` as that byte where `wanted` says so of it; nothing if `write` cannot.
pub fn unescape(
    text: &str,
    wanted: impl Fn(u8) -> bool,
    write: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut from, mut at) = (0, 0);
    while let Some(found) = text[at..].find("\\x") {
        let escape = at + found;
        let digits = text.get(escape + 2..escape + 4);
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        at = escape + 2;
        if let Some(byte) = byte.filter(|byte| wanted(*byte)) {
            bytes.extend(write(&text[from..escape])?);
            bytes.push(byte);
            at = escape + 4;
            from = at;
        }
    }
    bytes.extend(write(&text[from..])?);
    Some(bytes)
}

/// Returns whether [`Text`] may show the byte as `\xE9`.
pub fn may_be_escaped(byte: u8) -> bool {
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
    is_utf16(bytes, unit).then_some(charset)
}

fn is_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> bool {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    bytes.len().is_multiple_of(2)
        && char::decode_utf16(units).all(|c| c.is_ok_and(|c| !is_odd(c) && c != '\u{FFFE}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(bytes: &[u8]) -> String {
        let text = Text::decode(bytes, &Hints::default).unwrap();
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
    fn a_named_charset_is_believed_if_all_bytes_agree() {
        let files = openkoi_sdk::files::Memory::new([(".editorconfig", "[*.c]\ncharset = gbk\n")])
            .with_encoding("windows-1251");
        let told = |bytes: &[u8], path: &str| {
            let text = Text::decode(bytes, &|| Hints::of(&files, path)).unwrap();
            format!("{} [{}]", text.text, text.describe().unwrap_or_default())
        };

        let gbk = b"\xD6\xD0\xCE\xC4";
        assert_eq!(told(gbk, "a.c"), "中文 [GBK, as `.editorconfig` says]");
        assert_eq!(told(gbk, "a.h"), "ЦРОД [windows-1251, as `files.encoding` says]");
        let cookie = b"# coding: koi8-r\n# \xD6\xD0\xCE\xC4";
        assert_eq!(told(cookie, "a.c"), "# coding: koi8-r\n# жпнд [KOI8-R, as the file says]");
        // What is UTF-8 is that, whatever is said, and with a stray byte too.
        assert_eq!(told("äöüß".as_bytes(), "a.h"), "äöüß []");
        assert!(
            told(b"\xC3\xA4\xC3\xB6\xC3\xBC\xC3\x9F\xE9", "a.h").starts_with("äöüß\\xE9 [1 byte")
        );
        // A half character, and nothing else that could be right.
        assert!(told(b"\xD6\xD0\x98", "a.c").contains("its charset is not known"));
    }

    #[test]
    fn the_first_letters_of_a_file_are_written_as_its_place_says() {
        let files = openkoi_sdk::files::Memory::new([(
            ".editorconfig",
            "[*.c]\ncharset = gbk\n[*.bat]\ncharset = utf-8-bom\n",
        )])
        .with_encoding("windows-1251");
        let into = |path: &str, bytes: &[u8], text: &str| {
            let hints = || Hints::of(&files, path);
            let format = Format::of(bytes, &hints).unwrap().for_text(text, bytes, &hints);
            format.describe().unwrap_or_default()
        };
        assert_eq!(into("a.c", b"int x;", "中"), "GBK, as `.editorconfig` says");
        assert_eq!(into("a.c", b"int x;", "x"), "");
        assert_eq!(into("a.txt", b"x", "ж"), "windows-1251, as `files.encoding` says");
        assert_eq!(into("a.json", b"{}", "ж"), "");
        assert_eq!(into("a.txt", "ä".as_bytes(), "ж"), "");
        assert_eq!(into("a.txt", b"# coding: utf-8", "ж"), "");
        let new = Format::of_new("x", &Hints::of(&files, "a.bat"));
        assert_eq!((new.mark, new.charset), (true, Charset::Utf8));
    }

    #[test]
    fn what_looks_like_a_character_in_another_charset_is_none() {
        // In GBK, the middle two bytes would be a Hebrew letter of UTF-8.
        let text = Text::decode(b"\xD6\xD0\xD7\xA2\xCA\xCD\n", &Hints::default).unwrap();
        assert_eq!((text.text.as_str(), text.odd), ("\\xD6\\xD0\\xD7\\xA2\\xCA\\xCD\n", 6));
        let text = Text::decode(
            "äöü\n".as_bytes().iter().copied().chain(*b"\xE9\n").collect::<Vec<_>>().as_slice(),
            &Hints::default,
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
            assert_eq!(Text::decode(bytes, &Hints::default), None, "{bytes:02X?}");
        }
    }

    #[test]
    fn escapes_become_the_bytes_that_they_stand_for_and_nothing_else() {
        let utf8 = |text: &str| Some(text.as_bytes().to_vec());
        let unescape = |text, wanted: fn(u8) -> bool| unescape(text, wanted, &utf8).unwrap();
        assert_eq!(unescape("caf\\xE9 \\x41 \\xZ \\x", may_be_escaped), b"caf\xE9 \\x41 \\xZ \\x");
        assert_eq!(unescape("\\x00é\\xé", may_be_escaped), "\0é\\xé".as_bytes());
        assert_eq!(unescape("\\xE9\\xE8", |byte| byte == 0xE8), b"\\xE9\xE8");
    }
}
