//! The places of a file at which a text stands, by their bytes.

use std::ops::Range;

use memchr::memmem::Finder;

use crate::text::{Format, may_be_escaped, unescape};

/// A text to look for. A line end of it stands for either kind.
pub(crate) struct Wanted {
    lines: Vec<Vec<u8>>,
    lf: Vec<u8>,
    cr: Vec<u8>,
    unit: usize,
    /// True if bytes that are no character are told from letters that belong to them.
    careful: bool,
}

/// The places at which a text stands.
pub(crate) struct Places {
    /// In order. They may overlap.
    pub found: Vec<Range<usize>>,
    /// Bytes that the text names as `\xE9` and that the file has at these places.
    pub escaped: Vec<u8>,
}

/// Returns where `old` stands in `bytes`: as it is written, or with `\xE9` for a byte that is shown so.
pub(crate) fn find(bytes: &[u8], format: Format, old: &str) -> Places {
    let plain = old.replace("\r\n", "\n");
    let mut found = Wanted::new(format, &plain, &|line| format.bytes(line)).all(bytes, format);
    let mut escaped: Vec<u8> = Vec::new();
    let raw = unescape(&plain, may_be_escaped);
    if format.unit() == 1 && raw != plain.as_bytes() {
        let read = |line: &str| unescape(line, may_be_escaped);
        let more = Wanted::new(format, &plain, &read).all(bytes, format);
        if !more.is_empty() {
            escaped = raw.into_iter().filter(|byte| may_be_escaped(*byte)).collect();
        }
        found.extend(more);
        found.sort_by_key(|place| place.start);
    }
    Places { found, escaped }
}

impl Wanted {
    fn new(format: Format, text: &str, bytes: &dyn Fn(&str) -> Vec<u8>) -> Self {
        Self {
            lines: text.split('\n').map(bytes).collect(),
            lf: format.bytes("\n"),
            cr: format.bytes("\r"),
            unit: format.unit(),
            careful: format.charset == crate::text::Charset::Unknown,
        }
    }

    fn all(&self, bytes: &[u8], format: Format) -> Vec<Range<usize>> {
        let start = format.mark_length();
        let first = self.lines.first().filter(|first| !first.is_empty());
        let finder = Finder::new(first.unwrap_or(&self.lf));
        let mut found = Vec::new();
        let mut from = start;
        while let Some(at) = bytes.get(from..).and_then(|rest| finder.find(rest)) {
            let at = from + at;
            from = at + self.unit - (at - start) % self.unit;
            if !(at - start).is_multiple_of(self.unit) {
                continue;
            }
            // A text that begins with a line end begins before the CR of that end.
            let begin = if first.is_none() { self.before_end(bytes, at) } else { at };
            if let Some(end) = self.matches(bytes, begin)
                && !(self.careful && splits(bytes, begin))
            {
                found.push(begin..end);
            }
        }
        found
    }

    fn before_end(&self, bytes: &[u8], at: usize) -> usize {
        if bytes[..at].ends_with(&self.cr) { at - self.cr.len() } else { at }
    }

    /// Returns where the text ends that begins at `at`.
    fn matches(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let mut at = at;
        for (number, line) in self.lines.iter().enumerate() {
            if number > 0 {
                let rest = &bytes[at..];
                let rest = rest.strip_prefix(self.cr.as_slice()).unwrap_or(rest);
                let rest = rest.strip_prefix(self.lf.as_slice())?;
                at = bytes.len() - rest.len();
            }
            bytes[at..].strip_prefix(line.as_slice())?;
            at += line.len();
        }
        Some(at)
    }
}

/// In the charsets of East Asia a byte that is no ASCII may be followed by one that looks like a letter and is its
/// other half.
fn splits(bytes: &[u8], at: usize) -> bool {
    let lead = at.checked_sub(1).and_then(|before| bytes.get(before));
    let half = bytes.get(at).is_some_and(|byte| (0x30..=0x7E).contains(byte));
    half && lead.is_some_and(|byte| *byte >= 0x81)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(range: std::ops::Range<usize>) -> Vec<std::ops::Range<usize>> {
        std::iter::once(range).collect()
    }

    fn places(bytes: &[u8], old: &str) -> Vec<Range<usize>> {
        find(bytes, Format::of(bytes).unwrap(), old).found
    }

    #[test]
    fn a_line_end_stands_for_either_kind() {
        assert_eq!(places(b"a\r\nb\nc\n", "a\nb\nc"), one(0..6));
        assert_eq!(places(b"a\r\nb\nc\n", "a\r\nb\r\nc\r\n"), one(0..7));
        assert_eq!(places(b"a\r\nb\nb\r\n", "\nb"), [1..4, 4..6]);
        assert_eq!(places(b"a\r\n\r\nb", "\n\n"), one(1..5));
    }

    #[test]
    fn places_that_overlap_are_all_found() {
        assert_eq!(places(b"foo\nfoo\nfoo\n", "foo\nfoo"), [0..7, 4..11]);
        assert_eq!(places(b"aaa", "aa"), [0..2, 1..3]);
    }

    #[test]
    fn nothing_is_found_inside_of_a_character() {
        // The second halves of these characters are `D` and `a`.
        assert_eq!(places(b"// \xD6D\xB5a\n", "D"), []);
        assert_eq!(places(b"\xFF\xFE\x00\x61\x61\x00", "a"), one(4..6));
        assert_eq!(places(b"caf\xE9 = 1\n", " = 1"), one(4..8));
    }

    #[test]
    fn a_byte_is_found_by_what_is_shown_of_it() {
        assert_eq!(places(b"caf\xE9\n", "caf\\xE9"), one(0..4));
        assert_eq!(places(b"a\0b = \"\\x00\"\n", "a\\x00b"), one(0..3));
        assert_eq!(places(b"a\0b = \"\\x00\"\n", "\\x00"), [1..2, 7..11]);
    }
}
