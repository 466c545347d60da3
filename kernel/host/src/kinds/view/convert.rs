//! Documents of the contract as those of core, held to what the contract says of them. A view may be anybody's.

use openkoi_core::{
    document::{
        Bar, Bars, Block, Column, ColumnKind, Document, Heading, Item, Moment, Notice, Pair, Pairs,
        Span, Style, Table, Timeline, Tone, Value, Verbatim,
    },
    failure::Failure,
};

use crate::bindings::view::openkoi::view::document_types as wit;

/// The deepest heading, and the deepest item of a list.
const DEEPEST: u8 = 4;
/// What a part of a document counts of the bytes of a result, besides its text.
const PART_BYTES: u64 = 16;

/// Returns the document, if it is one and has at most so many bytes.
pub(super) fn document(document: wit::Document, most: u64) -> Result<Document, Failure> {
    let mut reading = Reading { left: most, most };
    reading.text(&document.title)?;
    let blocks = document.blocks.into_iter().map(|block| reading.block(block));
    let blocks = blocks.collect::<Result<_, Failure>>()?;
    Ok(Document { title: document.title, blocks })
}

/// Reads a document, and counts its bytes.
struct Reading {
    left: u64,
    most: u64,
}

impl Reading {
    fn text(&mut self, text: &str) -> Result<(), Failure> {
        let size = text.len() as u64 + PART_BYTES;
        let limited = || Failure::Limited {
            name: "output-kib".to_owned(),
            value: self.most / 1024,
            knob: String::new(),
        };
        self.left = self.left.checked_sub(size).ok_or_else(limited)?;
        Ok(())
    }

    /// Takes the key of something that a program reads.
    fn key(&mut self, key: String) -> Result<String, Failure> {
        self.text(&key)?;
        let begins = key.is_empty() || key.starts_with(|first: char| first.is_ascii_lowercase());
        let mut rest = key.bytes();
        if begins
            && rest.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        {
            return Ok(key);
        }
        Err(unfit("a key is made of small letters, digits and `_`"))
    }

    fn spans(&mut self, spans: Vec<wit::Span>) -> Result<Vec<Span>, Failure> {
        let read = |span: wit::Span| {
            self.text(&span.text)?;
            Ok(Span {
                text: span.text,
                style: style(span.style),
                tone: tone(span.tone),
                link: span.link,
            })
        };
        spans.into_iter().map(read).collect()
    }

    fn block(&mut self, block: wit::Block) -> Result<Block, Failure> {
        Ok(match block {
            wit::Block::Heading(heading) => {
                self.text(&heading.text)?;
                let level = heading.level.clamp(1, DEEPEST);
                Heading { level, text: heading.text, key: self.key(heading.key)? }.into()
            }
            wit::Block::Paragraph(spans) => Block::Paragraph(self.spans(spans)?),
            wit::Block::Items(items) => {
                let read = |item: wit::Item| {
                    Ok(Item { depth: item.depth.min(DEEPEST), text: self.spans(item.text)? })
                };
                Block::Items(items.into_iter().map(read).collect::<Result<_, Failure>>()?)
            }
            wit::Block::Table(table) => self.table(table)?.into(),
            wit::Block::Pairs(pairs) => self.pairs(pairs)?.into(),
            wit::Block::Bars(bars) => self.bars(bars)?.into(),
            wit::Block::Timeline(timeline) => self.timeline(timeline)?.into(),
            wit::Block::Notice(notice) => self.notice(notice)?.into(),
            wit::Block::Verbatim(verbatim) => {
                self.text(&verbatim.text)?;
                let key = self.key(verbatim.key)?;
                Verbatim { key, language: verbatim.language, text: verbatim.text }.into()
            }
            wit::Block::Footnote(spans) => Block::Footnote(self.spans(spans)?),
        })
    }

    fn table(&mut self, table: wit::Table) -> Result<Table, Failure> {
        let mut columns = Vec::new();
        for column in table.columns {
            self.text(&column.title)?;
            let (key, kind) = (self.key(column.key)?, kind(column.kind));
            columns.push(Column { title: column.title, key, kind });
        }
        let mut rows = Vec::new();
        for row in table.rows {
            if row.len() != columns.len() {
                return Err(unfit("a row of a table has one value for each column"));
            }
            let cells = row.into_iter().zip(&columns);
            let cells = cells.map(|(value, column)| {
                let value = self.value(value)?;
                match is_of(&value, column.kind) {
                    true => Ok(value),
                    false => Err(unfit("a value of a table is of its column's kind")),
                }
            });
            rows.push(cells.collect::<Result<_, Failure>>()?);
        }
        self.text(&table.empty)?;
        Ok(Table { key: self.key(table.key)?, columns, rows, empty: table.empty })
    }

