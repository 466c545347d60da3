//! Calls as models write them: what has exactly one meaning by the tool's schema is taken so, in this one place.
//!
//! | written | taken as |
//! |---|---|
//! | `functions.read_file`, `readFile`, `read_file<...` | the only tool whose name that is |
//! | an earlier name of a tool, as its manifest gives it | that tool |
//! | nothing, or `null` | `{}` |
//! | `{}{"a":1}`, `{"a":1}{"a":1}` | `{"a":1}` |
//! | `"{\"a\":1}"` | `{"a":1}` |
//! | a line end inside of a JSON string | `\n` |
//! | `"10"`, `"20.0"`, `20.0` for an integer | the number |
//! | `"true"` for a truth value | `true` |
//! | a number or truth value for a text | its text |
//! | `null` for what may be left out | left out |
//! | a JSON text where a list or an object is wanted | what it says |
//! | one value where a list is wanted | a list of it |
//! | an argument whose name is part of the only missing one's, or the other way round | that one |
//! | an argument that the tool does not have | left out, with a note |
//!
//! Everything else is refused with what would be right.

use std::collections::BTreeMap;

use openkoi_core::{failure::Failure, message::ToolCall, tool::Tool, toolbox::PreparedCall};
use serde_json::{Map, Value};

use super::known::KnownTool;
use crate::{
    sabotage::{Guard, off},
    schema, text,
};

/// Returns `call` as it is meant, checked against the schema of its tool. A call of a tool that is not known stays as it
/// is, for others to answer.
pub(super) fn prepared(
    known: &BTreeMap<String, KnownTool>,
    call: &ToolCall,
) -> Result<PreparedCall, Failure> {
    let Some(tool) = tool_of(known, &call.name) else { return Ok(call.clone().into()) };
    let mut notes = Vec::new();
    let schema = tool.parameters.value();
    let value = fitted(schema, read(&call.arguments)?, "", &tool.name, &mut notes);
    if !off(Guard::HostArguments) {
        schema::check(schema, &value).map_err(|failure| with_notes(failure, &notes))?;
    }
    let unchanged = serde_json::from_str::<Value>(&call.arguments).is_ok_and(|own| own == value);
    let arguments = if unchanged { call.arguments.clone() } else { value.to_string() };
    let call = ToolCall { id: call.id.clone(), name: tool.name.clone(), arguments };
    Ok(PreparedCall { call, notes })
}

fn with_notes(failure: Failure, notes: &[String]) -> Failure {
    match failure {
        Failure::Invalid { field, message } if !notes.is_empty() => {
            Failure::Invalid { field, message: format!("{message}; {}", notes.join("; ")) }
        }
        other => other,
    }
}

/// Returns the tool of this name, or the only one that can be meant: models put the name of a namespace before it, the
/// marks of their own format behind it, and write it in another case.
fn tool_of<'a>(known: &'a BTreeMap<String, KnownTool>, name: &str) -> Option<&'a Tool> {
    if let Some(exact) = known.get(name) {
        return Some(&exact.tool);
    }
    let wanted = plain(bare(name));
    let mut fitting = known.values().filter(|known| {
        let mut names = known.formerly.iter().chain([&known.tool.name]);
        names.any(|name| plain(name) == wanted)
    });
    let first = fitting.next()?;
    fitting.next().is_none().then_some(&first.tool)
}

/// Returns the name without a namespace before it and marks behind it.
fn bare(name: &str) -> &str {
    let name = name.trim();
    let name = name.split(['<', '(', '{', ' ']).next().unwrap_or(name);
    let name = name.rsplit(['.', ':', '/']).next().unwrap_or(name);
    name.rsplit("__").next().unwrap_or(name)
}

/// A name without what people spell differently.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Reads the arguments of a call as an object.
pub(super) fn read(arguments: &str) -> Result<Value, Failure> {
    let failed = |message: String| Failure::Invalid { field: String::new(), message };
    if arguments.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    let read = crate::json::one_object(arguments);
    let read = read.or_else(|error| {
        crate::json::one_object(&crate::json::with_escaped_controls(arguments)).map_err(|_| error)
    });
    let value = match read {
        Ok(Value::String(inner)) => crate::json::one_object(&inner).unwrap_or(Value::String(inner)),
        Ok(value) => value,
        Err(error) => {
            let wanted = "give one JSON object";
            return Err(failed(format!("the arguments are not valid JSON ({error}); {wanted}")));
        }
    };
    match value {
        Value::Object(_) => Ok(value),
        Value::Null => Ok(Value::Object(Map::new())),
        other => {
            let shown = text::one_line(&other.to_string(), 80);
            Err(failed(format!("the arguments must be a JSON object, not {shown}")))
        }
    }
}

