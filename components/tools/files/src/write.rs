//! Writing a whole file.

use openkoi_sdk::{
    Failure, Result,
    files::{FileSystem, Kind},
    tool::Output,
};
use openkoi_text::{Charset, Format, Hints, Text, lines, unescape};

use crate::{
    change,
    diff::{self, Counts},
    format,
    place::is_escaped,
};

const MAX_FILE: u64 = 8 * 1024 * 1024;

#[openkoi_sdk::arguments]
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
    let (bytes, note) = new_file(contents, &Hints::of(files, path))?;
    files.write(path, &bytes, None)?;
    let lines = lines::of(contents).count();
    let counts = Counts { added: lines, removed: 0 };
    let text = format!("created `{path}` ({}){note}", format::count(lines, "line"));
    change::answer(path, text, counts)
}

/// Writes a new file as its place and its own first lines want it, and says what of that is not common.
fn new_file(contents: &str, hints: &Hints) -> Result<(Vec<u8>, String)> {
    let mut format = Format::of_new(contents, hints);
    let contents = contents.strip_prefix('\u{FEFF}').filter(|_| format.mark).unwrap_or(contents);
    let mut notes: Vec<String> = Vec::new();
    if let Charset::Legacy(legacy) = format.charset
        && let Some(lacking) = legacy.lacks(contents).filter(|_| legacy.is_general())
    {
        notes.push(format!("UTF-8: {}, as {} says, lacks `{lacking}`", legacy.name(), legacy.by()));
        format = Format::NEW;
    }
    format.check(contents, "", "/contents")?;
    let ended = match hints.end() {
        Some(end) if lines::describe(contents).is_none() => format.breaks.like("", contents, end),
        _ => contents.to_owned(),
    };
    notes.extend(format.describe());
    if ended != contents {
        notes
            .extend(lines::describe(&ended).map(|ends| format!("{ends}, as `.editorconfig` says")));
    }
    let note = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
    Ok((written(format, &ended)?, note))
}

fn written(format: Format, contents: &str) -> Result<Vec<u8>> {
    let body = format.bytes(contents).ok_or_else(|| {
        Failure::invalid("/contents", "cannot be written in the charset of the file")
    })?;
    Ok([format.mark(), &body].concat())
}

fn replace(files: &impl FileSystem, path: &str, contents: &str) -> Result<Output> {
    let present = files.read_to_end(path, MAX_FILE)?;
    let hints = || Hints::of(files, path);
    let before = Text::decode(&present, &hints);
    let (bytes, note) = match &before {
        Some(text) => as_before(text, &present, contents, &hints)?,
        None => {
            let was = format::binary_kind(&present);
            (
                Format::NEW.bytes(contents).unwrap_or_default(),
                format!(" (it is text now; before, it was {was})"),
            )
        }
    };
    let old = before.map(|text| text.text).unwrap_or_default();
    let new = Text::decode(&bytes, &hints).map(|text| text.text).unwrap_or_default();
    let counts = diff::counts(&old, &new);
    if bytes == present {
        return change::answer(path, format!("`{path}` has these contents already"), counts);
    }
    files.write(path, &bytes, Some(&present))?;
    change::answer(path, format!("replaced `{path}`: {counts}{note}"), counts)
}

/// Writes `contents` as the file was written, and says what of it was kept, and what was not.
fn as_before(
    text: &Text,
    present: &[u8],
    contents: &str,
    hints: &dyn Fn() -> Hints,
) -> Result<(Vec<u8>, String)> {
    // A mark that the model writes itself would come twice.
    let contents = contents.strip_prefix('\u{FEFF}').unwrap_or(contents);
    let contents = match lines::describe(&text.text) {
        None => contents.to_owned(),
        Some(_) => text.format.breaks.like(&text.text, contents, text.first_end()),
    };
    if let Some(other) = text.format.renamed_by(&contents) {
        return in_another(text, other, &contents);
    }
    match text.format.charset {
        Charset::Unknown => as_unknown(text.format, present, &contents),
        Charset::Legacy(legacy) if legacy.lacks(&contents).is_some() => {
            // A file that names its charset may not be in another one.
            if !legacy.is_said_outside() {
                text.format.check(&contents, "", "/contents")?;
            }
            let lacking = legacy.lacks(&contents).unwrap_or_default();
            let note = format!(
                " (it is UTF-8 now; before, it was {}, which does not have `{lacking}`)",
                legacy.name()
            );
            Ok((contents.into_bytes(), note))
        }
        _ => in_the_same(text, present, &contents, hints),
    }
}

/// Writes in the charset that `contents` names in place of that of the file.
fn in_another(text: &Text, other: Format, contents: &str) -> Result<(Vec<u8>, String)> {
    other.check(contents, "", "/contents")?;
    let name = |format: Format| format.describe().unwrap_or_else(|| "UTF-8".to_owned());
    let note = match contents.is_ascii() && text.text.is_ascii() {
        true => String::new(),
        false => format!(" (it is {} now; before, it was {})", name(other), name(text.format)),
    };
    Ok((written(other, contents)?, note))
}

