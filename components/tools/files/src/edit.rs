//! Replacing text inside of a file.

use openkoi_sdk::{Failure, JsonSchema, Result, files::FileSystem, tool::Output};
use serde::Deserialize;

use crate::{change::Before, closest, text::Ending};

/// The number of places that are named when a text is found too often.
const NAMED: usize = 8;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "openkoi_sdk::schemars")]
pub(crate) struct EditFile {
    /// Path of the file, relative to the workspace.
    path: String,
    /// The text to replace, exactly as it is in the file, indentation included and line numbers left out. It
    /// must occur once, so take enough lines around the place.
    old_string: String,
    /// The text to put in its place.
    new_string: String,
    /// Replace every occurrence instead of the only one.
    #[serde(default)]
    replace_all: bool,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "openkoi_sdk::schemars")]
pub(crate) struct MultiEdit {
    /// Path of the file, relative to the workspace.
    path: String,
    /// The replacements, made in this order, each in what the one before left. If one fails, none is made.
    #[schemars(length(min = 1))]
    edits: Vec<Edit>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "openkoi_sdk::schemars")]
pub(crate) struct Edit {
    /// The text to replace, exactly as it is in the file. It must occur once.
    old_string: String,
    /// The text to put in its place.
    new_string: String,
    /// Replace every occurrence instead of the only one.
    #[serde(default)]
    replace_all: bool,
}

pub(crate) fn run(files: &impl FileSystem, arguments: &EditFile) -> Result<Output> {
    let edit = Edit {
        old_string: arguments.old_string.clone(),
        new_string: arguments.new_string.clone(),
        replace_all: arguments.replace_all,
    };
    let before = Before::read(files, &arguments.path)?;
    let after = apply(&before.text.text, before.text.format.ending, &edit, "")?;
    before.replace(files, &arguments.path, &after)
}

pub(crate) fn run_all(files: &impl FileSystem, arguments: &MultiEdit) -> Result<Output> {
    if arguments.edits.is_empty() {
        return Err(Failure::invalid("/edits", "give one edit at least"));
    }
    let before = Before::read(files, &arguments.path)?;
    let mut after = before.text.text.clone();
    for (number, edit) in arguments.edits.iter().enumerate() {
        after = apply(&after, before.text.format.ending, edit, &format!("/edits/{number}"))?;
    }
    before.replace(files, &arguments.path, &after)
}

/// Makes one replacement. `place` is the pointer to the edit, for what is said of it.
fn apply(text: &str, ending: Ending, edit: &Edit, place: &str) -> Result<String> {
    let field = format!("{place}/old_string");
    if edit.old_string.is_empty() {
        return Err(Failure::invalid(
            field,
            "give the text to replace; `write_file` writes whole files",
        ));
    }
    if edit.old_string == edit.new_string {
        return Err(Failure::invalid(
            format!("{place}/new_string"),
            "this is the same text as `old_string`",
        ));
    }
    let (old, new) = with_ends(text, ending, edit);
    let found = text.matches(old.as_str()).count();
    match found {
        0 => Err(Failure::invalid(field, closest::describe(text, &old))),
        1 => Ok(text.replacen(&old, &new, 1)),
        _ if edit.replace_all => Ok(text.replace(&old, &new)),
        _ => Err(Failure::invalid(field, too_many(text, &old, found))),
    }
}

/// What models write has LF ends. The text of a file has them too, unless the file is mixed: there a place is
/// found as it is written, or with CRLF ends.
fn with_ends(text: &str, ending: Ending, edit: &Edit) -> (String, String) {
    let lf = |text: &str| text.replace("\r\n", "\n");
    match ending {
        Ending::Mixed if text.contains(&edit.old_string) => {
            (edit.old_string.clone(), edit.new_string.clone())
        }
        Ending::Mixed => {
            (lf(&edit.old_string).replace('\n', "\r\n"), lf(&edit.new_string).replace('\n', "\r\n"))
        }
        Ending::CrLf => (lf(&edit.old_string), lf(&edit.new_string)),
        Ending::Lf if text.contains('\r') => (edit.old_string.clone(), edit.new_string.clone()),
        Ending::Lf => (lf(&edit.old_string), edit.new_string.clone()),
    }
}

