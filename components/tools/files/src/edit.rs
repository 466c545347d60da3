//! Replacing text inside of a file, byte for byte: what is not replaced is copied.

use std::ops::Range;

use openkoi_sdk::{Failure, Result, files::FileSystem, tool::Output};
use openkoi_text::{Format, Hints, Text, unescape};

use crate::{
    change::Before,
    closest,
    place::{self, Places},
};

/// The number of places that are named when a text is found too often.
const NAMED: usize = 8;

#[openkoi_sdk::arguments]
pub(crate) struct EditFile {
    pub(crate) path: String,
    /// Exactly as in the file, without line numbers.
    #[serde(default)]
    old_string: Option<String>,
    #[serde(default)]
    new_string: Option<String>,
    // Replace every occurrence.
    #[serde(default)]
    replace_all: bool,
    /// Several instead, in this order, all or none.
    #[serde(default)]
    edits: Option<Vec<Edit>>,
}

#[openkoi_sdk::arguments]
#[derive(Clone, Debug)]
pub(crate) struct Edit {
    old_string: String,
    new_string: String,
    #[serde(default)]
    replace_all: bool,
}

pub(crate) fn run(files: &impl FileSystem, arguments: &EditFile) -> Result<Output> {
    let path = arguments.path.as_str();
    let edits = arguments.edits()?;
    if edits.iter().any(|(_, edit)| edit.old_string.is_empty()) {
        return Err(nothing_to_replace(files, path));
    }
    let before = Before::read(files, path)?;
    let hints = || Hints::of(files, path);
    let mut after = Applied { bytes: before.bytes.clone(), left: 0 };
    for (place, edit) in &edits {
        let next = apply(&after.bytes, edit, place, &hints)?;
        after = Applied { left: after.left + next.left, ..next };
    }
    before.replace(files, path, &after.bytes, after.left)
}

/// What came of replacements.
#[derive(Debug)]
struct Applied {
    bytes: Vec<u8>,
    /// The number of places that stay because they overlap one that was replaced.
    left: usize,
}

impl EditFile {
    /// Returns the replacements, each with the JSON pointer to it.
    fn edits(&self) -> Result<Vec<(String, Edit)>> {
        let one = self.old_string.as_ref().zip(self.new_string.as_ref());
        let listed = self.edits.as_deref().unwrap_or_default();
        match (one, listed) {
            (Some((old, new)), []) => {
                let edit = Edit {
                    old_string: old.clone(),
                    new_string: new.clone(),
                    replace_all: self.replace_all,
                };
                Ok(vec![(String::new(), edit)])
            }
            (None, [_, ..]) => {
                let numbered = listed.iter().cloned().enumerate();
                Ok(numbered.map(|(at, edit)| (format!("/edits/{at}"), edit)).collect())
            }
            (Some(_), _) => Err(Failure::invalid(
                "/edits",
                "give `old_string` and `new_string`, or `edits`, not both",
            )),
            (None, []) => {
                let field = if self.old_string.is_some() { "/new_string" } else { "/old_string" };
                Err(Failure::invalid(field, "is required, or a list of `edits`"))
            }
        }
    }
}

fn nothing_to_replace(files: &impl FileSystem, path: &str) -> Failure {
    let is_new = matches!(files.stat_if_exists(path), Ok(None));
    let what = if is_new { "there is no such file yet" } else { "there is no text to replace" };
    Failure::invalid(
        "/old_string",
        format!("is empty, and {what}; `write_file` writes whole files"),
    )
}

/// Makes one replacement. `place` is the pointer to the edit, for what is said of it.
fn apply(bytes: &[u8], edit: &Edit, place: &str, hints: &dyn Fn() -> Hints) -> Result<Applied> {
    let (old, new) = (edit.old_string.as_str(), edit.new_string.as_str());
    let text =
        Text::decode(bytes, hints).ok_or_else(|| Failure::invalid("/path", "is not text"))?;
    let breaks = text.format.breaks;
    if breaks.plain(old) == breaks.plain(new) {
        let but =
            if old == new { "" } else { " but for line ends, and an edit keeps those of the file" };
        let said = format!("this is the same text as `old_string`{but}");
        return Err(Failure::invalid(format!("{place}/new_string"), said));
    }
    let field = format!("{place}/old_string");
    let places = place::find(bytes, text.format, old);
    match places.found.as_slice() {
        [] => return Err(Failure::invalid(field, closest::describe(&text, old))),
        [_, _, ..] if !edit.replace_all => {
            let said = too_many(bytes, text.format, &places.found);
            return Err(Failure::invalid(field, said));
        }
        _ => {}
    }
    let field = format!("{place}/new_string");
    let writes = text.format.for_text(new, bytes, hints);
    writes.check(new, old, &field)?;
    replaced(bytes, &text, writes, &places, new)
        .ok_or_else(|| Failure::invalid(field, "cannot be written in the charset of the file"))
}

