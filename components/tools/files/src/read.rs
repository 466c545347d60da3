//! Reading a file.

use openkoi_sdk::{
    Failure, Result,
    files::{CHUNK, FileSystem, Kind, Stat},
    tool::Output,
};
use openkoi_text::{Hints, Text, lines};

use crate::{
    directory::{self, ListDirectory},
    format, picture, suggest,
};

/// The most of a file that is read.
const MAX_FILE: u64 = 16 * 1024 * 1024;
/// Providers take 5 MiB of a picture, counted in base64.
const MAX_ATTACHMENT: u64 = 3_900_000;
/// How much is shown at once.
const MAX_LINES: usize = 2000;
const MAX_SHOWN: usize = 50 * 1024;

#[openkoi_sdk::arguments]
pub(crate) struct ReadFile {
    pub(crate) path: String,
    /// First line to show, from 1.
    #[serde(default)]
    offset: Option<usize>,
    // Number of lines.
    #[serde(default)]
    limit: Option<usize>,
}

pub(crate) fn run(files: &impl FileSystem, arguments: &ReadFile) -> Result<Output> {
    let path = arguments.path.as_str();
    // Each question to the host has its price: of a file that fits into one piece there is only this one.
    if let Ok(bytes) = files.read_range(path, 0, CHUNK)
        && bytes.len() < CHUNK as usize
    {
        return show_bytes(files, arguments, bytes, None);
    }
    let stat = files.stat(path).map_err(|failure| suggest::not_found(files, path, failure))?;
    match stat.kind {
        Kind::Directory => directory::run(files, &ListDirectory::of(path)),
        Kind::File => read(files, arguments, &stat),
        Kind::Link | Kind::Other => {
            Err(Failure::conflict(format!("`{path}` is not a regular file")))
        }
    }
}

fn read(files: &impl FileSystem, arguments: &ReadFile, stat: &Stat) -> Result<Output> {
    let (bytes, whole) = read_up_to(files, &arguments.path, stat.size)?;
    show_bytes(files, arguments, bytes, (!whole).then_some(stat.size))
}

/// Shows the bytes of a file: all of them, or the first of so many.
fn show_bytes(
    files: &impl FileSystem,
    arguments: &ReadFile,
    bytes: Vec<u8>,
    of: Option<u64>,
) -> Result<Output> {
    let path = arguments.path.as_str();
    let (whole, size) = (of.is_none(), of.unwrap_or(bytes.len() as u64));
    if let Some(media_type) = format::media_type(&bytes) {
        return Ok(attachment(path, media_type, bytes, size));
    }
    let hints = || Hints::of(files, path);
    let Some(text) = Text::decode(valid_prefix(&bytes, whole), &hints) else {
        let kind = format::binary_kind(&bytes);
        let text = format!("`{path}` is not text: {kind}, {}", format::size(size));
        return Ok(Output::text(text).summary(format!("binary, {}", format::size(size))));
    };
    show(arguments, &text, whole)
}

fn read_up_to(files: &impl FileSystem, path: &str, size: u64) -> Result<(Vec<u8>, bool)> {
    if size <= MAX_FILE {
        return Ok((files.read_to_end(path, MAX_FILE)?, true));
    }
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < MAX_FILE {
        let chunk = files.read_range(path, bytes.len() as u64, 1024 * 1024)?;
        if chunk.is_empty() {
            break;
        }
        bytes.extend(chunk);
    }
    Ok((bytes, false))
}

/// A file that was cut may be cut inside of a character; its last line is dropped.
fn valid_prefix(bytes: &[u8], whole: bool) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
    // The second half of a line end of UTF-16 may be a zero.
    let zero = bytes.starts_with(b"\xFF\xFE") && end % 2 == 1 && bytes.get(end) == Some(&0);
    if whole { bytes } else { &bytes[..end + usize::from(zero)] }
}

/// Shows what models look at rather than read.
fn attachment(path: &str, media_type: &str, bytes: Vec<u8>, size: u64) -> Output {
    let what = if media_type.starts_with("image/") { "an image" } else { "a document" };
    let what = format!("`{path}` is {what} ({media_type}, {})", format::size(size));
    if size > MAX_ATTACHMENT {
        return Output::text(format!("{what}, too large to be shown; make it smaller first"));
    }
    if let Err(why) = picture::check(media_type, &bytes) {
        return Output::text(format!("{what}, {why}"));
    }
    Output::text(what)
        .summary(format!("{media_type}, {}", format::size(size)))
        .attach(media_type, bytes)
}

fn show(arguments: &ReadFile, text: &Text, whole: bool) -> Result<Output> {
    let total = lines::of(&text.text).count();
    let first = arguments.offset.unwrap_or(1).max(1);
    if first > total.max(1) {
        let message = format!("the file has only {}", format::count(total, "line"));
        return Err(Failure::invalid("/offset", message));
    }
    let limit = arguments.limit.unwrap_or(MAX_LINES).clamp(1, MAX_LINES);
    let (mut shown, count) = page(&text.text, first, limit);
    let notes = notes(text, first, count, total, whole);
    if !notes.is_empty() {
        shown.push_str(&format!("[{}]\n", notes.join("; ")));
    }
    Ok(Output::text(shown).summary(format::count(count, "line")))
}