fn too_many(text: &str, old: &str, found: usize) -> String {
    let lines: Vec<String> = text
        .match_indices(old)
        .take(NAMED)
        .map(|(at, _)| (text[..at].matches('\n').count() + 1).to_string())
        .collect();
    let more = if found > NAMED { ", …" } else { "" };
    format!(
        "this text occurs {found} times (lines {}{more}); take more lines around the place, or set `replace_all`",
        lines.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::{
        files::Memory,
        serde_json::{Value, json},
    };

    use super::*;

    fn edit(files: &Memory, arguments: Value) -> Result<Output> {
        crate::call(files, "edit_file", &arguments.to_string())
    }

    fn refusal(result: Result<Output>) -> (String, String) {
        match result {
            Err(Failure::Invalid(input)) => (input.field, input.message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_only_occurrence_is_replaced_and_shown() {
        let files = Memory::new([("a.rs", "a\nb\nc\nd\ne\nf\ng\nh\ni\n")]);

        let output =
            edit(&files, json!({"path": "a.rs", "old_string": "e\n", "new_string": "E\nE\n"}))
                .unwrap();

        assert_eq!(files.text("a.rs").unwrap(), "a\nb\nc\nd\nE\nE\nf\ng\nh\ni\n");
        assert_eq!(
            output.text,
            "edited `a.rs`: +2 -1 lines\n     2\tb\n     3\tc\n     4\td\n     5\tE\n     6\tE\n     7\tf\n     8\tg\n     9\th\n"
        );
        assert_eq!(output.summary, "+2 -1 lines");
    }

    #[test]
    fn a_text_that_occurs_twice_is_refused_unless_all_are_meant() {
        let files = Memory::new([("a.txt", "x = 1\ny\nx = 1\n")]);
        let mut arguments = json!({"path": "a.txt", "old_string": "x = 1", "new_string": "x = 2"});

        let (field, message) = refusal(edit(&files, arguments.clone()));

        assert_eq!(field, "/old_string");
        assert_eq!(
            message,
            "this text occurs 2 times (lines 1, 3); take more lines around the place, or set `replace_all`"
        );
        arguments["replace_all"] = json!(true);
        edit(&files, arguments).unwrap();
        assert_eq!(files.text("a.txt").unwrap(), "x = 2\ny\nx = 2\n");
    }

    #[test]
    fn a_file_with_crlf_is_edited_with_lf_and_keeps_crlf() {
        let files = Memory::new([("a.txt", "\u{FEFF}one\r\ntwo\r\nthree\r\n")]);

        edit(&files, json!({"path": "a.txt", "old_string": "one\ntwo", "new_string": "1\n2\n2b"}))
            .unwrap();

        assert_eq!(files.text("a.txt").unwrap(), "\u{FEFF}1\r\n2\r\n2b\r\nthree\r\n");
    }

    #[test]
    fn a_mixed_file_keeps_the_ends_of_the_lines_that_are_not_edited() {
        let files = Memory::new([("a.txt", "one\r\ntwo\r\nthree\nfour\n")]);

        edit(&files, json!({"path": "a.txt", "old_string": "one\ntwo", "new_string": "1\n2"}))
            .unwrap();
        edit(&files, json!({"path": "a.txt", "old_string": "three\nfour", "new_string": "3\n4"}))
            .unwrap();

        assert_eq!(files.text("a.txt").unwrap(), "1\r\n2\r\n3\n4\n");
    }

    #[test]
    fn several_edits_are_made_all_or_none() {
        let files = Memory::new([("a.txt", "a b c\n")]);
        let edits = |second: &str| {
            json!({"path": "a.txt", "edits": [
                {"old_string": "a", "new_string": "x"},
                {"old_string": second, "new_string": "z"},
            ]})
        };

        let (field, _) = refusal(crate::call(&files, "multi_edit", &edits("a").to_string()));
        assert_eq!(field, "/edits/1/old_string");
        assert_eq!(files.text("a.txt").unwrap(), "a b c\n");

        crate::call(&files, "multi_edit", &edits("x b").to_string()).unwrap();
        assert_eq!(files.text("a.txt").unwrap(), "z c\n");
    }

    #[test]
    fn edits_that_change_nothing_are_refused() {
        let files = Memory::new([("a.txt", "a\n")]);

        let (same, _) =
            refusal(edit(&files, json!({"path": "a.txt", "old_string": "a", "new_string": "a"})));
        let (empty, _) =
            refusal(edit(&files, json!({"path": "a.txt", "old_string": "", "new_string": "a"})));

        assert_eq!((same.as_str(), empty.as_str()), ("/new_string", "/old_string"));
    }

    #[test]
    fn a_file_that_changed_since_it_was_read_is_not_overwritten() {
        let files = Memory::new([("a.txt", "a\n")]);
        let before = Before::read(&files, "a.txt").unwrap();

        files.write("a.txt", b"changed\n", None).unwrap();
        let failure = before.replace(&files, "a.txt", "b\n").unwrap_err();

        assert!(matches!(failure, Failure::Conflict(_)));
        assert_eq!(files.text("a.txt").unwrap(), "changed\n");
    }
}
