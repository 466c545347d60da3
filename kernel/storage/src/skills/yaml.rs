//! The part of YAML that front matter may use: maps, lists and text, without aliases or tags.
//!
//! Every scalar is text here; what it means is its field's business. So `on: yes` is no surprise, and `1.0` is
//! still `1.0`.

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::Value;

/// The most levels of front matter.
pub const DEPTH_LIMIT: usize = 16;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Yaml {
    Null,
    Text(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

/// What of a text is no YAML, or more of it than is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct YamlError {
    /// The line of the text, from 1.
    pub(super) line: usize,
    /// What is wrong, in words.
    pub(super) message: String,
}

impl Yaml {
    /// Returns the value of `key`; nothing where this is not a map.
    pub(super) fn field(&self, key: &str) -> Option<&Self> {
        let Self::Map(pairs) = self else { return None };
        pairs.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    pub(super) fn text(&self) -> Option<&str> {
        let Self::Text(text) = self else { return None };
        Some(text)
    }

    pub(super) fn list(&self) -> Option<&[Self]> {
        let Self::List(items) = self else { return None };
        Some(items)
    }

    /// Reads what [`Yaml::json`] wrote.
    pub(super) fn of_json(text: &str) -> Option<Self> {
        fn read(value: Value) -> Option<Yaml> {
            Some(match value {
                Value::Null => Yaml::Null,
                Value::String(text) => Yaml::Text(text),
                Value::Array(items) => {
                    Yaml::List(items.into_iter().map(read).collect::<Option<_>>()?)
                }
                Value::Object(pairs) => {
                    let pair = |(key, value)| Some((key, read(value)?));
                    Yaml::Map(pairs.into_iter().map(pair).collect::<Option<_>>()?)
                }
                Value::Bool(_) | Value::Number(_) => return None,
            })
        }
        read(serde_json::from_str(text).ok()?)
    }

    /// Returns it as JSON, in which every scalar is a text.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Text(text) => Value::String(text.clone()),
            Self::List(items) => items.iter().map(Self::json).collect(),
            Self::Map(pairs) => pairs.iter().map(|(key, value)| (key, value.json())).collect(),
        }
    }
}

/// A list or map that is not closed yet.
enum Open {
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>, Option<String>),
}

/// Reads one document.
pub(super) fn parse(text: &str) -> Result<Yaml, YamlError> {
    let mut open: Vec<Open> = Vec::new();
    let mut whole = Yaml::Null;
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| YamlError {
            line: error.marker().line(),
            message: error.info().to_owned(),
        })?;
        let refused =
            |what: &str| YamlError { line: span.start.line(), message: format!("it has {what}") };
        documents += u32::from(matches!(event, Event::DocumentStart(_)));
        if documents > 1 {
            return Err(refused("more than one document"));
        }
        let Some(value) = complete(event, &mut open).map_err(refused)? else { continue };
        match open.last_mut() {
            Some(parent) => put(parent, value).map_err(refused)?,
            None => whole = value,
        }
    }
    Ok(whole)
}

/// Takes an event in; returns the value that it completes, if it does.
fn complete(event: Event<'_>, open: &mut Vec<Open>) -> Result<Option<Yaml>, &'static str> {
    match event {
        Event::Alias(_) => return Err("an alias"),
        Event::Scalar(text, style, anchor, tag) => {
            plain(anchor, tag.is_some())?;
            return Ok(Some(scalar(&text, style)));
        }
        Event::SequenceStart(anchor, tag) => {
            plain(anchor, tag.is_some())?;
            deeper(open, Open::List(Vec::new()))?;
        }
        Event::MappingStart(anchor, tag) => {
            plain(anchor, tag.is_some())?;
            deeper(open, Open::Map(Vec::new(), None))?;
        }
        Event::SequenceEnd | Event::MappingEnd => return Ok(open.pop().map(close)),
        _ => {}
    }
    Ok(None)
}

fn plain(anchor: usize, tagged: bool) -> Result<(), &'static str> {
    match (anchor, tagged) {
        (0, false) => Ok(()),
        (0, true) => Err("a tag"),
        _ => Err("an anchor"),
    }
}

