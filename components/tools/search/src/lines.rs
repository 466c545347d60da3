//! The lines of a file in which something was found, with some around them.

/// The longest line that is shown, in characters.
const MAX_LINE: usize = 400;

/// Splits a file into its lines, without their ends.
pub(crate) fn split(contents: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = contents.split(|&byte| byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines
}

/// Shows `matching` lines (counted from 0, sorted) and `around` lines before and after each. `:` follows the
/// number of a line that matches, `-` that of one that does not, and `--` stands where lines were left out. `earlier` lines
/// of the file come before these.
pub(crate) fn show(lines: &[&[u8]], matching: &[usize], around: usize, earlier: usize) -> String {
    let mut shown = String::new();
    let mut next = 0;
    for (at, &line) in matching.iter().enumerate() {
        let first = line.saturating_sub(around).max(next);
        let until = matching.get(at + 1).copied().unwrap_or(usize::MAX);
        let last = (line + around).min(lines.len() - 1).min(until.saturating_sub(1));
        if around > 0 && next > 0 && first > next {
            shown.push_str("  --\n");
        }
        for (number, text) in lines.iter().enumerate().take(last + 1).skip(first) {
            let sign = if number == line { ':' } else { '-' };
            shown.push_str(&format!("  {}{sign} {}\n", earlier + number + 1, printable(text)));
        }
        next = last + 1;
    }
    shown
}

fn printable(line: &[u8]) -> String {
    let (text, _) = openkoi_sdk::text::shown(line.strip_suffix(b"\r").unwrap_or(line));
    match text.char_indices().nth(MAX_LINE) {
        None => text,
        Some((end, _)) => {
            format!("{}… [line cut; it has {} characters]", &text[..end], text.chars().count())
        }
    }
}

/// Returns the lines, counted from 0, in which the ranges lie.
pub(crate) fn numbers(
    contents: &[u8],
    ranges: impl Iterator<Item = (usize, usize)>,
    max: usize,
) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    let (mut line, mut counted) = (0, 0);
    for (start, end) in ranges {
        line += newlines(&contents[counted..start]);
        // A match that ends with a line end is not in the next line.
        let inside = contents[start..end].strip_suffix(b"\n").unwrap_or(&contents[start..end]);
        let last = line + newlines(inside);
        let first = found.last().map_or(line, |&seen| line.max(seen + 1));
        found.extend(first..=last);
        if found.len() >= max {
            break;
        }
        counted = start;
    }
    found
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_found_in_their_lines() {
        let text = b"a\nb\nab\nc";

        assert_eq!(numbers(text, [(0, 1), (4, 5), (5, 6)].into_iter(), 10), [0, 2]);
        assert_eq!(numbers(text, [(2, 4), (7, 8)].into_iter(), 10), [1, 3]);
        assert_eq!(numbers(text, [(0, 5)].into_iter(), 10), [0, 1, 2]);
        assert_eq!(numbers(text, [(0, 1), (2, 3), (4, 5)].into_iter(), 2), [0, 1]);
    }

    #[test]
    fn context_is_shown_once() {
        let lines = split(b"0\n1\n2\r\n3\n4\n5\n6\n");

        assert_eq!(
            show(&lines, &[1, 2, 6], 1, 0),
            "  1- 0\n  2: 1\n  3: 2\n  4- 3\n  --\n  6- 5\n  7: 6\n"
        );
        assert_eq!(show(&lines, &[1, 3], 1, 0), "  1- 0\n  2: 1\n  3- 2\n  4: 3\n  5- 4\n");
        assert_eq!(show(&lines, &[0, 6], 0, 10), "  11: 0\n  17: 6\n");
    }
}