fn in_the_same(
    text: &Text,
    present: &[u8],
    contents: &str,
    hints: &dyn Fn() -> Hints,
) -> Result<(Vec<u8>, String)> {
    let format = text.format.for_text(contents, present, hints);
    format.check(contents, "", "/contents")?;
    let kept = text.describe().map(|kept| format!(" (kept: {kept})"));
    let named = format.describe().map(|named| format!(" (it is in {named})"));
    let note = if format == text.format { kept } else { named }.unwrap_or_default();
    if text.odd == 0 || format.unit() > 1 {
        return Ok((written(format, contents)?, note));
    }
    let wanted = |byte: u8| present.contains(&byte) && is_escaped(format, byte);
    let body = unescape(contents, wanted, &|text| format.bytes(text));
    let body = body.ok_or_else(|| Failure::invalid("/contents", "cannot be written"))?;
    Ok(([format.mark(), &body].concat(), note))
}

fn as_unknown(format: Format, present: &[u8], contents: &str) -> Result<(Vec<u8>, String)> {
    let wanted = |byte: u8| !byte.is_ascii() && present.contains(&byte);
    let plain = |text: &str| Some(text.as_bytes().to_vec());
    let body = unescape(contents, wanted, &plain).unwrap_or_default();
    if body == contents.as_bytes() {
        let note = " (it is UTF-8 now; before, it was in a charset that is not known)";
        return Ok((body, if contents.is_ascii() { String::new() } else { note.to_owned() }));
    }
    // Bytes of the old charset stay: nothing of another one may stand beside them.
    format.check(contents, "", "/contents")?;
    Ok((body, " (bytes written as \\xE9 were kept)".to_owned()))
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::{files::Memory, serde_json::json};

    use super::*;
    use openkoi_sdk::tool::Context;

    fn write(files: &Memory, path: &str, contents: &str) -> Result<Output> {
        let arguments = json!({"path": path, "contents": contents});
        crate::dispatch(files, "write_file", &arguments.to_string(), &Context::default())
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
    fn a_new_file_is_written_as_its_place_wants_it_and_that_is_said() {
        let rules =
            "[*.bat]\nend_of_line = crlf\n[*.cs]\ncharset = utf-8-bom\n[*.c]\ncharset = latin1\n";
        let files = Memory::new([(".editorconfig", rules)]).with_encoding("gbk");
        let cases: [(&str, &str, &[u8], &str); 8] = [
            ("a.bat", "x\ny\n", b"x\r\ny\r\n", " (lines end with CRLF, as `.editorconfig` says)"),
            ("a.cs", "x\n", b"\xEF\xBB\xBFx\n", " (UTF-8 with a byte order mark)"),
            ("a.c", "é\n", b"\xE9\n", " (ISO-8859-1, as `.editorconfig` says)"),
            ("b.c", "e\n", b"e\n", ""),
            ("a.txt", "中\n", b"\xD6\xD0\n", " (GBK, as `files.encoding` says)"),
            (
                "b.txt",
                "ñ\n",
                "ñ\n".as_bytes(),
                " (UTF-8: GBK, as `files.encoding` says, lacks `ñ`)",
            ),
            ("a.json", "\"中\"\n", "\"中\"\n".as_bytes(), ""),
            (
                "a.xml",
                "<?xml version='1.0' encoding='koi8-r'?>ж",
                b"<?xml version='1.0' encoding='koi8-r'?>\xD6",
                " (KOI8-R, as the file says)",
            ),
        ];
        for (path, contents, wanted, note) in cases {
            let said = write(&files, path, contents).unwrap().text;
            assert_eq!(files.read_to_end(path, 100).unwrap(), wanted, "{path}");
            assert!(said.ends_with(&format!("){note}")), "{path}: {said}");
        }
        assert!(write(&files, "c.c", "€\n").is_err());
    }

    #[test]
    fn a_whole_file_says_when_its_charset_changes() {
        let xml = b"<?xml encoding='gbk'?>\xD6\xD0".as_slice();
        let files = Memory::new([
            ("a.txt", b"\xD6\xD0\n".as_slice()),
            ("a.xml", xml),
            ("b", b"\0\x01\x02\x03"),
        ])
        .with_encoding("gbk");

        let kept = write(&files, "a.txt", "中文\n").unwrap().text;
        let changed = write(&files, "a.txt", "ñ\n").unwrap().text;
        assert!(kept.ends_with("(kept: GBK, as `files.encoding` says)"), "{kept}");
        assert!(
            changed.ends_with("(it is UTF-8 now; before, it was GBK, which does not have `ñ`)"),
            "{changed}"
        );
        // A file that says that it is in GBK may not be in another charset, unless it says so.
        assert!(write(&files, "a.xml", "<?xml encoding='gbk'?>ñ").is_err());
        let renamed = write(&files, "a.xml", "<?xml encoding='utf-8'?>ñ").unwrap().text;
        assert!(
            renamed.ends_with("(it is UTF-8 now; before, it was GBK, as the file says)"),
            "{renamed}"
        );
        assert_eq!(files.text("a.xml").unwrap(), "<?xml encoding='utf-8'?>ñ");
        let text = write(&files, "b", "x\n").unwrap().text;
        assert!(text.ends_with("(it is text now; before, it was of an unknown kind)"), "{text}");
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