/// Returns `value` as `schema` wants it, where that is the only thing it can mean.
fn fitted(schema: &Value, value: Value, at: &str, tool: &str, notes: &mut Vec<String>) -> Value {
    let Some(map) = schema.as_object() else { return value };
    for key in ["anyOf", "oneOf"] {
        if let Some(alternatives) = map.get(key).and_then(Value::as_array)
            && schema::check(schema, &value).is_err()
        {
            return alternative(alternatives, value, at, tool, notes);
        }
    }
    match retyped(map, value) {
        Value::Object(fields) => Value::Object(fitted_object(map, fields, at, tool, notes)),
        Value::Array(items) => match map.get("items") {
            Some(schema) => {
                let numbered = items.into_iter().enumerate();
                let fit = |(n, item)| fitted(schema, item, &format!("{at}/{n}"), tool, notes);
                Value::Array(numbered.map(fit).collect())
            }
            None => Value::Array(items),
        },
        Value::String(word) => Value::String(spelled(map, word)),
        other => other,
    }
}

/// Takes the only alternative that the value can be made to fit.
fn alternative(
    alternatives: &[Value],
    value: Value,
    at: &str,
    tool: &str,
    notes: &mut Vec<String>,
) -> Value {
    let mut fits = alternatives.iter().filter_map(|schema| {
        let mut own = Vec::new();
        let fit = fitted(schema, value.clone(), at, tool, &mut own);
        schema::check(schema, &fit).is_ok().then_some((fit, own))
    });
    match (fits.next(), fits.next()) {
        (Some((fit, own)), None) => {
            notes.extend(own);
            fit
        }
        _ => value,
    }
}

/// Returns the value in the type that the schema wants, if it has one meaning in it.
fn retyped(map: &Map<String, Value>, value: Value) -> Value {
    let Some(Value::String(wanted)) = map.get("type") else { return value };
    let inner = |text: &str| serde_json::from_str::<Value>(text).ok();
    match (wanted.as_str(), &value) {
        ("integer", Value::String(text)) => number(text).and_then(whole).unwrap_or(value),
        ("integer", Value::Number(number)) => {
            number.as_f64().filter(|_| number.is_f64()).and_then(whole).unwrap_or(value)
        }
        ("number", Value::String(text)) => {
            let number = number(text);
            number
                .and_then(|number| {
                    whole(number)
                        .or_else(|| serde_json::Number::from_f64(number).map(Value::Number))
                })
                .unwrap_or(value)
        }
        ("boolean", Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => value,
        },
        ("string", Value::Number(_) | Value::Bool(_)) => Value::String(value.to_string()),
        ("object", Value::String(text)) => inner(text).filter(Value::is_object).unwrap_or(value),
        ("array", Value::String(text)) => {
            inner(text).filter(Value::is_array).unwrap_or_else(|| listed(map, value))
        }
        ("array", Value::Null | Value::Array(_)) => value,
        ("array", _) => listed(map, value),
        _ => value,
    }
}

/// Returns a list of the one value, if it may be in the list.
fn listed(map: &Map<String, Value>, value: Value) -> Value {
    let fits = map.get("items").is_none_or(|items| {
        let fit = fitted(items, value.clone(), "", "", &mut Vec::new());
        schema::check(items, &fit).is_ok()
    });
    if fits { Value::Array(vec![value]) } else { value }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Returns a number without a fraction as an integer, if it is exact.
fn whole(number: f64) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small enough")]
    (number.fract() == 0.0 && number.abs() < EXACT).then(|| Value::from(number as i64))
}

