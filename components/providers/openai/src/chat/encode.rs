//! Writes a request of Chat Completions.

use openkoi_provider_wire::turns::{self, Turn};
use openkoi_sdk::{
    Failure, Result,
    provider::{CompletionRequest, Endpoint, HttpRequest, Part, Speaker, ToolCall, ToolChoice},
};
use serde_json::{Map, Value, json};

use super::thoughts::State;
use crate::{
    ask,
    dialect::{Dialect, EffortRule},
};

/// Writes the request for one streamed turn.
///
/// # Errors
///
/// [`Failure::Invalid`] for what the format cannot say.
pub(crate) fn encode(
    endpoint: &Endpoint,
    request: &CompletionRequest,
    dialect: &Dialect,
) -> Result<HttpRequest> {
    let messages = messages(request, dialect)?;
    let silent = dialect.thinks_unless_told && must_not_think(request, dialect, &messages);
    let mut body = Map::new();
    body.insert("model".into(), request.model.clone().into());
    body.insert("messages".into(), messages.into());
    body.insert("stream".into(), true.into());
    if dialect.stream_usage {
        body.insert("stream_options".into(), json!({ "include_usage": true }));
    }
    if silent {
        body.insert("thinking".into(), json!({ "type": "disabled" }));
    }
    tools(request, dialect, &mut body)?;
    limits(request, dialect, &mut body);
    if let Some(schema) = dialect.schema(request) {
        let schema = ask::answer_schema(schema)?;
        let format = json!({ "type": "json_schema", "json_schema": schema });
        body.insert("response_format".into(), format);
    }
    body.extend(dialect.extra.clone());
    let request = ask::post(endpoint, "/chat/completions", &body)?;
    Ok(request.header("accept", "text/event-stream"))
}

fn tools(
    request: &CompletionRequest,
    dialect: &Dialect,
    body: &mut Map<String, Value>,
) -> Result<()> {
    if request.tools.is_empty() {
        return Ok(());
    }
    body.insert("tools".into(), ask::functions(&request.tools)?.into());
    let choice = match &request.tool_choice {
        ToolChoice::Automatic => return Ok(()),
        ToolChoice::None => json!("none"),
        _ if !dialect.forced_tools => return Ok(()),
        ToolChoice::Required => json!("required"),
        ToolChoice::Named(name) => json!({ "type": "function", "function": { "name": name } }),
    };
    body.insert("tool_choice".into(), choice);
    Ok(())
}

fn limits(request: &CompletionRequest, dialect: &Dialect, body: &mut Map<String, Value>) {
    if let Some(tokens) = request.max_tokens.filter(|_| dialect.sampling) {
        body.insert(dialect.limit.clone(), tokens.into());
    }
    let takes_temperature = dialect.sampling && !dialect.reasoning_model;
    if let Some(temperature) = request.temperature.filter(|_| takes_temperature) {
        body.insert("temperature".into(), temperature.clamp(0.0, 2.0).into());
    }
    let rule = if request.tools.is_empty() { dialect.effort } else { dialect.effort_with_tools };
    let effort = match rule {
        EffortRule::AsAsked => request.effort.map(ask::effort),
        EffortRule::Omit => None,
        EffortRule::None => Some("none"),
    };
    if let Some(effort) = effort {
        body.insert("reasoning_effort".into(), effort.into());
    }
}

/// A model that thinks unless told otherwise takes no forced tool, and wants the reasoning of all calls back. A
/// call that came from elsewhere has none.
fn must_not_think(request: &CompletionRequest, dialect: &Dialect, messages: &[Value]) -> bool {
    let unthought = |message: &Value| {
        message["tool_calls"].is_array() && !message["reasoning_content"].is_string()
    };
    (is_forced(request) && dialect.forced_tools) || messages.iter().any(unthought)
}

fn is_forced(request: &CompletionRequest) -> bool {
    matches!(request.tool_choice, ToolChoice::Required | ToolChoice::Named(_))
}