fn deeper(open: &mut Vec<Open>, next: Open) -> Result<(), &'static str> {
    if open.len() == DEPTH_LIMIT {
        return Err("more than 16 levels");
    }
    open.push(next);
    Ok(())
}

fn scalar(text: &str, style: ScalarStyle) -> Yaml {
    let null = style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL");
    if null { Yaml::Null } else { Yaml::Text(text.to_owned()) }
}

fn close(open: Open) -> Yaml {
    match open {
        Open::List(items) => Yaml::List(items),
        Open::Map(pairs, _) => Yaml::Map(pairs),
    }
}

fn put(parent: &mut Open, value: Yaml) -> Result<(), &'static str> {
    match parent {
        Open::List(items) => items.push(value),
        Open::Map(pairs, key) => match key.take() {
            Some(key) => pairs.push((key, value)),
            None => *key = Some(new_key(pairs, value)?),
        },
    }
    Ok(())
}

fn new_key(pairs: &[(String, Yaml)], key: Yaml) -> Result<String, &'static str> {
    let Yaml::Text(key) = key else { return Err("a key that is no text") };
    if pairs.iter().any(|(known, _)| *known == key) {
        return Err("the same key twice");
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Yaml {
        Yaml::Text(text.to_owned())
    }

    #[test]
    fn maps_lists_and_texts_are_read_in_both_styles() {
        let read =
            parse("a: {b: [c, 'd e'], f: }\ng:\n  - yes\n  - >\n    two\n    lines\n").unwrap();

        let inner = vec![
            ("b".to_owned(), Yaml::List(vec![text("c"), text("d e")])),
            ("f".to_owned(), Yaml::Null),
        ];
        let expected = vec![
            ("a".to_owned(), Yaml::Map(inner)),
            ("g".to_owned(), Yaml::List(vec![text("yes"), text("two lines\n")])),
        ];
        assert_eq!(read, Yaml::Map(expected));
    }

    #[test]
    fn what_was_written_in_json_is_read_as_it_was() {
        let read = parse("name: a\nb: {c: [0.5, ~, 'x: y']}\nd:\n").unwrap();

        assert_eq!(Yaml::of_json(&format!("{}\n\n", read.json())), Some(sorted(&read)));
        for other in ["", "name: a", "{\"a\": 1}", "{\"a\": true}", "[\"a\"", "{'a': b}"] {
            assert_eq!(Yaml::of_json(other), None, "{other}");
        }

        /// JSON has its keys in order.
        fn sorted(yaml: &Yaml) -> Yaml {
            match yaml {
                Yaml::Map(pairs) => {
                    let mut pairs: Vec<_> =
                        pairs.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
                    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
                    Yaml::Map(pairs)
                }
                other => other.clone(),
            }
        }
    }

    #[test]
    fn yaml_that_could_grow_or_hide_something_is_refused_with_its_line() {
        let nested = format!("{}{}", "[".repeat(17), "]".repeat(17));
        let cases = [
            ("a: &x 1\nb: *x", 1, "an anchor"),
            ("a: 1\nb: !!str 1", 2, "a tag"),
            ("a: 1\na: 2", 2, "the same key twice"),
            ("[a]: 1", 1, "a key that is no text"),
            (nested.as_str(), 1, "more than 16 levels"),
        ];
        for (yaml, line, what) in cases {
            let error = YamlError { line, message: format!("it has {what}") };
            assert_eq!(parse(yaml), Err(error), "{yaml}");
        }
    }

    #[test]
    fn depth_is_counted_to_the_limit_and_bombs_end() {
        let deepest = format!("{}{}", "[".repeat(16), "]".repeat(16));

        assert!(parse(&deepest).is_ok());
        assert!(parse(&"[".repeat(60_000)).is_err());
        assert!(parse(&"- ".repeat(30_000)).is_err());
        assert!(parse(&"{a: ".repeat(15_000)).is_err());
    }

    #[test]
    fn an_error_names_its_line() {
        let error = parse("a: 1\nb: @x\nc: 2\n").unwrap_err();

        assert_eq!(error.line, 2, "{error}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "[-\\[\\]{}:,&*!|>'\"#%@ \\na-c\u{e9}\\t]{0,80}") {
            drop(parse(&text));
        }
    }
}
