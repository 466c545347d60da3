//! Writing a whole file.

use openkoi_sdk::{
    Failure, JsonSchema, Result,
    files::{FileSystem, Kind},
    tool::Output,
};
use serde::Deserialize;

use crate::{
    change::{self, format_of},
    diff::{self, Counts},
    format,
    text::Format,
};

const MAX_FILE: u64 = 8 * 1024 * 1024;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "openkoi_sdk::schemars")]
pub(crate) struct WriteFile {
    /// Path of the file, relative to the workspace. Directories are created as needed.
    path: String,
    /// The complete new contents.
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
    files.write(path, &Format::NEW.encode(contents)?, None)?;
    let lines = contents.lines().count();
    let counts = Counts { added: lines, removed: 0 };
    change::answer(path, format!("created `{path}` ({})", format::count(lines, "line")), counts)
}

fn replace(files: &impl FileSystem, path: &str, contents: &str) -> Result<Output> {
    let present = files.read_to_end(path, MAX_FILE)?;
    let (text, format) = format_of(&present);
    // A mark that the model writes itself would come twice.
    let contents = contents.strip_prefix('\u{FEFF}').unwrap_or(contents);
    let bytes = format.encode(contents)?;
    let counts = diff::counts(&text, &contents.replace("\r\n", "\n"));
    if bytes == present {
        return change::answer(path, format!("`{path}` has these contents already"), counts);
    }
    files.write(path, &bytes, Some(&present))?;
    let kept = format.describe().map(|format| format!(" (kept: {format})")).unwrap_or_default();
    change::answer(path, format!("replaced `{path}`: {counts}{kept}"), counts)
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
