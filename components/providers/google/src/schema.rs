//! Writes a JSON Schema with the keywords that the service documents, and no others.
//!
//! The service takes JSON Schema for the arguments of tools and for answers, but only a part of it
//! (<https://ai.google.dev/api/generate-content#GenerationConfig>, `responseJsonSchema`), and one keyword too many
//! refuses the whole request. What is left out makes a schema wider, never narrower; whoever takes the arguments checks
//! them anyway.

use serde_json::{Map, Value, json};

/// The most levels and the largest size of a schema whose references are put in place.
const DEPTH: usize = 32;
const NODES: usize = 4_000;
/// The formats of texts that are understood.
const FORMATS: [&str; 3] = ["date", "date-time", "time"];

/// Writes the schema of a tool's arguments.
pub(crate) fn parameters(schema: &Value) -> Value {
    let mut written = accepted(schema);
    if let Value::Object(fields) = &mut written {
        fields.insert("type".into(), "object".into());
        fields.entry("properties").or_insert_with(|| json!({}));
    }
    written
}

/// Writes a schema.
pub(crate) fn accepted(schema: &Value) -> Value {
    Walk { root: schema, open: Vec::new(), nodes: 0 }.schema(schema)
}

/// A walk over one schema.
struct Walk<'a> {
    root: &'a Value,
    /// The references that are being put in place, the innermost last.
    open: Vec<&'a str>,
    nodes: usize,
}

impl<'a> Walk<'a> {
    /// Writes a schema; anything goes where it is none, or where it has no end.
    fn schema(&mut self, schema: &'a Value) -> Value {
        self.nodes += 1;
        let Value::Object(fields) = schema else {
            return json!({});
        };
        if self.nodes > NODES || self.open.len() > DEPTH {
            return json!({});
        }
        let mut written = match fields.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.reference(reference),
            None => Map::new(),
        };
        self.plain(fields, &mut written);
        self.structure(fields, &mut written);
        self.union(fields, &mut written);
        for inner in list(fields, "allOf") {
            if let Value::Object(inner) = self.schema(inner) {
                merge(&mut written, inner);
            }
        }
        finish(&mut written);
        split_types(written)
    }

    /// Returns what a reference stands for. One that leads back to itself stands for anything.
    fn reference(&mut self, reference: &'a str) -> Map<String, Value> {
        let target = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
        let Some(target) = target.filter(|_| !self.open.contains(&reference)) else {
            return Map::new();
        };
        self.open.push(reference);
        let written = self.schema(target);
        self.open.pop();
        match written {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    /// Writes the keywords that have no schemas in them.
    fn plain(&mut self, fields: &Map<String, Value>, written: &mut Map<String, Value>) {
        const KEPT: [&str; 7] =
            ["title", "description", "type", "minItems", "maxItems", "minimum", "maximum"];
        for keyword in KEPT {
            if let Some(value) = fields.get(keyword) {
                written.insert(keyword.to_owned(), value.clone());
            }
        }
        for (exclusive, keyword) in
            [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")]
        {
            if let Some(value) = fields.get(exclusive).filter(|value| value.is_number()) {
                written.entry(keyword).or_insert_with(|| value.clone());
            }
        }
        if let Some(format) = fields.get("format").filter(|value| is_format(value)) {
            written.insert("format".into(), format.clone());
        }
        literals(fields, written);
        if fields.get("nullable") == Some(&Value::Bool(true)) {
            add_null(written);
        }
    }

    /// Writes what objects and arrays are made of.
    fn structure(&mut self, fields: &'a Map<String, Value>, written: &mut Map<String, Value>) {
        if let Some(Value::Object(properties)) = fields.get("properties") {
            let properties: Map<String, Value> =
                properties.iter().map(|(name, inner)| (name.clone(), self.schema(inner))).collect();
            written.insert("properties".into(), properties.into());
        }
        if let Some(Value::Array(required)) = fields.get("required") {
            written.insert("required".into(), required.clone().into());
        }
        match fields.get("additionalProperties") {
            Some(Value::Bool(open)) => {
                written.insert("additionalProperties".into(), (*open).into());
            }
            Some(inner @ Value::Object(_)) => {
                written.insert("additionalProperties".into(), self.schema(inner));
            }
            _ => {}
        }
        // Older drafts have the members of a tuple under `items`.
        for keyword in ["prefixItems", "items"] {
            match fields.get(keyword) {
                Some(Value::Array(items)) => {
                    let items: Vec<Value> = items.iter().map(|inner| self.schema(inner)).collect();
                    written.insert("prefixItems".into(), items.into());
                }
                Some(inner) => {
                    written.insert(keyword.to_owned(), self.schema(inner));
                }
                None => {}
            }
        }
    }

    /// The service reads both keywords as `anyOf`.
    fn union(&mut self, fields: &'a Map<String, Value>, written: &mut Map<String, Value>) {
        let mut schemas = Vec::new();
        for keyword in ["anyOf", "oneOf"] {
            schemas.extend(list(fields, keyword).iter().map(|inner| self.schema(inner)));
        }
        if !schemas.is_empty() {
            written.insert("anyOf".into(), schemas.into());
        }
    }
}

fn list<'a>(fields: &'a Map<String, Value>, keyword: &str) -> &'a [Value] {
    fields.get(keyword).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn is_format(value: &Value) -> bool {
    value.as_str().is_some_and(|format| FORMATS.contains(&format))
}

/// Writes the values that are allowed: texts and numbers may be listed, others only by their type.
fn literals(fields: &Map<String, Value>, written: &mut Map<String, Value>) {
    let constant = fields.get("const").map(std::slice::from_ref);
    let values = constant.unwrap_or_else(|| list(fields, "enum"));
    let kept: Vec<Value> = values.iter().filter(|value| is_listable(value)).cloned().collect();
    if !kept.is_empty() {
        if kept.iter().all(Value::is_string) {
            written.entry("type").or_insert_with(|| "string".into());
        }
        written.insert("enum".into(), kept.into());
    } else if !values.is_empty() && values.iter().all(Value::is_boolean) {
        written.entry("type").or_insert_with(|| "boolean".into());
    }
    if values.iter().any(Value::is_null) {
        add_null(written);
    }
}

/// Returns whether a value may be listed. An empty text may not, so it takes the whole list's sense with it only for
/// itself.
fn is_listable(value: &Value) -> bool {
    value.is_number() || value.as_str().is_some_and(|text| !text.is_empty())
}

/// Lets a schema stand for nothing too.
fn add_null(written: &mut Map<String, Value>) {
    let mut kinds = match written.remove("type") {
        Some(Value::Array(kinds)) => kinds,
        Some(kind) => vec![kind],
        None => Vec::new(),
    };
    if !kinds.iter().any(|kind| kind == "null") {
        kinds.push("null".into());
    }
    // A list of one is written as the one.
    let kind = if kinds.len() == 1 { kinds.remove(0) } else { kinds.into() };
    written.insert("type".into(), kind);
}

/// Adds what `more` demands. What both say is left as it is, but for the properties and which are required.
fn merge(written: &mut Map<String, Value>, more: Map<String, Value>) {
    for (keyword, value) in more {
        match (written.get_mut(&keyword), value) {
            (Some(Value::Object(known)), Value::Object(value)) if keyword == "properties" => {
                for (name, inner) in value {
                    known.entry(name).or_insert(inner);
                }
            }
            (Some(Value::Array(known)), Value::Array(value)) if keyword == "required" => {
                known.extend(value);
            }
            (Some(_), _) => {}
            (None, value) => {
                written.insert(keyword, value);
            }
        }
    }
}

/// Fixes what the service refuses: types that are not said, arrays of nothing, required properties that do not exist.
fn finish(written: &mut Map<String, Value>) {
    if written.contains_key("properties") {
        written.entry("type").or_insert_with(|| "object".into());
    }
    if has_type(written, "array") && !written.contains_key("prefixItems") {
        written.entry("items").or_insert_with(|| json!({}));
    }
    let Some(Value::Array(mut required)) = written.remove("required") else {
        return;
    };
    let properties = written.get("properties");
    let known = |name: &Value| Some(properties?.get(name.as_str()?).is_some());
    required.retain(|name| known(name) == Some(true));
    required.dedup();
    if !required.is_empty() {
        written.insert("required".into(), required.into());
    }
}

fn has_type(written: &Map<String, Value>, kind: &str) -> bool {
    match written.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|known| known == kind),
        Some(known) => known == kind,
        None => false,
    }
}

