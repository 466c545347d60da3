//! Writes a request for one turn.

use base64::{Engine, engine::general_purpose::STANDARD};
use openkoi_provider_wire::{
    request,
    turns::{self, Turn},
};
use openkoi_sdk::{
    Failure, Result,
    provider::{CompletionRequest, Endpoint, HttpRequest, Part, Speaker, ToolChoice},
};
use serde_json::{Map, Value, json};

use crate::{
    decode::State,
    family::{self, Family, Thinking},
    window::{Load, Window},
};

/// Writes the request for one streamed turn.
///
/// # Errors
///
/// [`Failure::Invalid`] for what the format cannot say, [`Failure::Limited`] if the model cannot read it all.
pub(crate) fn encode(endpoint: &Endpoint, request: &CompletionRequest) -> Result<HttpRequest> {
    let mut body = Map::new();
    body.insert("model".into(), request.model.clone().into());
    body.insert("messages".into(), messages(request)?.into());
    // With no tool to call, none is shown: the format has no way to say that none may be called.
    if !request.tools.is_empty() && request.tool_choice != ToolChoice::None {
        body.insert("tools".into(), request::functions(&request.tools)?.into());
    } else if let Some(schema) = &request.schema {
        // With tools the schema would be forced upon the calls too.
        body.insert("format".into(), request::schema("/schema", schema)?.into());
    }
    body.extend(think(endpoint, request)?.map(|think| ("think".to_owned(), think)));
    body.extend(keep_alive(endpoint));
    let window = Window::of(endpoint, request, load(&body))?;
    body.insert("options".into(), options(request, window));
    body.insert("stream".into(), true.into());
    body.insert("truncate".into(), false.into());
    body.insert("shift".into(), false.into());
    let http = HttpRequest::post_json(endpoint.url("/api/chat"), &body)?.repeatable();
    Ok(http.header("accept", "application/x-ndjson"))
}

/// Returns what the body weighs so far.
fn load(body: &Map<String, Value>) -> Load {
    let mut load = Load::default();
    let mut weigh = |value: &Value| load.bytes = load.bytes.saturating_add(value.to_string().len());
    body.get("tools").into_iter().chain(body.get("format")).for_each(&mut weigh);
    let messages = body.get("messages").and_then(Value::as_array).into_iter().flatten();
    let (mut count, mut images) = (0, 0);
    for fields in messages.filter_map(Value::as_object) {
        count += 1;
        images += fields.get("images").and_then(Value::as_array).map_or(0, Vec::len);
        let others = fields.iter().filter(|(name, _)| *name != "images");
        others.for_each(|(_, value)| weigh(value));
    }
    Load { messages: count, images, ..load }
}

fn options(request: &CompletionRequest, window: Window) -> Value {
    let mut options = json!({ "num_ctx": window.size, "num_predict": window.answer });
    if let Some(temperature) = request.temperature.filter(|number| number.is_finite()) {
        options["temperature"] = temperature.clamp(0.0, 2.0).into();
    }
    options
}

/// Returns the switch or level of thinking. A model that does not think refuses to be asked to, and one that always
/// thinks says its thoughts as its answer when it is asked not to; so a switch is only ever turned on.
fn think(endpoint: &Endpoint, request: &CompletionRequest) -> Result<Option<Value>> {
    match endpoint.option("think").unwrap_or_default() {
        "" => {}
        "true" => return Ok(Some(true.into())),
        "false" => return Ok(Some(false.into())),
        level @ ("low" | "medium" | "high" | "max") => return Ok(Some(level.into())),
        _ => {
            let message = "must be `true`, `false`, `low`, `medium`, `high` or `max`";
            return Err(Failure::invalid("/options/think", message));
        }
    }
    let cloud = family::is_cloud(&endpoint.base_url, &request.model);
    Ok(match (Family::of(&request.model, cloud).thinking, request.effort) {
        (Thinking::Unknown, _) | (_, None) => None,
        (Thinking::Switch, Some(_)) => Some(true.into()),
        (Thinking::Level, Some(effort)) => Some(request::effort(effort).into()),
    })
}

/// A number means seconds; a text has to have a unit.
fn keep_alive(endpoint: &Endpoint) -> Option<(String, Value)> {
    let text = endpoint.option("keep_alive").map(str::trim).filter(|text| !text.is_empty())?;
    let value = text.parse::<i64>().map_or_else(|_| text.into(), Value::from);
    Some(("keep_alive".to_owned(), value))
}

fn messages(request: &CompletionRequest) -> Result<Vec<Value>> {
    let mut messages = Vec::new();
    if !request.system.trim().is_empty() {
        messages.push(json!({ "role": "system", "content": request.system }));
    }
    let mut conversation = turns::repair(&request.messages, str::to_owned, takes);
    if matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_)) {
        // The format has no field for it.
        turns::ask_for_call(&mut conversation, &request.tool_choice);
    }
    for turn in &conversation {
        match turn.speaker {
            Speaker::User => user(turn, &mut messages),
            Speaker::Assistant => messages.extend(assistant(turn)),
        }
    }
    if conversation.is_empty() {
        // The service would take it for the wish to load the model.
        return Err(Failure::invalid("/messages", "there is nothing to say to the model"));
    }
    Ok(messages)
}

fn user(turn: &Turn, messages: &mut Vec<Value>) {
    let mut images = Vec::new();
    for part in &turn.parts {
        match part {
            Part::ToolResult(result) => messages.push(json!({
                "role": "tool",
                "tool_name": turns::tool_name(&result.name),
                "tool_call_id": result.id,
                "content": request::result_text(result),
            })),
            Part::Attachment(blob) => images.push(STANDARD.encode(&blob.bytes)),
            _ => {}
        }
    }
    let text = request::joined(&turn.parts);
    if text.is_empty() && images.is_empty() {
        return;
    }
    let mut message = json!({ "role": "user", "content": text });
    if !images.is_empty() {
        message["images"] = images.into();
    }
    messages.push(message);
}

/// What it decodes: <https://docs.ollama.com/capabilities/vision>
fn takes(media_type: &str) -> bool {
    ["image/png", "image/jpeg", "image/webp"].contains(&media_type)
}

fn assistant(turn: &Turn) -> Option<Value> {
    let text = request::joined(&turn.parts);
    let calls: Vec<Value> = turn.parts.iter().filter_map(call).collect();
    if calls.is_empty() {
        return (!text.is_empty()).then(|| json!({ "role": "assistant", "content": text }));
    }
    let mut message = json!({ "role": "assistant", "content": text, "tool_calls": calls });
    // A model that is in the middle of its work forgets what for without them.
    let thoughts: String = turn.parts.iter().filter_map(thought).collect();
    if !thoughts.is_empty() {
        message["thinking"] = thoughts.into();
    }
    Some(message)
}

fn call(part: &Part) -> Option<Value> {
    let Part::ToolCall(call) = part else {
        return None;
    };
    let arguments = turns::arguments_object(call);
    Some(json!({
        "id": call.id,
        "type": "function",
        "function": { "name": turns::tool_name(&call.name), "arguments": arguments },
    }))
}

fn thought(part: &Part) -> Option<String> {
    let Part::Reasoning(reasoning) = part else {
        return None;
    };
    State::read(reasoning).map(|state| state.thinking)
}

#[cfg(test)]
mod tests;
