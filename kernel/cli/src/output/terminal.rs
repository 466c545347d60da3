//! A document for a person: lines on a page, with short ids, relative times and amounts in words.

use std::borrow::Cow;

use openkoi_core::document::{
    Bars, Block, ColumnKind, Document, Item, Notice, Pairs, Span, Style as Meaning, Table,
    Timeline, Tone, Value, Verbatim,
};
use unicode_width::UnicodeWidthStr;

use super::{Align, Cell, Grid, Page, QUOTED, Style, bytes, count, diff, duration, money_at_most};

/// The number of characters that are shown of each end of a line of a diff on a screen. A file or a program gets it whole.
const LINE_END: usize = 600;
/// The width of a full bar, and the least on a narrow screen.
const BAR: usize = 24;
const SHORTEST_BAR: usize = 8;
/// How far the lines of a notice are set in.
const NOTICE: usize = 6;

/// Writes a document on a page.
pub(crate) fn write(document: &Document, page: &mut Page) {
    for block in &document.blocks {
        match block {
            Block::Heading(heading) if !heading.text.is_empty() => page.title(&heading.text),
            Block::Heading(heading) if heading.key.is_empty() => page.gap(),
            Block::Heading(_) => {}
            Block::Paragraph(spans) => page.flowing(0, pieces(spans)),
            Block::Items(list) => list.iter().for_each(|one| item(one, page)),
            Block::Table(table) => rows(table, page),
            Block::Pairs(list) => pairs(list, page),
            Block::Bars(list) => bars(list, page),
            Block::Timeline(timeline) => moments(timeline, page),
            Block::Notice(one) => notice(one, page),
            Block::Verbatim(text) => verbatim(text, page),
            Block::Footnote(spans) if page.is_on_screen() => {
                page.pieces(spans.iter().map(|span| (Style::Faint, span.text.as_str())));
            }
            Block::Footnote(_) => {}
        }
    }
}

fn pieces(spans: &[Span]) -> impl Iterator<Item = (Style, &str)> {
    spans.iter().map(|span| (style(span), span.text.as_str()))
}

/// Returns the style of a piece of text. What it says about the state of things goes before how it is meant.
fn style(span: &Span) -> Style {
    match (span.tone, span.style) {
        (Tone::Neutral, Meaning::Plain) => Style::Plain,
        (Tone::Neutral, Meaning::Strong) => Style::Strong,
        (Tone::Neutral, Meaning::Muted) => Style::Faint,
        (Tone::Neutral, Meaning::Code) => Style::Code,
        (tone, _) => of_tone(tone),
    }
}

fn of_tone(tone: Tone) -> Style {
    match tone {
        Tone::Neutral => Style::Plain,
        Tone::Good => Style::Good,
        Tone::Warning => Style::Caution,
        Tone::Bad => Style::Bad,
    }
}

/// Writes an item. Those of a list have a dash, and what is said of one stands below it.
fn item(item: &Item, page: &mut Page) {
    let lead = match item.depth {
        0 => "- ".to_owned(),
        depth => "  ".repeat(usize::from(depth)),
    };
    page.flowing(lead.len(), [(Style::Plain, lead.as_str())].into_iter().chain(pieces(&item.text)));
}

fn pairs(pairs: &Pairs, page: &mut Page) {
    let shown = pairs.entries.iter().filter(|pair| !pair.name.is_empty());
    for (index, pair) in shown.enumerate() {
        let style = match (pair.tone, &pair.value) {
            // An id in front is what the others are about.
            (Tone::Neutral, Value::Id(_)) if index == 0 => Style::Strong,
            (Tone::Neutral, value) => of_value(value),
            (tone, _) => of_tone(tone),
        };
        let words = words(&pair.value, page);
        page.field(&pair.name, words.as_deref().unwrap_or("-"), style);
    }
}