fn messages(request: &CompletionRequest, dialect: &Dialect) -> Result<Vec<Value>> {
    let mut messages = Vec::new();
    if !request.system.trim().is_empty() {
        messages.push(json!({ "role": dialect.system_role, "content": request.system }));
    }
    let mut conversation =
        turns::repair(&request.messages, str::to_owned, |kind| ask::takes(kind, dialect));
    if is_forced(request) && !dialect.forced_tools {
        turns::ask_for_call(&mut conversation, &request.tool_choice);
    }
    if let Some(length) = dialect.call_id {
        turns::rename_calls(&mut conversation, |id| turns::fixed_id(id, length));
    }
    for turn in conversation {
        match turn.speaker {
            Speaker::User => user(&turn, &mut messages),
            Speaker::Assistant => messages.extend(assistant(&turn, dialect)),
        }
    }
    if messages.is_empty() {
        return Err(Failure::invalid("/messages", "there is nothing to say to the model"));
    }
    Ok(messages)
}

fn user(turn: &Turn, messages: &mut Vec<Value>) {
    for part in &turn.parts {
        if let Part::ToolResult(result) = part {
            messages.push(json!({
                "role": "tool",
                "tool_call_id": result.id,
                "content": ask::result_text(result),
            }));
        }
    }
    if turn.parts.iter().any(|part| matches!(part, Part::Attachment(_))) {
        let content: Vec<Value> = turn.parts.iter().filter_map(content).collect();
        messages.push(json!({ "role": "user", "content": content }));
        return;
    }
    let text = ask::joined(&turn.parts);
    if !text.is_empty() {
        messages.push(json!({ "role": "user", "content": text }));
    }
}

fn content(part: &Part) -> Option<Value> {
    match part {
        Part::Text(text) => Some(json!({ "type": "text", "text": text })),
        Part::Attachment(blob) if ask::is_image(&blob.media_type) => {
            Some(json!({ "type": "image_url", "image_url": { "url": ask::data_url(blob) } }))
        }
        Part::Attachment(blob) => {
            let file = json!({ "filename": ask::DOCUMENT, "file_data": ask::data_url(blob) });
            Some(json!({ "type": "file", "file": file }))
        }
        Part::ToolCall(_) | Part::ToolResult(_) | Part::Reasoning(_) => None,
    }
}

fn assistant(turn: &Turn, dialect: &Dialect) -> Option<Value> {
    let text = ask::joined(&turn.parts);
    let calls: Vec<Value> = turn.parts.iter().filter_map(call).collect();
    if calls.is_empty() && text.is_empty() {
        return None;
    }
    let mut message = Map::new();
    message.insert("role".into(), "assistant".into());
    let content = if text.is_empty() { Value::Null } else { text.into() };
    message.insert("content".into(), content);
    if !calls.is_empty() {
        message.insert("tool_calls".into(), calls.into());
        if dialect.reasoning_back {
            reasoning(turn, &mut message);
        }
    }
    Some(message.into())
}

fn reasoning(turn: &Turn, message: &mut Map<String, Value>) {
    for part in &turn.parts {
        if let Part::Reasoning(reasoning) = part
            && let Some(state) = State::read(reasoning)
        {
            state.write(message);
        }
    }
}

fn call(part: &Part) -> Option<Value> {
    let Part::ToolCall(call) = part else {
        return None;
    };
    Some(json!({
        "id": call.id,
        "type": "function",
        "function": { "name": turns::tool_name(&call.name), "arguments": arguments(call) },
    }))
}

/// Arguments go back as they were written, except where a service could not even read them.
pub(crate) fn arguments(call: &ToolCall) -> String {
    match serde_json::from_str::<Value>(&call.arguments) {
        Ok(Value::Object(_)) => call.arguments.clone(),
        _ => Value::Object(turns::arguments_object(call)).to_string(),
    }
}

#[cfg(test)]
mod tests;