/// Shows lines until one of the limits is reached, but one at least.
fn page(text: &str, first: usize, limit: usize) -> (String, usize) {
    let mut shown = String::new();
    let mut count = 0;
    for line in lines::of(text).skip(first - 1).take(limit) {
        let next = format::numbered([line], first + count);
        if count > 0 && shown.len() + next.len() > MAX_SHOWN {
            break;
        }
        shown.push_str(&next);
        count += 1;
    }
    (shown, count)
}

fn notes(text: &Text, first: usize, lines: usize, total: usize, whole: bool) -> Vec<String> {
    let mut notes = Vec::new();
    let last = first + lines - usize::from(lines > 0);
    if text.text.is_empty() {
        notes.push("the file is empty".to_owned());
    } else if lines < total {
        let of = if whole { format!("{total}") } else { format!("more than {total}") };
        notes.push(format!("lines {first} to {last} of {of}"));
    }
    if last < total {
        notes.push(format!("go on with offset {}", last + 1));
    } else if !whole {
        notes.push(format!("only the first {} can be read", format::size(MAX_FILE)));
    }
    if last == total && !text.text.is_empty() && !text.text.ends_with(['\n', '\r']) && whole {
        notes.push("no line end at the end of the file".to_owned());
    }
    notes.extend(text.describe());
    notes
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::files::Memory;

    use super::*;
    use openkoi_sdk::tool::Context;

    fn read_file(files: &Memory, json: &str) -> Result<Output> {
        crate::dispatch(files, "read_file", json, &Context::default())
    }

    fn text(files: &Memory, json: &str) -> String {
        read_file(files, json).unwrap().text
    }

    #[test]
    fn lines_are_numbered() {
        let files = Memory::new([("a.txt", "one\ntwo\n")]);

        assert_eq!(text(&files, r#"{"path": "a.txt"}"#), "     1\tone\n     2\ttwo\n");
    }

    #[test]
    fn a_page_says_where_the_next_one_begins() {
        let files = Memory::new([("a.txt", "1\n2\n3\n4\n")]);

        assert_eq!(
            text(&files, r#"{"path": "a.txt", "offset": 2, "limit": 2}"#),
            "     2\t2\n     3\t3\n[lines 2 to 3 of 4; go on with offset 4]\n"
        );
    }

    #[test]
    fn what_is_unusual_is_said() {
        let files = Memory::new([("dos.txt", "\u{FEFF}a\r\nb"), ("empty", "")]);

        assert_eq!(
            text(&files, r#"{"path": "dos.txt"}"#),
            "     1\ta\n     2\tb\n[no line end at the end of the file; UTF-8 with a byte order mark; lines end with CRLF]\n"
        );
        assert_eq!(text(&files, r#"{"path": "empty"}"#), "[the file is empty]\n");
    }

    #[test]
    fn a_long_file_is_cut_by_bytes_too() {
        let files = Memory::new([("wide.txt", format!("{}\n", "x".repeat(1000)).repeat(100))]);

        let text = text(&files, r#"{"path": "wide.txt"}"#);

        assert!(text.len() < MAX_SHOWN + 100, "{}", text.len());
        assert!(
            text.ends_with("[lines 1 to 50 of 100; go on with offset 51]\n"),
            "{}",
            &text[text.len() - 80..]
        );
    }

    #[test]
    fn other_bytes_are_described_and_what_models_look_at_is_shown() {
        let png = crate::picture::tests::png_of(1, 1);
        let files = Memory::new([
            ("a.out", b"\x7FELF\0\0\0\0".as_slice()),
            ("a.png", &png),
            ("bad.png", b"\x89PNG\r\n\x1A\n<html>404</html>"),
            ("a.pdf", b"%PDF-1.7\n\0"),
            ("a.txt", b"\xFF\xFE\0\0a\0\0\0"),
        ]);
        let shown = |path: &str| {
            let output = read_file(&files, &format!(r#"{{"path": "{path}"}}"#)).unwrap();
            let attachments = output.attachments.iter().map(|one| one.media_type.clone());
            (output.text, attachments.collect::<Vec<_>>())
        };

        assert_eq!(
            text(&files, r#"{"path": "a.out"}"#),
            "`a.out` is not text: an ELF executable or library, 8 bytes"
        );
        assert_eq!(
            text(&files, r#"{"path": "a.txt"}"#),
            "`a.txt` is not text: UTF-32, which `iconv -f UTF-32 -t UTF-8` converts, 8 bytes"
        );
        let image = "`a.png` is an image (image/png, 45 bytes)".to_owned();
        assert_eq!(shown("a.png"), (image, vec!["image/png".to_owned()]));
        let broken = "`bad.png` is an image (image/png, 24 bytes), but it is broken or cut off, and no model could look at it";
        assert_eq!(shown("bad.png"), (broken.to_owned(), Vec::new()));
        let document = "`a.pdf` is a document (application/pdf, 10 bytes)".to_owned();
        assert_eq!(shown("a.pdf"), (document, vec!["application/pdf".to_owned()]));
    }

    #[test]
    fn a_directory_is_listed_and_an_offset_too_far_refused() {
        let files = Memory::new([("d/a.txt", "x\n")]);

        let failure = read_file(&files, r#"{"path": "d/a.txt", "offset": 9}"#).unwrap_err();

        assert_eq!(failure, Failure::invalid("/offset", "the file has only 1 line"));
        assert!(text(&files, r#"{"path": "d"}"#).contains("a.txt"));
    }
}