fn rows(table: &Table, page: &mut Page) {
    if !table.is_for_people() {
        return;
    }
    if table.rows.is_empty() && !table.empty.is_empty() {
        page.line(&table.empty);
        return;
    }
    let shown = || table.columns.iter().filter(|column| column.has_title());
    let mut set = Grid::new(shown().map(|column| (column.title.clone(), align(column.kind))));
    for row in &table.rows {
        let cells = table.columns.iter().zip(row).filter(|(column, _)| column.has_title());
        set.row(cells.enumerate().map(|(index, (column, value))| {
            let words = words(value, page);
            // The first column says what the row is about.
            let style = match of_value(value) {
                Style::Plain if index == 0 => Style::Strong,
                style => style,
            };
            let absent = if column.kind == ColumnKind::Score { "-" } else { "" };
            Cell::styled(words.as_deref().unwrap_or(absent), style)
        }));
    }
    page.table(&set);
}

fn align(kind: ColumnKind) -> Align {
    match kind {
        ColumnKind::Figures
        | ColumnKind::Count
        | ColumnKind::Tokens
        | ColumnKind::Bytes
        | ColumnKind::Number
        | ColumnKind::Share
        | ColumnKind::Score
        | ColumnKind::Money
        | ColumnKind::Duration => Align::Right,
        ColumnKind::Text
        | ColumnKind::Id
        | ColumnKind::Instant
        | ColumnKind::Flag
        | ColumnKind::Data => Align::Left,
    }
}

fn of_value(value: &Value) -> Style {
    match value {
        Value::Text(spans) => spans.first().map_or(Style::Plain, style),
        _ => Style::Plain,
    }
}

/// Returns a value in words, if there is one.
fn words<'a>(value: &'a Value, page: &Page) -> Option<Cow<'a, str>> {
    let text = match value {
        Value::Nothing => return None,
        Value::Text(spans) => match spans.as_slice() {
            [span] => return Some(Cow::Borrowed(&span.text)),
            spans => spans.iter().map(|span| span.text.as_str()).collect(),
        },
        Value::Id(id) => return Some(Cow::Borrowed(openkoi_core::id::short(id))),
        Value::Count(number) => number.to_string(),
        Value::Tokens(number) => count(*number),
        Value::Bytes(number) => bytes(*number),
        Value::Number(number) => number.to_string(),
        Value::Share(share) => format!("{:.0} %", share * 100.0),
        Value::Score(score) => format!("{:.1}", score * 10.0),
        Value::Money { micros, at_most } => {
            let sign = if *micros < 0 { "-" } else { "" };
            format!("{sign}{}", money_at_most(micros.unsigned_abs(), *at_most))
        }
        Value::Duration(ms) => duration(*ms),
        Value::Instant(at_ms) => page.time(*at_ms),
        Value::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Value::List(values) => joined(values.iter().map(|one| words(one, page))),
        Value::Record(members) => joined(members.iter().map(|(key, member)| {
            words(member, page).map(|words| Cow::Owned(format!("{key} {words}")))
        })),
        Value::Data(data) => data.to_string(),
    };
    Some(Cow::Owned(text))
}

fn joined<'a>(words: impl Iterator<Item = Option<Cow<'a, str>>>) -> String {
    words.flatten().collect::<Vec<_>>().join(", ")
}

