//! What both formats need of a request.

use base64::{Engine, engine::general_purpose::STANDARD};
use openkoi_provider_wire::request::object;
pub use openkoi_provider_wire::request::{check, functions, joined, parameters, result_text};
use openkoi_sdk::{
    Failure, Result,
    provider::{Blob, CompletionRequest, Effort, Endpoint, HttpRequest, Part},
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
