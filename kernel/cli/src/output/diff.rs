//! Differences of files for a person: from the arguments of a call before it runs, and painted for the screen.

use std::{
    borrow::Cow,
    path::{Component, Path},
};

use openkoi_app::file;
use serde_json::Value;
use similar::TextDiff;

use super::{Palette, Style, sanitise};

/// The largest file that is compared, in bytes.
const LARGEST: u64 = 1 << 20;

/// What a call would do to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileEdit {
    /// Path as the call names it.
    pub path: String,
    /// Unified diff without a header.
    pub diff: String,
    /// Number of lines that come in.
    pub added: usize,
    /// Number of lines that go out.
    pub removed: usize,
    /// True if the file is not there yet.
    pub is_new: bool,
}

impl FileEdit {
    /// Returns the edit that arguments of this form describe, whichever tool has them: a `path` with the whole new
    /// `contents`, or with an `old_string` and a `new_string`. Other calls edit no file that is known beforehand.
    pub(crate) fn of(arguments: &Value, workspace: &Path) -> Option<Self> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        let path = text("path")?;
        let present = present(workspace, path);
        let (before, after) = match (text("contents"), text("old_string"), text("new_string")) {
            (Some(contents), ..) => (present.clone().unwrap_or_default(), contents.to_owned()),
            (None, Some(old), Some(new)) => match &present {
                Some(text) if text.contains(old) && !old.is_empty() => {
                    let all = arguments.get("replace_all") == Some(&Value::Bool(true));
                    (text.clone(), text.replacen(old, new, if all { usize::MAX } else { 1 }))
                }
                _ => (old.to_owned(), new.to_owned()),
            },
            _ => return None,
        };
        let (path, is_new) = (path.to_owned(), present.is_none());
        let diff = unified(&before, &after);
        let count = |mark| diff.lines().filter(|line| line.starts_with(mark)).count();
        let (added, removed) = (count('+'), count('-'));
        Some(Self { path, diff, added, removed, is_new })
    }
}

/// Returns the text of a file of the workspace. A path that leads out of it is not followed.
fn present(workspace: &Path, path: &str) -> Option<String> {
    let inside = Path::new(path)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    inside.then(|| file::read_text_within(workspace, Path::new(path), LARGEST).ok()).flatten()?
}

/// Returns the hunks of a unified diff, without a header.
pub(crate) fn unified(before: &str, after: &str) -> String {
    let lines = TextDiff::from_lines(before, after);
    lines.unified_diff().context_radius(2).missing_newline_hint(false).to_string()
}

/// Returns the lines of a diff, sanitised and painted. Of a longer one than `most` lines both ends are left, with a
/// line between them that counts what is not shown; of a line longer than twice `end` characters likewise.
pub(crate) fn painted(diff: &str, palette: Palette, most: usize, end: usize) -> Vec<String> {
    let lines: Vec<&str> = diff.lines().collect();
    let paint = |line: &&str| {
        let style = match line.chars().next() {
            Some('+') => Style::Good,
            Some('-') => Style::Bad,
            Some('@') => Style::Faint,
            _ => Style::Plain,
        };
        palette.paint(style, &sanitise(&ends(line, end)))
    };
    both_ends(&lines, most, palette, paint)
}

/// Returns the lines as `show` gives them, without the middle if there are more than `most`.
pub(crate) fn both_ends<T>(
    lines: &[T],
    most: usize,
    palette: Palette,
    show: impl Fn(&T) -> String,
) -> Vec<String> {
    if lines.len() <= most {
        return lines.iter().map(show).collect();
    }
    let (head, tail) = (most.saturating_sub(1).div_ceil(2), most.saturating_sub(1) / 2);
    let left_out = lines.len() - head - tail;
    let note = palette.paint(Style::Faint, &format!("… {left_out} more lines"));
    let first = lines.iter().take(head).map(&show);
    let last = lines.iter().skip(lines.len() - tail).map(&show);
    first.chain([note]).chain(last).collect()
}

