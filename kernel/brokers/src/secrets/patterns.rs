//! The forms in which one secret may appear in text.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;
use std::fmt;
use std::ops::Range;
use zeroize::Zeroizing;

/// Shorter secrets are not searched for.
const SHORTEST: usize = 8;

/// The text that replaces a secret.
pub(crate) const REDACTED: &[u8] = b"[redacted]";

/// The forms of one secret. They hold its bytes, so they are not printed.
#[derive(Clone)]
pub(crate) struct Patterns {
    /// The secret and its base64 forms, compared byte by byte.
    exact: Vec<Zeroizing<Vec<u8>>>,
    /// Its hex form in lower case, compared with lower-cased text.
    hex: Option<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Patterns([redacted])")
    }
}

impl Patterns {
    /// Makes the forms of `secret`; none if it is too short to be told from ordinary text.
    pub(crate) fn new(secret: &[u8]) -> Self {
        if secret.len() < SHORTEST {
            return Self { exact: Vec::new(), hex: None };
        }
        let mut exact = vec![Zeroizing::new(secret.to_vec())];
        for offset in 0..3 {
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                let form = base64_core(secret, offset, engine);
                if !exact.contains(&form) {
                    exact.push(form);
                }
            }
        }
        let hex = secret.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
        Self { exact, hex: Some(Zeroizing::new(hex)) }
    }

    /// Tells whether the secret is in `text` in one of its forms.
    pub(crate) fn is_in(&self, text: &[u8]) -> bool {
        !self.find(text).is_empty()
    }

    /// Returns the ranges of `text` that hold the secret, in no order.
    pub(crate) fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for pattern in &self.exact {
            found.extend(memmem::find_iter(text, &pattern[..]).map(|at| at..at + pattern.len()));
        }
        if let Some(hex) = &self.hex {
            let lower = text.to_ascii_lowercase();
            found.extend(memmem::find_iter(&lower, &hex[..]).map(|at| at..at + hex.len()));
        }
        if text.contains(&b'%') {
            self.find_decoded(&Decoded::new(text), &mut found);
        }
        found
    }

    fn find_decoded(&self, decoded: &Decoded, found: &mut Vec<Range<usize>>) {
        for pattern in &self.exact {
            let hits = memmem::find_iter(&decoded.bytes, &pattern[..]);
            found.extend(hits.map(|at| decoded.starts[at]..decoded.starts[at + pattern.len()]));
        }
    }

    /// Returns how many bytes at the end of `text` could be the beginning of the secret.
    pub(crate) fn unfinished(&self, text: &[u8]) -> usize {
        let longest = self.exact.iter().chain(&self.hex).map(|p| p.len()).max().unwrap_or(0);
        // A percent-encoded byte takes three.
        let tail = &text[text.len().saturating_sub(longest * 3)..];
        let decoded = Decoded::new(tail);
        let lower = tail.to_ascii_lowercase();
        let exact = self.exact.iter().map(|pattern| {
            let encoded = begun(&decoded.bytes, pattern);
            let raw = tail.len() - decoded.starts[decoded.bytes.len() - encoded];
            raw.max(begun(tail, pattern))
        });
        exact.chain(self.hex.iter().map(|hex| begun(&lower, hex))).max().unwrap_or(0)
    }
}

/// Returns the length of the longest end of `text` that is a beginning of `pattern`, but not the whole pattern.
fn begun(text: &[u8], pattern: &[u8]) -> usize {
    let most = text.len().min(pattern.len().saturating_sub(1));
    (1..=most).rev().find(|length| text.ends_with(&pattern[..*length])).unwrap_or(0)
}

/// Returns the base64 characters that depend on `secret` alone when it begins `offset` bytes into a group of three.
fn base64_core(secret: &[u8], offset: usize, engine: &impl Engine) -> Zeroizing<Vec<u8>> {
    let mut shifted = Zeroizing::new(vec![0; offset]);
    shifted.extend_from_slice(secret);
    let text = Zeroizing::new(engine.encode(&shifted[..]));
    let from = (offset * 8).div_ceil(6);
    let to = shifted.len() * 8 / 6;
    Zeroizing::new(text.as_bytes()[from..to].to_vec())
}

/// Percent-decoded text with the position of each byte in the original. An escape that the end cuts off is left out.
struct Decoded {
    bytes: Vec<u8>,
    /// The position at which each byte begins, and the position after the last.
    starts: Vec<usize>,
}

