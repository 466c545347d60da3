//! Checks values against the part of JSON Schema that manifests use.
//!
//! | checked | keywords |
//! |---|---|
//! | any value | `type` (one or several), `enum`, `const`, `anyOf`, `oneOf`, `allOf` |
//! | objects | `properties`, `required`, `additionalProperties` |
//! | arrays | `items`, `minItems`, `maxItems` |
//! | text | `minLength`, `maxLength` |
//! | numbers | `minimum`, `maximum`, `exclusiveMinimum`, `exclusiveMaximum` |
//!
//! Keywords that only describe (`title`, `description`, `default`, `examples`, `format`, `$schema`,
//! `deprecated`, `readOnly`, `writeOnly`) are passed over. Any other keyword makes [`vet`] refuse the schema
//! when the manifest is read, so that a restriction that is written down is enforced.

use openkoi_core::failure::Failure;
use serde_json::{Map, Value};

use crate::text;

/// The deepest nesting of a schema. JSON is read down to 128 levels.
const DEEPEST: usize = 32;

/// The most characters of a refused value that are shown.
const SHOWN: usize = 60;

const CHECKED: [&str; 18] = [
    "type",
    "enum",
    "const",
    "anyOf",
    "oneOf",
    "allOf",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
];
const DESCRIBING: [&str; 9] = [
    "title",
    "description",
    "default",
    "examples",
    "format",
    "$schema",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// Checks that `schema` says only what [`check`] enforces.
///
/// # Errors
///
/// A sentence that names the keyword which cannot be enforced.
pub fn vet(schema: &Value) -> Result<(), String> {
    vet_at(schema, 0)
}

fn vet_at(schema: &Value, depth: usize) -> Result<(), String> {
    if depth > DEEPEST {
        return Err(format!("it is nested deeper than {DEEPEST} levels"));
    }
    let map = match schema {
        Value::Bool(_) => return Ok(()),
        Value::Object(map) => map,
        _ => return Err("a schema is an object".to_owned()),
    };
    let known = |key: &&String| {
        let key = key.as_str();
        CHECKED.contains(&key) || DESCRIBING.contains(&key)
    };
    if let Some(key) = map.keys().find(|key| !known(key)) {
        return Err(format!("`{}` is not enforced here", text::one_line(key, 40)));
    }
    let mut below = map
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::values)
        .chain(map.get("items"))
        .chain(map.get("additionalProperties"))
        .chain(["anyOf", "oneOf", "allOf"].into_iter().flat_map(|key| list(map, key)));
    below.try_for_each(|schema| vet_at(schema, depth + 1))
}

/// Checks `value`, the arguments of a call, against a schema that [`vet`] accepted.
///
/// # Errors
///
/// [`Failure::Invalid`] with a JSON pointer to the field.
pub fn check(schema: &Value, value: &Value) -> Result<(), Failure> {
    check_at(schema, value, "").map_err(|(field, message)| Failure::Invalid { field, message })
}

type Complaint = (String, String);

fn check_at(schema: &Value, value: &Value, at: &str) -> Result<(), Complaint> {
    let map = match schema {
        Value::Bool(true) => return Ok(()),
        Value::Object(map) => map,
        _ => return Err((at.to_owned(), "is not allowed here".to_owned())),
    };
    let complain = |message: String| Err((at.to_owned(), message));
    if let Some(wanted) = map.get("type")
        && !has_type(wanted, value)
    {
        let shown = shown(value);
        return complain(format!(
            "has to be {}, not {}{shown}",
            type_words(wanted),
            type_of(value)
        ));
    }
    if let Some(Value::Array(allowed)) = map.get("enum")
        && !allowed.contains(value)
    {
        let shown = text::one_line(&value.to_string(), SHOWN);
        return complain(format!("has to be one of {}, not {shown}", listed(allowed)));
    }
    if let Some(only) = map.get("const")
        && only != value
    {
        return complain(format!("has to be {only}"));
    }
    list(map, "allOf").try_for_each(|schema| check_at(schema, value, at))?;
    check_alternatives(map, value, at)?;
    match value {
        Value::Object(fields) => check_object(map, fields, at),
        Value::Array(items) => check_array(map, items, at),
        Value::String(text) => {
            let length = text.chars().count() as u64;
            check_range(map, length, ["minLength", "maxLength"], "characters", at)
        }
        Value::Number(number) => check_number(map, number.as_f64().unwrap_or(f64::NAN), at),
        _ => Ok(()),
    }
}

