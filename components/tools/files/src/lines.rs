//! Line ends: each line keeps its own.

/// The end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// `\n`.
    Lf,
    /// `\r\n`.
    CrLf,
}

impl End {
    /// Returns it as text.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
        }
    }
}

/// Returns the ends of the lines of `text`, in order.
pub(crate) fn ends(text: &str) -> impl Iterator<Item = End> {
    let bytes = text.as_bytes();
    let after = |at: usize| at > 0 && bytes[at - 1] == b'\r';
    text.match_indices('\n').map(move |(at, _)| if after(at) { End::CrLf } else { End::Lf })
}

/// Counts the lines that end with LF and those that end with CRLF.
pub(crate) fn kinds(text: &str) -> (usize, usize) {
    let crlf = ends(text).filter(|end| *end == End::CrLf).count();
    (ends(text).count() - crlf, crlf)
}

/// Returns `new` with the line ends of `old` whose place it takes: lines that stay keep theirs, others take that of the
/// line they replace. `fallback` is the end where `old` has none.
pub(crate) fn like(old: &str, new: &str, fallback: End) -> String {
    let plain = |text: &str| text.replace("\r\n", "\n");
    let (old_ends, plain_old, plain_new) = (ends(old).collect::<Vec<_>>(), plain(old), plain(new));
    let before: Vec<&str> = plain_old.split('\n').collect();
    let after: Vec<&str> = plain_new.split('\n').collect();
    let start = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
    let most = before.len().min(after.len()) - start;
    let same = before.iter().rev().zip(after.iter().rev()).take(most).take_while(|(a, b)| a == b);
    let tail = same.count();
    let end_of = |line: usize| {
        // The lines after the changed ones are counted from the end. The last changed line ends with what the last
        // replaced one ended with.
        let left = after.len() - 1 - line;
        let own =
            if line >= start && left <= tail { before.len().checked_sub(1 + left) } else { None };
        let place = own.unwrap_or(line).min(old_ends.len().saturating_sub(1));
        old_ends.get(place).copied().unwrap_or(fallback)
    };
    let mut text = String::with_capacity(new.len());
    for (line, words) in after.iter().enumerate() {
        text.push_str(words);
        if line + 1 < after.len() {
            text.push_str(end_of(line).text());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_keeps_the_end_of_the_one_it_replaces() {
        let cases = [
            // Old, new as a model writes it, and what comes of it.
            ("a\r\nb\nc", "a\nB\nc", "a\r\nB\nc"),
            ("a\r\nb\r\n", "a\nx\ny\nb\n", "a\r\nx\r\ny\r\nb\r\n"),
            ("a\nb\r\nc\n", "a\nc\n", "a\nc\n"),
            ("a\nb\r\nc\r\n", "a\nb\nc\nd\n", "a\nb\r\nc\r\nd\r\n"),
            ("a\r\nb\nc\n", "x\na\nb\nc\n", "x\r\na\r\nb\nc\n"),
            ("a", "a\nb", "a\r\nb"),
            ("a\nb\n", "a\r\nb\r\nc\r\n", "a\nb\nc\n"),
            ("", "", ""),
        ];
        for (old, new, wanted) in cases {
            assert_eq!(like(old, new, End::CrLf), wanted, "{old:?} {new:?}");
        }
    }

    #[test]
    fn the_kinds_of_ends_are_counted() {
        assert_eq!(kinds("a\r\nb\nc\r\n"), (1, 2));
        assert_eq!(kinds("a\rb"), (0, 0));
    }
}
