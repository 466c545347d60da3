//! Writes a conversation as messages, and marks what the service should cache.

use base64::{Engine, engine::general_purpose::STANDARD};
use openkoi_provider_wire::turns::{self, Turn};
use openkoi_sdk::{
    Failure, Result,
    provider::{Blob, Part, Reasoning, Speaker, ToolResult},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Stands for an answer of which only thoughts are left.
const SILENCE: &str = "(no answer)";
/// The number of turns of the user that are marked. With the tools and the system prompt that makes the four marks that
/// are allowed; the second to last finds what the previous request wrote.
const MARKED_TURNS: usize = 2;

/// A block of reasoning that has to come back unchanged.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct State {
    /// Names this format, because a fallback may meet the state of another.
    pub format: Format,
    /// The block as it came.
    pub block: Value,
}

/// The name of this format.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Format {
    /// The Messages API.
    #[serde(rename = "messages")]
    Messages,
}

/// Returns whether `turn` has thoughts of this service.
pub(crate) fn has_thoughts(turn: &Turn) -> bool {
    turn.parts.iter().any(|part| thought(part).is_some())
}

/// Returns whether the model waits for tools that it called without thinking. It may not begin to think then.
pub(crate) fn is_in_thoughtless_round(turns: &[Turn]) -> bool {
    let [.., calling, answering] = turns else {
        return false;
    };
    let answers = answering.parts.iter().any(|part| matches!(part, Part::ToolResult(_)));
    answers && calling.parts.first().is_none_or(|part| thought(part).is_none())
}

/// Returns the thoughts of `part`, if they are this service's.
fn thought(part: &Part) -> Option<Value> {
    let Part::Reasoning(reasoning) = part else {
        return None;
    };
    state(reasoning).map(|state| state.block)
}

fn state(reasoning: &Reasoning) -> Option<State> {
    serde_json::from_str(&reasoning.state).ok()
}

/// Writes the conversation.
///
/// # Errors
///
/// [`Failure::Invalid`] if it is empty.
pub(crate) fn encode(turns: &[Turn]) -> Result<Vec<Value>> {
    if turns.is_empty() {
        return Err(Failure::invalid("/messages", "there is nothing to say to the model"));
    }
    Ok(turns.iter().map(message).collect())
}

/// Returns whether the service looks at such a thing.
pub(crate) fn takes(media_type: &str) -> bool {
    turns::IMAGES.contains(&media_type) || media_type == turns::PDF
}

fn message(turn: &Turn) -> Value {
    let mut blocks: Vec<Value> = turn.parts.iter().filter_map(block).collect();
    let is_thought =
        |block: &Value| block["type"] == "thinking" || block["type"] == "redacted_thinking";
    if blocks.last().is_none_or(is_thought) {
        blocks.push(json!({ "type": "text", "text": SILENCE }));
    }
    let role = match turn.speaker {
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
    };
    json!({ "role": role, "content": blocks })
}

fn block(part: &Part) -> Option<Value> {
    match part {
        Part::Text(text) => Some(json!({ "type": "text", "text": text })),
        Part::Attachment(blob) => Some(attachment(blob)),
        Part::ToolCall(call) => Some(json!({
            "type": "tool_use",
            "id": call.id,
            "name": turns::tool_name(&call.name),
            "input": turns::arguments_object(call),
        })),
        Part::ToolResult(answer) => Some(result(answer)),
        Part::Reasoning(_) => thought(part),
    }
}

fn attachment(blob: &Blob) -> Value {
    json!({
        "type": if blob.media_type == turns::PDF { "document" } else { "image" },
        "source": {
            "type": "base64",
            "media_type": blob.media_type,
            "data": STANDARD.encode(&blob.bytes),
        },
    })
}

fn result(result: &ToolResult) -> Value {
    let mut block = json!({ "type": "tool_result", "tool_use_id": result.id });
    if result.is_error {
        block["is_error"] = true.into();
    }
    // A failure without a word is refused.
    block["content"] = match result.content.trim().is_empty() {
        true => "(no output)".into(),
        false => result.content.clone().into(),
    };
    block
}

/// Marks the ends of what stays the same from one request to the next.
pub(crate) fn mark(body: &mut Map<String, Value>) {
    for field in ["tools", "system"] {
        if let Some(Value::Array(blocks)) = body.get_mut(field) {
            mark_last(blocks);
        }
    }
    let Some(Value::Array(messages)) = body.get_mut("messages") else {
        return;
    };
    let turns = messages.iter_mut().rev().filter(|message| message["role"] == "user");
    for turn in turns.take(MARKED_TURNS) {
        if let Value::Array(blocks) = &mut turn["content"] {
            mark_last(blocks);
        }
    }
}

fn mark_last(blocks: &mut [Value]) {
    if let Some(Value::Object(block)) = blocks.last_mut() {
        block.insert("cache_control".to_owned(), json!({ "type": "ephemeral" }));
    }
}
