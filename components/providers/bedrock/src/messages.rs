//! Writes a conversation as messages of Converse.

use base64::{Engine, engine::general_purpose::STANDARD};
use openkoi_provider_wire::turns::{self, Turn};
use openkoi_sdk::{
    Failure, Result,
    provider::{Blob, Part, Speaker, ToolCall, ToolResult},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::family::Family;

/// Goes with a document.
const DOCUMENT: &str = "(The document is attached.)";
/// Stands for an answer of which nothing is left that may be sent.
const SILENCE: &str = "(no answer)";
/// The longest id of a call. Some room is left for telling two calls of one id apart.
const LONGEST_ID: usize = 60;

/// A block of reasoning that has to come back unchanged.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct State {
    /// Names this format, because a fallback may meet the state of another.
    pub format: Format,
    /// The contents of `reasoningContent`.
    pub block: Value,
}

/// The name of this format.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Format {
    /// Converse.
    #[serde(rename = "converse")]
    Converse,
}

/// Returns an id as the service takes it: at most 64 letters, digits, `_` and `-`.
pub(crate) fn id(id: &str) -> String {
    turns::plain_id(id).chars().take(LONGEST_ID).collect()
}

/// Returns the thoughts of `part` if `family` takes them back.
pub(crate) fn thought(part: &Part, family: &Family) -> Option<Value> {
    let Part::Reasoning(reasoning) = part else { return None };
    let State { block, .. } = serde_json::from_str(&reasoning.state).ok()?;
    // Claude refuses thoughts that it did not sign: those of another model.
    let signed =
        !block["reasoningText"]["signature"].is_null() || !block["redactedContent"].is_null();
    (family.thoughts && (family.claude.is_none() || signed)).then_some(block)
}

/// Returns whether thoughts go back.
pub(crate) fn has_thoughts(turns: &[Turn], family: &Family) -> bool {
    turns.iter().flat_map(|turn| &turn.parts).any(|part| thought(part, family).is_some())
}

/// Returns whether anything was called. The service wants to know the tools then.
pub(crate) fn has_tools(turns: &[Turn]) -> bool {
    let mut parts = turns.iter().flat_map(|turn| &turn.parts);
    parts.any(|part| matches!(part, Part::ToolCall(_) | Part::ToolResult(_)))
}

/// Returns whether the model waits for tools that it called without thinking. It may not begin to think then.
pub(crate) fn is_in_thoughtless_round(turns: &[Turn], family: &Family) -> bool {
    let [.., calling, answering] = turns else { return false };
    let answers = answering.parts.iter().any(|part| matches!(part, Part::ToolResult(_)));
    answers && calling.parts.first().is_none_or(|part| thought(part, family).is_none())
}

/// Says in words what was called and answered, for a request in which no tool may be called: the service has no way to
/// forbid it but to offer none, and takes no call then.
pub(crate) fn in_words(turns: &mut [Turn]) {
    for part in turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        *part = match part {
            Part::ToolCall(ToolCall { name, arguments, .. }) => {
                Part::Text(format!("(The tool `{name}` was called with {arguments}.)"))
            }
            Part::ToolResult(ToolResult { name, content, is_error, .. }) => {
                let how = if *is_error { "failed with" } else { "answered" };
                Part::Text(format!("The tool `{name}` {how}:\n{content}"))
            }
            _ => continue,
        };
    }
}

/// Writes the conversation.
///
/// # Errors
///
/// [`Failure::Invalid`] if it is empty.
pub(crate) fn encode(turns: &[Turn], family: &Family) -> Result<Vec<Value>> {
    if turns.is_empty() {
        return Err(Failure::invalid("/messages", "there is nothing to say to the model"));
    }
    let mut messages: Vec<Value> = turns.iter().map(|turn| message(turn, family)).collect();
    let blocks =
        messages.iter_mut().filter_map(|message| message["content"].as_array_mut()).flatten();
    let documents = blocks.filter_map(|block| block.get_mut("document"));
    // No two of a request may have the same name.
    documents
        .enumerate()
        .for_each(|(at, document)| document["name"] = format!("document {}", at + 1).into());
    Ok(messages)
}

/// Returns whether the service looks at such a thing.
pub(crate) fn takes(media_type: &str) -> bool {
    format(media_type).is_some()
}

/// Returns the block for a media type, and the service's word for it.
fn format(media_type: &str) -> Option<(&'static str, &str)> {
    match media_type.split_once('/')? {
        ("image", format @ ("png" | "jpeg" | "gif" | "webp")) => Some(("image", format)),
        ("application", "pdf") => Some(("document", "pdf")),
        _ => None,
    }
}

fn message(turn: &Turn, family: &Family) -> Value {
    let mut blocks = Vec::with_capacity(turn.parts.len());
    let mut first_call = None;
    for part in &turn.parts {
        let Some(block) = block(part, family) else { continue };
        match (part, first_call) {
            (Part::ToolCall(_), None) => {
                first_call = Some(blocks.len());
                blocks.push(block);
            }
            // Nova speaks after it called, and does not take that back so. Claude wants all as it was.
            (Part::Text(_), Some(place))
                if turn.speaker == Speaker::Assistant && family.claude.is_none() =>
            {
                first_call = Some(place + 1);
                blocks.insert(place, block);
            }
            _ => blocks.push(block),
        }
    }
    let is_thought = |block: &Value| !block["reasoningContent"].is_null();
    if first_call.is_none() && blocks.last().is_none_or(is_thought) {
        blocks.push(json!({ "text": SILENCE }));
    }
    let has = |kind: &str| blocks.iter().any(|block| block.get(kind).is_some());
    if has("document") && !has("text") {
        // A document is not taken without a word.
        blocks.push(json!({ "text": DOCUMENT }));
    }
    let role = match turn.speaker {
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
    };
    json!({ "role": role, "content": blocks })
}

fn block(part: &Part, family: &Family) -> Option<Value> {
    match part {
        Part::Text(text) => Some(json!({ "text": text })),
        Part::Attachment(blob) => attachment(blob),
        Part::ToolCall(call) => Some(json!({ "toolUse": {
            "toolUseId": call.id,
            "name": turns::tool_name(&call.name),
            "input": turns::arguments_object(call),
        } })),
        Part::ToolResult(answer) => Some(result(answer, family)),
        Part::Reasoning(_) => {
            thought(part, family).map(|block| json!({ "reasoningContent": block }))
        }
    }
}

fn attachment(blob: &Blob) -> Option<Value> {
    let (kind, format) = format(&blob.media_type)?;
    let bytes = STANDARD.encode(&blob.bytes);
    Some(json!({ kind: { "format": format, "source": { "bytes": bytes } } }))
}

fn result(result: &ToolResult, family: &Family) -> Value {
    // A failure without a word is refused.
    let mut text = match result.content.trim() {
        "" => "(no output)".to_owned(),
        _ => result.content.clone(),
    };
    let mut block = json!({ "toolUseId": result.id });
    match (result.is_error, family.status) {
        (true, true) => block["status"] = "error".into(),
        (true, false) => text.insert_str(0, "The tool failed:\n"),
        (false, _) => {}
    }
    block["content"] = json!([{ "text": text }]);
    json!({ "toolResult": block })
}
