//! Checks a JSON document strictly, keeping every fault with the place it is at.

use serde_json::{Map, Value};

/// Faults found so far.
#[derive(Debug, Default)]
pub(crate) struct Check {
    /// Each with its place, in the vendor's manner: `messages[2].content: …`.
    pub(crate) faults: Vec<String>,
}

impl Check {
    /// Notes a fault.
    pub(crate) fn fault(&mut self, place: &str, message: impl AsRef<str>) {
        self.faults.push(format!("{place}: {}", message.as_ref()));
    }

    /// Notes a fault unless `holds`.
    pub(crate) fn require(&mut self, holds: bool, place: &str, message: impl AsRef<str>) {
        if !holds {
            self.fault(place, message);
        }
    }

    /// Returns the object at `place` if it is one, having checked that it has all of `required` and nothing
    /// besides those and `optional`.
    pub(crate) fn object<'a>(
        &mut self,
        value: &'a Value,
        place: &str,
        required: &[&str],
        optional: &[&str],
    ) -> Option<&'a Map<String, Value>> {
        let Some(map) = value.as_object() else {
            self.fault(place, "has to be an object");
            return None;
        };
        for name in required.iter().filter(|name| !map.contains_key(**name)) {
            self.fault(place, format!("`{name}` is missing"));
        }
        let known = |name: &str| required.contains(&name) || optional.contains(&name);
        for name in map.keys().filter(|name| !known(name)) {
            self.fault(place, format!("unknown field `{name}`"));
        }
        Some(map)
    }

    /// Returns the array at `place` if it is one.
    pub(crate) fn array<'a>(&mut self, value: &'a Value, place: &str) -> Option<&'a Vec<Value>> {
        let array = value.as_array();
        self.require(array.is_some(), place, "has to be an array");
        array
    }

    /// Returns the text of a field, if the field is there and a text that is not empty.
    pub(crate) fn text<'a>(
        &mut self,
        map: &'a Map<String, Value>,
        place: &str,
        name: &str,
    ) -> Option<&'a str> {
        let value = map.get(name)?;
        let text = value.as_str().filter(|text| !text.is_empty());
        self.require(text.is_some(), &format!("{place}.{name}"), "has to be a text, not empty");
        text
    }

    /// Checks that a field, if it is there, is a number from `least` to `most`.
    pub(crate) fn number(
        &mut self,
        map: &Map<String, Value>,
        place: &str,
        name: &str,
        (least, most): (f64, f64),
    ) {
        let Some(value) = map.get(name) else { return };
        let fits = value.as_f64().is_some_and(|number| (least..=most).contains(&number));
        self.require(fits, &format!("{place}.{name}"), format!("has to be from {least} to {most}"));
    }

    /// Returns a field that has to be a whole number of at least `least`.
    pub(crate) fn whole(
        &mut self,
        map: &Map<String, Value>,
        place: &str,
        name: &str,
        least: u64,
    ) -> Option<u64> {
        let value = map.get(name)?;
        let number = value.as_u64().filter(|number| *number >= least);
        let message = format!("has to be a whole number of at least {least}");
        self.require(number.is_some(), &format!("{place}.{name}"), message);
        number
    }

    /// Checks that a field, if it is there, is true or false.
    pub(crate) fn boolean(&mut self, map: &Map<String, Value>, place: &str, name: &str) {
        let fits = map.get(name).is_none_or(Value::is_boolean);
        self.require(fits, &format!("{place}.{name}"), "has to be true or false");
    }

    /// Returns a field that has to be one of `words`.
    pub(crate) fn word<'a>(
        &mut self,
        map: &'a Map<String, Value>,
        place: &str,
        name: &str,
        words: &[&str],
    ) -> Option<&'a str> {
        let value = map.get(name)?;
        let word = value.as_str().filter(|word| words.contains(word));
        let message = format!("has to be one of {}, not {value}", words.join(", "));
        self.require(word.is_some(), &format!("{place}.{name}"), message);
        word
    }

    /// Checks a name of a tool: letters, digits, `_` and `-`, at most `longest` of them.
    pub(crate) fn name(&mut self, name: &str, place: &str, longest: usize) {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let valid = !name.is_empty() && name.len() <= longest && name.chars().all(fits);
        self.require(valid, place, format!("{name:?} is not a name of a tool"));
    }

    /// Checks a JSON Schema of arguments as far as the vendors do: an object with properties, known types,
    /// arrays that say of what, required fields that exist.
    pub(crate) fn parameters(&mut self, schema: &Value, place: &str) {
        let kind = schema.get("type").and_then(Value::as_str);
        self.require(kind == Some("object"), place, "the type of the schema has to be `object`");
        self.require(schema.get("properties").is_some(), place, "the schema has no `properties`");
        self.schema(schema, place);
    }

    fn schema(&mut self, schema: &Value, place: &str) {
        if schema.is_boolean() {
            return;
        }
        let Some(map) = schema.as_object() else {
            self.fault(place, "a schema has to be an object");
            return;
        };
        for kind in types(map) {
            self.require(TYPES.contains(&kind), place, format!("`{kind}` is not a type"));
            let described = kind != "array" || map.contains_key("items");
            self.require(described, place, "an array without `items`");
        }
        self.properties(map, place);
        for name in ["items", "additionalProperties", "not"] {
            if let Some(inner) = map.get(name) {
                self.schema(inner, &format!("{place}.{name}"));
            }
        }
        for name in ["anyOf", "oneOf", "allOf"] {
            for (index, inner) in
                map.get(name).and_then(Value::as_array).into_iter().flatten().enumerate()
            {
                self.schema(inner, &format!("{place}.{name}[{index}]"));
            }
        }
    }

    fn properties(&mut self, map: &Map<String, Value>, place: &str) {
        let none = Map::new();
        let properties = map.get("properties").and_then(Value::as_object).unwrap_or(&none);
        for (name, inner) in properties {
            self.schema(inner, &format!("{place}.properties.{name}"));
        }
        for name in map.get("required").and_then(Value::as_array).into_iter().flatten() {
            let known = name.as_str().is_some_and(|name| properties.contains_key(name));
            self.require(known, place, format!("required {name} is not in `properties`"));
        }
    }
}