/// Returns a text with `end` characters of each end, so that neither can be pushed off the screen, and between them the
/// number of those that are not shown.
pub(crate) fn ends(text: &str, end: usize) -> Cow<'_, str> {
    // A byte is a character at most.
    if text.len() <= end * 2 {
        return Cow::Borrowed(text);
    }
    let at = |number: usize| text.char_indices().nth(number).map(|(at, _)| at);
    let Some(left_out) = text.chars().count().checked_sub(end * 2).filter(|count| *count > 0)
    else {
        return Cow::Borrowed(text);
    };
    let head = at(end).and_then(|to| text.get(..to)).unwrap_or_default();
    let tail = at(end + left_out).and_then(|from| text.get(from..)).unwrap_or_default();
    Cow::Owned(format!("{head} […{left_out} characters…] {tail}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::World;

    fn edit(arguments: Value) -> Option<FileEdit> {
        let world = World::new();
        std::fs::write(world.workspace().join("calc.py"), "one\ntwo\nthree\n").unwrap();
        FileEdit::of(&arguments, &world.workspace())
    }

    #[test]
    fn an_edit_is_shown_in_its_place_in_the_file() {
        let edit =
            edit(json!({ "path": "calc.py", "old_string": "two", "new_string": "2" })).unwrap();

        assert_eq!(edit.diff, "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n");
        assert_eq!((edit.added, edit.removed, edit.is_new), (1, 1, false));
    }

    #[test]
    fn a_whole_file_is_compared_with_what_is_there() {
        let there = edit(json!({ "path": "calc.py", "contents": "one\ntwo\n" })).unwrap();
        let new = edit(json!({ "path": "new.py", "contents": "a\nb\n" })).unwrap();

        assert_eq!(there.diff, "@@ -1,3 +1,2 @@\n one\n two\n-three\n");
        assert_eq!(new.diff, "@@ -0,0 +1,2 @@\n+a\n+b\n");
        assert!(new.is_new && !there.is_new);
    }

    #[test]
    fn what_cannot_be_found_or_is_outside_is_shown_by_the_arguments_alone() {
        for path in ["calc.py", "../calc.py", "/etc/passwd"] {
            let arguments = json!({ "path": path, "old_string": "root", "new_string": "x" });
            assert_eq!(edit(arguments).unwrap().diff, "@@ -1 +1 @@\n-root\n+x\n", "{path}");
        }
    }

    #[test]
    fn calls_that_edit_nothing_have_no_difference() {
        for arguments in [json!({ "path": "calc.py" }), json!({ "command": "ls" }), json!(7)] {
            assert_eq!(edit(arguments), None);
        }
    }

    #[test]
    fn a_long_difference_keeps_both_ends_and_counts_the_rest() {
        let diff: String = (0..100).map(|n| format!("+{n}\n")).collect();

        let lines = painted(&diff, Palette::PLAIN, 5, 9);

        assert_eq!(lines, ["+0", "+1", "… 96 more lines", "+98", "+99"]);
        assert_eq!(painted("+a\n-b\n", Palette::PLAIN, 2, 9), ["+a", "-b"]);
    }

    #[test]
    fn a_long_line_keeps_both_ends_and_counts_the_rest() {
        let diff = format!("+{}end\n-äöü äöü\n", "x".repeat(300_000));

        let lines = painted(&diff, Palette::PLAIN, 5, 4);

        assert_eq!(lines, ["+xxx […299996 characters…] xend", "-äöü äöü"]);
    }

    #[test]
    fn lines_have_the_colour_of_their_mark_and_drive_no_terminal() {
        let palette = Palette::ALWAYS;

        let lines = painted("@@ -1 +1 @@\n-a\n+b\x1b[2J\n c\n", palette, 9, 9);

        assert_eq!(
            lines,
            ["\x1b[2m@@ -1 +1 @@\x1b[0m", "\x1b[31m-a\x1b[0m", "\x1b[32m+b\\x1b[2J\x1b[0m", " c"]
        );
    }
}
