//! Writing a whole file.

use openkoi_sdk::{
    Failure, JsonSchema, Result,
    files::{FileSystem, Kind},
    tool::Output,
};
use serde::Deserialize;

use crate::{
    change,
    diff::{self, Counts},
    format, lines,
    text::{Charset, Format, Text, unescape},
};

const MAX_FILE: u64 = 8 * 1024 * 1024;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "openkoi_sdk::schemars")]
pub(crate) struct WriteFile {
    pub(crate) path: String,
    contents: String,
}

pub(crate) fn run(files: &impl FileSystem, arguments: &WriteFile) -> Result<Output> {
    let path = arguments.path.as_str();
    match files.stat_if_exists(path)?.map(|stat| stat.kind) {
        None => create(files, path, &arguments.contents),
        Some(Kind::File) => replace(files, path, &arguments.contents),
        Some(_) => {
            Err(Failure::invalid("/path", format!("`{path}` exists and is not a regular file")))
        }
    }
}

fn create(files: &impl FileSystem, path: &str, contents: &str) -> Result<Output> {
    files.write(path, &Format::NEW.bytes(contents), None)?;
    let lines = contents.lines().count();
    let counts = Counts { added: lines, removed: 0 };
    change::answer(path, format!("created `{path}` ({})", format::count(lines, "line")), counts)
}

fn replace(files: &impl FileSystem, path: &str, contents: &str) -> Result<Output> {
    let present = files.read_to_end(path, MAX_FILE)?;
    let before = Text::decode(&present);
    let (bytes, note) = match &before {
        Some(text) => as_before(text, &present, contents)?,
        None => (Format::NEW.bytes(contents), String::new()),
    };
    let old = before.map(|text| text.text).unwrap_or_default();
    let new = Text::decode(&bytes).map(|text| text.text).unwrap_or_default();
    let counts = diff::counts(&old, &new);
    if bytes == present {
        return change::answer(path, format!("`{path}` has these contents already"), counts);
    }
    files.write(path, &bytes, Some(&present))?;
    change::answer(path, format!("replaced `{path}`: {counts}{note}"), counts)
}

/// Writes `contents` as the file was written, and says what of it was kept.
fn as_before(text: &Text, present: &[u8], contents: &str) -> Result<(Vec<u8>, String)> {
    let format = text.format;
    // A mark that the model writes itself would come twice.
    let contents = contents.strip_prefix('\u{FEFF}').unwrap_or(contents);
    let contents = match lines::kinds(&text.text) {
        (_, 0) => contents.to_owned(),
        _ => lines::like(&text.text, contents, text.first_end()),
    };
    let mark = &present[..format.mark_length()];
    let written = |body: Vec<u8>| [mark, &body].concat();
    if format.charset != Charset::Unknown {
        let kept = text.describe().map(|format| format!(" (kept: {format})"));
        let body = if text.odd > 0 && format.unit() == 1 {
            unescape(&contents, |byte| present.contains(&byte) && crate::text::may_be_escaped(byte))
        } else {
            format.bytes(&contents)
        };
        return Ok((written(body), kept.unwrap_or_default()));
    }
    let body = unescape(&contents, |byte| !byte.is_ascii() && present.contains(&byte));
    if body == contents.as_bytes() {
        let note = " (it is UTF-8 now; before, it was in a charset that is not known)";
        return Ok((body, if contents.is_ascii() { String::new() } else { note.to_owned() }));
    }
    // Bytes of the old charset stay: nothing of another one may stand beside them.
    format.check(&contents, "", "/contents")?;
    Ok((body, " (bytes written as \\xE9 were kept)".to_owned()))
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::{files::Memory, serde_json::json};

    use super::*;

    fn write(files: &Memory, path: &str, contents: &str) -> Result<Output> {
        let arguments = json!({"path": path, "contents": contents});
        crate::call(files, "write_file", &arguments.to_string())
    }

    #[test]
    fn a_new_file_is_written_as_it_is() {
        let files = Memory::default();

        let output = write(&files, "a/b.txt", "x\r\ny\n").unwrap();

        assert_eq!(files.text("a/b.txt").unwrap(), "x\r\ny\n");
        assert_eq!(output.text, "created `a/b.txt` (2 lines)");
        assert_eq!(output.structured.unwrap(), r#"{"path":"a/b.txt","added":2,"removed":0}"#);
    }

    #[test]
    fn line_ends_and_mark_of_a_file_are_kept() {
        let files = Memory::new([("a.txt", "\u{FEFF}one\r\ntwo\r\n")]);

        let output = write(&files, "a.txt", "one\nzwei\n").unwrap();

        assert_eq!(files.text("a.txt").unwrap(), "\u{FEFF}one\r\nzwei\r\n");
        assert_eq!(
            output.text,
            "replaced `a.txt`: +1 -1 lines (kept: UTF-8 with a byte order mark; lines end with CRLF)"
        );
    }

    #[test]
    fn line_ends_that_are_right_already_are_not_doubled() {
        let files = Memory::new([("a.txt", "one\r\ntwo\r\n")]);

        write(&files, "a.txt", "one\r\nzwei\r\n").unwrap();

        assert_eq!(files.text("a.txt").unwrap(), "one\r\nzwei\r\n");
    }

    #[test]
    fn a_file_of_an_unknown_charset_is_not_mixed() {
        let files = Memory::new([("a.c", b"// caf\xE9\nint x;\n".as_slice())]);

        write(&files, "a.c", "// caf\\xE9\nint y;\n").unwrap();
        assert_eq!(files.read_to_end("a.c", 100).unwrap(), b"// caf\xE9\nint y;\n");
        assert!(write(&files, "a.c", "// caf\\xE9 \u{fc}\n").is_err());
        let output = write(&files, "a.c", "// caf\u{e9}\n").unwrap();
        assert_eq!(files.text("a.c").unwrap(), "// caf\u{e9}\n");
        assert!(output.text.contains("it is UTF-8 now"), "{}", output.text);
    }

    #[test]
    fn a_mixed_file_keeps_its_line_ends() {
        let files = Memory::new([("a.txt", "a\r\nb\nc\r\n")]);

        write(&files, "a.txt", "a\nB\nc\n").unwrap();

        assert_eq!(files.text("a.txt").unwrap(), "a\r\nB\nc\r\n");
    }

    #[test]
    fn the_same_contents_are_not_written_again() {
        let files = Memory::new([("a.txt", "x\n")]);

        assert_eq!(
            write(&files, "a.txt", "x\n").unwrap().text,
            "`a.txt` has these contents already"
        );
    }

    #[test]
    fn a_directory_is_not_overwritten() {
        let files = Memory::new([("d/a.txt", "x\n")]);

        assert!(matches!(write(&files, "d", "x"), Err(Failure::Invalid(_))));
    }
}
