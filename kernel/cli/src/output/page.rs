//! A page of text for a person, written from top to bottom.

use std::ops::Range;

use jiff::tz::TimeZone;
use unicode_width::UnicodeWidthStr;

use super::{Grid, Palette, Style, ago, clock_time, line::Line, sanitise, sanitise_line};

/// Where the values of fields begin.
const FIELD: usize = 13;
/// What stands before each line of a text that somebody else wrote, where that could be taken for a line of the page.
pub(crate) const QUOTED: &str = "│ ";

/// How points in time are written.
#[derive(Clone, Debug)]
pub(crate) enum Times {
    /// As the time that has passed until this one, in milliseconds since 1970.
    Ago(u64),
    /// By the clock of this place, for a page that stays in front of somebody while time passes. It is made at this time.
    Clock(TimeZone, u64),
}

/// A page of lines, fields and tables. Text that is put on it is sanitised.
#[derive(Debug)]
pub(super) struct Page {
    lines: Vec<Line>,
    places: Places,
    palette: Palette,
    width: Option<usize>,
    times: Times,
}

/// Where on a page something begins, by the number of its line, for whoever moves over the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    /// The lines of each row of a table.
    pub(crate) rows: Vec<Range<usize>>,
    /// The titles.
    pub(crate) titles: Vec<usize>,
}

impl Page {
    /// Returns an empty page.
    pub(super) fn new(palette: Palette, width: Option<usize>, now_ms: u64) -> Self {
        Self::with_times(palette, width, Times::Ago(now_ms))
    }

    /// Returns an empty page on which times are written so.
    pub(super) fn with_times(palette: Palette, width: Option<usize>, times: Times) -> Self {
        Self { lines: Vec::new(), places: Places::default(), palette, width, times }
    }

    /// Writes a line, which may have line breaks in it.
    pub(super) fn line(&mut self, text: impl AsRef<str>) {
        self.styled(text, Style::Plain);
    }

    /// Writes a line in a style.
    pub(super) fn styled(&mut self, text: impl AsRef<str>, style: Style) {
        let text = sanitise(text.as_ref());
        let lead = |line: &str| if line.starts_with(QUOTED) { QUOTED } else { "" };
        let lines = text.split('\n').map(|line| Line::of(style, line).led_by(lead(line)));
        self.lines.extend(lines);
    }

