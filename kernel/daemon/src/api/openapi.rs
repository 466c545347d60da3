//! The API's own description, as OpenAPI 3.1 has it, from the table of routes and the types that they take and give.

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    problem::{MEDIA_TYPE, ProblemDetails},
    route::Route,
};

/// Returns the description of these routes.
pub(crate) fn document(routes: &[Route]) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for route in routes {
        let place = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(place) = place.as_object_mut() {
            let method = route.method.as_str().to_lowercase();
            place.insert(method, operation(route, &mut generator));
        }
    }
    let mut schemas: Value = generator.take_definitions(true).into();
    name_patterns(&mut schemas);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "OpenKoi",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The daemon of OpenKoi. Times that end in `_ms` are milliseconds since 1970, those that end in `_at` are as RFC 3339 has them; money is US dollars.",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

/// Makes `x-pattern` a pattern: what clients do well to keep to, while bodies are not held to it.
fn name_patterns(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(pattern) = members.remove("x-pattern") {
                members.insert("pattern".to_owned(), pattern);
            }
            members.values_mut().for_each(name_patterns);
        }
        Value::Array(items) => items.iter_mut().for_each(name_patterns),
        _ => {}
    }
}

fn operation(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.summary,
        "responses": responses(route, generator),
        // A program of the same user needs no token unless one is set.
        "security": if route.is_open { json!([]) } else { json!([{ "token": [] }, {}]) },
    });
    let mut parameters: Vec<Value> = in_path(route.path);
    parameters
        .extend(route.query.map(|query| in_query(query(generator), generator)).unwrap_or_default());
    if route.is_keyed {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A name by which the same can be submitted again: it is done once.",
            "schema": { "type": "string", "pattern": "^[!-~]{1,255}$" },
        }));
    }
    if route.is_awaited {
        parameters.push(json!({
            "name": "Prefer", "in": "header", "required": false,
            "description": "`wait=60` to wait a minute at most for the end of the task (RFC 7240); an hour otherwise.",
            "schema": { "type": "string" },
        }));
    }
    operation["parameters"] = parameters.into();
    if let Some(wanted) = &route.body {
        let schema = (wanted.schema_of)(generator);
        let needs = needs_body(schema.as_value(), generator);
        operation["requestBody"] = json!({
            "required": needs, "content": { "application/json": { "schema": schema } },
        });
    }
    operation
}

fn responses(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut all = Map::new();
    let content: Map<String, Value> = route
        .gives
        .iter()
        .map(|(media_type, schema)| {
            ((*media_type).to_owned(), json!({ "schema": schema(generator) }))
        })
        .collect();
    let words = route.status.canonical_reason().unwrap_or_default();
    all.insert(
        route.status.as_str().to_owned(),
        json!({ "description": words, "content": content }),
    );
    let mut problems = vec![400, 403, 429, 500];
    if !route.is_open {
        problems.push(401);
    }
    if route.body.is_some() {
        problems.extend([408, 413, 415]);
    }
    problems.extend(route.problems);
    problems.sort_unstable();
    problems.dedup();
    let problem = generator.subschema_for::<ProblemDetails>();
    for status in problems {
        let words = axum::http::StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or_default();
        let content = json!({ MEDIA_TYPE: { "schema": problem } });
        all.insert(status.to_string(), json!({ "description": words, "content": content }));
    }
    if route.status.as_u16() == 200 && route.method == "GET" {
        all.insert("304".to_owned(), json!({ "description": "Not Modified" }));
    }
    all.into()
}

/// Returns the parameters of a path.
fn in_path(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let one = |name: &str| {
        json!({
            "name": name, "in": "path", "required": true,
            "schema": { "type": "string", "minLength": 1 },
        })
    };
    names.map(one).collect()
}

/// Returns the properties of a type as parameters of a query.
fn in_query(schema: schemars::Schema, generator: &mut SchemaGenerator) -> Vec<Value> {
    let whole = resolved(schema.as_value(), generator);
    let properties = whole["properties"].as_object().cloned().unwrap_or_default();
    let one = |(name, mut schema): (String, Value)| {
        // In a query, what is absent is absent: there is no null.
        if let Some(kinds) = schema["type"].as_array() {
            schema["type"] = kinds.first().cloned().unwrap_or_default();
        }
        let description = schema["description"].take();
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("description");
            schema.remove("default");
        }
        json!({
            "name": name, "in": "query", "required": false,
            "description": description, "schema": schema,
        })
    };
    properties.into_iter().map(one).collect()
}

/// Returns true if an object without members is no body: something is required, in each of the forms that it may have.
fn needs_body(schema: &Value, generator: &mut SchemaGenerator) -> bool {
    let whole = resolved(schema, generator);
    let has_required = whole["required"].as_array().is_some_and(|required| !required.is_empty());
    let forms = whole["anyOf"].as_array();
    has_required || forms.is_some_and(|all| all.iter().all(|form| needs_body(form, generator)))
}

/// Returns the schema that a reference refers to.
fn resolved(whole: &Value, generator: &mut SchemaGenerator) -> Value {
    let name = whole["$ref"].as_str().and_then(|path| path.rsplit('/').next());
    name.and_then(|name| generator.definitions().get(name).cloned()).unwrap_or(whole.clone())
}