impl Decoded {
    fn new(text: &[u8]) -> Self {
        let (mut bytes, mut starts) = (Vec::with_capacity(text.len()), Vec::new());
        let mut at = 0;
        while at < text.len() {
            let escape = (text[at] == b'%').then(|| text.get(at + 1..at + 3));
            let (byte, length) = match escape {
                Some(None) => break,
                Some(Some(digits)) => unescape(digits).map_or((b'%', 1), |byte| (byte, 3)),
                None => (text[at], 1),
            };
            bytes.push(byte);
            starts.push(at);
            at += length;
        }
        starts.push(at);
        Self { bytes, starts }
    }
}

fn unescape(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(*digits.first()?)? * 16 + digit(*digits.get(1)?)?;
    u8::try_from(value).ok()
}

/// Returns `text` with each match of `patterns` replaced.
pub(crate) fn redact_all<'a>(text: &[u8], patterns: impl Iterator<Item = &'a Patterns>) -> Vec<u8> {
    let found = merge(patterns.flat_map(|one| one.find(text)).collect());
    replace(text, &found, REDACTED)
}

/// Returns `text` with each match of `pattern` replaced by `by`.
pub(crate) fn replace_all(text: &[u8], pattern: &Patterns, by: &[u8]) -> Vec<u8> {
    replace(text, &merge(pattern.find(text)), by)
}

/// Sorts ranges and joins those that overlap.
pub(super) fn merge(mut found: Vec<Range<usize>>) -> Vec<Range<usize>> {
    found.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for range in found {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Returns `text` with the ranges, sorted and apart, replaced.
pub(super) fn replace(text: &[u8], found: &[Range<usize>], by: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(text.len());
    let mut from = 0;
    for range in found {
        clean.extend_from_slice(&text[from..range.start]);
        clean.extend_from_slice(by);
        from = range.end;
    }
    clean.extend_from_slice(&text[from..]);
    clean
}

#[cfg(test)]
mod tests {
    use super::{Patterns, redact_all};
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    const SECRET: &[u8] = b"sk-live/4f?>~9c1e+7b2";

    fn redacted(text: &[u8]) -> String {
        let patterns = Patterns::new(SECRET);
        String::from_utf8(redact_all(text, [&patterns].into_iter())).unwrap()
    }

    fn percent(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("%{byte:02x}")).collect()
    }

    #[test]
    fn a_secret_is_found_in_every_form_of_the_table() {
        let plain = String::from_utf8(SECRET.to_vec()).unwrap();
        let hex: String = SECRET.iter().map(|byte| format!("{byte:02X}")).collect();
        let forms = [
            plain.clone(),
            hex.clone(),
            hex.to_lowercase(),
            percent(SECRET),
            percent(SECRET).to_uppercase(),
            plain.replace('/', "%2f").replace('+', "%2B"),
        ];

        for form in forms {
            assert_eq!(redacted(format!("a={form}&b").as_bytes()), "a=[redacted]&b", "{form}");
        }
    }

    #[test]
    fn a_secret_is_found_in_base64_at_any_offset() {
        let patterns = Patterns::new(SECRET);

        for before in 0..6 {
            for after in 0..4 {
                let text = [&b"prefix"[..before], SECRET, &b"end"[..after.min(3)]].concat();
                assert!(patterns.is_in(STANDARD.encode(&text).as_bytes()), "{before} {after}");
                assert!(patterns.is_in(URL_SAFE.encode(&text).as_bytes()), "{before} {after}");
            }
        }
        let escaped = STANDARD.encode(SECRET).replace('+', "%2B").replace('/', "%2F");
        assert!(patterns.is_in(escaped.as_bytes()));
    }

    #[test]
    fn text_without_the_secret_is_left_as_it_is() {
        for text in ["", "sk-live", "100% of it", "%", "%4", "a%zz", &"ab".repeat(1000)] {
            assert_eq!(redacted(text.as_bytes()), text);
        }
    }

    #[test]
    fn a_secret_of_seven_bytes_is_not_searched_for() {
        let patterns = Patterns::new(b"1234567");

        assert!(!patterns.is_in(b"1234567"));
        assert_eq!(patterns.unfinished(b"123456"), 0);
    }

    #[test]
    fn adjacent_and_overlapping_secrets_are_replaced_whole() {
        let twice = [SECRET, SECRET].concat();
        assert_eq!(redacted(&twice), "[redacted][redacted]");

        let (long, short) = (Patterns::new(b"abcdefghij"), Patterns::new(b"defghijklm"));
        let clean = redact_all(b"-abcdefghijklm-", [&long, &short].into_iter());
        assert_eq!(clean, b"-[redacted]-");
    }
}