/// Copies `bytes` with `new`, written as `writes`, at each of the places that do not overlap an earlier one.
fn replaced(
    bytes: &[u8],
    text: &Text,
    writes: Format,
    places: &Places,
    new: &str,
) -> Option<Applied> {
    let mut after = Vec::with_capacity(bytes.len() + new.len());
    let (mut copied, mut left) = (0, 0);
    for place in &places.found {
        if place.start < copied {
            left += 1;
            continue;
        }
        after.extend_from_slice(&bytes[copied..place.start]);
        let new = with_ends(bytes, text, place, new);
        let escaped = |byte: u8| places.escaped.contains(&byte);
        after.extend(unescape(&new, escaped, &|text| writes.bytes(text))?);
        copied = place.end;
    }
    after.extend_from_slice(&bytes[copied..]);
    Some(Applied { bytes: after, left })
}

/// Returns `new` with the line ends of what stands at `place`.
fn with_ends(bytes: &[u8], text: &Text, place: &Range<usize>, new: &str) -> String {
    let Format { breaks, .. } = text.format;
    let old = text.format.text(&bytes[place.clone()]);
    // Where the place has none, the line goes on to the next one.
    let fallback = || {
        let rest = text.format.text(&bytes[place.end..]);
        breaks.ends(&rest).next().unwrap_or(text.first_end())
    };
    let fallback = match breaks.ends(&old).next() {
        Some(end) => end,
        None if new.contains(['\n', '\r']) => fallback(),
        None => text.first_end(),
    };
    breaks.like(&old, new, fallback)
}

fn too_many(bytes: &[u8], format: Format, found: &[Range<usize>]) -> String {
    let line = |at: usize| format.breaks.ends(&format.text(&bytes[..at])).count() + 1;
    let lines: Vec<String> =
        found.iter().take(NAMED).map(|place| line(place.start).to_string()).collect();
    let more = if found.len() > NAMED { ", …" } else { "" };
    format!(
        "this text occurs {} times (lines {}{more}); take more lines around the place, or set `replace_all`",
        found.len(),
        lines.join(", ")
    )
}

#[cfg(test)]
mod property;

#[cfg(test)]
mod tests {
    use openkoi_sdk::{
        files::Memory,
        serde_json::{Value, json},
    };

    use super::*;
    use openkoi_sdk::tool::Context;

