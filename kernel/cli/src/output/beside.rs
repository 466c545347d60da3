//! A unified diff as two columns, what was beside what is, for a terminal that is wide enough.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Palette, Style, diff::both_ends, sanitise};

/// The narrowest column, in characters. Below it, wrapped lines are harder to compare than lines one below the other.
const NARROWEST: usize = 44;

/// What stands between the columns.
const BETWEEN: &str = " │ ";

/// One row.
#[derive(Debug, PartialEq, Eq)]
enum Row<'a> {
    /// A line about the file or the place.
    Heading(&'a str),
    /// A line that is the same on both sides.
    Same(&'a str),
    /// A line that is another, or on one side alone.
    Changed(Option<&'a str>, Option<&'a str>),
}

/// Returns the lines of a diff in two columns that together take `width` characters, sanitised and painted, at most
/// `most` of them as [`both_ends`] does; nothing if the columns would be too narrow.
pub(crate) fn columns(
    diff: &str,
    palette: Palette,
    most: usize,
    width: usize,
) -> Option<Vec<String>> {
    let side = width.checked_sub(BETWEEN.width())? / 2;
    if side < NARROWEST {
        return None;
    }
    let rows = rows(diff);
    let lines: Vec<String> = rows.iter().flat_map(|row| lines(row, palette, side)).collect();
    Some(both_ends(&lines, most, palette, String::clone))
}

/// Pairs the lines that go out with those that come in. Where a hunk ends, its first line says: its text may look like
/// a heading.
fn rows(diff: &str) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let (mut old, mut new) = (Vec::new(), Vec::new());
    let (mut old_left, mut new_left) = (0_usize, 0_usize);
    for line in diff.lines() {
        let is_inside = old_left + new_left > 0;
        match line.chars().next() {
            Some('-') if is_inside => {
                old_left = old_left.saturating_sub(1);
                old.push(&line[1..]);
                continue;
            }
            Some('+') if is_inside => {
                new_left = new_left.saturating_sub(1);
                new.push(&line[1..]);
                continue;
            }
            _ => {}
        }
        pair(&mut rows, &mut old, &mut new);
        match line.strip_prefix(' ').filter(|_| is_inside) {
            Some(same) => {
                (old_left, new_left) = (old_left.saturating_sub(1), new_left.saturating_sub(1));
                rows.push(Row::Same(same));
            }
            None => {
                if let Some(lengths) = hunk(line) {
                    (old_left, new_left) = lengths;
                }
                rows.push(Row::Heading(line));
            }
        }
    }
    pair(&mut rows, &mut old, &mut new);
    rows
}

/// Returns how many lines of each side follow `@@ -3,4 +3,5 @@`.
fn hunk(line: &str) -> Option<(usize, usize)> {
    let mut words = line.strip_prefix("@@ ")?.split(' ');
    let mut length = |mark: char| {
        let range = words.next()?.strip_prefix(mark)?;
        range.split_once(',').map_or(Some(1), |(_, length)| length.parse().ok())
    };
    Some((length('-')?, length('+')?))
}

fn pair<'a>(rows: &mut Vec<Row<'a>>, old: &mut Vec<&'a str>, new: &mut Vec<&'a str>) {
    for at in 0..old.len().max(new.len()) {
        rows.push(Row::Changed(old.get(at).copied(), new.get(at).copied()));
    }
    old.clear();
    new.clear();
}

fn lines(row: &Row<'_>, palette: Palette, side: usize) -> Vec<String> {
    let (old, new, styles) = match *row {
        Row::Heading(line) => return vec![palette.paint(Style::Faint, &sanitise(line))],
        Row::Same(line) => (Some(line), Some(line), [Style::Plain, Style::Plain]),
        Row::Changed(old, new) => (old, new, [Style::Bad, Style::Good]),
    };
    let (old, new) = (wrapped(old, side), wrapped(new, side));
    let one = |at: usize| {
        let empty = String::new();
        let (left, right) = (old.get(at).unwrap_or(&empty), new.get(at).unwrap_or(&empty));
        let padding = " ".repeat(side.saturating_sub(left.width()));
        let (left, right) = (palette.paint(styles[0], left), palette.paint(styles[1], right));
        format!("{left}{padding}{BETWEEN}{right}").trim_end().to_owned()
    };
    (0..old.len().max(new.len())).map(one).collect()
}

/// Returns a line in pieces of at most `side` columns; all of it is shown.
fn wrapped(line: Option<&str>, side: usize) -> Vec<String> {
    let Some(line) = line else { return Vec::new() };
    let line = sanitise(line).replace('\t', "    ");
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for c in line.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide > side {
            pieces.push(String::new());
            used = 0;
        }
        used += wide;
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "--- a/t.py\n+++ b/t.py\n@@ -1,3 +1,3 @@\n def test():\n-    assert two() == 2\n\
                        --- it is even\n+    assert two() == 3\n";

    #[test]
    fn what_was_stands_beside_what_is() {
        let lines = columns(DIFF, Palette::PLAIN, 99, 91).unwrap();

        let row = |left: &str, right: &str| format!("{left:<44} │ {right}").trim_end().to_owned();
        assert_eq!(
            lines,
            [
                "--- a/t.py".to_owned(),
                "+++ b/t.py".to_owned(),
                "@@ -1,3 +1,3 @@".to_owned(),
                row("def test():", "def test():"),
                row("    assert two() == 2", "    assert two() == 3"),
                row("-- it is even", ""),
            ]
        );
    }

    #[test]
    fn a_narrow_terminal_has_no_columns_and_a_long_line_is_wrapped() {
        assert_eq!(columns(DIFF, Palette::PLAIN, 99, 90), None);

        let long = format!("@@ -1 +1 @@\n-{}\n+b\x1b[2J\n", "a".repeat(50));
        let lines = columns(&long, Palette::PLAIN, 99, 91).unwrap();

        assert_eq!(lines[1], format!("{} │ b\\x1b[2J", "a".repeat(44)));
        assert_eq!(lines[2], format!("{:<44} │", "a".repeat(6)));
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(text in "([-+ @].{0,90}\n){0,9}", width in 91usize..200) {
            let diff = format!("@@ -1,9 +1,9 @@\n{text}");
            for line in columns(&diff, Palette::PLAIN, 99, width).unwrap() {
                let is_heading = line.starts_with("@@") || !line.contains(BETWEEN.trim_end());
                proptest::prop_assert!(is_heading || line.width() <= width, "{line}");
            }
        }
    }
}