const TYPES: [&str; 7] = ["object", "array", "string", "number", "integer", "boolean", "null"];

/// Returns the types a schema names: none, one, or several.
fn types(map: &Map<String, Value>) -> Vec<&str> {
    match map.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameters(schema: Value) -> Vec<String> {
        let mut check = Check::default();
        check.parameters(&schema, "p");
        check.faults
    }

    #[test]
    fn missing_and_unknown_fields_are_faults() {
        let mut check = Check::default();
        check.object(&json!({ "a": 1, "x": 2 }), "o", &["a", "b"], &["c"]);

        assert_eq!(check.faults, ["o: `b` is missing", "o: unknown field `x`"]);
    }

    #[test]
    fn a_schema_of_arguments_is_an_object_with_properties() {
        assert_eq!(parameters(json!({ "type": "object", "properties": {} })), Vec::<String>::new());
        assert_eq!(
            parameters(json!({ "type": "string" })),
            ["p: the type of the schema has to be `object`", "p: the schema has no `properties`"]
        );
    }

    #[test]
    fn faults_deep_in_a_schema_are_found() {
        let deep = json!({
            "type": "object",
            "properties": { "a": { "type": "array" }, "b": { "anyOf": [{ "type": "text" }] } },
            "required": ["c"],
        });

        assert_eq!(
            parameters(deep),
            [
                "p.properties.a: an array without `items`",
                "p.properties.b.anyOf[0]: `text` is not a type",
                "p: required \"c\" is not in `properties`",
            ]
        );
    }

    #[test]
    fn a_name_of_a_tool_has_no_dots_and_an_end() {
        let mut check = Check::default();
        for name in ["read_file", "a-b", "A1"] {
            check.name(name, "n", 64);
        }
        assert_eq!(check.faults, Vec::<String>::new());
        for name in ["", "a.b", "a b", &"x".repeat(65)] {
            check.name(name, "n", 64);
        }
        assert_eq!(check.faults.len(), 4);
    }
}