    fn pairs(&mut self, pairs: wit::Pairs) -> Result<Pairs, Failure> {
        let read = |pair: wit::Pair| {
            self.text(&pair.name)?;
            let (key, value) = (self.key(pair.key)?, self.value(pair.value)?);
            Ok(Pair { name: pair.name, key, value, tone: tone(pair.tone) })
        };
        let entries = pairs.entries.into_iter().map(read).collect::<Result<_, Failure>>()?;
        Ok(Pairs { key: self.key(pairs.key)?, entries })
    }

    fn bars(&mut self, bars: wit::Bars) -> Result<Bars, Failure> {
        let read = |bar: wit::Bar| {
            self.text(&bar.label)?;
            let shown = self.value(bar.shown)?;
            Ok(Bar { label: bar.label, value: bar.value, shown, tone: tone(bar.tone) })
        };
        let entries = bars.entries.into_iter().map(read).collect::<Result<_, Failure>>()?;
        Ok(Bars { key: self.key(bars.key)?, entries, full: bars.full })
    }

    fn timeline(&mut self, timeline: wit::Timeline) -> Result<Timeline, Failure> {
        let read = |moment: wit::Moment| {
            self.text(&moment.detail)?;
            let text = self.spans(moment.text)?;
            Ok(Moment { at_ms: moment.at_ms, text, detail: moment.detail, tone: tone(moment.tone) })
        };
        let moments = timeline.moments.into_iter().map(read).collect::<Result<_, Failure>>()?;
        Ok(Timeline { key: self.key(timeline.key)?, moments })
    }

    fn notice(&mut self, notice: wit::Notice) -> Result<Notice, Failure> {
        self.text(&notice.about)?;
        notice.hints.iter().try_for_each(|hint| self.text(hint))?;
        let (tone, text) = (tone(notice.tone), self.spans(notice.text)?);
        Ok(Notice { tone, about: notice.about, text, hints: notice.hints })
    }

    fn value(&mut self, value: wit::Value) -> Result<Value, Failure> {
        Ok(match value {
            wit::Value::Nothing => Value::Nothing,
            wit::Value::Text(spans) => Value::Text(self.spans(spans)?),
            wit::Value::Id(id) => {
                self.text(&id)?;
                Value::Id(id)
            }
            wit::Value::Count(number) => Value::Count(number),
            wit::Value::Tokens(number) => Value::Tokens(number),
            wit::Value::Bytes(number) => Value::Bytes(number),
            wit::Value::Number(number) => finite(number, Value::Number),
            wit::Value::Share(share) => finite(share, Value::Share),
            wit::Value::Score(score) => finite(score, Value::Score),
            wit::Value::Money(money) => {
                Value::Money { micros: money.micros, at_most: money.at_most }
            }
            wit::Value::Duration(ms) => Value::Duration(ms),
            wit::Value::Instant(at_ms) => Value::Instant(at_ms),
            wit::Value::Flag(flag) => Value::Flag(flag),
            wit::Value::Texts(texts) => {
                texts.iter().try_for_each(|text| self.text(text))?;
                Value::list(texts)
            }
            wit::Value::Data(json) => {
                self.text(&json)?;
                let read = serde_json::from_str(&json);
                Value::Data(read.map_err(|_| unfit("data is JSON"))?)
            }
        })
    }
}

/// Returns a number as a value; nothing for one that is none.
fn finite(number: f64, value: fn(f64) -> Value) -> Value {
    if number.is_finite() { value(number) } else { Value::Nothing }
}

fn unfit(why: &str) -> Failure {
    Failure::Failed(format!("a view made what is no document: {why}"))
}

