//! Pictures and documents that a person shows in a message.

use std::path::{Path, PathBuf};

use openkoi_app::file;
use openkoi_core::blob::Blob;

use crate::{error::CommandError, output::bytes};

/// Providers take 5 MiB of a picture, counted in base64.
const MOST: u64 = 3_900_000;

/// The bytes with which files begin that models can look at.
const KINDS: [(&[u8], &str); 6] = [
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"RIFF....WEBP", "image/webp"),
    (b"%PDF-", "application/pdf"),
];

/// Returns the media type of a file that models can look at.
pub(super) fn kind_of(path: &Path) -> Option<&'static str> {
    let start = file::canonical(path).and_then(|real| file::read_start(&real, 12)).ok()?;
    let begins = |mark: &[u8]| {
        let same = |(at, byte): (usize, &u8)| *byte == b'.' || start.get(at) == Some(byte);
        mark.iter().enumerate().all(same)
    };
    KINDS.iter().find(|(mark, _)| begins(mark)).map(|(_, kind)| *kind)
}

/// Reads a file that models can look at.
///
/// # Errors
///
/// It cannot be read, or is larger than providers take.
pub(super) fn read(name: &str, path: &Path, kind: &str) -> Result<Blob, CommandError> {
    let unusable = |why: String| CommandError::usage(format!("`{name}` {why}; nothing was sent"));
    let size = file::status(path).map(|status| status.length).unwrap_or_default();
    if size > MOST {
        return Err(unusable(format!("has {}, and providers take {}", bytes(size), bytes(MOST))));
    }
    let read =
        file::read(path, MOST).map_err(|error| unusable(format!("cannot be read: {error}")))?;
    Ok(Blob { media_type: kind.to_owned(), bytes: read })
}

/// Returns the files that models can look at and that `text` names by whole paths, as a terminal pastes them when a
/// file is dragged into it: bare, in quotes, with escaped spaces, or as an address.
pub(super) fn pasted(text: &str, home: Option<&Path>) -> Vec<(PathBuf, &'static str)> {
    let words = words(text).into_iter().filter_map(|word| place(&word, home));
    words.filter_map(|path| kind_of(&path).map(|kind| (path, kind))).collect()
}

/// Returns the whole path that a word is.
fn place(word: &str, home: Option<&Path>) -> Option<PathBuf> {
    if let Some(below) = word.strip_prefix("~/") {
        return home.map(|home| home.join(below));
    }
    let path = PathBuf::from(word.strip_prefix("file://").unwrap_or(word));
    path.is_absolute().then_some(path)
}

/// Returns the words of a text as a shell would part them, as far as quotes and backslashes go.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let last = words.last_mut();
        match (c, quote, last) {
            ('\\', None, Some(word)) => word.extend(chars.next()),
            ('\'' | '"', None, Some(word)) if word.is_empty() => quote = Some(c),
            (c, Some(end), _) if c == end => quote = None,
            (c, None, _) if c.is_whitespace() => words.push(String::new()),
            (c, _, Some(word)) => word.push(c),
            _ => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_as_terminals_paste_them() {
        let table = [
            ("look at /a/b.png please", vec!["look", "at", "/a/b.png", "please"]),
            ("'/a/My Shot.png'", vec!["/a/My Shot.png"]),
            ("/a/My\\ Shot.png \"/b c\"", vec!["/a/My Shot.png", "/b c"]),
            ("it's fine, isn't it", vec!["it's", "fine,", "isn't", "it"]),
            ("", vec![]),
        ];
        for (text, expected) in table {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn whole_paths_are_places_and_others_are_words() {
        let home = Path::new("/home/koi");
        let of = |word| place(word, Some(home)).map(|path| path.display().to_string());

        assert_eq!(of("/a/b.png").as_deref(), Some("/a/b.png"));
        assert_eq!(of("file:///a/b.png").as_deref(), Some("/a/b.png"));
        assert_eq!(of("~/b.png").as_deref(), Some("/home/koi/b.png"));
        assert_eq!(of("b.png"), None);
        assert_eq!(place("~/b.png", None), None);
    }

    #[test]
    fn a_kind_is_told_by_the_bytes_and_not_by_the_name() {
        let directory = tempfile::tempdir().unwrap();
        for (bytes, kind) in [
            (&b"\x89PNG\r\n\x1a\n rest"[..], Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"GIF89a", Some("image/gif")),
            (b"RIFF\x01\x02\x03\x04WEBPVP8 ", Some("image/webp")),
            (b"RIFF\x01\x02\x03\x04WAVE", None),
            (b"%PDF-1.7", Some("application/pdf")),
            (b"\x89PN", None),
            (b"", None),
        ] {
            let path = directory.path().join("a.png");
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(kind_of(&path), kind, "{bytes:?}");
        }
    }
}
