//! What several formats need of a request.

use openkoi_sdk::{
    Failure, Result,
    provider::{CompletionRequest, Part, ToolChoice, ToolResult, ToolSpec},
};
use serde_json::{Value, json};

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

/// Returns the schema of the arguments of the tool at `index`.
///
/// # Errors
///
/// [`Failure::Invalid`] if it is not a JSON object.
pub fn parameters(index: usize, tool: &ToolSpec) -> Result<Value> {
    let field = format!("/tools/{index}/parameters");
    let mut schema = object(&field, &tool.parameters)?;
    // An object without properties is refused, although JSON Schema allows it.
    if let Value::Object(fields) = &mut schema {
        fields.entry("type").or_insert_with(|| json!("object"));
        fields.entry("properties").or_insert_with(|| json!({}));
    }
    Ok(schema)
}

/// Reads a schema.
///
/// # Errors
///
/// [`Failure::Invalid`] with `field` if it is not a JSON object.
pub fn object(field: &str, json: &str) -> Result<Value> {
    match serde_json::from_str(json) {
        Ok(value @ Value::Object(_)) => Ok(value),
        _ => Err(Failure::invalid(field, "must be a JSON Schema that is a JSON object")),
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
