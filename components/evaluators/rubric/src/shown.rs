//! The part of a change that is shown at once: whole files, tests and settings first and then by size, as many as fit. What
//! is left out is named, and can be asked for.

use std::cmp::Reverse;

use openkoi_sdk::evaluator::Subject;

use crate::diff::{self, FileDiff};

/// The most bytes of the diff that are shown at once.
const MOST: usize = 60 * 1024;

/// The fewest bytes for which a file that does not fit is begun.
const LEAST: usize = 2 * 1024;

/// The most files that are named as not shown.
const NAMED: usize = 100;

/// Returns the change as it is shown at once.
pub(crate) fn at_once(subject: &Subject) -> String {
    within(subject, MOST)
}

/// Returns the change of one file, if there are lines of it.
pub(crate) fn of_file<'a>(subject: &'a Subject, path: &str) -> Option<&'a str> {
    let files = diff::parse(&subject.diff);
    let file = files.into_iter().find(|file| path_of(file) == Some(path))?;
    subject.diff.get(file.range)
}

fn within(subject: &Subject, most: usize) -> String {
    let mut files = diff::parse(&subject.diff);
    if subject.diff.len() <= most {
        return subject.diff.clone();
    }
    let is_evidence = |file: &FileDiff| {
        path_of(file).is_some_and(|path| subject.evidence.iter().any(|one| one == path))
    };
    files.sort_by_key(|file| (Reverse(is_evidence(file)), file.range.len()));
    let beside = beside(&subject.diff, &files);
    let (mut shown, mut left_out) = (String::new(), Vec::new());
    for file in &files {
        let text = subject.diff.get(file.range.clone()).unwrap_or_default();
        let free = most.saturating_sub(shown.len());
        if text.len() <= free {
            shown.push_str(text);
            continue;
        }
        let begun = free >= LEAST;
        if begun {
            let cut = text.floor_char_boundary(free);
            shown.push_str(&text[..text[..cut].rfind('\n').map_or(0, |at| at + 1)]);
        }
        left_out.push(named(file, begun));
    }
    shown.push_str(&beside);
    shown.push_str(&not_shown(&left_out));
    shown
}

/// What stands in the diff beside the files with lines: modes, directories, binary files, what the host left out.
fn beside(text: &str, files: &[FileDiff]) -> String {
    let mut ranges: Vec<_> = files.iter().map(|file| file.range.clone()).collect();
    ranges.sort_by_key(|range| range.start);
    let mut at = 0;
    let mut beside = String::new();
    for range in ranges {
        beside.push_str(text.get(at..range.start).unwrap_or_default());
        at = range.end;
    }
    beside.push_str(text.get(at..).unwrap_or_default());
    beside
}

fn named(file: &FileDiff, begun: bool) -> String {
    let lines: usize = file.hunks.iter().map(diff::Hunk::changed).sum();
    let begun = if begun { ", only its beginning is shown" } else { "" };
    format!("- {} ({lines} changed lines{begun})\n", path_of(file).unwrap_or("?"))
}

fn not_shown(left_out: &[String]) -> String {
    if left_out.is_empty() {
        return String::new();
    }
    let more = left_out.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("- and {more} more\n") } else { String::new() };
    let named: String = left_out.iter().take(NAMED).map(String::as_str).collect();
    format!("\nNot shown for want of room; look at them with `read_change`:\n{named}{more}")
}

fn path_of(file: &FileDiff) -> Option<&str> {
    file.new.as_deref().or(file.old.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt::tests::subject;

    fn file(path: &str, lines: usize) -> String {
        let body: String = (0..lines).map(|line| format!("+line {line} of {path}\n")).collect();
        format!("--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{lines} @@\n{body}")
    }

    fn change(evidence: &[&str], parts: &[String]) -> Subject {
        let evidence = evidence.iter().map(|path| (*path).to_owned()).collect();
        Subject { diff: parts.concat(), evidence, ..subject() }
    }

    #[test]
    fn what_fits_is_shown_as_it_is() {
        let subject = change(&[], &[file("b", 2), "mode of x: 644 → 755\n".to_owned()]);

        assert_eq!(within(&subject, 10_000), subject.diff);
    }

    #[test]
    fn evidence_comes_first_and_then_the_small_files() {
        let parts = [file("a.lock", 400), file("src/b.rs", 3), file("test/t.rs", 30)];
        let subject = change(&["test/t.rs"], &parts);

        let shown = within(&subject, 1_000);

        assert!(shown.starts_with("--- /dev/null\n+++ b/test/t.rs\n"), "{shown}");
        assert!(shown.contains("+line 2 of src/b.rs\n"), "{shown}");
        assert!(!shown.contains("of a.lock\n+"), "{shown}");
        assert!(shown.ends_with("`read_change`:\n- a.lock (400 changed lines)\n"), "{shown}");
    }

    #[test]
    fn a_file_that_is_begun_is_named_and_what_stands_beside_is_kept() {
        let beside = "binary or large file p.png: 1 → 2 bytes\n".to_owned();
        let subject = change(&[], &[file("a", 400), beside.clone()]);

        let shown = within(&subject, 3_000);

        assert!(shown.contains("+line 100 of a\n") && !shown.contains("+line 399 of a\n"));
        assert!(shown.contains(&beside));
        assert!(shown.contains("- a (400 changed lines, only its beginning is shown)"), "{shown}");
    }

    #[test]
    fn each_byte_of_the_change_can_be_asked_for() {
        let parts = [file("a", 400), file("b", 2)];
        let subject = change(&[], &parts);

        assert_eq!(of_file(&subject, "a"), Some(parts[0].as_str()));
        assert_eq!(of_file(&subject, "b"), Some(parts[1].as_str()));
        assert_eq!(of_file(&subject, "c"), None);
    }
}
