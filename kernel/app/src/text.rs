//! Bytes as text where no tool reads them: standard input, rules of a project, files that a message mentions.
//!
//! A byte order mark is believed, and everything else is UTF-8. Charsets that a place or a setting names are the tools'
//! business: their tables are not in the kernel. Whoever shows such text says how many bytes of it could not be read.

use std::path::Path;

use openkoi_brokers::within;

/// Text, and how many of its bytes are no characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without a mark. What is no character is U+FFFD.
    pub text: String,
    /// The number of bytes that are no characters.
    pub odd: usize,
}

/// Reads bytes as text.
pub fn decoded(bytes: Vec<u8>) -> Decoded {
    match bytes.get(..2) {
        Some([0xFF, 0xFE]) => wide(&bytes, u16::from_le_bytes),
        Some([0xFE, 0xFF]) => wide(&bytes, u16::from_be_bytes),
        _ => narrow(bytes),
    }
}

fn narrow(bytes: Vec<u8>) -> Decoded {
    let (mut text, odd) = match String::from_utf8(bytes) {
        Ok(text) => (text, 0),
        Err(error) => {
            let bytes = error.as_bytes();
            let odd = bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum();
            (String::from_utf8_lossy(bytes).into_owned(), odd)
        }
    };
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Decoded { text, odd }
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Decoded {
    let mut decoded = Decoded::default();
    let pairs = bytes.chunks_exact(2);
    // Half a unit at the end is no character.
    decoded.odd = pairs.remainder().len();
    let units = pairs.skip(1).map(|pair| unit([pair[0], pair[1]]));
    for read in char::decode_utf16(units) {
        decoded.odd += if read.is_err() { 2 } else { 0 };
        decoded.text.push(read.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    decoded
}

/// What there is to read at a path in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The beginning of a text, and whether there is more of it.
    Text(Decoded, bool),
    /// What is no text.
    NoText,
    /// The path leads out of the directory.
    Outside,
}

/// Returns the beginning of a text file at a path in `root`, links inside of it followed.
///
/// # Errors
///
/// When it cannot be read.
pub fn read_start_within(root: &Path, path: &Path, most: u64) -> std::io::Result<Read> {
    let Some(mut bytes) = within::read_start(root, path, most.saturating_add(1))? else {
        return Ok(Read::Outside);
    };
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let is_cut = bytes.len() > most;
    bytes.truncate(most);
    let is_wide = matches!(bytes.get(..2), Some([0xFF, 0xFE] | [0xFE, 0xFF]));
    if is_cut {
        truncate_to_character(&mut bytes, is_wide);
    }
    // No text has zeros but in wide units.
    let is_text = is_wide || !bytes.contains(&0);
    Ok(if is_text { Read::Text(decoded(bytes), is_cut) } else { Read::NoText })
}

/// Takes away the beginning of a character that was cut in two.
fn truncate_to_character(bytes: &mut Vec<u8>, is_wide: bool) {
    if is_wide {
        bytes.truncate(bytes.len() & !1);
        return;
    }
    let is_first = |byte: &u8| byte & 0b1100_0000 != 0b1000_0000;
    let Some(back) = bytes.iter().rev().take(4).position(is_first) else { return };
    let at = bytes.len() - 1 - back;
    let length = match bytes[at] {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    };
    if back + 1 < length {
        bytes.truncate(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> (String, usize) {
        let Decoded { text, odd } = decoded(bytes.to_vec());
        (text, odd)
    }

    #[test]
    fn a_mark_is_believed_and_what_is_no_character_is_counted() {
        assert_eq!(of(b"caf\xc3\xa9"), ("café".to_owned(), 0));
        assert_eq!(of(b"\xef\xbb\xbfcaf\xe9"), ("caf\u{fffd}".to_owned(), 1));
        assert_eq!(of(b"\xff\xfec\0a\0f\0\xe9\0"), ("café".to_owned(), 0));
        assert_eq!(of(b"\xfe\xff\0c\0a\0f\0\xe9"), ("café".to_owned(), 0));
        // Half a pair of units, and half a unit.
        assert_eq!(of(b"\xff\xfea\0\x00\xd8x"), ("a\u{fffd}".to_owned(), 3));
        // A character that was typed is none that is odd.
        assert_eq!(of("\u{fffd}".as_bytes()), ("\u{fffd}".to_owned(), 0));
        assert_eq!(of(b""), (String::new(), 0));
    }

    #[test]
    fn a_file_is_cut_between_two_characters_and_what_is_no_text_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        for (bytes, most, expected) in [
            (&b"caf\xc3\xa9"[..], 4, Some(("caf", 0, true))),
            (b"caf\xc3\xa9", 5, Some(("café", 0, false))),
            (b"ab\xf0\x9f\x98\x80", 5, Some(("ab", 0, true))),
            (b"ab\xe9\xe9\xe9cd", 4, Some(("ab\u{fffd}", 1, true))),
            (b"\xff\xfea\0b\0", 5, Some(("a", 0, true))),
            (b"a\0b", 9, None),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let read = match read_start_within(directory.path(), &path, most).unwrap() {
                Read::Text(it, is_cut) => Some((it.text, it.odd, is_cut)),
                Read::NoText | Read::Outside => None,
            };
            let read = read.as_ref().map(|(text, odd, is_cut)| (text.as_str(), *odd, *is_cut));
            assert_eq!(read, expected, "{bytes:?} {most}");
        }
    }
}
