//! What both formats need of a request.

use base64::{Engine, engine::general_purpose::STANDARD};
use openkoi_sdk::{
    Failure, Result,
    provider::{
        Blob, CompletionRequest, Effort, Endpoint, HttpRequest, Part, ToolChoice, ToolResult,
        ToolSpec,
    },
};
use serde::Serialize;
use serde_json::{Value, json};

/// Makes the request that carries `body`.
///
/// # Errors
///
/// If `body` cannot be written as JSON.
pub fn post(endpoint: &Endpoint, path: &str, body: &impl Serialize) -> Result<HttpRequest> {
    let request = HttpRequest::post_json(endpoint.url(path), body)?;
    Ok(with_account(endpoint, request))
}

/// Adds the headers by which an account with several organizations or projects says which it means.
pub fn with_account(endpoint: &Endpoint, mut request: HttpRequest) -> HttpRequest {
    for (option, name) in [("organization", "OpenAI-Organization"), ("project", "OpenAI-Project")] {
        if let Some(value) = endpoint.option(option).filter(|value| !value.is_empty()) {
            request = request.header(name, value);
        }
    }
    request
}

/// Adds the headers by which a service counts requests and finds models that see, where it has such headers.
pub fn with_purpose(
    endpoint: &Endpoint,
    request: &CompletionRequest,
    mut http: HttpRequest,
) -> HttpRequest {
    let header = |option: &str| endpoint.option(option).filter(|name| !name.is_empty());
    let parts = || request.messages.iter().flat_map(|message| &message.parts);
    if let Some(name) = header("initiator_header") {
        let last = request.messages.last().map_or(&[][..], |message| &message.parts);
        let answers_tool = last.iter().any(|part| matches!(part, Part::ToolResult(_)));
        http = http.header(name, if answers_tool { "agent" } else { "user" });
    }
    if let Some(name) = header("image_header")
        && parts().any(|part| matches!(part, Part::Image(_)))
    {
        http = http.header(name, "true");
    }
    http
}

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

/// Returns the schema of the answer, its name, and whether it may be enforced strictly.
///
/// # Errors
///
/// [`Failure::Invalid`] if it is not a JSON object.
pub fn answer_schema(schema: &str) -> Result<Value> {
    let schema = object("/schema", schema)?;
    let mut format = json!({ "name": "answer", "schema": schema });
    if is_strict(&format["schema"]) {
        format["strict"] = Value::Bool(true);
    }
    Ok(format)
}

fn object(field: &str, json: &str) -> Result<Value> {
    match serde_json::from_str(json) {
        Ok(value @ Value::Object(_)) => Ok(value),
        _ => Err(Failure::invalid(field, "must be a JSON Schema that is a JSON object")),
    }
}

/// Strict schemas close every object and require all of its properties.
fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            let closed = match fields.get("properties") {
                Some(Value::Object(properties)) => {
                    let required = schema["required"].as_array().map_or(0, Vec::len);
                    schema["additionalProperties"] == Value::Bool(false)
                        && required == properties.len()
                }
                _ => fields.get("type") != Some(&json!("object")),
            };
            closed && fields.values().all(is_strict)
        }
        Value::Array(values) => values.iter().all(is_strict),
        _ => true,
    }
}

/// The effort as it is written.
pub fn effort(effort: Effort) -> &'static str {
    match effort {
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
    }
}

/// Returns an image as a URL that contains it.
///
/// # Errors
///
/// [`Failure::Invalid`] if it is no image.
pub fn image_url(image: &Blob) -> Result<String> {
    if !image.media_type.starts_with("image/") {
        return Err(Failure::invalid(
            "/messages",
            format!("`{}` is not an image", image.media_type),
        ));
    }
    Ok(format!("data:{};base64,{}", image.media_type, STANDARD.encode(&image.bytes)))
}

/// Returns what a tool said. The format has no field for a failure, so the text says it.
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