/// Draws bars behind their labels. Where a screen is too narrow for what is written behind them, the bars stand below it.
fn bars(bars: &Bars, page: &mut Page) {
    let shown: Vec<String> = bars
        .entries
        .iter()
        .map(|bar| words(&bar.shown, page).unwrap_or_default().into_owned())
        .collect();
    let widest = |widths: &mut dyn Iterator<Item = usize>| widths.max().unwrap_or(0);
    let label = widest(&mut bars.entries.iter().map(|bar| bar.label.width()));
    let written = label + widest(&mut shown.iter().map(|words| words.width())) + 4;
    let beside = page.width().map_or(BAR, |width| width.saturating_sub(written).min(BAR));
    let full = if beside < SHORTEST_BAR { page.width().unwrap_or(BAR).min(BAR) } else { beside };
    let longest = || bars.entries.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let most = bars.full.unwrap_or_else(longest);
    for (bar, shown) in bars.entries.iter().zip(&shown) {
        let share = if most > 0.0 { (bar.value / most).clamp(0.0, 1.0) } else { 0.0 };
        // A number that is none becomes 0 here.
        let drawn = "█".repeat((share * full as f64).round() as usize);
        let gap = |text: &str, width: usize| " ".repeat(width.saturating_sub(text.width()));
        let before = format!("{}{}  ", bar.label, gap(&bar.label, label));
        if beside < SHORTEST_BAR {
            page.pieces([(Style::Plain, format!("{before}{shown}").as_str())]);
            page.pieces([(of_tone(bar.tone), drawn.as_str())]);
            continue;
        }
        let after = format!("{}  {shown}", gap(&drawn, full));
        page.pieces([
            (Style::Plain, before.as_str()),
            (of_tone(bar.tone), drawn.as_str()),
            (Style::Plain, after.as_str()),
        ]);
    }
}

fn moments(timeline: &Timeline, page: &mut Page) {
    let times: Vec<String> = timeline.moments.iter().map(|one| page.time(one.at_ms)).collect();
    let width = times.iter().map(|time| time.width()).max().unwrap_or(0);
    for (moment, time) in timeline.moments.iter().zip(&times) {
        let lead = format!("{time:<width$}  ");
        let toned = moment.text.iter().map(|span| match style(span) {
            Style::Plain => (of_tone(moment.tone), span.text.as_str()),
            style => (style, span.text.as_str()),
        });
        let indent = width + 2;
        page.flowing(indent, [(Style::Faint, lead.as_str())].into_iter().chain(toned));
        for line in moment.detail.lines() {
            let before = " ".repeat(indent);
            page.flowing(indent, [(Style::Plain, before.as_str()), (Style::Faint, line)]);
        }
    }
}

fn notice(notice: &Notice, page: &mut Page) {
    let word = match notice.tone {
        Tone::Neutral => "",
        Tone::Good => "ok",
        Tone::Warning => "note",
        Tone::Bad => "error",
    };
    let word = format!("{word:<5}");
    let about = match notice.about.as_str() {
        "" => " ".to_owned(),
        about => format!(" {about:<11} "),
    };
    let lead = [(of_tone(notice.tone), word.as_str()), (Style::Plain, about.as_str())];
    page.flowing(NOTICE, lead.into_iter().chain(pieces(&notice.text)));
    for hint in &notice.hints {
        page.pieces([(Style::Plain, format!("        hint: {hint}").as_str())]);
    }
}

fn verbatim(verbatim: &Verbatim, page: &mut Page) {
    let is_diff = verbatim.language == "diff";
    let shortened = is_diff && page.is_on_screen();
    for line in verbatim.text.lines() {
        let line = if shortened { diff::ends(line, LINE_END) } else { Cow::Borrowed(line) };
        let style = match line.strip_prefix(QUOTED).unwrap_or(&line).as_bytes() {
            [b'+', ..] if is_diff => Style::Good,
            [b'-', ..] if is_diff => Style::Bad,
            _ => Style::Plain,
        };
        page.styled(&line, style);
    }
}

#[cfg(test)]
mod tests {
    use openkoi_core::document::{Bar, Column, Heading, Moment};

    use super::*;
    use crate::output::Palette;

    const NOW: u64 = 1_772_366_400_000;

    fn shown(document: &Document, width: Option<usize>) -> String {
        let mut page = Page::new(Palette::PLAIN, width, NOW);
        write(document, &mut page);
        page.finish()
    }

    fn text(document: &Document) -> String {
        shown(document, None)
    }

