//! A document for a program: one object, with exact values, whole ids and absolute times.

use std::{borrow::Cow, collections::BTreeMap, iter::Peekable, slice};

use openkoi_app::wall_clock::timestamp;
use openkoi_core::document::{Bars, Block, Document, Pairs, Span, Table, Timeline, Value};
use serde::{
    Serialize, Serializer,
    ser::{SerializeMap, SerializeSeq},
};
use serde_json::Value as Json;

use super::format::SCHEMA_VERSION;

/// The fields that are scores, from 0 to 1.
const SCORES: [&str; 2] = ["score", "quality"];

/// Returns a score with three decimals: what is further behind comes of the arithmetic.
fn three_decimals(score: f64) -> f64 {
    (score * 1_000.0).round() / 1_000.0
}

/// A document as an object, or a part of one under its own heading. It is written from the document itself: a list may have
/// many thousand rows.
pub(crate) struct Object<'a>(BTreeMap<&'a str, Member<'a>>);

enum Member<'a> {
    Object(Object<'a>),
    Rows(&'a Table),
    Bars(&'a Bars),
    Timeline(&'a Timeline),
    Text(&'a str),
    Value(&'a Value),
    Version(u32),
}

impl<'a> Object<'a> {
    /// Returns a document as an object.
    pub(crate) fn of(document: &'a Document) -> Self {
        let mut object = Self(BTreeMap::new());
        object.section(&mut document.blocks.iter().peekable(), 0);
        object
    }

    /// Returns it with the version of the schema of this program's JSON.
    #[must_use]
    pub(crate) fn versioned(mut self) -> Self {
        self.0.insert("schema_version", Member::Version(SCHEMA_VERSION));
        self
    }

    /// Returns it as a value.
    pub(crate) fn value(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Takes in the blocks up to the next heading of this level or a lower one.
    fn section(&mut self, blocks: &mut Peekable<slice::Iter<'a, Block>>, level: u8) {
        let ends =
            |block: &&Block| matches!(block, Block::Heading(heading) if heading.level <= level);
        while let Some(block) = blocks.next_if(|block| !ends(block)) {
            let (key, member) = match block {
                Block::Heading(heading) if heading.key.is_empty() => {
                    self.section(blocks, heading.level);
                    continue;
                }
                Block::Heading(heading) => {
                    let mut inner = Self(BTreeMap::new());
                    inner.section(blocks, heading.level);
                    (&heading.key, Member::Object(inner))
                }
                Block::Pairs(pairs) if pairs.key.is_empty() => {
                    self.0.extend(members(pairs));
                    continue;
                }
                Block::Pairs(pairs) => (&pairs.key, Member::Object(Self(members(pairs).collect()))),
                Block::Table(table) => (&table.key, Member::Rows(table)),
                Block::Bars(bars) => (&bars.key, Member::Bars(bars)),
                Block::Timeline(timeline) => (&timeline.key, Member::Timeline(timeline)),
                Block::Verbatim(verbatim) => (&verbatim.key, Member::Text(&verbatim.text)),
                Block::Paragraph(_) | Block::Items(_) | Block::Notice(_) | Block::Footnote(_) => {
                    continue;
                }
            };
            if !key.is_empty() {
                self.0.insert(key, member);
            }
        }
    }
}

fn members(pairs: &Pairs) -> impl Iterator<Item = (&str, Member<'_>)> {
    let keyed = pairs.entries.iter().filter(|pair| !pair.key.is_empty());
    keyed.map(|pair| (pair.key.as_str(), Member::Value(&pair.value)))
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, member) in &self.0 {
            match member {
                Member::Object(object) => map.serialize_entry(key, object)?,
                Member::Rows(table) => map.serialize_entry(key, &Rows(table))?,
                Member::Bars(bars) => map.serialize_entry(key, &lengths(bars))?,
                Member::Timeline(timeline) => map.serialize_entry(key, &moments(timeline))?,
                Member::Text(text) => map.serialize_entry(key, text)?,
                Member::Value(value) => map.serialize_entry(key, &Exact::of(key, *value))?,
                Member::Version(version) => map.serialize_entry(key, version)?,
            }
        }
        map.end()
    }
}

/// The rows of a table, each an object of its keyed cells.
struct Rows<'a>(&'a Table);

/// One of them, with the keys in their order and the places of their cells.
struct Row<'a>(&'a BTreeMap<&'a str, usize>, &'a [Value]);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let keys = self.0.columns.iter().map(|column| column.key.as_str()).zip(0..);
        let keys: BTreeMap<&str, usize> = keys.filter(|(key, _)| !key.is_empty()).collect();
        serializer.collect_seq(self.0.rows.iter().map(|row| Row(&keys, row)))
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = self.0.iter().filter_map(|(key, place)| Some((key, self.1.get(*place)?)));
        serializer.collect_map(cells.map(|(key, cell)| (key, Exact::of(key, cell))))
    }
}

fn lengths(bars: &Bars) -> Json {
    let bar = |label: &str, length: f64, shown: &Value| -> Json {
        let shown = serde_json::to_value(Exact::of("shown", shown)).unwrap_or_default();
        let members = [("label", label.into()), ("value", length.into()), ("shown", shown)];
        members.map(|(key, member)| (key.to_owned(), member)).into_iter().collect()
    };
    bars.entries.iter().map(|one| bar(&one.label, one.value, &one.shown)).collect()
}

