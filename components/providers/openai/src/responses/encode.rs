//! Writes a request of Responses. Nothing is stored with the service: what it needs again goes back encrypted.

use openkoi_provider_wire::turns::{self, Turn};
use openkoi_sdk::{
    Failure, Result,
    provider::{CompletionRequest, Endpoint, HttpRequest, Part, Reasoning, Speaker, ToolChoice},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{ask, chat::encode::arguments, dialect::Dialect};

/// The service refuses ids of calls with more than 64 characters. Those of another provider may have more, and what
/// tells repeated ones apart is added to these.
const CALL_ID: usize = 60;

/// An item of reasoning that has to come back unchanged.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct State {
    /// Names this format, because a fallback may meet the state of another.
    pub format: Format,
    /// The item as it came.
    pub item: Value,
}

/// The name of this format.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Format {
    /// Responses.
    #[serde(rename = "responses")]
    Responses,
}

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
    let mut body = Map::new();
    body.insert("model".into(), request.model.clone().into());
    body.insert("input".into(), input(request, dialect)?.into());
    body.insert("stream".into(), true.into());
    body.insert("store".into(), false.into());
    if dialect.instructions || !request.system.trim().is_empty() {
        body.insert("instructions".into(), request.system.clone().into());
    }
    if let Some(tokens) = request.max_tokens.filter(|_| dialect.sampling) {
        // The service refuses less.
        body.insert("max_output_tokens".into(), tokens.max(16).into());
    }
    tools(request, &mut body)?;
    thinking(endpoint, request, dialect, &mut body);
    if let Some(schema) = dialect.schema(request) {
        let mut format = ask::answer_schema(schema)?;
        format["type"] = "json_schema".into();
        body.insert("text".into(), json!({ "format": format }));
    }
    let request = ask::post(endpoint, "/responses", &body)?;
    Ok(request.header("accept", "text/event-stream"))
}

fn tools(request: &CompletionRequest, body: &mut Map<String, Value>) -> Result<()> {
    if request.tools.is_empty() {
        return Ok(());
    }
    let tools: Result<Vec<Value>> = request
        .tools
        .iter()
        .enumerate()
        .map(|(index, tool)| {
            Ok(json!({
                "type": "function",
                "name": tool.name,
                "description": tool.description,
                "parameters": ask::parameters(index, tool)?,
                "strict": false,
            }))
        })
        .collect();
    body.insert("tools".into(), tools?.into());
    let choice = match &request.tool_choice {
        ToolChoice::Automatic => return Ok(()),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Named(name) => json!({ "type": "function", "name": name }),
    };
    body.insert("tool_choice".into(), choice);
    Ok(())
}

fn thinking(
    endpoint: &Endpoint,
    request: &CompletionRequest,
    dialect: &Dialect,
    body: &mut Map<String, Value>,
) {
    if !dialect.reasoning_model {
        if let Some(temperature) = request.temperature.filter(|_| dialect.sampling) {
            body.insert("temperature".into(), temperature.clamp(0.0, 2.0).into());
        }
        return;
    }
    body.insert("include".into(), json!(["reasoning.encrypted_content"]));
    let mut reasoning = Map::new();
    if let Some(effort) = request.effort {
        reasoning.insert("effort".into(), ask::effort(effort).into());
    }
    // Not asked for by default: some accounts have to be verified for it.
    if let Some(summary) = endpoint.option("reasoning_summary").filter(|text| !text.is_empty()) {
        reasoning.insert("summary".into(), summary.into());
    }
    if !reasoning.is_empty() {
        body.insert("reasoning".into(), reasoning.into());
    }
}

fn input(request: &CompletionRequest, dialect: &Dialect) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    for turn in turns::repair(&request.messages, call_id, |kind| ask::takes(kind, dialect)) {
        match turn.speaker {
            Speaker::User => user(&turn, &mut items),
            Speaker::Assistant => assistant(&turn, &mut items),
        }
    }
    if items.is_empty() {
        return Err(Failure::invalid("/messages", "there is nothing to say to the model"));
    }
    Ok(items)
}

fn call_id(id: &str) -> String {
    turns::plain_id(id).chars().take(CALL_ID).collect()
}

fn user(turn: &Turn, items: &mut Vec<Value>) {
    let mut content = Vec::new();
    for part in &turn.parts {
        match part {
            Part::ToolResult(result) => items.push(json!({
                "type": "function_call_output",
                "call_id": result.id,
                "output": ask::result_text(result),
            })),
            Part::Text(text) => content.push(json!({ "type": "input_text", "text": text })),
            Part::Attachment(blob) if ask::is_image(&blob.media_type) => {
                content.push(json!({ "type": "input_image", "image_url": ask::data_url(blob) }));
            }
            Part::Attachment(blob) => content.push(json!({
                "type": "input_file",
                "filename": ask::DOCUMENT,
                "file_data": ask::data_url(blob),
            })),
            Part::ToolCall(_) | Part::Reasoning(_) => {}
        }
    }
    if !content.is_empty() {
        items.push(json!({ "role": "user", "content": content }));
    }
}

fn assistant(turn: &Turn, items: &mut Vec<Value>) {
    for (index, part) in turn.parts.iter().enumerate() {
        match part {
            Part::Text(text) => items.push(json!({
                "role": "assistant",
                "content": [{ "type": "output_text", "text": text }],
            })),
            Part::ToolCall(call) => items.push(json!({
                "type": "function_call",
                "call_id": call.id,
                "name": turns::tool_name(&call.name),
                "arguments": arguments(call),
            })),
            // Reasoning is refused without what it led to.
            Part::Reasoning(reasoning) if has_more(&turn.parts[index..]) => {
                items.extend(item(reasoning));
            }
            Part::Reasoning(_) | Part::ToolResult(_) | Part::Attachment(_) => {}
        }
    }
}

fn has_more(parts: &[Part]) -> bool {
    parts.iter().any(|part| matches!(part, Part::Text(_) | Part::ToolCall(_)))
}

fn item(reasoning: &Reasoning) -> Option<Value> {
    let state: State = serde_json::from_str(&reasoning.state).ok()?;
    // Without its encrypted content the service would look the item up in what it stored, and it stored nothing.
    state.item["encrypted_content"].is_string().then_some(state.item)
}