/// Returns the word of the schema that differs from `word` only in case.
fn spelled(map: &Map<String, Value>, word: String) -> String {
    let words = map.get("enum").and_then(Value::as_array).into_iter().flatten();
    let mut alike = words.filter_map(Value::as_str).filter(|own| own.eq_ignore_ascii_case(&word));
    match (alike.next(), alike.next()) {
        (Some(own), None) => own.to_owned(),
        _ => word,
    }
}

fn fitted_object(
    map: &Map<String, Value>,
    fields: Map<String, Value>,
    at: &str,
    tool: &str,
    notes: &mut Vec<String>,
) -> Map<String, Value> {
    let Some(properties) = map.get("properties").and_then(Value::as_object) else { return fields };
    let required = |name: &str| {
        let list = map.get("required").and_then(Value::as_array);
        list.is_some_and(|list| list.iter().any(|own| own == name))
    };
    let closed = map.get("additionalProperties") == Some(&Value::Bool(false));
    let (mut fit, mut extra) = (Map::new(), Map::new());
    for (name, value) in fields {
        match properties.get(&name) {
            Some(schema)
                if value.is_null()
                    && !required(&name)
                    && schema::check(schema, &value).is_err() => {}
            Some(schema) => {
                let value = fitted(schema, value, &format!("{at}/{name}"), tool, notes);
                fit.insert(name, value);
            }
            None if closed => {
                extra.insert(name, value);
            }
            None => {
                fit.insert(name, value);
            }
        }
    }
    for (name, value) in extra {
        match meant(properties, &fit, &required, &name, &value) {
            Some((own, value)) => {
                fit.insert(own, value);
            }
            None => notes.push(left_out(properties, &name, tool)),
        }
    }
    fit
}

/// Returns the argument that is meant by a name that the tool does not have: the only one that is not there yet, whose
/// name is the same but for its spelling, or that is required and whose name has the other in it, and that the value fits.
fn meant(
    properties: &Map<String, Value>,
    given: &Map<String, Value>,
    required: &dyn Fn(&str) -> bool,
    name: &str,
    value: &Value,
) -> Option<(String, Value)> {
    let wanted = plain(name);
    let alike = |own: &str| {
        let own_plain = plain(own);
        own_plain == wanted
            || (required(own)
                && wanted.len().min(own_plain.len()) >= 3
                && (own_plain.contains(&wanted) || wanted.contains(&own_plain)))
    };
    let mut candidates =
        properties.iter().filter(|(own, _)| !given.contains_key(*own) && alike(own));
    let (own, schema) = candidates.next()?;
    if candidates.next().is_some() {
        return None;
    }
    let value = fitted(schema, value.clone(), "", "", &mut Vec::new());
    schema::check(schema, &value).is_ok().then(|| (own.clone(), value))
}