    fn edit(files: &Memory, arguments: Value) -> Result<Output> {
        crate::dispatch(files, "edit_file", &arguments.to_string(), &Context::default())
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

    /// Makes one edit of a file of these bytes; returns the new bytes, or what was said against it.
    fn edited(bytes: &'static [u8], old: &str, new: &str) -> std::result::Result<Vec<u8>, String> {
        let files = Memory::new([("a", bytes)]);
        edit(&files, json!({"path": "a", "old_string": old, "new_string": new}))
            .map(|_| files.read_to_end("a", 1 << 20).unwrap())
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn what_is_not_replaced_is_copied_byte_for_byte() {
        let cases: [(&[u8], &str, &str, &[u8]); 14] = [
            // Line ends: each line keeps its own, whatever the model writes.
            (b"a\r\nb\nc\n", "a\nb\nc", "A\nb\nC", b"A\r\nb\nC\n"),
            (
                b"one\r\ntwo\r\nthree\nfour\n",
                "one\ntwo",
                "1\n2\n2b",
                b"1\r\n2\r\n2b\r\nthree\nfour\n",
            ),
            (b"one\r\ntwo\r\nthree\nfour\n", "three\r\nfour", "3\n4", b"one\r\ntwo\r\n3\n4\n"),
            (b"a\r\nb\r\nc\n", "b", "b\nb2", b"a\r\nb\r\nb2\r\nc\n"),
            (b"a\r\nb\nc\r\n", "b\n", "", b"a\r\nc\r\n"),
            // A stray byte, with a mark and without.
            (
                b"\xef\xbb\xbfx = 1\n// caf\xe9\n",
                "x = 1",
                "x = 2 // \u{fc}",
                b"\xef\xbb\xbfx = 2 // \xc3\xbc\n// caf\xe9\n",
            ),
            (b"x = 1\n// caf\xe9\n", "x = 1", "x = 2", b"x = 2\n// caf\xe9\n"),
            (b"// caf\xe9 1\n", "caf\\xE9 1", "caf\\xE9 2 \\xE8", b"// caf\xe9 2 \\xE8\n"),
            // GBK.
            (
                b"// \xd6\xd0\xce\xc4\nint x = 1;\n",
                "int x = 1;",
                "int x = 2;",
                b"// \xd6\xd0\xce\xc4\nint x = 2;\n",
            ),
            (b"\xd6\xd0 1\n", "\\xD6\\xD0 1", "\\xD6\\xD0 2", b"\xd6\xd0 2\n"),
            // A NUL.
            (b"a = 1;\nhello\0world\n", "a = 1", "a = 2", b"a = 2;\nhello\0world\n"),
            (b"a = 1;\nhello\0world\n", "hello\\x00w", "bye\\x00W", b"a = 1;\nbye\0World\n"),
            // UTF-16, with a unit that is no character.
            (b"\xff\xfea\0\r\0\n\0b\0\0\xd8", "a\nb", "a\nc", b"\xff\xfea\0\r\0\n\0c\0\0\xd8"),
            (b"\xfe\xff\0a\0b", "b", "\u{20ac}", b"\xfe\xff\0a\x20\xac"),
        ];
        for (bytes, old, new, wanted) in cases {
            let after = edited(bytes, old, new);
            assert_eq!(after.as_deref(), Ok(wanted), "{bytes:02X?}: {old:?} to {new:?}");
        }
    }

    #[test]
    fn nothing_is_written_in_another_charset_than_the_file_s() {
        let gbk = b"// \xd6\xd0\xce\xc4\nint x = 1;\n";
        for (old, new) in [("int x", "int \u{e9}"), ("// \\xD6\\xD0", "// \u{4e2d}")] {
            let said = edited(gbk, old, new).unwrap_err();
            assert!(said.contains("nothing tells its charset") && said.contains("iconv"), "{said}");
        }
        let said = edited(gbk, "// \u{4e2d}\u{6587}", "// x").unwrap_err();
        assert!(said.contains("is found as it is shown"), "{said}");
    }

    #[test]
    fn places_that_overlap_are_two() {
        let said = edited(b"foo\nfoo\nfoo\n", "foo\nfoo", "bar\nbar").unwrap_err();

        assert!(said.contains("occurs 2 times (lines 1, 2)"), "{said}");
    }

    #[test]
    fn what_is_left_where_places_overlap_is_said() {
        let files = Memory::new([("a", "foo\nfoo\nfoo\n")]);

        let output = edit(
            &files,
            json!({"path": "a", "old_string": "foo\nfoo", "new_string": "bar", "replace_all": true}),
        );

        assert_eq!(files.text("a").unwrap(), "bar\nfoo\n");
        assert!(output.unwrap().text.contains("(1 place left that overlapped others)"));
    }

    #[test]
    fn a_change_of_line_ends_alone_is_refused_for_what_it_is() {
        let said = edited(b"a\r\nb\r\n", "a\r\nb", "a\nb").unwrap_err();

        assert!(said.contains("but for line ends, and an edit keeps those of the file"), "{said}");
    }

    #[test]
    fn an_empty_text_to_replace_names_the_tool_that_makes_files() {
        let files = Memory::new([("a.txt", "a\n")]);
        let said = |path: &str| {
            refusal(edit(&files, json!({"path": path, "old_string": "", "new_string": "x"}))).1
        };

        assert_eq!(
            said("new.txt"),
            "is empty, and there is no such file yet; `write_file` writes whole files"
        );
        assert_eq!(
            said("a.txt"),
            "is empty, and there is no text to replace; `write_file` writes whole files"
        );
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

        let (field, _) = refusal(edit(&files, edits("a")));
        assert_eq!(field, "/edits/1/old_string");
        assert_eq!(files.text("a.txt").unwrap(), "a b c\n");

        edit(&files, edits("x b")).unwrap();
        assert_eq!(files.text("a.txt").unwrap(), "z c\n");
    }

    #[test]
    fn one_edit_or_a_list_of_them_is_asked_for() {
        let files = Memory::new([("a.txt", "a\n")]);
        let said = |arguments| refusal(edit(&files, arguments));

        let (field, message) = said(json!({"path": "a.txt", "old_string": "a"}));
        assert_eq!(
            (field.as_str(), message.as_str()),
            ("/new_string", "is required, or a list of `edits`")
        );
        let both = json!({"path": "a.txt", "old_string": "a", "new_string": "b",
            "edits": [{"old_string": "a", "new_string": "b"}]});
        assert!(said(both).1.contains("not both"));
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
        let failure = before.replace(&files, "a.txt", b"b\n", 0).unwrap_err();

        assert!(matches!(failure, Failure::Conflict(_)));
        assert_eq!(files.text("a.txt").unwrap(), "changed\n");
    }
}
