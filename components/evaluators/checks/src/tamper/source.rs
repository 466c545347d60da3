//! A file before and after the change.

use crate::diff::{FileDiff, Line};

use super::language::Language;

/// A line with its number, from 1. Where only a part of a file is known, numbers are left out.
pub(crate) type Numbered = (u32, String);

/// A file before and after.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its path.
    pub path: String,
    /// Its language.
    pub language: Language,
    /// True if it was there before.
    pub existed: bool,
    /// True if it is still there.
    pub exists: bool,
    /// The lines before, as far as they are known.
    pub before: Vec<Numbered>,
    /// The lines after, as far as they are known.
    pub after: Vec<Numbered>,
    /// Removed lines: the number before, the number after of what stands there now, the text.
    pub removed: Vec<(u32, u32, String)>,
    /// Added lines.
    pub added: Vec<Numbered>,
}

/// The path by which people know a file.
pub(crate) fn path_of(file: &FileDiff) -> &str {
    file.new.as_deref().or(file.old.as_deref()).unwrap_or("")
}

impl Source {
    /// Takes a file apart; `current` is its text now.
    pub(crate) fn new(file: &FileDiff, current: Option<String>) -> Self {
        let current = current.filter(|_| file.new.is_some());
        let now: Option<Vec<&str>> = current.as_deref().map(|text| text.lines().collect());
        let whole = now.and_then(|now| Some((before(file, &now)?, numbered(&now))));
        let (before, after) = whole.unwrap_or_else(|| parts(file));
        let (mut removed, added) = changed(file);
        // What was removed at the end stands behind the last line.
        let last = after.last().map_or(1, |(line, _)| *line);
        removed.iter_mut().for_each(|(_, line, _)| *line = (*line).clamp(1, last));
        Self {
            path: path_of(file).to_owned(),
            language: Language::of(path_of(file)),
            existed: file.old.is_some(),
            exists: file.new.is_some(),
            before,
            after,
            removed,
            added,
        }
    }

    /// Returns the line that stands now where the line `before` was, or 1.
    pub(crate) fn place(&self, first: u32, last: u32) -> u32 {
        let hit = self.removed.iter().find(|(before, ..)| (first..=last).contains(before));
        hit.map_or(1, |(_, after, _)| *after)
    }
}

fn numbered(lines: &[&str]) -> Vec<Numbered> {
    (1..).zip(lines.iter().map(|line| (*line).to_owned())).collect()
}

/// The whole old file, if the diff fits the file as it is now.
fn before(file: &FileDiff, now: &[&str]) -> Option<Vec<Numbered>> {
    let mut before: Vec<&str> = Vec::new();
    let mut at = 0;
    for hunk in &file.hunks {
        let empty = hunk.lines.iter().all(|line| matches!(line, Line::Removed(_)));
        // A hunk without lines after the change names the line in front of it.
        let start = (hunk.new_start as usize).saturating_sub(usize::from(!empty));
        before.extend(now.get(at..start)?);
        at = start;
        for line in &hunk.lines {
            match line {
                Line::Removed(text) => before.push(text),
                Line::Kept(text) | Line::Added(text) => {
                    if now.get(at) != Some(&text.as_str()) {
                        return None;
                    }
                    at += 1;
                    if let Line::Kept(text) = line {
                        before.push(text);
                    }
                }
            }
        }
    }
    before.extend(now.get(at..)?);
    Some(numbered(&before))
}

/// Returns the part of both sides that the hunks alone show.
fn parts(file: &FileDiff) -> (Vec<Numbered>, Vec<Numbered>) {
    let mut before = Vec::new();
    let mut after = Vec::new();
    each(file, |line, old, new| match line {
        Line::Kept(text) => {
            before.push((old, text.clone()));
            after.push((new, text.clone()));
        }
        Line::Removed(text) => before.push((old, text.clone())),
        Line::Added(text) => after.push((new, text.clone())),
    });
    (before, after)
}

fn changed(file: &FileDiff) -> (Vec<(u32, u32, String)>, Vec<Numbered>) {
    let mut removed = Vec::new();
    let mut added = Vec::new();
    each(file, |line, old, new| match line {
        Line::Removed(text) => removed.push((old, new, text.clone())),
        Line::Added(text) => added.push((new, text.clone())),
        Line::Kept(_) => {}
    });
    (removed, added)
}

fn each(file: &FileDiff, mut take: impl FnMut(&Line, u32, u32)) {
    for hunk in &file.hunks {
        let (mut old, mut new) = (hunk.old_start, hunk.new_start);
        for line in &hunk.lines {
            take(line, old, new);
            old += u32::from(!matches!(line, Line::Added(_)));
            new += u32::from(!matches!(line, Line::Removed(_)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff;

    const DIFF: &str = "--- a/x\n+++ b/x\n@@ -2,2 +2,2 @@\n b\n-c\n+C\n@@ -5,1 +4,0 @@\n-e\n@@ -7 +6,2 @@\n g\n+h\n";

    fn texts(lines: &[Numbered]) -> String {
        lines.iter().map(|(number, text)| format!("{number}{text} ")).collect()
    }

    #[test]
    fn the_old_file_is_put_together_again() {
        let file = &diff::parse(DIFF)[0];

        let source = Source::new(file, Some("a\nb\nC\nd\nf\ng\nh\n".to_owned()));

        assert_eq!(texts(&source.before), "1a 2b 3c 4d 5e 6f 7g ");
        assert_eq!(texts(&source.after), "1a 2b 3C 4d 5f 6g 7h ");
        assert_eq!(source.place(3, 3), 3);
        assert_eq!((source.place(5, 5), source.place(6, 9)), (4, 1));
    }

    #[test]
    fn a_file_that_does_not_fit_the_diff_is_known_in_parts() {
        let file = &diff::parse(DIFF)[0];

        let source = Source::new(file, Some("something else".to_owned()));

        assert_eq!(texts(&source.before), "2b 3c 5e 7g ");
        assert_eq!(texts(&source.after), "2b 3C 6g 7h ");
    }
}
