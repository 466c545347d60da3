//! Writes a request of `streamGenerateContent`.

use openkoi_provider_wire::{request, turns};
use openkoi_sdk::{
    Failure, Result,
    provider::{CompletionRequest, Effort, Endpoint, HttpRequest, ToolChoice, ToolSpec},
};
use serde_json::{Map, Value, json};

use crate::{
    contents,
    family::{Family, Thinking},
    schema,
};

/// The version of the API. Only this one takes JSON Schema for the arguments of tools.
const VERSION: &str = "/v1beta";

/// Returns the URL of `path`. The base may end with a version or not: services that pass requests on are documented in
/// both ways.
pub(crate) fn url(endpoint: &Endpoint, path: &str) -> String {
    let base = endpoint.base_url.trim_end_matches('/');
    let last = base.rsplit('/').next().unwrap_or_default();
    let has_version =
        last.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    format!("{base}{}{path}", if has_version { "" } else { VERSION })
}

/// Returns the path of a model, which may be named with or without its collection.
///
/// # Errors
///
/// [`Failure::Invalid`] for a name that would lead elsewhere.
pub(crate) fn model_path(model: &str) -> Result<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@');
    if model.is_empty() || !model.chars().all(fits) || model.contains("..") {
        return Err(Failure::invalid("/model", "must be a name like `gemini-4-hydrogen`"));
    }
    Ok(if model.contains('/') { format!("/{model}") } else { format!("/models/{model}") })
}

/// Writes the request for one streamed turn.
///
/// # Errors
///
/// [`Failure::Invalid`] for what the format cannot say.
pub(crate) fn encode(endpoint: &Endpoint, request: &CompletionRequest) -> Result<HttpRequest> {
    let path = format!("{}:streamGenerateContent?alt=sse", model_path(&request.model)?);
    request::check(request)?;
    let family = Family::of(&request.model);
    let conversation =
        turns::complete(turns::repair(&request.messages, turns::plain_id, contents::takes));
    let mut body = Map::new();
    let contents = contents::encode(&conversation, family.checks_signatures)?;
    body.insert("contents".into(), contents.into());
    if !request.system.trim().is_empty() {
        let system = json!({ "parts": [{ "text": request.system }] });
        body.insert("systemInstruction".into(), system);
    }
    if !forgoes_tools(request, &family) {
        tools(request, &mut body)?;
    }
    let config = config(request, &family);
    if !config.is_empty() {
        body.insert("generationConfig".into(), config.into());
    }
    let http = HttpRequest::post_json(url(endpoint, &path), &body)?.repeatable();
    Ok(http.header("accept", "text/event-stream"))
}

fn tools(request: &CompletionRequest, body: &mut Map<String, Value>) -> Result<()> {
    if request.tools.is_empty() {
        return Ok(());
    }
    let functions: Result<Vec<Value>> =
        request.tools.iter().enumerate().map(|(index, tool)| function(index, tool)).collect();
    body.insert("tools".into(), json!([{ "functionDeclarations": functions? }]));
    let calling = match &request.tool_choice {
        ToolChoice::Automatic => return Ok(()),
        ToolChoice::None => json!({ "mode": "NONE" }),
        ToolChoice::Required => json!({ "mode": "ANY" }),
        ToolChoice::Named(name) => json!({ "mode": "ANY", "allowedFunctionNames": [name] }),
    };
    body.insert("toolConfig".into(), json!({ "functionCallingConfig": calling }));
    Ok(())
}

/// Returns whether tools that may not be called are left out, for a model that takes no schema beside them.
fn forgoes_tools(request: &CompletionRequest, family: &Family) -> bool {
    let refuses = family.schema && !family.schema_with_tools;
    refuses && request.schema.is_some() && request.tool_choice == ToolChoice::None
}

fn function(index: usize, tool: &ToolSpec) -> Result<Value> {
    let parameters = Value::Object(request::tool_schema(index, tool)?);
    Ok(json!({
        "name": tool.name,
        "description": tool.description,
        "parametersJsonSchema": schema::parameters(&parameters),
    }))
}

fn config(request: &CompletionRequest, family: &Family) -> Map<String, Value> {
    let mut config = Map::new();
    let max_tokens = request.max_tokens.map(|tokens| tokens.clamp(1, family.max_output));
    if let Some(tokens) = max_tokens {
        config.insert("maxOutputTokens".into(), tokens.into());
    }
    if let Some(temperature) = request.temperature.filter(|_| family.sampling) {
        config.insert("temperature".into(), temperature.clamp(0.0, 2.0).into());
    }
    if let Some(thinking) = thinking(request.effort, family.thinking, max_tokens) {
        config.insert("thinkingConfig".into(), thinking);
    }
    let is_alone = request.tools.is_empty() || forgoes_tools(request, family);
    let takes = if is_alone { family.schema } else { family.schema_with_tools };
    let schema = request.schema.as_deref().filter(|_| takes);
    if let Some(schema @ Value::Object(_)) = schema.and_then(|text| serde_json::from_str(text).ok())
    {
        config.insert("responseMimeType".into(), "application/json".into());
        config.insert("responseJsonSchema".into(), schema::accepted(&schema));
    }
    config
}

/// Asks for summaries wherever the model thinks; to ask where it does not is refused.
fn thinking(effort: Option<Effort>, way: Thinking, max_tokens: Option<u32>) -> Option<Value> {
    let mut thinking = json!({ "includeThoughts": true });
    match (way, effort) {
        (Thinking::Never, _) | (Thinking::Budget { unless_told: false, .. }, None) => return None,
        (Thinking::Budget { .. } | Thinking::Levels | Thinking::LowOrHigh, None) => {}
        (Thinking::Budget { least, .. }, Some(effort)) => {
            thinking["thinkingBudget"] = budget(effort, least, max_tokens).into();
        }
        (Thinking::Levels | Thinking::LowOrHigh, Some(effort)) => {
            thinking["thinkingLevel"] = level(effort, way == Thinking::LowOrHigh).into();
        }
    }
    Some(thinking)
}

/// The tokens to think with. They count towards the answer's limit, so at most half of it.
fn budget(effort: Effort, least: u32, max_tokens: Option<u32>) -> u32 {
    let wanted: u32 = match effort {
        Effort::Low => 1_024,
        Effort::Medium => 8_192,
        // The most that all models of the generation take.
        Effort::High => 24_576,
    };
    wanted.min(max_tokens.unwrap_or(u32::MAX) / 2).max(least)
}

fn level(effort: Effort, has_no_middle: bool) -> &'static str {
    match effort {
        Effort::Low => "low",
        Effort::Medium if has_no_middle => "high",
        Effort::Medium => "medium",
        Effort::High => "high",
    }
}

#[cfg(test)]
mod tests;