fn moments(timeline: &Timeline) -> Json {
    let moment = |at_ms: u64, what: &[Span], detail: &str| -> Json {
        let (at, text) = (timestamp(at_ms), text(what).into_owned());
        let members = [("at", at), ("text", text), ("detail", detail.to_owned())];
        members.map(|(key, member)| (key.to_owned(), Json::from(member))).into_iter().collect()
    };
    timeline.moments.iter().map(|one| moment(one.at_ms, &one.text, &one.detail)).collect()
}

/// A value in its exact form, but for scores (see [`three_decimals`]).
struct Exact<'a, T> {
    value: &'a T,
    /// True if it is a score.
    is_score: bool,
    /// True if scores in it stay as they are.
    is_kept: bool,
}

impl<'a, T> Exact<'a, T> {
    /// Returns the value of a key.
    fn of(key: &str, value: &'a T) -> Self {
        Self { value, is_score: SCORES.contains(&key), is_kept: key == "result" }
    }

    /// Returns a part of it that has no key.
    fn part<'b, P>(&self, value: &'b P) -> Exact<'b, P> {
        Exact { value, is_score: false, is_kept: self.is_kept }
    }

    /// Returns a part of it with a key.
    fn member<'b, P>(&self, key: &str, value: &'b P) -> Exact<'b, P> {
        let member = Exact::of(key, value);
        Exact {
            is_score: member.is_score && !self.is_kept,
            is_kept: member.is_kept || self.is_kept,
            ..member
        }
    }

    fn number<S: Serializer>(&self, number: f64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(if self.is_score { three_decimals(number) } else { number })
    }
}

impl Serialize for Exact<'_, Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Value::Nothing => serializer.serialize_unit(),
            Value::Text(spans) => serializer.serialize_str(&text(spans)),
            Value::Id(id) => serializer.serialize_str(id),
            Value::Count(number) => serializer.serialize_i64(*number),
            Value::Tokens(number) | Value::Bytes(number) | Value::Duration(number) => {
                serializer.serialize_u64(*number)
            }
            Value::Number(number) | Value::Share(number) | Value::Score(number) => {
                self.number(*number, serializer)
            }
            Value::Money { micros, .. } => serializer.serialize_f64(*micros as f64 / 1_000_000.0),
            Value::Instant(at_ms) => serializer.serialize_str(&timestamp(*at_ms)),
            Value::Flag(flag) => serializer.serialize_bool(*flag),
            Value::List(values) => {
                let mut list = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| list.serialize_element(&self.part(value)))?;
                list.end()
            }
            Value::Record(members) => {
                // The last of a key holds, and they are in order as everywhere.
                let members: BTreeMap<&str, &Value> =
                    members.iter().map(|(key, value)| (key.as_str(), value)).collect();
                let member = |(key, value)| (key, self.member(key, value));
                serializer.collect_map(members.into_iter().map(member))
            }
            Value::Data(data) => {
                Exact { value: data, is_score: self.is_score, is_kept: self.is_kept }
                    .serialize(serializer)
            }
        }
    }
}

impl Serialize for Exact<'_, Json> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            Json::Number(number) if self.is_score && number.is_f64() => {
                self.number(number.as_f64().unwrap_or_default(), serializer)
            }
            Json::Array(items) => serializer.collect_seq(items.iter().map(|item| self.part(item))),
            Json::Object(members) => {
                let member = |(key, value): (&'_ String, _)| (key.clone(), self.member(key, value));
                serializer.collect_map(members.iter().map(member))
            }
            other => other.serialize(serializer),
        }
    }
}

/// Returns a document whose scores have three decimals at most. What a model wrote, the arguments of calls and the result, stays as it
/// is.
pub(super) fn rounded(mut document: Json) -> Json {
    match &mut document {
        Json::Object(fields) => {
            for (name, field) in fields.iter_mut().filter(|(name, _)| *name != "result") {
                match field.as_f64().filter(|_| field.is_f64() && SCORES.contains(&name.as_str())) {
                    Some(score) => *field = three_decimals(score).into(),
                    None => *field = rounded(field.take()),
                }
            }
        }
        Json::Array(items) => items.iter_mut().for_each(|item| *item = rounded(item.take())),
        _ => {}
    }
    document
}

fn text(spans: &[Span]) -> Cow<'_, str> {
    match spans {
        [one] => Cow::Borrowed(&one.text),
        spans => Cow::Owned(spans.iter().map(|span| span.text.as_str()).collect()),
    }
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
            let written = serde_json::to_value(Exact::of("x", &of)).unwrap();
            assert_eq!(written, is, "{of:?}");
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
            Object::of(&document).value(),
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
        assert_eq!(Object::of(&document).value(), expected);
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
            Object::of(&document).value(),
            json!({
                "bars": [{ "label": "a", "value": 0.5, "shown": 0.5 }],
                "line": [{ "at": "1970-01-01T00:00:00Z", "text": "b", "detail": "c" }],
            })
        );
    }
}
