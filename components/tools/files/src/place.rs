//! The places of a file at which a text stands, by their bytes.

use std::ops::Range;

use memchr::memmem::Finder;

use openkoi_text::{Breaks, Charset, Format, may_be_escaped, unescape};

/// A text to look for. A line end of it stands for any kind.
pub(crate) struct Wanted {
    lines: Vec<Vec<u8>>,
    lf: Vec<u8>,
    cr: Vec<u8>,
    format: Format,
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
    let plain = format.breaks.plain(old);
    let write = |text: &str| format.bytes(text);
    let mut found =
        Wanted::new(format, &plain, &write).map_or_else(Vec::new, |text| text.all(bytes));
    let mut escaped: Vec<u8> = Vec::new();
    let is_shown = |byte: u8| is_escaped(format, byte);
    let read = |line: &str| unescape(line, is_shown, &write);
    if format.unit() == 1
        && let Some(raw) = read(&plain).filter(|raw| Some(raw) != write(&plain).as_ref())
    {
        let more = Wanted::new(format, &plain, &read).map_or_else(Vec::new, |text| text.all(bytes));
        if !more.is_empty() {
            escaped = raw.into_iter().filter(|byte| is_shown(*byte)).collect();
        }
        found.extend(more);
        found.sort_by_key(|place| place.start);
    }
    Places { found, escaped }
}

/// Returns whether the byte may be shown as `\xE9`. In a charset that is known only control characters are.
pub(crate) fn is_escaped(format: Format, byte: u8) -> bool {
    let known = matches!(format.charset, Charset::Legacy(_));
    may_be_escaped(byte) && (byte.is_ascii() || !known)
}

impl Wanted {
    /// Nothing if the file could not hold the text.
    fn new(format: Format, text: &str, bytes: &dyn Fn(&str) -> Option<Vec<u8>>) -> Option<Self> {
        Some(Self {
            lines: text.split('\n').map(bytes).collect::<Option<_>>()?,
            lf: format.bytes("\n")?,
            cr: format.bytes("\r")?,
            format,
        })
    }

    /// Returns the sign that every end of a line has.
    fn sign(&self) -> &[u8] {
        if self.format.breaks == Breaks::Returns { &self.cr } else { &self.lf }
    }

    fn all(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let (start, unit) = (self.format.mark().len(), self.format.unit());
        let first = self.lines.first().filter(|first| !first.is_empty());
        let finder = Finder::new(first.map_or_else(|| self.sign(), Vec::as_slice));
        let mut found = Vec::new();
        let mut from = start;
        while let Some(at) = bytes.get(from..).and_then(|rest| finder.find(rest)) {
            let at = from + at;
            from = at + unit - (at - start) % unit;
            if !(at - start).is_multiple_of(unit) {
                continue;
            }
            // A text that begins with a line end begins before the CR of that end.
            let begin = if first.is_none() { self.before_end(bytes, at) } else { at };
            if let Some(end) = self.matches(bytes, begin)
                && self.format.begins(bytes, begin)
            {
                found.push(begin..end);
            }
        }
        found
    }

    fn before_end(&self, bytes: &[u8], at: usize) -> usize {
        let mut at = at;
        while self.format.breaks == Breaks::Feeds
            && at >= self.format.mark().len() + self.cr.len()
            && bytes[..at].ends_with(&self.cr)
        {
            at -= self.cr.len();
        }
        at
    }

    /// Returns where the text ends that begins at `at`.
    fn matches(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let mut at = at;
        for (number, line) in self.lines.iter().enumerate() {
            if number > 0 {
                at = self.after_end(bytes, at)?;
            }
            bytes[at..].strip_prefix(line.as_slice())?;
            at += line.len();
        }
        Some(at)
    }

    /// Returns where the line begins that follows the line end at `at`.
    fn after_end(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let mut rest = &bytes[at..];
        while self.format.breaks == Breaks::Feeds
            && let Some(next) = rest.strip_prefix(self.cr.as_slice())
        {
            rest = next;
        }
        let rest = rest.strip_prefix(self.sign())?;
        Some(bytes.len() - rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(range: std::ops::Range<usize>) -> Vec<std::ops::Range<usize>> {
        std::iter::once(range).collect()
    }

    fn places(bytes: &[u8], old: &str) -> Vec<Range<usize>> {
        find(bytes, Format::of(bytes, &Default::default).unwrap(), old).found
    }

    #[test]
    fn a_line_end_stands_for_either_kind() {
        assert_eq!(places(b"a\r\nb\nc\n", "a\nb\nc"), one(0..6));
        assert_eq!(places(b"a\r\nb\nc\n", "a\r\nb\r\nc\r\n"), one(0..7));
        assert_eq!(places(b"a\r\nb\nb\r\n", "\nb"), [1..4, 4..6]);
        assert_eq!(places(b"a\r\n\r\nb", "\n\n"), one(1..5));
        assert_eq!(places(b"a\r\r\nb\r\r\n", "a\nb\n"), one(0..8));
        assert_eq!(places(b"a\r\r\nb", "\nb"), one(1..5));
        assert_eq!(places(b"a\rb\rc", "a\nb\n"), one(0..4));
        assert_eq!(places(b"a\rb\nc", "a\rb"), one(0..3));
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
