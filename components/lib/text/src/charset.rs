//! Charsets from before Unicode, where something says that a file is in one.
//!
//! Nothing is guessed, and what is said is believed only if all bytes of the file are characters of that charset and come
//! out again as they were.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_2022_JP, REPLACEMENT, SHIFT_JIS, UTF_8,
    WINDOWS_1252, X_USER_DEFINED,
};

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The file itself, in its first lines.
    File,
    /// An `.editorconfig`.
    EditorConfig,
    /// The setting `files.encoding`.
    Setting,
}

/// A charset in which every character stands for itself: one of these of the web's standard that need no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Legacy {
    encoding: &'static Encoding,
    by: By,
    /// True for ISO 8859-1 as it was, before Windows put letters where its control characters are.
    plain_latin: bool,
}

/// What a name of a charset means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    Utf8,
    Utf8Mark,
    Utf16Le,
    Utf16Be,
    Legacy(Legacy),
}

impl Named {
    /// Reads a name as standards, editors and programming languages write it.
    pub(crate) fn of(name: &str, by: By) -> Option<Self> {
        let squeezed: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let squeezed = squeezed.to_ascii_lowercase();
        let other = match squeezed.as_str() {
            "utf8bom" | "utf8sig" => return Some(Self::Utf8Mark),
            "utf16le" => return Some(Self::Utf16Le),
            "utf16be" => return Some(Self::Utf16Be),
            "cp936" => Some(GBK),
            "cp932" | "shiftjis" | "ms932" => Some(SHIFT_JIS),
            "cp949" | "euckr" | "uhc" => Some(EUC_KR),
            "eucjp" => Some(EUC_JP),
            "cp950" | "big5hkscs" => Some(BIG5),
            "latin1" => Some(WINDOWS_1252),
            _ => Encoding::for_label(name.trim().as_bytes()).or_else(|| spelled(&squeezed)),
        }?;
        if other == UTF_8 {
            return Some(Self::Utf8);
        }
        let has_state = [ISO_2022_JP, REPLACEMENT, X_USER_DEFINED].contains(&other);
        if has_state || !other.is_ascii_compatible() {
            return None;
        }
        let plain_latin = other == WINDOWS_1252 && !squeezed.contains("1252");
        Some(Self::Legacy(Legacy { encoding: other, by, plain_latin }))
    }
}

/// Finds a name that is written without or with other hyphens, such as `windows1251` or `iso88592`.
fn spelled(squeezed: &str) -> Option<&'static Encoding> {
    let digits = squeezed.find(|c: char| c.is_ascii_digit())?;
    let (word, number) = squeezed.split_at(digits);
    let label = match (word, number.strip_prefix("8859")) {
        ("iso", Some(part)) => format!("iso-8859-{part}"),
        ("koi", _) => format!("koi8-{}", number.get(1..)?),
        _ => format!("{word}-{number}"),
    };
    Encoding::for_label(label.as_bytes())
}

