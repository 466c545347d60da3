//! A document laid out on lines as wide as its place on the screen.

use std::ops::Range;

use openkoi_core::document::{Block, Document, Span, Value, Verbatim};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::output::{self, Line, Places, Style, Times};

/// How far a tab goes.
const TAB: usize = 4;

/// The lines of a document, and where on them something begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Laid {
    /// The lines, none wider than asked.
    pub(super) lines: Vec<Line>,
    /// Where rows and titles are.
    pub(super) places: Places,
}

impl Laid {
    /// Lays a document out.
    pub(super) fn of(document: &Document, width: usize, times: &Times) -> Self {
        let (lines, places) = output::laid_out(document, width, times.clone());
        let mut laid = Self::default();
        // Where each line of the page begins here.
        let mut begins = Vec::with_capacity(lines.len() + 1);
        for line in &lines {
            begins.push(laid.lines.len());
            laid.lines.extend(wrapped(line, width));
        }
        begins.push(laid.lines.len());
        let at = |line: usize| begins.get(line).copied().unwrap_or(laid.lines.len());
        let rows = places.rows.iter().map(|row| at(row.start)..at(row.end)).collect();
        let titles = places.titles.iter().map(|title| at(*title)).collect();
        laid.places = Places { rows, titles };
        laid
    }

    /// Returns the row that a line belongs to.
    pub(super) fn row_at(&self, line: usize) -> Option<usize> {
        self.places.rows.iter().position(|row| row.contains(&line))
    }

    /// Returns the lines of a row.
    pub(super) fn row(&self, number: usize) -> Option<Range<usize>> {
        self.places.rows.get(number).cloned()
    }

    /// Returns the first line after `from` that has these words in it, or else the first of all.
    pub(super) fn find(&self, words: &str, from: usize) -> Option<usize> {
        let words = words.to_lowercase();
        let has = |line: &Line| line.text().to_lowercase().contains(&words);
        let after = self.lines.iter().skip(from).position(has).map(|at| from + at);
        after.or_else(|| self.lines.iter().position(has))
    }
}

/// Returns a line as lines that fit, with its tabs as spaces. It is broken behind a word if that does not waste half of a line.
fn wrapped(line: &Line, width: usize) -> Vec<Line> {
    let mut rest = &characters(line)[..];
    let mut lines: Vec<Line> = Vec::new();
    // Of a lead that would take most of the place, nothing is left.
    let lead = if line.lead.width() * 2 > width { "" } else { line.lead.as_str() };
    loop {
        let lead = if lines.is_empty() { "" } else { lead };
        let mut used = lead.width();
        let fits = rest.iter().take_while(|(_, c)| {
            used += c.width().unwrap_or(0);
            used <= width.max(2)
        });
        let fits = fits.count();
        if fits == rest.len() {
            lines.push(joined(lead, rest));
            return lines;
        }
        // A character that is too wide for its place alone goes beyond it.
        let fits = fits.max(1);
        let (begin, _) = rest.split_at(fits);
        let word = begin.iter().rposition(|(_, c)| *c == ' ').map(|at| at + 1);
        let is_whole = rest.get(fits).is_some_and(|(_, c)| *c == ' ');
        let end = word.filter(|end| !is_whole && end * 2 > fits).unwrap_or(fits);
        let (begin, after) = rest.split_at(end);
        lines.push(joined(lead, begin));
        // The gap before the next word went with the break.
        let gap = after.iter().take_while(|(_, c)| *c == ' ').count();
        rest = after.get(gap..).unwrap_or_default();
    }
}

fn characters(line: &Line) -> Vec<(Style, char)> {
    let mut characters = Vec::new();
    for (style, text) in &line.pieces {
        for c in text.chars() {
            match c {
                '\t' => {
                    let gap = TAB - characters.len() % TAB;
                    characters.extend(std::iter::repeat_n((*style, ' '), gap));
                }
                c => characters.push((*style, c)),
            }
        }
    }
    characters
}

fn joined(lead: &str, characters: &[(Style, char)]) -> Line {
    let runs = characters.chunk_by(|(one, _), (other, _)| one == other);
    let piece = |run: &[(Style, char)]| {
        let style = run.first().map_or(Style::Plain, |(style, _)| *style);
        (style, run.iter().map(|(_, c)| c).collect())
    };
    let mut line = Line::of(Style::Plain, lead);
    line.pieces.extend(runs.map(piece));
    line.trim_end();
    line
}

