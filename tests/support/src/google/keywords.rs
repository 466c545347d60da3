//! The part of JSON Schema that the vendor documents.

use serde_json::Value;

use crate::schema::Check;

/// The keywords that the reference lists for `responseJsonSchema`.
const KEYWORDS: [&str; 20] = [
    "$anchor",
    "$defs",
    "$id",
    "$ref",
    "additionalProperties",
    "anyOf",
    "description",
    "enum",
    "format",
    "items",
    "maxItems",
    "maximum",
    "minItems",
    "minimum",
    "oneOf",
    "prefixItems",
    "properties",
    "required",
    "title",
    "type",
];
/// Formats that mean something to the vendor.
const FORMATS: [&str; 3] = ["date", "date-time", "time"];

/// Checks a schema and those in it.
pub(super) fn check(check: &mut Check, schema: &Value, place: &str) {
    if schema.is_boolean() {
        return;
    }
    let Some(fields) = schema.as_object() else {
        check.fault(place, "a schema has to be an object");
        return;
    };
    for (keyword, value) in fields {
        let known = KEYWORDS.contains(&keyword.as_str());
        check.require(known, place, format!("Unknown name \"{keyword}\": Cannot find field."));
        self::value(check, keyword, value, &format!("{place}.{keyword}"));
    }
}

/// Checks what a keyword says.
fn value(check: &mut Check, keyword: &str, value: &Value, place: &str) {
    match (keyword, value) {
        ("properties" | "$defs", Value::Object(schemas)) => {
            for (name, schema) in schemas {
                self::check(check, schema, &format!("{place}.{name}"));
            }
        }
        ("items" | "additionalProperties", schema) => self::check(check, schema, place),
        ("anyOf" | "oneOf" | "prefixItems", Value::Array(schemas)) => {
            for (index, schema) in schemas.iter().enumerate() {
                self::check(check, schema, &format!("{place}[{index}]"));
            }
        }
        ("enum", values) => listed(check, values, place),
        ("format", format) => {
            let known = format.as_str().is_some_and(|format| FORMATS.contains(&format));
            check.require(known, place, format!("{format} is not a supported format"));
        }
        _ => {}
    }
}

fn listed(check: &mut Check, values: &Value, place: &str) {
    for value in check.array(values, place).into_iter().flatten() {
        let fits = value.is_number() || value.as_str().is_some_and(|text| !text.is_empty());
        check.require(fits, place, format!("{value} cannot be listed"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(schema: &Value) -> Vec<String> {
        let mut check = Check::default();
        self::check(&mut check, schema, "s");
        check.faults
    }

    #[test]
    fn keywords_that_are_not_documented_are_faults_wherever_they_are() {
        let schema = json!({
            "type": "object",
            "properties": {
                "const": { "type": "string", "enum": ["a", "", null] },
                "b": { "anyOf": [{ "type": "array", "items": { "const": 1 } }] },
                "c": { "type": "string", "format": "uuid", "pattern": "x" },
            },
            "additionalProperties": { "minLength": 1 },
        });

        assert_eq!(
            faults(&schema),
            [
                "s.additionalProperties: Unknown name \"minLength\": Cannot find field.",
                "s.properties.b.anyOf[0].items: Unknown name \"const\": Cannot find field.",
                "s.properties.c.format: \"uuid\" is not a supported format",
                "s.properties.c: Unknown name \"pattern\": Cannot find field.",
                "s.properties.const.enum: \"\" cannot be listed",
                "s.properties.const.enum: null cannot be listed",
            ]
        );
    }

    #[test]
    fn what_is_documented_is_accepted() {
        let schema = json!({ "type": "object", "title": "T", "properties": {
            "a": { "type": ["string", "null"] },
            "b": { "type": "string", "format": "date", "enum": ["a"] } },
            "required": ["a"], "additionalProperties": false });
        assert_eq!(faults(&schema), Vec::<String>::new());
    }
}
