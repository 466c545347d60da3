//! The JSON Schema that a task's result has to follow, checked before anything is paid; and any other that a value is held to.
//!
//! All of JSON Schema is understood, `$ref` within the file included. A schema that lies elsewhere is refused:
//! nothing is fetched and no further file is read.

use std::sync::Arc;

use boon::{Compiler, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use openkoi_core::{event::Event, id::TaskId, port::ResultSchema};
use openkoi_storage::{Storage, StorageError};
use serde_json::Value;

/// The address of the schema within the library. It leads nowhere.
const HERE: &str = "schema:///result";
/// The number of misfits that one message tells.
const TOLD: usize = 3;

/// Why a document cannot be used as a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// It is not what JSON Schema allows.
    #[error("it is not a JSON Schema: {0}")]
    Invalid(String),
    /// It refers to a schema that is not in it.
    #[error("it refers to `{0}`, which is not in it; nothing is fetched, so put it under `$defs`")]
    Elsewhere(String),
    /// It refers to a place that it does not have.
    #[error("it refers to `{0}`, and has no such place")]
    NoSuchPlace(String),
}

/// Returns the schema that a task's result has to follow, if one was asked for when it began.
///
/// # Errors
///
/// When the journal cannot be read.
pub fn of_task(storage: &Storage, task: &TaskId) -> Result<Option<Arc<JsonSchema>>, StorageError> {
    let entries = storage.entries(task)?;
    let Some(Event::TaskStarted { task, .. }) = entries.first().map(|entry| &entry.event) else {
        return Ok(None);
    };
    // One that could not be used was refused before the task began.
    Ok(task.result_schema.clone().and_then(|schema| JsonSchema::new(schema).ok()).map(Arc::new))
}

/// A schema that was checked and can be used.
pub struct JsonSchema {
    document: Value,
    schemas: Schemas,
    root: SchemaIndex,
}

impl std::fmt::Debug for JsonSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("JsonSchema").field(&self.document).finish()
    }
}

impl JsonSchema {
    /// Returns the schema of a document: an object, or `true` or `false`. Without `$schema` it is read as draft
    /// 2020-12.
    ///
    /// # Errors
    ///
    /// When it is not a schema, or needs one that is not in it.
    pub fn new(document: Value) -> Result<Self, SchemaError> {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.use_loader(Box::new(Nowhere));
        compiler.add_resource(HERE, document.clone()).map_err(refusal)?;
        let root = compiler.compile(HERE, &mut schemas).map_err(refusal)?;
        Ok(Self { document, schemas, root })
    }

    /// Returns the answer as data, if it is JSON that follows the schema. A fence of Markdown around it is passed
    /// over.
    ///
    /// # Errors
    ///
    /// One sentence that says what does not fit, and where.
    pub fn read(&self, text: &str) -> Result<Value, String> {
        let value: Value = serde_json::from_str(unfenced(text))
            .map_err(|error| format!("it is not JSON: {error}"))?;
        self.holds_of(&value)?;
        Ok(value)
    }

    /// Returns an error if a value does not follow the schema.
    ///
    /// # Errors
    ///
    /// One sentence that says what does not fit, and where.
    pub fn holds_of(&self, value: &Value) -> Result<(), String> {
        self.schemas.validate(value, self.root).map_err(|error| misfits(&error))
    }
}

impl ResultSchema for JsonSchema {
    fn schema(&self) -> &Value {
        &self.document
    }

    fn check(&self, text: &str) -> Result<(), String> {
        self.read(text).map(drop)
    }
}

/// Returns the text within a fence of Markdown, or the text.
fn unfenced(text: &str) -> &str {
    let body = text.trim();
    let body = body.strip_prefix("```json").or_else(|| body.strip_prefix("```")).unwrap_or(body);
    body.strip_suffix("```").unwrap_or(body).trim()
}

/// Loads nothing.
struct Nowhere;

impl UrlLoader for Nowhere {
    fn load(&self, _: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Err("nothing is fetched".into())
    }
}

fn refusal(error: boon::CompileError) -> SchemaError {
    use boon::CompileError as Fault;
    let short = |url: &str| url.strip_prefix(HERE).unwrap_or(url).to_owned();
    match error {
        Fault::ValidationError { src, .. } => SchemaError::Invalid(misfits(&src)),
        Fault::LoadUrlError { url, .. }
        | Fault::UnsupportedUrlScheme { url }
        | Fault::UnsupportedDraft { url }
        | Fault::InvalidMetaSchemaUrl { url, .. } => {
            SchemaError::Elsewhere(url.strip_prefix("schema:///").unwrap_or(&url).to_owned())
        }
        Fault::JsonPointerNotFound(place) => SchemaError::NoSuchPlace(short(&place)),
        Fault::AnchorNotFound { reference, .. } => SchemaError::NoSuchPlace(short(&reference)),
        Fault::InvalidRegex { url, regex, .. } => {
            SchemaError::Invalid(format!("`{}` has the odd pattern `{regex}`", short(&url)))
        }
        other => SchemaError::Invalid(other.to_string().replace(HERE, "")),
    }
}