fn check_alternatives(map: &Map<String, Value>, value: &Value, at: &str) -> Result<(), Complaint> {
    for key in ["anyOf", "oneOf"] {
        if !map.contains_key(key) {
            continue;
        }
        let complaints: Vec<Complaint> =
            list(map, key).filter_map(|schema| check_at(schema, value, at).err()).collect();
        let fitting = list(map, key).count() - complaints.len();
        if fitting == 0 {
            // The deepest complaint is about the alternative that fits best.
            let deepest = complaints.into_iter().max_by_key(|(field, _)| field.len());
            let nothing = || (at.to_owned(), "fits none of the alternatives".to_owned());
            return Err(deepest.unwrap_or_else(nothing));
        }
        if key == "oneOf" && fitting > 1 {
            return Err((at.to_owned(), "fits more than one of the alternatives".to_owned()));
        }
    }
    Ok(())
}

fn check_object(
    map: &Map<String, Value>,
    fields: &Map<String, Value>,
    at: &str,
) -> Result<(), Complaint> {
    let mut required = list(map, "required").filter_map(Value::as_str);
    if let Some(missing) = required.find(|name| !fields.contains_key(*name)) {
        return Err((pointer(at, missing), "is required".to_owned()));
    }
    let properties = map.get("properties").and_then(Value::as_object);
    for (name, value) in fields {
        let at = pointer(at, name);
        match (properties.and_then(|known| known.get(name)), map.get("additionalProperties")) {
            (Some(schema), _) => check_at(schema, value, &at)?,
            (None, Some(Value::Bool(false))) => {
                let known: Vec<&str> =
                    properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
                return Err((at, format!("is not known; there are: {}", known.join(", "))));
            }
            (None, Some(schema)) => check_at(schema, value, &at)?,
            (None, None) => {}
        }
    }
    Ok(())
}

fn check_array(map: &Map<String, Value>, items: &[Value], at: &str) -> Result<(), Complaint> {
    check_range(map, items.len() as u64, ["minItems", "maxItems"], "items", at)?;
    let Some(schema) = map.get("items") else { return Ok(()) };
    let mut numbered = items.iter().enumerate();
    numbered.try_for_each(|(index, item)| check_at(schema, item, &format!("{at}/{index}")))
}

fn check_range(
    map: &Map<String, Value>,
    count: u64,
    [least, most]: [&str; 2],
    unit: &str,
    at: &str,
) -> Result<(), Complaint> {
    let bound = |key| map.get(key).and_then(Value::as_u64);
    match (bound(least), bound(most)) {
        (Some(least), _) if count < least => {
            Err((at.to_owned(), format!("has {count} {unit} and needs at least {least}")))
        }
        (_, Some(most)) if count > most => {
            Err((at.to_owned(), format!("has {count} {unit} and may have at most {most}")))
        }
        _ => Ok(()),
    }
}

fn check_number(map: &Map<String, Value>, number: f64, at: &str) -> Result<(), Complaint> {
    let bound = |key| map.get(key).and_then(Value::as_f64);
    let complain = |message: String| Err((at.to_owned(), message));
    if let Some(least) = bound("minimum").filter(|least| number < *least) {
        return complain(format!("has to be at least {least}"));
    }
    if let Some(most) = bound("maximum").filter(|most| number > *most) {
        return complain(format!("has to be at most {most}"));
    }
    if let Some(least) = bound("exclusiveMinimum").filter(|least| number <= *least) {
        return complain(format!("has to be more than {least}"));
    }
    if let Some(most) = bound("exclusiveMaximum").filter(|most| number >= *most) {
        return complain(format!("has to be less than {most}"));
    }
    Ok(())
}

