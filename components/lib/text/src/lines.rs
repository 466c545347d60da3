//! Line ends: each line keeps its own.

/// What ends the lines of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaks {
    /// A line feed, with any number of carriage returns before it: LF, CRLF, and the CR CR LF of what was converted twice.
    Feeds,
    /// A carriage return alone, where there is no line feed at all.
    Returns,
}

/// The end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    returns: usize,
    feed: bool,
}

impl End {
    /// `\n`.
    pub const LF: Self = Self { returns: 0, feed: true };
    /// `\r\n`.
    pub const CRLF: Self = Self { returns: 1, feed: true };
    /// `\r`.
    pub const CR: Self = Self { returns: 1, feed: false };

    /// Returns it as text.
    pub fn text(self) -> String {
        format!("{}{}", "\r".repeat(self.returns), if self.feed { "\n" } else { "" })
    }

    fn name(self) -> String {
        format!("{}{}", "CR ".repeat(self.returns), if self.feed { "LF" } else { "" })
            .trim_end()
            .replace("CR LF", "CRLF")
            .replace("CR CRLF", "CR CR LF")
    }
}

impl Breaks {
    /// Returns what ends the lines of `text`.
    pub fn of(text: &str) -> Self {
        if text.contains('\r') && !text.contains('\n') { Self::Returns } else { Self::Feeds }
    }

    /// Returns the lines of `text`, each with its end. What follows the last end is a line too, if it is not empty.
    pub fn split(self, text: &str) -> impl Iterator<Item = (&str, Option<End>)> {
        let (feed, sign) = (self == Self::Feeds, if self == Self::Feeds { '\n' } else { '\r' });
        text.split_inclusive(sign).map(move |line| match line.strip_suffix(sign) {
            None => (line, None),
            Some(line) if !feed => (line, Some(End::CR)),
            Some(line) => {
                let plain = line.trim_end_matches('\r');
                (plain, Some(End { returns: line.len() - plain.len(), feed }))
            }
        })
    }

    /// Returns the ends of the lines of `text`, in order.
    pub fn ends(self, text: &str) -> impl Iterator<Item = End> {
        self.split(text).filter_map(|(_, end)| end)
    }

    /// Returns `text` with `\n` at the end of every line.
    pub fn plain(self, text: &str) -> String {
        let mut plain = String::with_capacity(text.len());
        for (line, end) in Self::Feeds.split(text) {
            match self {
                Self::Feeds => plain.push_str(line),
                Self::Returns => plain.push_str(&line.replace('\r', "\n")),
            }
            plain.push_str(if end.is_some() { "\n" } else { "" });
        }
        plain
    }

    /// Returns `new` with the line ends of `old` whose place it takes: lines that stay keep theirs, others take that of
    /// the line they replace. `fallback` is the end where `old` has none.
    pub fn like(self, old: &str, new: &str, fallback: End) -> String {
        let old_ends: Vec<End> = self.ends(old).collect();
        let (plain_old, plain_new) = (self.plain(old), self.plain(new));
        let before: Vec<&str> = plain_old.split('\n').collect();
        let after: Vec<&str> = plain_new.split('\n').collect();
        let start = before.iter().zip(&after).take_while(|(a, b)| a == b).count();
        let most = before.len().min(after.len()) - start;
        let pairs = before.iter().rev().zip(after.iter().rev()).take(most);
        let tail = pairs.take_while(|(a, b)| a == b).count();
        let end_of = |line: usize| {
            // The lines after the changed ones are counted from the end. The last changed line ends with what the last
            // replaced one ended with.
            let left = after.len() - 1 - line;
            let from_end = line >= start && left <= tail;
            let own = if from_end { before.len().checked_sub(1 + left) } else { None };
            let place = own.unwrap_or(line).min(old_ends.len().saturating_sub(1));
            old_ends.get(place).copied().unwrap_or(fallback)
        };
        let mut text = String::with_capacity(new.len());
        for (line, words) in after.iter().enumerate() {
            text.push_str(words);
            if line + 1 < after.len() {
                text.push_str(&end_of(line).text());
            }
        }
        text
    }
}

/// Returns the lines of `text` without their ends.
pub fn of(text: &str) -> impl Iterator<Item = &str> {
    Breaks::of(text).split(text).map(|(line, _)| line)
}

/// Says how the lines of `text` end, unless all of them do in the common way.
pub fn describe(text: &str) -> Option<String> {
    let mut ends: Vec<End> = Breaks::of(text).ends(text).collect();
    ends.sort_unstable();
    ends.dedup();
    match ends.as_slice() {
        [] | [End::LF] => None,
        ends => {
            let names: Vec<String> = ends.iter().map(|end| end.name()).collect();
            Some(format!("lines end with {}", names.join(" and ")))
        }
    }
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
            ("a\r\r\nb\r\r\n", "a\nx\nb\n", "a\r\r\nx\r\r\nb\r\r\n"),
            ("", "", ""),
        ];
        for (old, new, wanted) in cases {
            assert_eq!(Breaks::Feeds.like(old, new, End::CRLF), wanted, "{old:?} {new:?}");
        }
        assert_eq!(Breaks::Returns.like("a\rb\r", "a\nx\r\nb\n", End::CR), "a\rx\rb\r");
    }

    #[test]
    fn the_ends_of_lines_are_named() {
        let cases = [
            ("a\nb", None),
            ("a\r\nb\nc\r\n", Some("LF and CRLF")),
            ("a\r\n", Some("CRLF")),
            ("a\r\r\nb\r\n", Some("CRLF and CR CR LF")),
            ("a\rb", Some("CR")),
            ("a\rb\n", None),
        ];
        for (text, wanted) in cases {
            let wanted = wanted.map(|ends| format!("lines end with {ends}"));
            assert_eq!(describe(text), wanted, "{text:?}");
        }
    }

    #[test]
    fn a_text_without_line_feeds_has_lines_all_the_same() {
        assert_eq!(of("a\rb\r").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(of("a\r\r\nb\rc\n").collect::<Vec<_>>(), ["a", "b\rc"]);
    }
}
