//! Reading the arguments of a tool call.

use serde::de::DeserializeOwned;

use crate::{Failure, Result};

/// Reads `json` as a `T`.
///
/// # Errors
///
/// [`Failure::Invalid`] whose field is the JSON pointer of what was not accepted.
pub fn parse<T: DeserializeOwned>(json: &str) -> Result<T> {
    let mut source = serde_json::Deserializer::from_str(json);
    let value = serde_path_to_error::deserialize(&mut source).map_err(|error| {
        let field = pointer(error.path());
        Failure::invalid(field, without_position(&error.into_inner().to_string()))
    })?;
    source.end().map_err(|_| Failure::invalid("", "there is text after the arguments"))?;
    Ok(value)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escape(key)),
            Segment::Enum { variant } => format!("/{}", escape(variant)),
            Segment::Unknown => String::new(),
        })
        .collect()
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The position in a line of JSON that nobody sees helps no reader.
fn without_position(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Edit {
        #[expect(dead_code, reason = "only its shape matters here")]
        path: String,
        #[expect(dead_code, reason = "only its shape matters here")]
        edits: Vec<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only its shape matters here")]
        old: String,
    }

    fn refused(json: &str) -> (String, String) {
        match parse::<Edit>(json) {
            Err(Failure::Invalid(input)) => (input.field, input.message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_points_at_the_field() {
        let (field, message) = refused(r#"{"path": "a", "edits": [{"old": "x"}, {"old": 3}]}"#);

        assert_eq!(field, "/edits/1/old");
        assert_eq!(message, "invalid type: integer `3`, expected a string");
    }

    #[test]
    fn missing_unknown_and_trailing_text_are_refused() {
        assert_eq!(refused(r#"{"edits": []}"#).1, "missing field `path`");
        assert_eq!(refused(r#"{"a/b": 1}"#).0, "/a~1b");
        assert_eq!(
            refused(r#"{"path": "a", "edits": []} x"#).1,
            "there is text after the arguments"
        );
    }
}
