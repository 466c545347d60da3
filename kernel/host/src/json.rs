//! JSON as models write it.

use serde_json::{Deserializer, Value};

/// Reads `text` as one value. Several in a row are one if all but one are empty objects, or all are the same: some
/// services send a first `{}` and then the call, or the call twice.
///
/// # Errors
///
/// It is not JSON, or several values that differ.
pub(crate) fn one_object(text: &str) -> Result<Value, serde_json::Error> {
    let values = Deserializer::from_str(text).into_iter::<Value>();
    let values: Vec<Value> = values.collect::<Result<_, _>>()?;
    let is_empty = |value: &&Value| value.as_object().is_none_or(serde_json::Map::is_empty);
    let mut full = values.iter().filter(|value| !is_empty(value));
    match (values.as_slice(), full.next()) {
        ([only], _) => Ok(only.clone()),
        ([first, ..], None) if values.iter().all(Value::is_object) => Ok(first.clone()),
        ([_, ..], Some(first))
            if values.iter().all(Value::is_object) && full.all(|more| more == first) =>
        {
            Ok(first.clone())
        }
        // The usual error, with its place.
        _ => serde_json::from_str(text),
    }
}

/// Returns `text` with control characters inside of its strings escaped, which JSON does not allow to stand there.
pub(crate) fn with_escaped_controls(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let (mut inside, mut after_backslash) = (false, false);
    for c in text.chars() {
        if inside && c.is_ascii_control() {
            let quoted = Value::from(c.to_string()).to_string();
            escaped.push_str(quoted.trim_matches('"'));
        } else {
            escaped.push(c);
        }
        inside ^= c == '"' && !after_backslash;
        after_backslash = inside && c == '\\' && !after_backslash;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_empty_object_beside_another_says_nothing() {
        assert_eq!(one_object("{} {\"a\":1}").ok(), Some(json!({"a": 1})));
        assert_eq!(one_object("{\"a\":1}{}").ok(), Some(json!({"a": 1})));
        assert_eq!(one_object("{}").ok(), Some(json!({})));
        assert_eq!(one_object("{}{}").ok(), Some(json!({})));
        assert!(one_object("{\"a\":1}{\"b\":1}").is_err());
        assert!(one_object("").is_err());
    }

    #[test]
    fn only_what_stands_in_strings_is_escaped() {
        assert_eq!(
            with_escaped_controls("{\n\"a\\\"\tb\": \"\\\\\"\n}"),
            "{\n\"a\\\"\\tb\": \"\\\\\"\n}"
        );
    }
}
