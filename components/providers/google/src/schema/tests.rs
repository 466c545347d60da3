use super::*;

#[test]
fn what_is_understood_stays_and_what_is_not_goes() {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "x",
        "type": "object",
        "title": "T",
        "description": "D",
        "properties": {
            "pattern": { "type": "string", "pattern": "^a", "minLength": 1, "maxLength": 9, "format": "uuid", "default": "a", "examples": ["a"] },
            "when": { "type": "string", "format": "date-time" },
            "count": { "type": "integer", "exclusiveMinimum": 0, "maximum": 9, "multipleOf": 3, "format": "uint32" },
            "list": { "type": "array", "items": { "type": "string" }, "minItems": 1, "uniqueItems": true },
        },
        "patternProperties": { "^x": {} },
        "propertyNames": { "pattern": "^a" },
        "required": ["count", "missing"],
        "additionalProperties": false,
        "not": {},
    });

    assert_eq!(
        accepted(&schema),
        json!({
            "type": "object",
            "title": "T",
            "description": "D",
            "properties": {
                "pattern": { "type": "string" },
                "when": { "type": "string", "format": "date-time" },
                "count": { "type": "integer", "minimum": 0, "maximum": 9 },
                "list": { "type": "array", "items": { "type": "string" }, "minItems": 1 },
            },
            "required": ["count"],
            "additionalProperties": false,
        })
    );
}

#[test]
fn references_are_put_in_place_and_what_stands_beside_them_counts() {
    let schema = json!({
        "type": "object",
        "properties": {
            "a": { "$ref": "#/$defs/Name", "description": "mine" },
            "b": { "type": "array", "items": { "$ref": "#/definitions/Old" } },
            "c": { "$ref": "#/$defs/missing" },
            "d": { "$ref": "https://elsewhere.test/x" },
        },
        "$defs": { "Name": { "type": "string", "description": "a name", "pattern": "x" } },
        "definitions": { "Old": { "$ref": "#/$defs/Name" } },
    });

    assert_eq!(
        accepted(&schema)["properties"],
        json!({
            "a": { "type": "string", "description": "mine" },
            "b": { "type": "array", "items": { "type": "string", "description": "a name" } },
            "c": {},
            "d": {},
        })
    );
}

#[test]
fn a_reference_to_itself_ends_and_many_of_them_do_not_explode() {
    let tree = json!({ "$defs": { "Node": {
        "type": "object",
        "properties": { "value": { "type": "string" }, "next": { "$ref": "#/$defs/Node" } },
        "required": ["value"],
    } }, "$ref": "#/$defs/Node" });
    let mut wide = json!({ "$ref": "#/$defs/n0" });
    for depth in 0..24 {
        let next = json!({ "$ref": format!("#/$defs/n{}", depth + 1) });
        wide["$defs"][format!("n{depth}")] =
            json!({ "type": "object", "properties": { "a": next.clone(), "b": next } });
    }

    assert_eq!(
        accepted(&tree),
        json!({
            "type": "object",
            "properties": { "value": { "type": "string" }, "next": {} },
            "required": ["value"],
        })
    );
    assert!(accepted(&wide).to_string().len() < 1 << 20);
}

#[test]
fn constants_and_lists_of_values_are_written_as_far_as_they_are_understood() {
    let cases = [
        (json!({ "const": "a" }), json!({ "type": "string", "enum": ["a"] })),
        (json!({ "const": 3 }), json!({ "enum": [3] })),
        (json!({ "const": true }), json!({ "type": "boolean" })),
        (json!({ "const": null }), json!({ "type": "null" })),
        (json!({ "enum": ["a", "", "b"] }), json!({ "type": "string", "enum": ["a", "b"] })),
        (
            json!({ "type": ["string", "null"], "enum": ["a", null] }),
            json!({ "type": ["string", "null"], "enum": ["a"] }),
        ),
        (
            json!({ "type": "integer", "enum": [1, 2] }),
            json!({ "type": "integer", "enum": [1, 2] }),
        ),
        (json!({ "type": "string", "nullable": true }), json!({ "type": ["string", "null"] })),
    ];

    for (schema, expected) in cases {
        assert_eq!(accepted(&schema), expected, "{schema}");
    }
}

#[test]
fn unions_are_written_in_one_way() {
    let one = json!({ "oneOf": [{ "const": "a", "description": "first" }, { "type": "integer" }] });
    let structured =
        json!({ "type": ["array", "null"], "description": "D", "items": { "type": "string" } });
    let plain = json!({ "type": ["string", "integer", "null"] });

    assert_eq!(
        accepted(&one),
        json!({ "anyOf": [{ "type": "string", "enum": ["a"], "description": "first" }, { "type": "integer" }] })
    );
    assert_eq!(
        accepted(&structured),
        json!({ "description": "D", "anyOf": [{ "type": "array", "items": { "type": "string" } }, { "type": "null" }] })
    );
    assert_eq!(accepted(&plain), plain);
}

#[test]
fn schemas_that_all_hold_become_one() {
    let schema = json!({
        "description": "both",
        "allOf": [
            { "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] },
            { "description": "second", "properties": { "b": true }, "required": ["b"] },
        ],
    });

    assert_eq!(
        accepted(&schema),
        json!({
            "type": "object",
            "description": "both",
            "properties": { "a": { "type": "string" }, "b": {} },
            "required": ["a", "b"],
        })
    );
}

#[test]
fn arrays_say_of_what_and_tuples_stay_tuples() {
    assert_eq!(accepted(&json!({ "type": "array" })), json!({ "type": "array", "items": {} }));
    assert_eq!(
        accepted(&json!({ "type": "array", "items": [{ "type": "string" }, true] })),
        json!({ "type": "array", "prefixItems": [{ "type": "string" }, {}] })
    );
}

#[test]
fn a_property_may_be_called_like_a_keyword() {
    let schema = json!({ "type": "object", "properties": {
        "enum": { "type": "string" }, "$ref": { "type": "string" }, "required": { "type": "boolean" } } });

    assert_eq!(accepted(&schema), schema);
}

#[test]
fn arguments_are_an_object_whatever_their_schema_says() {
    let empty = json!({ "type": "object", "properties": {} });

    assert_eq!(parameters(&json!({})), empty);
    assert_eq!(parameters(&json!({ "type": "string" })), empty);
    assert_eq!(
        parameters(&json!({ "properties": { "a": {} } })),
        json!({ "type": "object", "properties": { "a": {} } })
    );
}
