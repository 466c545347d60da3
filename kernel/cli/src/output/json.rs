//! A document for a program: one object, with exact values, whole ids and absolute times.

use std::{iter::Peekable, slice};

use openkoi_core::document::{Bars, Block, Document, Pairs, Span, Table, Timeline, Value};
use serde_json::{Map, Value as Json};

use openkoi_app::wall_clock::timestamp;

/// Returns a document as a JSON object.
pub(crate) fn object(document: &Document) -> Json {
    let mut object = Map::new();
    section(&mut document.blocks.iter().peekable(), 0, &mut object);
    Json::Object(object)
}

/// Puts the blocks into an object, up to the next heading of this level or a lower one.
fn section(
    blocks: &mut Peekable<slice::Iter<'_, Block>>,
    level: u8,
    object: &mut Map<String, Json>,
) {
    let ends = |block: &&Block| matches!(block, Block::Heading(heading) if heading.level <= level);
    while let Some(block) = blocks.next_if(|block| !ends(block)) {
        let (key, member) = match block {
            Block::Heading(heading) if heading.key.is_empty() => {
                section(blocks, heading.level, object);
                continue;
            }
            Block::Heading(heading) => {
                let mut inner = Map::new();
                section(blocks, heading.level, &mut inner);
                (&heading.key, inner.into())
            }
            Block::Pairs(pairs) if pairs.key.is_empty() => {
                object.extend(members(pairs));
                continue;
            }
            Block::Pairs(pairs) => (&pairs.key, members(pairs).collect()),
            Block::Table(table) => (&table.key, rows(table)),
            Block::Bars(bars) => (&bars.key, lengths(bars)),
            Block::Timeline(timeline) => (&timeline.key, moments(timeline)),
            Block::Verbatim(verbatim) => (&verbatim.key, verbatim.text.clone().into()),
            Block::Paragraph(_) | Block::Items(_) | Block::Notice(_) | Block::Footnote(_) => {
                continue;
            }
        };
        if !key.is_empty() {
            object.insert(key.clone(), member);
        }
    }
}

fn members(pairs: &Pairs) -> impl Iterator<Item = (String, Json)> {
    let keyed = pairs.entries.iter().filter(|pair| !pair.key.is_empty());
    keyed.map(|pair| (pair.key.clone(), value(&pair.value)))
}

fn rows(table: &Table) -> Json {
    let row = |row: &Vec<Value>| -> Json {
        let keyed = table.columns.iter().zip(row).filter(|(column, _)| !column.key.is_empty());
        keyed.map(|(column, cell)| (column.key.clone(), value(cell))).collect()
    };
    table.rows.iter().map(row).collect()
}

fn lengths(bars: &Bars) -> Json {
    let bar = |label: &str, length: f64, shown: &Value| -> Json {
        let members = [("label", label.into()), ("value", length.into()), ("shown", value(shown))];
        members.map(|(key, member)| (key.to_owned(), member)).into_iter().collect()
    };
    bars.entries.iter().map(|one| bar(&one.label, one.value, &one.shown)).collect()
}

fn moments(timeline: &Timeline) -> Json {
    let moment = |at_ms: u64, what: &[Span], detail: &str| -> Json {
        let members =
            [("at", timestamp(at_ms)), ("text", text(what)), ("detail", detail.to_owned())];
        members.map(|(key, member)| (key.to_owned(), Json::from(member))).into_iter().collect()
    };
    timeline.moments.iter().map(|one| moment(one.at_ms, &one.text, &one.detail)).collect()
}

fn value(value: &Value) -> Json {
    match value {
        Value::Nothing => Json::Null,
        Value::Text(spans) => text(spans).into(),
        Value::Id(id) => id.as_str().into(),
        Value::Count(number) => (*number).into(),
        Value::Tokens(number) | Value::Bytes(number) | Value::Duration(number) => (*number).into(),
        Value::Number(number) | Value::Share(number) | Value::Score(number) => (*number).into(),
        Value::Money { micros, .. } => (*micros as f64 / 1_000_000.0).into(),
        Value::Instant(at_ms) => timestamp(*at_ms).into(),
        Value::Flag(flag) => (*flag).into(),
        Value::List(values) => values.iter().map(self::value).collect(),
        Value::Record(members) => {
            members.iter().map(|(key, member)| (key.clone(), self::value(member))).collect()
        }
        Value::Data(data) => data.clone(),
    }
}

