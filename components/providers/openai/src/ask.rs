//! The parts of a request that both formats share.

use base64::{Engine, engine::general_purpose::STANDARD};
pub(crate) use openkoi_provider_wire::request::{
    check, effort, functions, joined, parameters, result_text,
};
use openkoi_provider_wire::{request, turns};
use openkoi_sdk::{
    Result,
    provider::{Blob, CompletionRequest, Endpoint, HttpRequest, Part},
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::dialect::Dialect;

/// Makes the request that carries `body`.
///
/// # Errors
///
/// If `body` cannot be written as JSON.
pub(crate) fn post(endpoint: &Endpoint, path: &str, body: &impl Serialize) -> Result<HttpRequest> {
    let request = HttpRequest::post_json(endpoint.url(path), body)?.repeatable();
    Ok(with_account(endpoint, request))
}

/// Adds the headers by which an account with several organizations or projects says which it means.
pub(crate) fn with_account(endpoint: &Endpoint, mut request: HttpRequest) -> HttpRequest {
    for (option, name) in [("organization", "OpenAI-Organization"), ("project", "OpenAI-Project")] {
        if let Some(value) = endpoint.option(option).filter(|value| !value.is_empty()) {
            request = request.header(name, value);
        }
    }
    request
}

/// Adds the headers by which a service counts requests and finds models that see, where it has such headers.
pub(crate) fn with_purpose(
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
        && parts().any(|part| matches!(part, Part::Attachment(blob) if is_image(&blob.media_type)))
    {
        http = http.header(name, "true");
    }
    http
}

/// Returns the schema of the answer, its name, and whether it may be enforced strictly.
///
/// # Errors
///
/// [`openkoi_sdk::Failure::Invalid`] if it is not a JSON object.
pub(crate) fn answer_schema(schema: &str) -> Result<Value> {
    let schema = request::schema("/schema", schema)?;
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

/// The name of a document of which nobody knows its name.
pub(crate) const DOCUMENT: &str = "document.pdf";

/// Returns whether the service looks at such a thing.
pub(crate) fn takes(media_type: &str, dialect: &Dialect) -> bool {
    is_image(media_type) || (dialect.documents && media_type == turns::PDF)
}

/// Returns whether it is an image that the service looks at.
pub(crate) fn is_image(media_type: &str) -> bool {
    turns::IMAGES.contains(&media_type)
}

/// Returns an attachment as a URL that contains it.
pub(crate) fn data_url(blob: &Blob) -> String {
    format!("data:{};base64,{}", blob.media_type, STANDARD.encode(&blob.bytes))
}
