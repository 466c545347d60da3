//! The parts of a request that several formats share.

use openkoi_sdk::{
    Failure, Result,
    provider::{CompletionRequest, Effort, Part, ToolChoice, ToolResult, ToolSpec},
};
use serde_json::{Map, Value, json};

/// Checks what no service would accept.
///
/// # Errors
///
/// [`Failure::Invalid`] with the field that is wrong.
pub fn check(request: &CompletionRequest) -> Result<()> {
    if request.model.is_empty() {
        return Err(Failure::invalid("/model", "must not be empty"));
    }
    let offered = |name: &String| request.tools.iter().any(|tool| tool.name == *name);
    match &request.tool_choice {
        ToolChoice::Named(name) if !offered(name) => {
            Err(Failure::invalid("/tool-choice", format!("`{name}` is not among the tools")))
        }
        ToolChoice::Required if request.tools.is_empty() => {
            Err(Failure::invalid("/tool-choice", "a call is required, but there are no tools"))
        }
        _ => Ok(()),
    }
}

/// Returns the tools as functions, the way most services have them.
///
/// # Errors
///
/// [`Failure::Invalid`] if the parameters of one are not a JSON object.
pub fn functions(tools: &[ToolSpec]) -> Result<Vec<Value>> {
    let function = |(index, tool): (usize, &ToolSpec)| {
        Ok(json!({
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": parameters(index, tool)?,
            },
        }))
    };
    tools.iter().enumerate().map(function).collect()
}

/// Returns the schema of the arguments of the tool at `index`, with the type and the properties that most services
/// miss, although JSON Schema does not ask for them.
///
/// # Errors
///
/// [`Failure::Invalid`] if it is not a JSON object.
pub fn parameters(index: usize, tool: &ToolSpec) -> Result<Value> {
    let mut schema = typed_schema(index, tool)?;
    schema.entry("properties").or_insert_with(|| json!({}));
    Ok(schema.into())
}

/// Returns the schema of the arguments of the tool at `index`, which says that they are an object.
///
/// # Errors
///
/// [`Failure::Invalid`] if it is not a JSON object.
pub fn typed_schema(index: usize, tool: &ToolSpec) -> Result<Map<String, Value>> {
    let mut schema = tool_schema(index, tool)?;
    schema.entry("type").or_insert_with(|| json!("object"));
    Ok(schema)
}

/// Returns the schema of the arguments of the tool at `index` as it is written.
///
/// # Errors
///
/// [`Failure::Invalid`] if it is not a JSON object.
pub fn tool_schema(index: usize, tool: &ToolSpec) -> Result<Map<String, Value>> {
    schema(&format!("/tools/{index}/parameters"), &tool.parameters)
}

/// Reads a schema.
///
/// # Errors
///
/// [`Failure::Invalid`] with `field` if it is not a JSON object.
pub fn schema(field: &str, json: &str) -> Result<Map<String, Value>> {
    match serde_json::from_str(json) {
        Ok(Value::Object(schema)) => Ok(schema),
        _ => Err(Failure::invalid(field, "must be a JSON Schema that is a JSON object")),
    }
}

/// Returns the word for an effort in formats that have three of them.
pub fn effort(effort: Effort) -> &'static str {
    match effort {
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
    }
}

/// Returns what a tool said, for formats that have no field for a failure: the text says it.
pub fn result_text(result: &ToolResult) -> String {
    match (result.is_error, result.content.is_empty()) {
        (true, true) => "the tool failed without saying why".to_owned(),
        (true, false) => format!("the tool failed:\n{}", result.content),
        (false, true) => "(no output)".to_owned(),
        (false, false) => result.content.clone(),
    }
}

/// Returns the texts among `parts`, joined.
pub fn joined<'a>(parts: impl IntoIterator<Item = &'a Part>) -> String {
    let texts: Vec<&str> = parts
        .into_iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    texts.join("\n\n")
}
