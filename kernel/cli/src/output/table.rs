//! Tables that fit the width of the terminal. The widest column is narrowed first, and `…` marks
//! text that was cut.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Palette, Style, sanitise_line};

/// The gap between two columns.
const GAP: usize = 2;
/// The width below which no column is narrowed.
const NARROWEST: usize = 8;

/// The alignment of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// To the left, for text.
    #[default]
    Left,
    /// To the right, for numbers.
    Right,
}

/// One cell, sanitised when it is made.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Returns a cell in a style.
    pub fn styled(text: impl AsRef<str>, style: Style) -> Self {
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
pub struct Table {
    titles: Vec<(&'static str, Align)>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Returns a table with these columns and no rows.
    pub fn new<const N: usize>(titles: [(&'static str, Align); N]) -> Self {
        Self { titles: titles.to_vec(), rows: Vec::new() }
    }

    /// Adds a row with one cell for each column.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// Returns the table as lines. Without a width no text is cut.
    pub fn render(&self, palette: Palette, width: Option<usize>) -> String {
        let widths = self.widths(width);
        let titles = self.titles.iter().map(|(title, _)| Cell::styled(title, Style::Faint));
        let mut text = self.line(&titles.collect::<Vec<_>>(), &widths, palette);
        for row in &self.rows {
            text.push_str(&self.line(row, &widths, palette));
        }
        text
    }

    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.titles.iter().map(|(title, _)| title.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        let Some(limit) = limit else { return widths };
        let gaps = GAP * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > limit {
            let excess = widths.iter().sum::<usize>() + gaps - limit;
            let Some(widest) = widths.iter_mut().max() else { break };
            if *widest <= NARROWEST {
                break;
            }
            *widest = widest.saturating_sub(excess).max(NARROWEST);
        }
        widths
    }

    fn line(&self, cells: &[Cell], widths: &[usize], palette: Palette) -> String {
        let mut line = String::new();
        let last = cells.len().saturating_sub(1);
        for (index, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let text = cut(&cell.text, *width);
            let padding = " ".repeat(width.saturating_sub(text.width()));
            let painted = palette.paint(cell.style, &text);
            let right = self.titles.get(index).is_some_and(|(_, align)| *align == Align::Right);
            match (right, index == last) {
                (true, _) => line.extend([padding.as_str(), &painted]),
                (false, true) => line.push_str(&painted),
                (false, false) => line.extend([painted.as_str(), &padding]),
            }
            if index < last {
                line.push_str(&" ".repeat(GAP));
            }
        }
        format!("{}\n", line.trim_end())
    }
}

/// Returns `text` in at most `width` columns.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
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
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table =
            Table::new([("ID", Align::Left), ("COST", Align::Right), ("TASK", Align::Left)]);
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
        let mut table = Table::new([("A", Align::Left)]);
        table.row(["one\ntwo\x1b[2J".into()]);

        assert_eq!(table.render(Palette::PLAIN, None), "A\none two\\x1b[2J\n");
    }

    proptest::proptest! {
        #[test]
        fn a_cut_text_is_never_wider_than_asked(text in ".{0,40}", width in 1usize..40) {
            let text = sanitise_line(&text).into_owned();
            proptest::prop_assert!(cut(&text, width).width() <= width);
        }
    }

    #[test]
    fn without_rows_the_titles_stand_alone() {
        let table = Table::new([("ID", Align::Left), ("COST", Align::Right)]);

        assert_eq!(table.render(Palette::PLAIN, Some(40)), "ID  COST\n");
    }

    #[test]
    fn the_last_column_may_be_of_numbers_and_no_line_ends_with_a_space() {
        let mut table = Table::new([("NAME", Align::Left), ("COST", Align::Right)]);
        table.row(["a".into(), "$1.00".into()]);
        table.row(["longer".into(), "".into()]);

        assert_eq!(table.render(Palette::PLAIN, None), "NAME     COST\na       $1.00\nlonger\n");
    }

    #[test]
    fn a_column_is_not_cut_below_what_can_be_read() {
        let mut table = Table::new([("A", Align::Left), ("B", Align::Left)]);
        table.row(["123456789012".into(), "abcdefghijkl".into()]);

        assert_eq!(table.render(Palette::PLAIN, Some(4)), "A         B\n1234567…  abcdefg…\n");
    }

    #[test]
    fn of_two_wide_columns_both_give_way() {
        let mut table = Table::new([("A", Align::Left), ("B", Align::Left)]);
        table.row(["a".repeat(30).into(), "b".repeat(20).into()]);

        let text = table.render(Palette::PLAIN, Some(30));

        let widths: Vec<usize> = text.lines().map(UnicodeWidthStr::width).collect();
        assert!(widths.iter().all(|width| *width <= 30), "{text}");
        assert_eq!(text.lines().nth(1).unwrap().matches('…').count(), 1, "{text}");
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
        let mut table = Table::new([("ID", Align::Left), ("TASK", Align::Left)]);
        table.row([Cell::styled("abc", Style::Good), "x".into()]);

        assert_eq!(
            table.render(palette, Some(40)),
            "\x1b[2mID\x1b[0m   \x1b[2mTASK\x1b[0m\n\x1b[32mabc\x1b[0m  x\n"
        );
    }
}