impl Legacy {
    /// Returns the name of the charset.
    pub fn name(&self) -> &'static str {
        if self.plain_latin { "ISO-8859-1" } else { self.encoding.name() }
    }

    /// Returns who says that the file is in it, as the subject of a sentence.
    pub fn by(&self) -> &'static str {
        match self.by {
            By::File => "the file",
            By::EditorConfig => "`.editorconfig`",
            By::Setting => "`files.encoding`",
        }
    }

    /// Returns whether only the user's setting says so, which is about files in general.
    pub fn is_general(&self) -> bool {
        self.by == By::Setting
    }

    /// Returns whether something else than the file itself says so.
    pub fn is_said_outside(&self) -> bool {
        self.by != By::File
    }

    /// Returns whether a character may be several bytes.
    pub(crate) fn is_wide(&self) -> bool {
        !self.encoding.is_single_byte()
    }

    /// Returns the charset in the form in which `bytes` are in it, or nothing if they are not.
    pub(crate) fn confirmed(self, bytes: &[u8]) -> Option<Self> {
        let windows = bytes.iter().any(|byte| (0x80..0xA0).contains(byte));
        let found = Self { plain_latin: self.plain_latin && !windows, ..self };
        if found.holds(bytes) {
            return Some(found);
        }
        // The same charset with more characters, for which its name often stands.
        let wider = Self { encoding: GB18030, ..found };
        (self.encoding == GBK && wider.holds(bytes)).then_some(wider)
    }

    fn holds(&self, bytes: &[u8]) -> bool {
        // Bytes that the charset has no letter for are read as control characters.
        let unused = |c: char| ('\u{80}'..'\u{A0}').contains(&c);
        self.decode(bytes)
            .filter(|text| !text.contains(unused))
            .and_then(|text| self.written(&text))
            .is_some_and(|back| back == bytes)
    }

    /// Reads whole characters; nothing if some of the bytes are none.
    pub(crate) fn decode(&self, bytes: &[u8]) -> Option<String> {
        let text = self.encoding.decode_without_bom_handling_and_without_replacement(bytes)?;
        Some(text.into_owned())
    }

    /// Writes `text`, or returns nothing if it has a character that the charset has not.
    pub fn encode(&self, text: &str) -> Option<Vec<u8>> {
        let bytes = self.written(text)?;
        // Some standards write characters as others that look alike.
        (self.decode(&bytes).as_deref() == Some(text)).then_some(bytes)
    }

    fn written(&self, text: &str) -> Option<Vec<u8>> {
        let (bytes, _, unmappable) = self.encoding.encode(text);
        let foreign = self.plain_latin && bytes.iter().any(|byte| (0x80..0xA0).contains(byte));
        (!unmappable && !foreign).then(|| bytes.into_owned())
    }

    /// Returns the first character of `text` that the charset does not have.
    pub fn lacks(&self, text: &str) -> Option<char> {
        text.chars().find(|c| self.encode(c.encode_utf8(&mut [0; 4])).is_none())
    }

    /// Returns whether a character begins at `at`. A line end is never a part of another character.
    pub fn begins(&self, bytes: &[u8], at: usize) -> bool {
        let line = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        !self.is_wide() || self.decode(&bytes[line..at]).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legacy(name: &str) -> Legacy {
        match Named::of(name, By::Setting) {
            Some(Named::Legacy(legacy)) => legacy,
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn names_are_read_as_people_write_them() {
        let cases = [
            ("gb2312", "GBK"),
            ("cp936", "GBK"),
            ("GB18030", "gb18030"),
            ("shiftjis", "Shift_JIS"),
            ("Shift-JIS", "Shift_JIS"),
            ("euc_kr", "EUC-KR"),
            ("cp949", "EUC-KR"),
            ("koi8r", "KOI8-R"),
            ("windows1251", "windows-1251"),
            ("cp1251", "windows-1251"),
            ("iso88592", "ISO-8859-2"),
            ("latin1", "ISO-8859-1"),
            ("latin-1", "ISO-8859-1"),
            ("windows-1252", "windows-1252"),
        ];
        for (name, wanted) in cases {
            assert_eq!(legacy(name).name(), wanted, "{name}");
        }
        assert_eq!(Named::of("UTF8", By::File), Some(Named::Utf8));
        assert_eq!(Named::of("utf-8-bom", By::File), Some(Named::Utf8Mark));
        for name in ["iso-2022-jp", "x-user-defined", "utf-7", "utf-16", "klingon", ""] {
            let read = Named::of(name, By::File);
            assert!(!matches!(read, Some(Named::Legacy(_))), "{name}: {read:?}");
        }
    }

    #[test]
    fn bytes_that_do_not_come_out_as_they_were_are_not_in_a_charset() {
        assert!(legacy("gbk").confirmed(b"\xD6\xD0\xCE\xC4").is_some());
        assert!(legacy("gbk").confirmed(b"\xD6\xD0\xCE").is_none());
        assert!(legacy("shift_jis").confirmed(b"\x82\xA0").is_some());
        // One of two codes for the same character: it would come out as the other.
        assert!(legacy("shift_jis").confirmed(b"\xED\x40").is_none());
        let wider = legacy("gb2312").confirmed(b"\x81\x30\x84\x36").unwrap();
        assert_eq!(wider.name(), "gb18030");
    }

    #[test]
    fn nothing_is_written_that_would_be_read_as_another_character() {
        assert_eq!(legacy("gbk").encode("中"), Some(b"\xD6\xD0".to_vec()));
        assert_eq!(legacy("gbk").lacks("a中ü😀"), Some('😀'));
        // The standard writes the yen sign as a backslash.
        assert_eq!(legacy("shift_jis").encode("\u{A5}"), None);
        assert_eq!(legacy("latin1").lacks("é€"), Some('€'));
        let windows = legacy("latin1").confirmed(b"\x80\xE9").unwrap();
        assert_eq!((windows.name(), windows.lacks("€")), ("windows-1252", None));
    }

    #[test]
    fn a_character_begins_where_the_one_before_it_ends() {
        let bytes = b"\n\xB5a\xD6D";
        let begins: Vec<usize> = (0..=5).filter(|at| legacy("gbk").begins(bytes, *at)).collect();
        assert_eq!(begins, [0, 1, 3, 5]);
    }
}