fn list<'a>(map: &'a Map<String, Value>, key: &str) -> impl Iterator<Item = &'a Value> {
    map.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn pointer(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn has_type(wanted: &Value, value: &Value) -> bool {
    match wanted {
        Value::String(word) => is_type(word, value),
        Value::Array(words) => words.iter().any(|word| has_type(word, value)),
        _ => false,
    }
}

fn is_type(word: &str, value: &Value) -> bool {
    match word {
        "integer" => match value {
            Value::Number(number) => {
                number.is_i64()
                    || number.is_u64()
                    || number.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
            _ => false,
        },
        word => word == type_of(value),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Shows a value that is short enough to help.
fn shown(value: &Value) -> String {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        value => format!(" ({})", text::one_line(&value.to_string(), SHOWN)),
    }
}

fn type_words(wanted: &Value) -> String {
    match wanted {
        Value::Array(words) => words.iter().map(type_words).collect::<Vec<_>>().join(" or "),
        Value::String(word) => word.clone(),
        other => other.to_string(),
    }
}

fn listed(values: &[Value]) -> String {
    let words: Vec<String> = values.iter().map(Value::to_string).collect();
    text::one_line(&words.join(", "), 400)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn complaint(schema: &Value, value: &Value) -> Option<String> {
        vet(schema).expect("the schema is one that is enforced");
        check(schema, value).err().map(|failure| failure.to_string())
    }

    #[test]
    fn each_keyword_is_enforced_and_names_the_field() {
        let schema = json!({
            "type": "object",
            "required": ["path"],
            "additionalProperties": false,
            "properties": {
                "path": { "type": "string", "minLength": 1, "maxLength": 3 },
                "limit": { "type": ["integer", "null"], "minimum": 1, "maximum": 10 },
                "mode": { "enum": ["a", "b"] },
                "one": { "const": 1 },
                "share": { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 },
                "edits": { "type": "array", "minItems": 1, "maxItems": 2, "items": {
                    "type": "object", "required": ["old"], "properties": { "old": { "type": "string" } } } },
            },
        });
        let with = |key: &str, value: Value| {
            let mut arguments = json!({ "path": "x" });
            arguments[key] = value;
            complaint(&schema, &arguments)
        };
        let table = [
            (complaint(&schema, &json!({})), "/path: is required"),
            (complaint(&schema, &json!([])), "has to be object, not array"),
            (with("path", json!(1)), "/path: has to be string, not number (1)"),
            (with("path", json!("")), "/path: has 0 characters and needs at least 1"),
            (with("path", json!("éééé")), "/path: has 4 characters and may have at most 3"),
            (with("limit", json!(1.5)), "/limit: has to be integer or null, not number (1.5)"),
            (with("limit", json!(0)), "/limit: has to be at least 1"),
            (with("limit", json!(11)), "/limit: has to be at most 10"),
            (with("mode", json!("c")), "/mode: has to be one of \"a\", \"b\", not \"c\""),
            (with("one", json!(2)), "/one: has to be 1"),
            (with("share", json!(0)), "/share: has to be more than 0"),
            (with("share", json!(1)), "/share: has to be less than 1"),
            (with("edits", json!([])), "/edits: has 0 items and needs at least 1"),
            (with("edits", json!([{}])), "/edits/0/old: is required"),
            (
                with("extra/~", json!(1)),
                "/extra~1~0: is not known; there are: edits, limit, mode, one, path, share",
            ),
        ];
        for (found, wanted) in table {
            assert_eq!(found.as_deref(), Some(wanted));
        }
        assert_eq!(with("limit", json!(null)), None);
        assert_eq!(with("limit", json!(2.0)), None);
        assert_eq!(with("edits", json!([{ "old": "a" }])), None);
    }

    #[test]
    fn the_complaint_is_about_the_alternative_that_fits_best() {
        let schema = json!({ "anyOf": [
            { "type": "null" },
            { "type": "object", "required": ["a"], "properties": { "a": { "type": "string" } } },
        ] });
        assert_eq!(complaint(&schema, &json!(null)), None);
        assert_eq!(complaint(&schema, &json!({ "a": "x" })), None);
        let wrong = complaint(&schema, &json!({ "a": 1 }));
        assert_eq!(wrong.as_deref(), Some("/a: has to be string, not number (1)"));
    }

    #[test]
    fn one_of_accepts_exactly_one_alternative() {
        let schema = json!({ "oneOf": [{ "type": "integer" }, { "type": "number" }] });
        assert_eq!(complaint(&schema, &json!(1.5)), None);
        assert!(complaint(&schema, &json!(1)).is_some());
        assert!(complaint(&schema, &json!("x")).is_some());
    }

    #[test]
    fn a_schema_with_an_unsupported_keyword_is_refused() {
        for bad in [
            json!({ "$ref": "https://example.com/schema" }),
            json!({ "properties": { "a": { "pattern": "(a+)+$" } } }),
            json!({ "items": { "uniqueItems": true } }),
            json!({ "anyOf": [{ "not": {} }] }),
            json!([]),
        ] {
            assert!(vet(&bad).is_err(), "{bad}");
        }
        let deep = (0..40).fold(json!({}), |inner, _| json!({ "items": inner }));
        assert!(vet(&deep).is_err());
    }
}
