//! What the API's description says of bodies, held: each is checked against the schema of its route before anybody sees it.

use std::{fmt, sync::OnceLock};

use axum::http::StatusCode;
use openkoi_app::result_schema::{JsonSchema, SchemaError};
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, json};

use super::problem::Problem;

/// Integers up to here are the same as a floating point number.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Makes the schema of a type.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What a body has to be.
pub(crate) struct Wanted {
    /// Makes its schema.
    pub(crate) schema_of: SchemaOf,
    /// The schema, once a body came: compiled, its patterns are large.
    schema: OnceLock<Result<JsonSchema, SchemaError>>,
}

impl Wanted {
    pub(crate) fn new(schema_of: SchemaOf) -> Self {
        Self { schema_of, schema: OnceLock::new() }
    }

    /// Returns a body as JSON that follows the schema. An empty one is an object without members.
    pub(crate) fn read(&self, bytes: &[u8]) -> Result<Value, Problem> {
        let unusable = |error: String| Problem::bad(format!("the body cannot be used: {error}"));
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
        let Once(mut value) =
            serde_json::from_slice(bytes).map_err(|error| unusable(error.to_string()))?;
        let broken = |error: &SchemaError| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
        };
        self.schema().as_ref().map_err(broken)?.holds_of(&value).map_err(unusable)?;
        mend(&mut value);
        Ok(value)
    }

    fn schema(&self) -> &Result<JsonSchema, SchemaError> {
        self.schema.get_or_init(|| {
            let mut generator = SchemaSettings::draft2020_12().into_generator();
            let schema = (self.schema_of)(&mut generator);
            let definitions = generator.take_definitions(true);
            JsonSchema::new(json!({ "allOf": [schema], "$defs": definitions }))
        })
    }
}

/// JSON in which no object has a member twice: what reads the first and what reads the last would see two bodies.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor).map(Self)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Once(value))) = members.next_entry::<String, Once>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format_args!("it has `{name}` twice")));
            }
            object.insert(name, value);
        }
        Ok(object.into())
    }
}

/// Writes whole numbers as integers: to JSON Schema 3.0 is one, and the types below know only 3.
fn mend(value: &mut Value) {
    match value {
        Value::Number(number) if !(number.is_u64() || number.is_i64()) => {
            let whole = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < EXACT);
            if let Some(whole) = whole {
                *value = Value::from(whole as i64);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mend),
        Value::Object(members) => members.values_mut().for_each(mend),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;

    use super::*;
    use crate::api::routes;

    #[derive(Debug, PartialEq, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        count: Option<u64>,
        #[schemars(range(min = -2, max = 2))]
        level: Option<i32>,
        #[schemars(with = "Option<serde_json::Map<String, Value>>")]
        any: Option<Value>,
    }

    #[test]
    fn every_body_of_the_api_has_a_schema_that_can_be_used() {
        for route in routes::all() {
            let broken = route.body.as_ref().and_then(|wanted| wanted.schema().as_ref().err());
            assert_eq!(broken, None, "{} {}", route.method, route.path);
        }
    }

    fn taken(text: &str) -> Result<Sample, String> {
        let wanted = Wanted::new(|generator| generator.subschema_for::<Sample>());
        let value = wanted.read(text.as_bytes()).map_err(|problem| problem.detail)?;
        Sample::deserialize(value).map_err(|error| format!("the schema let it through: {error}"))
    }

    #[test]
    fn whatever_the_schema_allows_is_taken() {
        for text in ["", "{}", r#"{"count":3.0}"#, r#"{"count":null,"level":-2}"#, r#"{"any":{}}"#]
        {
            assert!(taken(text).is_ok(), "{text}: {:?}", taken(text));
        }
        assert_eq!(taken(r#"{"count":3.0}"#), taken(r#"{"count":3}"#));
    }

    #[test]
    fn whatever_it_forbids_is_refused_before_it_is_read() {
        let forbidden = [
            "[null]",
            "null",
            r#"{"count":-1}"#,
            r#"{"level":3}"#,
            r#"{"any":false}"#,
            r#"{"odd":1}"#,
        ];
        for text in forbidden {
            let error = taken(text).unwrap_err();
            assert!(error.starts_with("the body cannot be used: "), "{text}: {error}");
        }
        let twice = taken(r#"{"any":{"a":1,"a":2}}"#).unwrap_err();
        assert!(twice.contains("it has `a` twice"), "{twice}");
    }
}