/// Returns the first misfits as one sentence.
fn misfits(error: &ValidationError<'_, '_>) -> String {
    let mut found = Vec::new();
    gather(error, &mut found);
    let more = found.len().saturating_sub(TOLD);
    found.truncate(TOLD);
    let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{rest}", found.join("; "))
}

fn gather(error: &ValidationError<'_, '_>, found: &mut Vec<String>) {
    // Below these the causes are the several ways in which it might have fitted, all of which would mislead.
    let is_choice =
        matches!(error.kind, ErrorKind::AnyOf | ErrorKind::OneOf(_) | ErrorKind::Contains);
    if error.causes.is_empty() || is_choice {
        let place = error.instance_location.to_string();
        let place = if place.is_empty() { "the value".to_owned() } else { format!("`{place}`") };
        let sentence = format!("{place}: {}", error.kind);
        if !found.contains(&sentence) {
            found.push(sentence);
        }
        return;
    }
    error.causes.iter().for_each(|cause| gather(cause, found));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(schema: Value, text: &str) -> Result<Value, String> {
        JsonSchema::new(schema).unwrap().read(text)
    }

    fn refused(schema: Value) -> String {
        JsonSchema::new(schema).unwrap_err().to_string()
    }

    #[test]
    fn every_word_of_a_schema_is_held() {
        let result = r#"{"summary":"ok","count":3}"#;
        let unfit = [
            json!({ "$ref": "#/$defs/a", "$defs": { "a": { "properties": { "count": { "type": "string" } } } } }),
            json!({ "properties": { "summary": { "pattern": "^x" } } }),
            json!({ "not": { "type": "object" } }),
            json!({ "minProperties": 5 }),
            json!({ "propertyNames": { "maxLength": 3 } }),
            json!({ "additionalProperties": false }),
            json!({ "unevaluatedProperties": false }),
            json!({ "dependentRequired": { "summary": ["more"] } }),
            json!({ "required": ["gone"] }),
            json!({ "if": { "required": ["count"] }, "then": { "required": ["unit"] } }),
            json!({ "properties": { "count": { "exclusiveMaximum": 3 } } }),
            json!({ "properties": { "count": { "multipleOf": 2 } } }),
            json!({ "oneOf": [true, true] }),
            json!({ "enum": [1, 2] }),
            json!({ "const": {} }),
            json!(false),
        ];
        for schema in unfit {
            assert!(read(schema.clone(), result).is_err(), "{schema}");
        }
        for fit in [json!(true), json!({}), json!({ "required": ["count"] })] {
            assert!(read(fit.clone(), result).is_ok(), "{fit}");
        }
    }

    #[test]
    fn a_misfit_names_its_place_and_only_the_first_are_told() {
        let schema = json!({
            "properties": { "a": { "type": "string" }, "b": { "minimum": 3 }, "c": { "const": 1 }, "d": false }
        });

        let message = read(schema, r#"{"a":1,"b":2,"c":0,"d":0}"#).unwrap_err();

        assert!(message.contains("`/a`: "), "{message}");
        assert!(message.ends_with("; and 1 more"), "{message}");
    }

    #[test]
    fn a_fence_around_the_answer_is_passed_over_and_prose_is_not_json() {
        assert_eq!(read(json!(true), "```json\n[1]\n```\n").unwrap(), json!([1]));
        assert!(read(json!(true), "Here it is: [1]").unwrap_err().starts_with("it is not JSON"));
    }

    #[test]
    fn a_document_that_is_no_schema_is_refused_with_its_place() {
        for odd in [json!(3), json!([]), json!({ "type": "nonsense" }), json!({ "minimum": "1" })] {
            assert!(refused(odd.clone()).starts_with("it is not a JSON Schema: "), "{odd}");
        }
        assert!(
            refused(json!({ "properties": { "a": { "type": "nonsense" } } }))
                .contains("/properties/a/type")
        );
        assert!(refused(json!({ "pattern": "(" })).contains('('));
    }

    #[test]
    fn a_schema_that_lies_elsewhere_is_named_and_not_fetched() {
        for place in ["https://example.com/a.json", "file:///etc/hostname"] {
            assert!(refused(json!({ "$ref": place })).contains(place));
        }
        assert!(refused(json!({ "$ref": "other.json" })).contains("`other.json`"));
        assert!(refused(json!({ "$ref": "#/$defs/none" })).contains("no such place"));
    }
}