/// Returns what of a document has these words in it: rows of tables and lines of texts. Everything else stays. With it
/// comes the number that each of the rows had.
pub(super) fn filtered(document: &Document, words: &str) -> (Document, Vec<usize>) {
    let words = words.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&words);
    let (mut kept, mut number) = (Vec::new(), 0);
    let blocks = document.blocks.iter().map(|block| match block {
        Block::Table(table) if table.is_for_people() => {
            let mut table = table.clone();
            table.rows.retain(|row| {
                let stays = row.iter().any(|value| value_has(value, &has));
                kept.extend(stays.then_some(number));
                number += 1;
                stays
            });
            if table.rows.is_empty() {
                table.empty = "nothing here has these words in it".to_owned();
            }
            Block::Table(table)
        }
        Block::Verbatim(text) => {
            let lines = text.text.lines().filter(|line| has(line));
            let found = lines.collect::<Vec<_>>().join("\n");
            Block::Verbatim(Verbatim { text: found, ..text.clone() })
        }
        other => other.clone(),
    });
    let blocks = blocks.collect();
    (Document { title: document.title.clone(), blocks }, kept)
}

fn value_has(value: &Value, has: &impl Fn(&str) -> bool) -> bool {
    let spans_have = |spans: &[Span]| spans.iter().any(|span| has(&span.text));
    match value {
        Value::Text(spans) => spans_have(spans),
        Value::Id(id) => has(id),
        Value::List(values) => values.iter().any(|value| value_has(value, has)),
        Value::Record(members) => members.iter().any(|(_, value)| value_has(value, has)),
        _ => false,
    }
}

/// Returns words in at most this width, as a line.
pub(super) fn short(style: Style, text: &str, width: usize) -> Line {
    Line::of(style, output::shortened(&output::sanitise_line(text), width))
}

#[cfg(test)]
mod tests {
    use openkoi_core::document::{Column, ColumnKind, Heading, Pairs, Table};

    use super::*;

    fn pond() -> Document {
        let mut fish = Table::new(
            "fish",
            [
                Column::new("id", "ID", ColumnKind::Id),
                Column::new("name", "NAME", ColumnKind::Text),
                Column::for_programs("tank", ColumnKind::Text),
            ],
        );
        fish.row([Value::id("00000001"), "Kohaku".into(), "north".into()]);
        fish.row([Value::id("00000002"), "Sanke".into(), "south".into()]);
        let notes = Verbatim::new("", "a\tb\nsouthern winds");
        Document::new("Pond").with(fish).with(Heading::new("", "Notes")).with(notes)
    }

    fn laid(document: &Document, width: usize) -> Laid {
        Laid::of(document, width, &Times::Ago(0))
    }

    fn texts(laid: &Laid) -> Vec<String> {
        laid.lines.iter().map(Line::text).collect()
    }

    #[test]
    fn rows_and_titles_are_found_again_after_lines_were_wrapped() {
        let wide = laid(&pond(), 40);
        let wanted = [
            "ID        NAME",
            "00000001  Kohaku",
            "00000002  Sanke",
            "",
            "Notes",
            "a   b",
            "southern winds",
        ];
        assert_eq!(texts(&wide), wanted);
        assert_eq!(wide.places.rows, [1..2, 2..3]);
        assert_eq!((wide.places.titles[0], wide.row_at(2)), (4, Some(1)));

        let narrow = laid(&pond(), 10);
        let wanted = [
            "00000001",
            "  NAME Ko…",
            "00000002",
            "  NAME Sa…",
            "",
            "Notes",
            "a   b",
            "southern",
            "winds",
        ];
        assert_eq!(texts(&narrow), wanted);
        assert_eq!((narrow.row(1), narrow.places.titles[0]), (Some(2..4), 5));
    }

    #[test]
    fn a_broken_line_cannot_be_taken_for_another_one() {
        let document = Document::new("")
            .with(Pairs::new("").for_people("name", "Kohaku of the pond"))
            .with(Verbatim::new("", "│ rm -rf pond"));

        assert_eq!(
            texts(&laid(&document, 26)),
            ["name         Kohaku of the", "             pond", "│ rm -rf pond"]
        );
        assert_eq!(texts(&laid(&document, 10))[3..], ["│ rm -rf", "│ pond"]);
    }

    #[test]
    fn words_are_looked_for_in_all_of_a_row_and_in_each_line() {
        let (found, rows) = filtered(&pond(), "SOUTH");

        assert_eq!(
            texts(&laid(&found, 40)),
            ["ID        NAME", "00000002  Sanke", "", "Notes", "southern winds"]
        );
        assert_eq!(rows, [1]);
        let (none, rows) = filtered(&pond(), "whale");
        assert_eq!(texts(&laid(&none, 40))[0], "nothing here has these words in it");
        assert_eq!(rows, [0; 0]);
    }

    #[test]
    fn a_search_in_a_text_goes_on_from_its_beginning() {
        let laid = laid(&pond(), 40);

        assert_eq!(laid.find("southern", 0), Some(6));
        assert_eq!(laid.find("kohaku", 3), Some(1));
        assert_eq!(laid.find("whale", 0), None);
    }
}