fn left_out(properties: &Map<String, Value>, name: &str, tool: &str) -> String {
    let known: Vec<&str> = properties.keys().map(String::as_str).collect();
    let name = text::one_line(name, 40);
    format!("`{name}` is no argument of `{tool}` and was left out; there are {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fit(schema: &Value, value: Value) -> (Value, Vec<String>) {
        let mut notes = Vec::new();
        let value = fitted(schema, value, "", "t", &mut notes);
        (value, notes)
    }

    #[test]
    fn what_has_one_meaning_is_taken_so() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["path", "contents"],
            "properties": {
                "path": {"type": "string"}, "contents": {"type": "string"},
                "limit": {"type": "integer", "minimum": 1}, "share": {"type": "number"},
                "all": {"type": "boolean"}, "mode": {"enum": ["files", "count"], "type": "string"},
                "names": {"type": "array", "items": {"type": "string"}},
                "edits": {"type": "array", "items": {"type": "object", "additionalProperties": false,
                    "required": ["old_string"], "properties": {"old_string": {"type": "string"}, "all": {"type": "boolean"}}}},
                "either": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]},
                "open": {"type": "object"},
            },
        });
        let edits = json!([{"old_string": "a", "all": true}]);
        let cases = [
            (json!({"limit": "10"}), json!({"limit": 10})),
            (json!({"limit": "20.0"}), json!({"limit": 20})),
            (json!({"limit": 20.0}), json!({"limit": 20})),
            (json!({"limit": " -3 "}), json!({"limit": -3})),
            (json!({"limit": "20.5"}), json!({"limit": "20.5"})),
            (json!({"limit": "ten"}), json!({"limit": "ten"})),
            (json!({"limit": true}), json!({"limit": true})),
            (json!({"limit": null}), json!({})),
            (json!({"path": null}), json!({"path": null})),
            (json!({"share": "0.5"}), json!({"share": 0.5})),
            (json!({"share": "NaN"}), json!({"share": "NaN"})),
            (json!({"all": "True"}), json!({"all": true})),
            (json!({"all": "yes"}), json!({"all": "yes"})),
            (json!({"path": 7}), json!({"path": "7"})),
            (json!({"path": ["a"]}), json!({"path": ["a"]})),
            (json!({"contents": {"a": 1}}), json!({"contents": {"a": 1}})),
            (json!({"mode": "FILES"}), json!({"mode": "files"})),
            (json!({"mode": "lines"}), json!({"mode": "lines"})),
            (json!({"names": "a"}), json!({"names": ["a"]})),
            (json!({"names": "[\"a\"]"}), json!({"names": ["a"]})),
            (json!({"names": 1}), json!({"names": ["1"]})),
            (
                json!({"edits": "[{\"old_string\":\"a\",\"all\":\"true\"}]"}),
                json!({"edits": edits}),
            ),
            (json!({"edits": {"oldString": "a", "all": "true"}}), json!({"edits": edits})),
            (json!({"edits": "a"}), json!({"edits": "a"})),
            (json!({"either": "4"}), json!({"either": "4"})),
            (json!({"either": [4.0]}), json!({"either": [4.0]})),
            (json!({"either": ["4"]}), json!({"either": [4]})),
            (json!({"open": "{\"a\":1}"}), json!({"open": {"a": 1}})),
            (json!({"file_path": "a", "content": "b"}), json!({"path": "a", "contents": "b"})),
            (json!({"path": "a", "Limit": "1"}), json!({"path": "a", "limit": 1})),
        ];
        for (written, meant) in cases {
            let (value, notes) = fit(&schema, written.clone());
            assert_eq!((value, notes), (meant, Vec::new()), "{written}");
        }
    }

    #[test]
    fn a_name_is_read_without_what_is_put_around_it() {
        let cases = [
            ("functions.read_file", "readfile"),
            ("tools/read_file", "readfile"),
            ("mcp__files__read_file", "readfile"),
            ("default_api:read_file", "readfile"),
            ("read_file<|channel|>commentary", "readfile"),
            ("readFile", "readfile"),
            ("Read_File({})", "readfile"),
            // A word more is another tool.
            ("web_search", "websearch"),
            ("file", "file"),
        ];
        for (name, wanted) in cases {
            assert_eq!(plain(bare(name)), wanted, "{name}");
        }
    }

    #[test]
    fn what_the_tool_does_not_have_is_left_out_with_a_note() {
        let schema = json!({"type": "object", "additionalProperties": false, "required": ["command"],
            "properties": {"command": {"type": "string"}, "timeout_ms": {"type": "integer"}}});

        let (value, notes) = fit(&schema, json!({"command": "ls", "description": "lists"}));

        assert_eq!(value, json!({"command": "ls"}));
        assert_eq!(
            notes,
            ["`description` is no argument of `t` and was left out; there are command, timeout_ms"]
        );
        let open = json!({"type": "object", "properties": {}});
        assert_eq!(fit(&open, json!({"a": 1})), (json!({"a": 1}), Vec::new()));
    }

    #[test]
    fn arguments_are_read_as_one_object() {
        let cases = [
            ("", json!({})),
            ("null", json!({})),
            ("{}{\"a\":1}", json!({"a": 1})),
            ("{\"a\":1}{\"a\":1}", json!({"a": 1})),
            ("\"{\\\"a\\\":1}\"", json!({"a": 1})),
            ("{\"a\":\"x\ny\"}", json!({"a": "x\ny"})),
        ];
        for (text, wanted) in cases {
            assert_eq!(read(text), Ok(wanted), "{text}");
        }
        for bad in ["{\"a\":1}{\"a\":2}", "[1]", "\"a\"", "{\"a\":", "7"] {
            assert!(matches!(read(bad), Err(Failure::Invalid { .. })), "{bad}");
        }
    }
}