    /// Writes pieces of text, each in its style, on one line.
    pub(super) fn pieces<'a>(&mut self, pieces: impl IntoIterator<Item = (Style, &'a str)>) {
        let mut line = Line::default();
        for (style, text) in pieces {
            line.push(style, sanitise_line(text));
        }
        self.lines.push(line);
    }

    /// Writes pieces of text as [`Page::pieces`] does, on as many lines as a screen needs. Those after the first are set in.
    pub(super) fn flowing<'a>(
        &mut self,
        indent: usize,
        pieces: impl IntoIterator<Item = (Style, &'a str)>,
    ) {
        let Some(width) = self.width else { return self.pieces(pieces) };
        let (mut line, mut column) = (Line::default(), 0);
        for (style, text) in pieces {
            let text = sanitise_line(text);
            for word in text.split_inclusive(' ') {
                let needs = word.trim_end().width();
                if needs > 0 && column > indent && column + needs > width {
                    line.trim_end();
                    self.lines.push(std::mem::take(&mut line));
                    line.push(Style::Plain, " ".repeat(indent));
                    column = indent;
                }
                line.push(style, word);
                column += word.width();
            }
        }
        self.lines.push(line);
    }

    /// Returns the width of the page, if it has one.
    pub(super) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Writes an empty line, unless the page is empty.
    pub(super) fn gap(&mut self) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
    }

    /// Writes a title after a gap.
    pub(super) fn title(&mut self, text: &str) {
        self.gap();
        self.places.titles.push(self.lines.len());
        self.flowing(0, [(Style::Strong, text)]);
    }

    /// Writes a label and its value, aligned with those above, in a style.
    pub(super) fn field(&mut self, label: &str, value: impl AsRef<str>, style: Style) {
        let mut line = Line::of(Style::Faint, format!("{label:<12}"));
        line.push(Style::Plain, " ");
        line.push(style, sanitise_line(value.as_ref()));
        line.trim_end();
        self.lines.push(line.led_by(" ".repeat(FIELD)));
    }

    /// Writes the titles and rows of a table.
    pub(super) fn table(&mut self, table: &Grid) {
        let (begin, (lines, rows)) = (self.lines.len(), table.lines(self.width));
        self.lines.extend(lines);
        let rows = rows.into_iter().map(|row| begin + row.start..begin + row.end);
        self.places.rows.extend(rows);
    }

    /// Returns true if the page goes to a terminal and not into a file or a program.
    pub(super) fn is_on_screen(&self) -> bool {
        self.width.is_some()
    }

    /// Returns a point in time in words.
    pub(super) fn time(&self, at_ms: u64) -> String {
        match &self.times {
            Times::Ago(now_ms) => ago(*now_ms, at_ms),
            Times::Clock(zone, now_ms) => clock_time(zone, *now_ms, at_ms),
        }
    }

    /// Returns the text of the page.
    pub(super) fn finish(self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            line.paint(self.palette, &mut text);
            text.push('\n');
        }
        text
    }

    /// Returns the lines of the page, and where on it something begins.
    pub(super) fn into_lines(self) -> (Vec<Line>, Places) {
        (self.lines, self.places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Align;

    #[test]
    fn fields_stand_below_one_another_and_cannot_forge_a_line() {
        let mut page = Page::new(Palette::PLAIN, None, 0);
        page.field("model", "a/b", Style::Plain);
        page.field("task", "one\nstatus  accepted", Style::Plain);

        assert_eq!(page.finish(), "model        a/b\ntask         one status  accepted\n");
    }

    #[test]
    fn text_flows_over_as_many_lines_as_a_screen_needs_and_stays_on_one_elsewhere() {
        let pieces =
            || [(Style::Plain, "- "), (Style::Good, "one two"), (Style::Plain, " three four")];
        let flowing = |width| {
            let mut page = Page::new(Palette::PLAIN, width, 0);
            page.flowing(2, pieces());
            page.finish()
        };

        assert_eq!(flowing(None), "- one two three four\n");
        assert_eq!(flowing(Some(10)), "- one two\n  three\n  four\n");
        assert_eq!(flowing(Some(1)), "- one\n  two\n  three\n  four\n");
    }

    #[test]
    fn a_gap_separates_and_does_not_begin_a_page() {
        let mut page = Page::new(Palette::PLAIN, None, 0);

        page.gap();
        page.line("one");
        page.title("Title");
        page.line("two\nthree");

        assert_eq!(page.finish(), "one\n\nTitle\ntwo\nthree\n");
    }

    #[test]
    fn what_is_put_on_a_page_cannot_drive_the_terminal() {
        let mut page = Page::new(Palette::PLAIN, None, 0);

        page.line("a\x1b[2J");
        page.styled("b\x07", Style::Bad);
        page.pieces([(Style::Plain, "ok "), (Style::Good, "c\u{202e}")]);
        page.field("label", "d\r", Style::Plain);

        assert_eq!(page.finish(), "a\\x1b[2J\nb\\x07\nok c\\u{202e}\nlabel        d\\x0d\n");
    }

    #[test]
    fn a_field_without_a_value_has_no_space_at_its_end() {
        let mut page = Page::new(Palette::PLAIN, None, 0);

        page.field("model", "", Style::Plain);
        page.field("a label longer than the others", "x", Style::Plain);

        assert_eq!(page.finish(), "model\na label longer than the others x\n");
    }

    #[test]
    fn styles_colour_labels_and_values_and_nothing_between_lines() {
        let environment = openkoi_app::environment::Environment::of([], std::path::Path::new("/"));
        let choice = crate::output::ColourChoice::Always;
        let mut page = Page::new(Palette::decide(choice, &environment, false), None, 0);

        page.field("status", "accepted", Style::Good);
        page.styled("done", Style::Faint);

        assert_eq!(
            page.finish(),
            "\x1b[2mstatus      \x1b[0m \x1b[32maccepted\x1b[0m\n\x1b[2mdone\x1b[0m\n"
        );
    }

    #[test]
    fn a_table_on_a_page_keeps_to_its_width() {
        let mut table = Grid::new([("NAME", Align::Left), ("TITLE", Align::Left)]);
        table.row(["a name".into(), "a title that is long".into()]);
        let mut page = Page::new(Palette::PLAIN, Some(20), 0);

        page.table(&table);

        assert_eq!(page.finish(), "NAME    TITLE\na name  a title tha…\n");
    }
}
