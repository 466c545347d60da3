//! Tables that fit the width of the terminal. The widest column of text is narrowed first, and `…` marks
//! text that was cut. The first column, which says what the row is about, and numbers are never cut: where the columns
//! do not fit, each row is set out below its first cell.

use std::{borrow::Cow, ops::Range};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Style, line::Line, sanitise_line};

/// The gap between two columns.
const GAP: usize = 2;
/// The width below which no column is narrowed.
const NARROWEST: usize = 8;

/// The alignment of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Align {
    /// To the left, for text.
    #[default]
    Left,
    /// To the right, for numbers.
    Right,
}

/// One cell, sanitised when it is made.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Returns a cell in a style.
    pub(super) fn styled(text: impl AsRef<str>, style: Style) -> Self {
        Self { text: sanitise_line(text.as_ref()).trim().to_owned(), style }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::Plain)
    }
}

/// A table: rows below titles.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    titles: Vec<(String, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Grid {
    /// Returns a table with these columns and no rows.
    pub(super) fn new<T: Into<String>>(titles: impl IntoIterator<Item = (T, Align)>) -> Self {
        let titles = titles
            .into_iter()
            .map(|(title, align)| (sanitise_line(&title.into()).into_owned(), align));
        Self { titles: titles.collect(), rows: Vec::new() }
    }

    /// Adds a row with one cell for each column.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Returns the table as lines, and which of them are those of each row. Without a width no text is cut.
    pub(super) fn lines(&self, width: Option<usize>) -> (Vec<Line>, Vec<Range<usize>>) {
        let natural = self.natural();
        let widths = match width {
            None => natural,
            Some(limit) => match self.narrowed(natural, limit) {
                Some(widths) => widths,
                None if self.rows.is_empty() => return (Vec::new(), Vec::new()),
                None => return self.set_out(limit),
            },
        };
        let titles = self.titles.iter().map(|(title, _)| Cell::styled(title, Style::Faint));
        let titles = self.line(&titles.collect::<Vec<_>>(), &widths);
        let rows = self.rows.iter().map(|row| self.line(row, &widths));
        let lines: Vec<Line> = std::iter::once(titles).chain(rows).collect();
        let places = (1..lines.len()).map(|at| at..at + 1).collect();
        (lines, places)
    }

    /// Returns the width of each column if nothing is cut.
    fn natural(&self) -> Vec<usize> {
        let mut widths: Vec<usize> = self.titles.iter().map(|(title, _)| title.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(width_of(&cell.text));
            }
        }
        widths
    }

    /// Returns widths that fit the limit together, if there are any.
    fn narrowed(&self, mut widths: Vec<usize>, limit: usize) -> Option<Vec<usize>> {
        let gaps = GAP * widths.len().saturating_sub(1);
        loop {
            let excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(limit);
            if excess == 0 {
                return Some(widths);
            }
            let columns = widths.iter_mut().zip(&self.titles).skip(1);
            let of_text = columns.filter(|(_, (_, align))| *align == Align::Left);
            let (widest, _) = of_text.max_by_key(|(width, _)| **width)?;
            if *widest <= NARROWEST {
                return None;
            }
            *widest = widest.saturating_sub(excess).max(NARROWEST);
        }
    }

    /// Returns each row as its first cell and, below it, the others with their titles.
    fn set_out(&self, limit: usize) -> (Vec<Line>, Vec<Range<usize>>) {
        let (mut lines, mut places) = (Vec::new(), Vec::new());
        for row in &self.rows {
            let Some((first, others)) = row.split_first() else { continue };
            let begin = lines.len();
            lines.push(Line::of(first.style, first.text.as_str()));
            let (mut line, mut used) = (Line::default(), 0);
            let titled = others.iter().zip(self.titles.iter().skip(1));
            for (cell, (title, _)) in titled.filter(|(cell, _)| !cell.text.is_empty()) {
                let wide = title.width() + 1 + cell.text.width();
                if used > 0 && used + GAP + wide > limit {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                let room = limit.saturating_sub(GAP + title.width() + 1).max(1);
                line.push(Style::Plain, " ".repeat(GAP));
                line.push(Style::Faint, title.as_str());
                line.push(Style::Plain, " ");
                line.push(cell.style, cut(&cell.text, room));
                used += GAP + wide;
            }
            lines.extend((used > 0).then_some(line));
            places.push(begin..lines.len());
        }
        (lines, places)
    }

    fn line(&self, cells: &[Cell], widths: &[usize]) -> Line {
        let mut line = Line::default();
        let last = cells.len().saturating_sub(1);
        for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let text = fitted(&cell.text, *width);
            let padding = width.saturating_sub(width_of(&text));
            let right = self.titles.get(index).is_some_and(|(_, align)| *align == Align::Right);
            if right {
                line.space(padding);
            }
            line.push(cell.style, text);
            if !right {
                line.space(padding);
            }
            if index < last {
                line.space(GAP);
            }
        }
        line.trim_end();
        line
    }
}