    #[test]
    fn each_kind_of_value_has_its_words() {
        let page = Page::new(Palette::PLAIN, None, NOW);
        let table = [
            (Value::Nothing, None),
            (Value::Text(vec!["a".into(), Span::toned("b", Tone::Bad)]), Some("ab")),
            (Value::id("01k9abcdef0000000000000042"), Some("00000042")),
            (Value::count(12_345_u64), Some("12345")),
            (Value::Tokens(12_345), Some("12.3k")),
            (Value::Bytes(2_048), Some("2.0 KiB")),
            (Value::Number(0.5), Some("0.5")),
            (Value::Share(0.256), Some("26 %")),
            (Value::Score(0.925), Some("9.2")),
            (Value::money(12_300), Some("$0.0123")),
            (Value::money_at_most(2_000_000, true), Some("≤ $2.00")),
            (Value::Money { micros: -2_000_000, at_most: false }, Some("-$2.00")),
            (Value::Duration(125_000), Some("2 min 05 s")),
            (Value::Instant(NOW - 60_000), Some("1 min ago")),
            (Value::Flag(true), Some("yes")),
            (Value::list(["a", "b"]), Some("a, b")),
            (Value::record([("a", Value::count(1)), ("b", Value::Nothing)]), Some("a 1")),
            (Value::data(&[1, 2]), Some("[1,2]")),
        ];
        for (value, said) in table {
            assert_eq!(words(&value, &page).as_deref(), said, "{value:?}");
        }
    }

    #[test]
    fn what_has_no_name_is_not_shown() {
        let kind = ColumnKind::Text;
        let columns = [Column::new("a", "A", kind), Column::for_programs("b", kind)];
        let hidden = Table::new("none", [Column::for_programs("b", kind)]).or_else("is empty");
        let document = Document::new("A title")
            .with(Pairs::new("").pair("c", "c", "1").for_programs("d", "2"))
            .with(Heading::new("e", ""))
            .with(hidden)
            .with(Table::new("rows", columns).rows([["x", "y"].map(Value::from)]));

        assert_eq!(text(&document), "c            1\nA\nx\n");
    }

    #[test]
    fn a_heading_stands_apart_and_an_empty_one_ends_a_section() {
        let document = Document::new("")
            .with(Block::paragraph("one"))
            .with(Heading::new("", "Title"))
            .with(Block::Items(vec![Item::new(0, "item"), Item::new(1, "about it")]))
            .with(Heading::end())
            .with(Verbatim::new("", "a\n  b\x07\n"));

        assert_eq!(text(&document), "one\n\nTitle\n- item\n  about it\n\na\n  b\\x07\n");
    }

    #[test]
    fn a_table_aligns_by_kind_and_an_empty_one_says_so() {
        let columns = [
            Column::new("id", "ID", ColumnKind::Id),
            Column::new("score", "SCORE", ColumnKind::Score),
            Column::for_people("PRICE", ColumnKind::Figures),
            Column::for_people("", ColumnKind::Text),
        ];
        let table = Table::new("rows", columns).or_else("none yet");
        let row =
            |id: &str, score: Value| [Value::id(id), score, Value::from("$1"), Value::Nothing];
        let full =
            table.clone().rows([row("000000000042", Value::Score(0.5)), row("7", Value::Nothing)]);

        assert_eq!(
            text(&Document::new("").with(full)),
            "ID        SCORE  PRICE\n00000042    5.0     $1\n7             -     $1\n"
        );
        assert_eq!(text(&Document::new("").with(table)), "none yet\n");
    }

    #[test]
    fn a_notice_has_a_word_for_its_tone_and_its_hints_below() {
        let notice = |tone, about: &str| Notice {
            tone,
            about: about.to_owned(),
            text: vec!["is\nhere".into()],
            hints: vec!["openkoi demo".to_owned()],
        };
        let document =
            Document::new("").with(notice(Tone::Bad, "home")).with(notice(Tone::Warning, ""));

        assert_eq!(
            text(&document),
            "error home        is here\n        hint: openkoi demo\n\
             note  is here\n        hint: openkoi demo\n"
        );
    }

