//! Fills in what only the conversation knows.
//!
//! `{{result:PATTERN}}` is the first group of PATTERN in the last tool result, `{{any:PATTERN}}` in all that was said. An
//! array element `{"$each": PATTERN, "give": VALUE}` becomes one VALUE for each match in all that was said, in which
//! `{{1}}` is the first group.

use openkoi_sdk::{Failure, Result};
use regex_lite::{Captures, Regex};
use serde_json::Value;

use crate::scene::Scene;

/// Fills in `text`.
///
/// # Errors
///
/// [`Failure::Failed`] for a pattern that matches nothing.
pub(crate) fn text(text: &str, scene: &Scene<'_>) -> Result<String> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let kind = ["result:", "any:"].into_iter().find(|kind| after.starts_with(kind));
        match (kind, after.split_once("}}")) {
            (Some(kind), Some((inside, behind))) => {
                let place = if kind == "any:" { scene.all() } else { scene.result() };
                filled.push_str(&group(&inside[kind.len()..], place)?);
                rest = behind;
            }
            _ => {
                filled.push_str("{{");
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Fills in all strings of `value`.
///
/// # Errors
///
/// As [`text`].
pub(crate) fn value(value: &Value, scene: &Scene<'_>) -> Result<Value> {
    Ok(match value {
        Value::String(string) => Value::String(text(string, scene)?),
        Value::Array(values) => {
            let mut filled = Vec::new();
            for element in values {
                match element["$each"].as_str() {
                    Some(pattern) => filled.extend(each(pattern, &element["give"], scene)?),
                    None => filled.push(self::value(element, scene)?),
                }
            }
            Value::Array(filled)
        }
        Value::Object(fields) => {
            let filled: Result<serde_json::Map<String, Value>> = fields
                .iter()
                .map(|(name, field)| Ok((name.clone(), self::value(field, scene)?)))
                .collect();
            Value::Object(filled?)
        }
        other => other.clone(),
    })
}

fn each(pattern: &str, give: &Value, scene: &Scene<'_>) -> Result<Vec<Value>> {
    let regex = compile(pattern)?;
    let mut found: Vec<String> = Vec::new();
    for captures in regex.captures_iter(scene.all()) {
        let group = first(&captures);
        if !found.contains(&group) {
            found.push(group);
        }
    }
    if found.is_empty() {
        return Err(nothing(pattern));
    }
    Ok(found.iter().map(|group| put(give, group)).collect())
}

fn put(value: &Value, group: &str) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("{{1}}", group)),
        Value::Array(values) => values.iter().map(|value| put(value, group)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, field)| (name.clone(), put(field, group)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

fn group(pattern: &str, place: &str) -> Result<String> {
    let regex = compile(pattern)?;
    let captures = regex.captures(place).ok_or_else(|| nothing(pattern))?;
    Ok(first(&captures))
}

fn first(captures: &Captures<'_>) -> String {
    let group = captures.get(1).or(captures.get(0));
    group.map_or_else(String::new, |group| group.as_str().to_owned())
}

fn compile(pattern: &str) -> Result<Regex> {
    Regex::new(pattern)
        .map_err(|error| Failure::failed(format!("the script's pattern `{pattern}`: {error}")))
}

fn nothing(pattern: &str) -> Failure {
    Failure::failed(format!("the script's pattern `{pattern}` matches nothing that was said"))
}

#[cfg(test)]
mod tests {
    use openkoi_sdk::provider::{Message, Part, Speaker, ToolResult};
    use serde_json::json;

    use super::*;
    use crate::request;

    fn asked() -> openkoi_sdk::provider::CompletionRequest {
        let mut request = request("executor");
        request.messages = vec![
            Message::user("- safety (30)\n- style (20)\n- safety (30)"),
            Message {
                speaker: Speaker::User,
                parts: vec![Part::ToolResult(ToolResult {
                    id: "1".to_owned(),
                    name: "read_file".to_owned(),
                    content: "version = \"1.2\"".to_owned(),
                    is_error: false,
                })],
            },
        ];
        request
    }

    #[test]
    fn a_pattern_is_replaced_by_what_it_finds() {
        let request = asked();
        let scene = Scene::of(&request);

        assert_eq!(text("v{{result:version = \"(.*)\"}}!", &scene).unwrap(), "v1.2!");
        assert_eq!(text("{{any:[a-z]+ly|style}} {{x}} {{", &scene).unwrap(), "style {{x}} {{");
        assert!(text("{{result:nowhere}}", &scene).is_err());
    }

    #[test]
    fn an_array_is_made_of_each_match_once() {
        let request = asked();
        let scene = Scene::of(&request);
        let script = json!({ "scores": [{ "$each": "(?m)^- ([a-z]+) \\(", "give": { "dimension": "{{1}}", "score": 9 } }] });

        let filled = value(&script, &scene).unwrap();

        assert_eq!(
            filled,
            json!({ "scores": [{ "dimension": "safety", "score": 9 }, { "dimension": "style", "score": 9 }] })
        );
    }
}