fn is_of(value: &Value, kind: ColumnKind) -> bool {
    match value {
        Value::Nothing => true,
        Value::Text(_) => matches!(kind, ColumnKind::Text | ColumnKind::Figures),
        Value::Id(_) => kind == ColumnKind::Id,
        Value::Count(_) => kind == ColumnKind::Count,
        Value::Tokens(_) => kind == ColumnKind::Tokens,
        Value::Bytes(_) => kind == ColumnKind::Bytes,
        Value::Number(_) => kind == ColumnKind::Number,
        Value::Share(_) => kind == ColumnKind::Share,
        Value::Score(_) => kind == ColumnKind::Score,
        Value::Money { .. } => kind == ColumnKind::Money,
        Value::Duration(_) => kind == ColumnKind::Duration,
        Value::Instant(_) => kind == ColumnKind::Instant,
        Value::Flag(_) => kind == ColumnKind::Flag,
        Value::List(_) | Value::Record(_) | Value::Data(_) => kind == ColumnKind::Data,
    }
}

fn style(style: wit::Style) -> Style {
    match style {
        wit::Style::Plain => Style::Plain,
        wit::Style::Strong => Style::Strong,
        wit::Style::Muted => Style::Muted,
        wit::Style::Code => Style::Code,
    }
}

fn tone(tone: wit::Tone) -> Tone {
    match tone {
        wit::Tone::Neutral => Tone::Neutral,
        wit::Tone::Good => Tone::Good,
        wit::Tone::Warning => Tone::Warning,
        wit::Tone::Bad => Tone::Bad,
    }
}

fn kind(kind: wit::ColumnKind) -> ColumnKind {
    match kind {
        wit::ColumnKind::Text => ColumnKind::Text,
        wit::ColumnKind::Figures => ColumnKind::Figures,
        wit::ColumnKind::Id => ColumnKind::Id,
        wit::ColumnKind::Count => ColumnKind::Count,
        wit::ColumnKind::Tokens => ColumnKind::Tokens,
        wit::ColumnKind::Bytes => ColumnKind::Bytes,
        wit::ColumnKind::Number => ColumnKind::Number,
        wit::ColumnKind::Share => ColumnKind::Share,
        wit::ColumnKind::Score => ColumnKind::Score,
        wit::ColumnKind::Money => ColumnKind::Money,
        wit::ColumnKind::Duration => ColumnKind::Duration,
        wit::ColumnKind::Instant => ColumnKind::Instant,
        wit::ColumnKind::Flag => ColumnKind::Flag,
        wit::ColumnKind::Data => ColumnKind::Data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: Vec<Vec<wit::Value>>, key: &str) -> wit::Document {
        let column =
            |key: &str, kind| wit::Column { title: key.to_uppercase(), key: key.to_owned(), kind };
        let table = wit::Table {
            key: key.to_owned(),
            columns: vec![
                column("name", wit::ColumnKind::Id),
                column("share", wit::ColumnKind::Share),
            ],
            rows,
            empty: String::new(),
        };
        wit::Document { title: "t".to_owned(), blocks: vec![wit::Block::Table(table)] }
    }

    #[test]
    fn a_document_that_is_none_is_refused() {
        let id = || wit::Value::Id("a".to_owned());
        let whole = vec![id(), wit::Value::Share(0.5)];
        document(table(vec![whole.clone()], "fish"), 1 << 20).unwrap();
        for (rows, key) in [
            (vec![vec![id()]], "fish"),
            (vec![vec![id(), wit::Value::Count(1)]], "fish"),
            (vec![vec![id(), wit::Value::Data("{".to_owned())]], "fish"),
            (vec![whole.clone()], "Fish"),
            (vec![whole.clone()], "1fish"),
        ] {
            let refused = document(table(rows, key), 1 << 20).unwrap_err();
            assert!(matches!(refused, Failure::Failed(_)), "{refused:?}");
        }
        let limited = document(table(vec![whole; 1_000], "fish"), 4 << 10).unwrap_err();
        assert!(matches!(limited, Failure::Limited { value: 4, .. }), "{limited:?}");
    }

    #[test]
    fn a_number_that_is_none_is_nothing() {
        let rows = vec![vec![wit::Value::Nothing, wit::Value::Share(f64::NAN)]];
        let document = document(table(rows, ""), 1 << 20).unwrap();
        let Block::Table(table) = &document.blocks[0] else { panic!("{document:?}") };
        assert_eq!(table.rows[0], [Value::Nothing, Value::Nothing]);
    }
}