    #[test]
    fn bars_are_as_long_as_their_values_and_an_odd_one_is_empty() {
        let bar = |label: &str, value: f64| Bar {
            label: label.to_owned(),
            value,
            shown: Value::Share(0.5),
            tone: Tone::Good,
        };
        let entries = vec![bar("a", 2.0), bar("long", 1.0), bar("b", f64::NAN), bar("c", -1.0)];
        let bars = Bars { key: String::new(), entries, full: None };

        let (full, half, none) =
            ("█".repeat(24), format!("{}{}", "█".repeat(12), " ".repeat(12)), " ".repeat(24));
        assert_eq!(
            text(&Document::new("").with(bars)),
            format!(
                "a     {full}  50 %\nlong  {half}  50 %\nb     {none}  50 %\nc     {none}  50 %\n"
            )
        );
    }

    #[test]
    fn on_a_narrow_screen_bars_are_shorter_or_stand_below_their_words() {
        let bar = |label: &str, shown: &str| Bar {
            label: label.to_owned(),
            value: 1.0,
            shown: Value::from(shown),
            tone: Tone::Good,
        };
        let bars = |shown| Bars { key: String::new(), entries: vec![bar("a", shown)], full: None };

        let short = shown(&Document::new("").with(bars("5 of 5")), Some(20));
        assert_eq!(short, format!("a  {}  5 of 5\n", "█".repeat(9)));
        let below = shown(&Document::new("").with(bars("too few to say")), Some(20));
        assert_eq!(below, format!("a  too few to say\n{}\n", "█".repeat(20)));
    }

    #[test]
    fn moments_stand_behind_their_times() {
        let moment = |ago: u64, detail: &str| Moment {
            at_ms: NOW - ago,
            text: vec!["fed".into()],
            detail: detail.to_owned(),
            tone: Tone::Good,
        };
        let moments = vec![moment(60_000, "well\nand long"), moment(0, "")];
        let timeline = Timeline { key: String::new(), moments };

        assert_eq!(
            text(&Document::new("").with(timeline)),
            "1 min ago  fed\n           well\n           and long\njust now   fed\n"
        );
    }

    #[test]
    fn a_footnote_and_shortened_lines_are_for_screens() {
        let long = format!("+{}", "x".repeat(2_000));
        let document = Document::new("")
            .with(Verbatim::new("diff", &long))
            .with(Block::Footnote(vec!["≤ because".into()]));

        assert_eq!(text(&document), format!("{long}\n"));
        let on_screen = shown(&document, Some(40));
        assert!(on_screen.len() < 1_500, "{}", on_screen.len());
        assert!(on_screen.ends_with("≤ because\n"), "{on_screen}");
    }

    #[test]
    fn what_pairs_and_rows_are_about_is_strong() {
        let id = || Value::id("000000000042");
        let columns = [("A", ColumnKind::Id), ("B", ColumnKind::Id)];
        let columns = columns.map(|(title, kind)| Column::for_people(title, kind));
        let document = Document::new("")
            .with(
                Pairs::new("").for_programs("c", true).for_people("a", id()).for_people("b", id()),
            )
            .with(Table::new("", columns).rows([[id(), id()]]));
        let mut page = Page::new(Palette::ALWAYS, None, NOW);
        write(&document, &mut page);

        let text = page.finish();
        let about: Vec<bool> = text.lines().map(|line| line.contains("\x1b[1m00000042")).collect();
        assert_eq!(about, [true, false, false, true], "{text}");
        assert_eq!(text.matches("\x1b[1m").count(), 2, "{text}");
    }

    #[test]
    fn tones_and_styles_have_colours() {
        let mut page = Page::new(Palette::ALWAYS, None, NOW);
        let document = Document::new("")
            .with(Block::Paragraph(vec![
                Span::strong("a"),
                Span::toned("b", Tone::Bad),
                "c".into(),
            ]))
            .with(Verbatim::new("diff", "-a\n+b\n c"));
        write(&document, &mut page);

        assert_eq!(
            page.finish(),
            "\x1b[1ma\x1b[0m\x1b[31mb\x1b[0mc\n\x1b[31m-a\x1b[0m\n\x1b[32m+b\x1b[0m\n c\n"
        );
    }
}
