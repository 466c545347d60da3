//! Schemas that Claude's answers can be held to, by its own service and by others that offer it.

use serde_json::{Value, json};

/// Returns whether a service can enforce `schema`. It refuses open objects and most limits on values; then nothing is
/// enforced, as the contract allows.
pub fn is_enforceable(schema: &Value) -> bool {
    const KEYWORDS: [&str; 16] = [
        "$defs",
        "$ref",
        "$schema",
        "additionalProperties",
        "allOf",
        "anyOf",
        "const",
        "default",
        "definitions",
        "description",
        "enum",
        "format",
        "items",
        "properties",
        "required",
        "title",
    ];
    let Value::Object(fields) = schema else {
        return schema.is_boolean();
    };
    let closed = fields.get("type") != Some(&json!("object"))
        || fields.get("additionalProperties") == Some(&Value::Bool(false));
    closed
        && fields.iter().all(|(keyword, value)| match keyword.as_str() {
            "type" | "additionalProperties" => true,
            "properties" | "$defs" | "definitions" => {
                value.as_object().is_some_and(|schemas| schemas.values().all(is_enforceable))
            }
            "items" => is_enforceable(value),
            "anyOf" | "allOf" => {
                value.as_array().is_some_and(|schemas| schemas.iter().all(is_enforceable))
            }
            keyword => KEYWORDS.contains(&keyword),
        })
}