fn text(spans: &[Span]) -> String {
    spans.iter().map(|span| span.text.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use openkoi_core::document::{
        Bar, Column, ColumnKind, Heading, Item, Moment, Notice, Tone, Verbatim,
    };
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_of_value_has_one_form() {
        let table = [
            (Value::Nothing, json!(null)),
            (Value::Text(vec!["a".into(), Span::toned("b", Tone::Bad)]), json!("ab")),
            (Value::id("01k9abcdef0000000000000042"), json!("01k9abcdef0000000000000042")),
            (Value::count(3_u64), json!(3)),
            (Value::Tokens(12_345), json!(12_345)),
            (Value::Bytes(2_048), json!(2_048)),
            (Value::Number(0.5), json!(0.5)),
            (Value::Number(f64::NAN), json!(null)),
            (Value::Share(0.25), json!(0.25)),
            (Value::Score(0.925), json!(0.925)),
            (Value::money_at_most(12_300, true), json!(0.012_3)),
            (Value::Duration(1_500), json!(1_500)),
            (Value::Instant(1_500), json!("1970-01-01T00:00:01.5Z")),
            (Value::Flag(true), json!(true)),
            (Value::list(["a", "b"]), json!(["a", "b"])),
            (Value::record([("a", Value::Flag(false))]), json!({ "a": false })),
            (Value::data(&json!({ "b": [1] })), json!({ "b": [1] })),
        ];
        for (of, is) in table {
            assert_eq!(value(&of), is, "{of:?}");
        }
    }

    #[test]
    fn a_heading_with_a_key_opens_an_object_and_one_without_does_not() {
        let one = |key: &str| Pairs::new("").for_programs(key, true);
        let document = Document::new("")
            .with(one("a"))
            .with(Heading::new("b", "B"))
            .with(one("c"))
            .with(Heading { level: 2, ..Heading::new("d", "") })
            .with(one("e"))
            .with(Heading::new("", "Of no object"))
            .with(one("f"))
            .with(Heading::new("g", "Empty"))
            .with(Heading::end())
            .with(Pairs::new("h").for_programs("i", true).for_people("no", true));

        assert_eq!(
            object(&document),
            json!({ "a": true, "b": { "c": true, "d": { "e": true } }, "f": true, "g": {}, "h": { "i": true } })
        );
    }

    #[test]
    fn what_has_no_key_is_for_people_and_prose_is_too() {
        let (kind, row) = (ColumnKind::Text, ["x", "y"].map(Value::from));
        let columns = [Column::for_people("X", kind), Column::for_programs("y", kind)];
        let document = Document::new("a title")
            .with(Table::new("rows", columns.clone()).rows([row.clone()]))
            .with(Table::new("none", columns.clone()))
            .with(Table::new("", columns).rows([row]))
            .with(Block::paragraph("words"))
            .with(Block::Items(vec![Item::new(0, "words")]))
            .with(Block::Footnote(vec!["words".into()]))
            .with(Notice::default())
            .with(Verbatim::new("diff", "words"))
            .with(Verbatim::new("diff", "+a\n").keyed("diff"));

        let expected = json!({ "rows": [{ "y": "y" }], "none": [], "diff": "+a\n" });
        assert_eq!(object(&document), expected);
    }

    #[test]
    fn bars_and_moments_are_lists_of_objects() {
        let bar =
            Bar { label: "a".to_owned(), value: 0.5, shown: Value::Share(0.5), tone: Tone::Good };
        let moment =
            Moment { at_ms: 0, text: vec!["b".into()], detail: "c".to_owned(), tone: Tone::Bad };
        let document = Document::new("")
            .with(Bars { key: "bars".to_owned(), entries: vec![bar], full: None })
            .with(Timeline { key: "line".to_owned(), moments: vec![moment] });

        assert_eq!(
            object(&document),
            json!({
                "bars": [{ "label": "a", "value": 0.5, "shown": 0.5 }],
                "line": [{ "at": "1970-01-01T00:00:00Z", "text": "b", "detail": "c" }],
            })
        );
    }
}