/// Returns the columns that a sanitised text takes.
fn width_of(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// Returns `text` in at most `width` columns.
pub(crate) fn cut(text: &str, width: usize) -> String {
    fitted(text, width).into_owned()
}

fn fitted(text: &str, width: usize) -> Cow<'_, str> {
    if width_of(text) <= width {
        return Cow::Borrowed(text);
    }
    let mut taken = 0;
    let mut short: String = text
        .chars()
        .take_while(|c| {
            taken += c.width().unwrap_or(0);
            taken < width
        })
        .collect();
    short.push('…');
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Palette;

    impl Grid {
        /// Returns the lines as one text.
        fn render(&self, palette: Palette, width: Option<usize>) -> String {
            let mut text = String::new();
            for line in self.lines(width).0 {
                line.paint(palette, &mut text);
                text.push('\n');
            }
            text
        }
    }

    fn table() -> Grid {
        let mut table =
            Grid::new([("ID", Align::Left), ("COST", Align::Right), ("TASK", Align::Left)]);
        table.row(["abc12345".into(), "$0.10".into(), "fix the login bug in the form".into()]);
        table.row(["def67890".into(), "$12.00".into(), "日本語の長い説明をここに書く".into()]);
        table
    }

    #[test]
    fn without_a_width_nothing_is_cut() {
        let text = table().render(Palette::PLAIN, None);

        assert_eq!(
            text,
            "ID          COST  TASK\n\
             abc12345   $0.10  fix the login bug in the form\n\
             def67890  $12.00  日本語の長い説明をここに書く\n"
        );
    }

    #[test]
    fn the_widest_column_gives_way_and_wide_characters_count_twice() {
        let text = table().render(Palette::PLAIN, Some(34));

        assert!(text.lines().all(|line| line.width() <= 34), "{text}");
        assert!(text.contains("fix the login b…"), "{text}");
        assert!(text.contains("def67890"), "{text}");
    }

    #[test]
    fn a_cell_cannot_break_the_line_or_drive_the_terminal() {
        let mut table = Grid::new([("A", Align::Left)]);
        table.row(["one\ntwo\x1b[2J".into()]);

        assert_eq!(table.render(Palette::PLAIN, None), "A\none two\\x1b[2J\n");
    }

    proptest::proptest! {
        #[test]
        fn at_any_width_the_first_column_is_whole_and_no_line_is_too_long(
            rows in proptest::collection::vec(("[a-z]{1,12}", "[0-9]{0,9}", ".{0,60}"), 1..5),
            width in 20usize..90,
        ) {
            let mut table =
                Grid::new([("ID", Align::Left), ("COST", Align::Right), ("TASK", Align::Left)]);
            for (id, cost, task) in &rows {
                table.row([id.into(), cost.into(), task.into()]);
            }
            let text = table.render(Palette::PLAIN, Some(width));
            for (id, cost, _) in &rows {
                proptest::prop_assert!(text.contains(id) && text.contains(cost), "{text}");
            }
            for line in text.lines() {
                proptest::prop_assert!(line.width() <= width, "{width}: {text}");
            }
        }

        #[test]
        fn a_cut_text_is_never_wider_than_asked(text in ".{0,40}", width in 1usize..40) {
            let text = sanitise_line(&text).into_owned();
            proptest::prop_assert!(cut(&text, width).width() <= width);
        }
    }

    #[test]
    fn without_rows_the_titles_stand_alone() {
        let table = Grid::new([("ID", Align::Left), ("COST", Align::Right)]);

        assert_eq!(table.render(Palette::PLAIN, Some(40)), "ID  COST\n");
    }

    #[test]
    fn the_last_column_may_be_of_numbers_and_no_line_ends_with_a_space() {
        let mut table = Grid::new([("NAME", Align::Left), ("COST", Align::Right)]);
        table.row(["a".into(), "$1.00".into()]);
        table.row(["longer".into(), "".into()]);

        assert_eq!(table.render(Palette::PLAIN, None), "NAME     COST\na       $1.00\nlonger\n");
    }

    #[test]
    fn where_the_columns_do_not_fit_each_row_is_set_out_below_its_first_cell() {
        let mut table = Grid::new([
            ("MODEL", Align::Left),
            ("CONTEXT", Align::Right),
            ("PRICE", Align::Right),
            ("ROLES", Align::Left),
        ]);
        table.row([
            "koi/a-very-long-name".into(),
            "200k".into(),
            "$3.00".into(),
            "executor".into(),
        ]);
        table.row([
            "koi/mini".into(),
            "32k".into(),
            "".into(),
            "judge, small, planner, embedder".into(),
        ]);

        assert_eq!(
            table.render(Palette::PLAIN, Some(30)),
            "koi/a-very-long-name\n  CONTEXT 200k  PRICE $3.00\n  ROLES executor\n\
             koi/mini\n  CONTEXT 32k\n  ROLES judge, small, planner…\n"
        );
    }

    #[test]
    fn text_gives_way_and_numbers_and_the_first_column_do_not() {
        let mut table = Grid::new([
            ("A", Align::Left),
            ("N", Align::Right),
            ("B", Align::Left),
            ("C", Align::Left),
        ]);
        table.row([
            "a".repeat(12).into(),
            "1234567890".into(),
            "b".repeat(20).into(),
            "c".repeat(30).into(),
        ]);

        let text = table.render(Palette::PLAIN, Some(50));

        let row = text.lines().nth(1).unwrap();
        assert!(row.width() <= 50, "{text}");
        assert!(row.starts_with("aaaaaaaaaaaa  1234567890  bbb"), "{text}");
        assert_eq!(row.matches('…').count(), 2, "{text}");
    }

    #[test]
    fn a_wide_character_that_does_not_fit_whole_is_left_out() {
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語", 5), "日本…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("日本語", 1), "…");
    }

    #[test]
    fn marks_that_take_no_room_are_not_counted() {
        let accented = "e\u{301}e\u{301}e\u{301}";

        assert_eq!(cut(accented, 3), accented);
        assert_eq!(cut(accented, 2), "e\u{301}…");
    }

    #[test]
    fn colour_does_not_count_as_width() {
        let environment = openkoi_app::environment::Environment::of([], std::path::Path::new("/"));
        let palette = Palette::decide(crate::output::ColourChoice::Always, &environment, false);
        let mut table = Grid::new([("ID", Align::Left), ("TASK", Align::Left)]);
        table.row([Cell::styled("abc", Style::Good), "x".into()]);

        assert_eq!(
            table.render(palette, Some(40)),
            "\x1b[2mID\x1b[0m   \x1b[2mTASK\x1b[0m\n\x1b[32mabc\x1b[0m  x\n"
        );
    }
}
