//! The part of YAML that front matter may use: maps, lists and text, without aliases or tags.
//!
//! Every scalar is text here; what it means is its field's business. So `on: yes` is no surprise, and `1.0` is
//! still `1.0`.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::error::SkillError;

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
}

/// A list or map that is not closed yet.
enum Open {
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>, Option<String>),
}

/// Reads one document.
pub(super) fn parse(text: &str) -> Result<Yaml, SkillError> {
    let mut open: Vec<Open> = Vec::new();
    let mut whole = Yaml::Null;
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| SkillError::Yaml {
            // The front matter begins in the file's second line.
            line: error.marker().line() + 1,
            message: error.info().to_owned(),
        })?;
        documents += u32::from(matches!(event, Event::DocumentStart(_)));
        let Some(value) = complete(event, &mut open)? else { continue };
        match open.last_mut() {
            Some(parent) => put(parent, value)?,
            None => whole = value,
        }
    }
    if documents > 1 { Err(SkillError::Refused("more than one document")) } else { Ok(whole) }
}

/// Takes an event in; returns the value that it completes, if it does.
fn complete(event: Event<'_>, open: &mut Vec<Open>) -> Result<Option<Yaml>, SkillError> {
    match event {
        Event::Alias(_) => return Err(SkillError::Refused("aliases")),
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

fn plain(anchor: usize, tagged: bool) -> Result<(), SkillError> {
    match (anchor, tagged) {
        (0, false) => Ok(()),
        (0, true) => Err(SkillError::Refused("tags")),
        _ => Err(SkillError::Refused("anchors")),
    }
}

fn deeper(open: &mut Vec<Open>, next: Open) -> Result<(), SkillError> {
    if open.len() == DEPTH_LIMIT {
        return Err(SkillError::Refused("more than 16 levels"));
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

fn put(parent: &mut Open, value: Yaml) -> Result<(), SkillError> {
    match parent {
        Open::List(items) => items.push(value),
        Open::Map(pairs, key) => match key.take() {
            Some(key) => pairs.push((key, value)),
            None => *key = Some(new_key(pairs, value)?),
        },
    }
    Ok(())
}

fn new_key(pairs: &[(String, Yaml)], key: Yaml) -> Result<String, SkillError> {
    let Yaml::Text(key) = key else {
        return Err(SkillError::Refused("keys that are not text"));
    };
    if pairs.iter().any(|(known, _)| *known == key) {
        return Err(SkillError::Refused("the same key twice"));
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
    fn yaml_that_could_grow_or_hide_something_is_refused() {
        let nested = format!("{}{}", "[".repeat(17), "]".repeat(17));
        let cases = [
            ("a: &x 1\nb: *x", "anchors"),
            ("a: !!str 1", "tags"),
            ("a: 1\na: 2", "the same key twice"),
            ("[a]: 1", "keys that are not text"),
            (nested.as_str(), "more than 16 levels"),
        ];
        for (yaml, what) in cases {
            assert_eq!(parse(yaml), Err(SkillError::Refused(what)), "{yaml}");
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
    fn an_error_names_the_line_of_the_file() {
        let error = parse("a: 1\nb: @x\nc: 2\n").unwrap_err();

        assert!(matches!(error, SkillError::Yaml { line: 3, .. }), "{error}");
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "[-\\[\\]{}:,&*!|>'\"#%@ \\na-c\u{e9}\\t]{0,80}") {
            drop(parse(&text));
        }
    }
}
