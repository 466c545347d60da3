//! Unified diffs, read back.

use std::ops::Range;

/// One changed file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileDiff {
    /// Its path before; absent if it is new.
    pub old: Option<String>,
    /// Its path after; absent if it is gone.
    pub new: Option<String>,
    /// Its changes.
    pub hunks: Vec<Hunk>,
    /// Where it stands in the diff, in bytes: from its header to its last line.
    pub range: Range<usize>,
}

/// A run of changed lines with those around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hunk {
    /// The line at which it begins before the change.
    pub old_start: u32,
    /// The line at which it begins after the change.
    pub new_start: u32,
    /// The lines.
    pub lines: Vec<Line>,
}

impl Hunk {
    /// Returns how many lines it adds and removes.
    pub(crate) fn changed(&self) -> usize {
        self.lines.iter().filter(|line| !matches!(line, Line::Kept(_))).count()
    }
}

/// One line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// It stayed.
    Kept(String),
    /// It is gone.
    Removed(String),
    /// It is new.
    Added(String),
}

/// Reads a diff. What it does not understand it leaves out.
pub(crate) fn parse(diff: &str) -> Vec<FileDiff> {
    let mut reader = Reader::default();
    for line in diff.split_inclusive('\n') {
        reader.line(line.trim_end_matches('\n').trim_end_matches('\r'));
        reader.at += line.len();
        reader.reach();
    }
    reader.close();
    reader.files
}

#[derive(Default)]
struct Reader {
    files: Vec<FileDiff>,
    file: Option<FileDiff>,
    /// Whether the last line belongs to the present file.
    belongs: bool,
    /// The end of the lines that were read, in bytes.
    at: usize,
    /// Lines of the present hunk that are still to come, before and after: what looks like a header among
    /// them is none.
    left: (u32, u32),
}

impl Reader {
    fn line(&mut self, line: &str) {
        self.belongs = true;
        if self.left != (0, 0) {
            self.body(line);
        } else if line.starts_with("diff --git ") {
            self.close();
        } else if let Some(path) = line.strip_prefix("--- ") {
            self.close();
            let range = self.at..self.at;
            self.file = Some(FileDiff { old: path_of(path), range, ..FileDiff::default() });
        } else if let Some(path) = line.strip_prefix("+++ ") {
            if let Some(file) = &mut self.file {
                file.new = path_of(path);
                unprefix(file);
            }
        } else if let Some((old, new)) = line.strip_prefix("@@ ").and_then(ranges) {
            self.left = (old.1, new.1);
            if let Some(file) = &mut self.file {
                file.hunks.push(Hunk { old_start: old.0, new_start: new.0, lines: Vec::new() });
            }
        } else {
            self.belongs = line.starts_with('\\');
        }
    }

    /// Takes the line that was read to the present file, if it is one of its own.
    fn reach(&mut self) {
        if let Some(file) = self.file.as_mut().filter(|_| self.belongs) {
            file.range.end = self.at;
        }
    }

    fn body(&mut self, line: &str) {
        let (mark, text) = line.split_at_checked(1).unwrap_or((" ", ""));
        let text = text.to_owned();
        let (old, new, line) = match mark {
            "-" => (1, 0, Line::Removed(text)),
            "+" => (0, 1, Line::Added(text)),
            // "\ No newline at end of file"
            "\\" => return,
            _ => (1, 1, Line::Kept(text)),
        };
        self.left = (self.left.0.saturating_sub(old), self.left.1.saturating_sub(new));
        if let Some(hunk) = self.file.as_mut().and_then(|file| file.hunks.last_mut()) {
            hunk.lines.push(line);
        }
    }

    fn close(&mut self) {
        self.left = (0, 0);
        self.files.extend(self.file.take());
    }
}

fn path_of(header: &str) -> Option<String> {
    let path = header.split('\t').next().unwrap_or(header).trim_end();
    let path = path.strip_prefix('"').and_then(|path| path.strip_suffix('"')).unwrap_or(path);
    (path != "/dev/null").then(|| path.to_owned())
}

/// Takes `a/` and `b/` off, which are not folders if both are there or the other side is nothing.
fn unprefix(file: &mut FileDiff) {
    let old = file.old.as_deref().is_none_or(|path| path.starts_with("a/"));
    let new = file.new.as_deref().is_none_or(|path| path.starts_with("b/"));
    if old && new {
        for path in [&mut file.old, &mut file.new].into_iter().flatten() {
            path.drain(..2);
        }
    }
}

/// `-1,7 +1,9 @@ fn main()`
fn ranges(header: &str) -> Option<((u32, u32), (u32, u32))> {
    let mut words = header.split(' ');
    let old = range(words.next()?.strip_prefix('-')?)?;
    let new = range(words.next()?.strip_prefix('+')?)?;
    Some((old, new))
}

fn range(text: &str) -> Option<(u32, u32)> {
    match text.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_hunks_and_lines_are_read() {
        let files = parse(
            "diff --git a/x.rs b/x.rs\nindex 1..2 100644\n--- a/x.rs\n+++ b/x.rs\n@@ -1,3 +1,3 @@ fn a\n a\n\
             --- old\n+++ new\n c\n\\ No newline at end of file\n--- /dev/null\n+++ b/new.rs\n@@ -0,0 +1 @@\n+x\n",
        );

        let lines = vec![
            Line::Kept("a".to_owned()),
            Line::Removed("-- old".to_owned()),
            Line::Added("++ new".to_owned()),
            Line::Kept("c".to_owned()),
        ];
        assert_eq!(files[0].old.as_deref(), Some("x.rs"));
        assert_eq!(files[0].hunks, [Hunk { old_start: 1, new_start: 1, lines }]);
        assert_eq!((files[1].old.as_deref(), files[1].new.as_deref()), (None, Some("new.rs")));
        assert_eq!(files.len(), 2);
    }

    #[test]
    fn paths_without_prefixes_are_taken_as_they_are() {
        let files = parse("--- a/x\n+++ a/x\n@@ -1 +1 @@\n-a\n+b\n--- gone.txt\n+++ /dev/null\n");

        assert_eq!(files[0].new.as_deref(), Some("a/x"));
        assert_eq!((files[1].old.as_deref(), files[1].new.as_deref()), (Some("gone.txt"), None));
    }

    #[test]
    fn a_diff_that_was_cut_gives_what_is_there() {
        let files = parse("--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n a\n-b\n");

        assert_eq!(files[0].hunks[0].lines.len(), 2);
    }
}
