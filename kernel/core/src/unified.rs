//! Unified diffs as text: the parts of a diff that are about some of its files.

use std::collections::BTreeMap;

/// Returns the parts of a unified diff that are about these paths, which are relative to the workspace.
pub fn of_paths(diff: &str, paths: &[&str]) -> String {
    let mut lines = diff.split_inclusive('\n').peekable();
    let (mut kept, mut keeps) = (String::new(), false);
    while let Some(line) = lines.next() {
        if let (Some(before), Some(after)) =
            (name(line, "--- "), lines.peek().and_then(|next| name(next, "+++ ")))
        {
            keeps = paths.iter().any(|path| [before, after].contains(path));
        } else if !line.starts_with([' ', '+', '-', '@', '\\']) {
            // A note of one line, such as that a mode changed.
            keeps = paths.iter().any(|path| line.contains(path));
        }
        if keeps {
            kept.push_str(line);
        }
    }
    kept
}

/// Returns how many lines came into each file and went out of it.
pub fn counts(diff: &str) -> BTreeMap<String, (usize, usize)> {
    let mut lines = diff.lines().peekable();
    let (mut counts, mut present) = (BTreeMap::<String, (usize, usize)>::new(), String::new());
    while let Some(line) = lines.next() {
        let after = lines.peek().and_then(|next| name(next, "+++ "));
        if let (Some(before), Some(after)) = (name(line, "--- "), after) {
            present = if after == "/dev/null" { before } else { after }.to_owned();
            lines.next();
            counts.entry(present.clone()).or_default();
        } else if let Some((added, removed)) = counts.get_mut(&present) {
            *added += usize::from(line.starts_with('+'));
            *removed += usize::from(line.starts_with('-'));
        }
    }
    counts
}

/// Returns the path in a line of a header, without its side.
fn name<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    let path = line.strip_prefix(mark)?.trim_end_matches('\n');
    let path = path.split('\t').next().unwrap_or(path);
    Some(path.strip_prefix("a/").or_else(|| path.strip_prefix("b/")).unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "--- a/one\n+++ b/one\n@@ -1 +1 @@\n-a\n+b\n\
                        --- /dev/null\n+++ b/.git/hooks/x\n@@ -0,0 +1 @@\n+evil\n";

    #[test]
    fn only_the_named_files_are_left() {
        assert_eq!(of_paths(DIFF, &["one", ".git/hooks/x"]), DIFF);
        assert_eq!(
            of_paths(DIFF, &[".git/hooks/x"]),
            "--- /dev/null\n+++ b/.git/hooks/x\n@@ -0,0 +1 @@\n+evil\n"
        );
        assert_eq!(of_paths(DIFF, &["two"]), "");
        assert_eq!(of_paths("", &["one"]), "");
        let mode = "mode of .git/hooks/x: 644 → 755\n";
        assert!(of_paths(&format!("{DIFF}{mode}"), &[".git/hooks/x"]).ends_with(mode));
        assert!(!of_paths(&format!("{DIFF}{mode}"), &["one"]).contains("mode"));
    }

    #[test]
    fn the_lines_of_each_file_are_counted() {
        let gone = "--- a/gone\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n";

        let counted: Vec<(String, (usize, usize))> =
            counts(&format!("{DIFF}{gone}")).into_iter().collect();

        let expected = [(".git/hooks/x", (1, 0)), ("gone", (0, 2)), ("one", (1, 1))];
        assert_eq!(counted, expected.map(|(path, counts)| (path.to_owned(), counts)));
    }

    #[test]
    fn a_removed_line_that_looks_like_a_header_is_none() {
        let odd = "--- a/one\n+++ b/one\n@@ -1 +0,0 @@\n--- a/two\n";

        assert_eq!(of_paths(odd, &["one"]), odd);
    }
}