/// Several types are understood of plain values only; with objects or arrays among them they become a union.
fn split_types(mut written: Map<String, Value>) -> Value {
    let structured = has_type(&written, "object") || has_type(&written, "array");
    let kinds = match written.get("type") {
        Some(Value::Array(kinds)) if structured => kinds.clone(),
        _ => return written.into(),
    };
    written.remove("type");
    let description = written.remove("description");
    let schemas: Vec<Value> = kinds.into_iter().map(|kind| of_kind(&written, kind)).collect();
    let mut union = json!({ "anyOf": schemas });
    if let Some(description) = description {
        union["description"] = description;
    }
    union
}

/// Returns what `written` says of values of one type.
fn of_kind(written: &Map<String, Value>, kind: Value) -> Value {
    let keywords: &[&str] = match kind.as_str() {
        Some("object") => &["properties", "required", "additionalProperties", "anyOf"],
        Some("array") => &["items", "prefixItems", "minItems", "maxItems", "anyOf"],
        Some("string") => &["enum", "format"],
        Some("number" | "integer") => &["enum", "minimum", "maximum"],
        _ => &[],
    };
    let kept = keywords.iter().filter_map(|keyword| {
        written.get(*keyword).map(|value| ((*keyword).to_owned(), value.clone()))
    });
    let mut one: Map<String, Value> = kept.collect();
    one.insert("type".into(), kind);
    one.into()
}

#[cfg(test)]
mod tests;
