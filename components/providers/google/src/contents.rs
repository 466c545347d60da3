//! Writes a conversation as contents.

use base64::{Engine, engine::general_purpose::STANDARD};
use openkoi_provider_wire::turns::{self, Turn};
use openkoi_sdk::{
    Failure, Result,
    provider::{Blob, Part, Reasoning, Speaker, ToolCall, ToolResult},
};
use serde_json::{Value, json};

use crate::signature::{NOT_SIGNED, On, State};

/// Begins every id that the decoder made up. The service knows nothing of those, so they are not sent.
pub(crate) const MADE_UP: &str = "made-";
/// Stands for an answer of which only thoughts are left.
const SILENCE: &str = "(no answer)";
/// Media types that the service looks at.
const MEDIA_TYPES: [&str; 6] =
    ["image/jpeg", "image/png", "image/webp", "image/heic", "image/heif", "application/pdf"];

/// Writes the conversation. With `signed`, the first call of each turn has a signature.
///
/// # Errors
///
/// [`Failure::Invalid`] if it is empty.
pub(crate) fn encode(turns: &[Turn], signed: bool) -> Result<Vec<Value>> {
    if turns.is_empty() {
        return Err(Failure::invalid("/messages", "there is nothing to say to the model"));
    }
    let mut contents = Vec::with_capacity(turns.len());
    let mut calls: Vec<&ToolCall> = Vec::new();
    for turn in turns {
        match turn.speaker {
            Speaker::Assistant => {
                contents
                    .push(json!({ "role": "model", "parts": model_parts(&turn.parts, signed) }));
                calls = turn.parts.iter().filter_map(call_of).collect();
            }
            Speaker::User => user(turn, &calls, &mut contents),
        }
    }
    Ok(contents)
}

fn call_of(part: &Part) -> Option<&ToolCall> {
    match part {
        Part::ToolCall(call) => Some(call),
        _ => None,
    }
}

/// Writes the answers to `calls` in the order of the calls, because the service may have nothing else to match them
/// by, and then, as a content of its own, what else the user says.
fn user(turn: &Turn, calls: &[&ToolCall], contents: &mut Vec<Value>) {
    let answers: Vec<Value> = calls.iter().filter_map(|call| answer(turn, call)).collect();
    if !answers.is_empty() {
        contents.push(json!({ "role": "user", "parts": answers }));
    }
    let mut parts = Vec::new();
    for part in &turn.parts {
        match part {
            Part::Text(text) => parts.push(json!({ "text": text })),
            Part::Attachment(blob) => parts.push(attachment(blob)),
            Part::ToolCall(_) | Part::ToolResult(_) | Part::Reasoning(_) => {}
        }
    }
    if !parts.is_empty() {
        contents.push(json!({ "role": "user", "parts": parts }));
    }
}

fn answer(turn: &Turn, call: &ToolCall) -> Option<Value> {
    let result = turn.parts.iter().find_map(|part| match part {
        Part::ToolResult(result) if result.id == call.id => Some(result),
        _ => None,
    })?;
    let response = json!({ "name": turns::tool_name(&call.name), "response": response(result) });
    Some(json!({ "functionResponse": with_id(response, &call.id) }))
}

/// The service reads these two keys as what a function returned and why it failed.
fn response(result: &ToolResult) -> Value {
    let key = if result.is_error { "error" } else { "output" };
    json!({ key: result.content })
}

fn with_id(mut value: Value, id: &str) -> Value {
    if !id.starts_with(MADE_UP) {
        value["id"] = id.into();
    }
    value
}

/// Returns whether the service looks at such a thing.
pub(crate) fn takes(media_type: &str) -> bool {
    MEDIA_TYPES.contains(&media_type)
}

fn attachment(blob: &Blob) -> Value {
    let data = STANDARD.encode(&blob.bytes);
    json!({ "inlineData": { "mimeType": blob.media_type, "data": data } })
}

fn model_parts(parts: &[Part], signed: bool) -> Vec<Value> {
    let mut written = Vec::new();
    // The signature of the part that comes next.
    let mut pending: Option<State> = None;
    let mut calls = 0;
    for part in parts {
        match part {
            Part::Reasoning(reasoning) => match State::of(reasoning) {
                Some(state) if state.on == On::Thought => {
                    written.extend(thought(reasoning, &state))
                }
                Some(state) if state.on == On::Text && state.length == 0 => {
                    written.push(json!({ "text": "", "thoughtSignature": state.signature }));
                }
                state => pending = state.or(pending),
            },
            Part::Text(text) => texts(text, pending.take(), &mut written),
            Part::ToolCall(call) => {
                let signature = pending.take().filter(|state| state.on == On::Call);
                let made_up = (signed && calls == 0).then(|| NOT_SIGNED.to_owned());
                calls += 1;
                written
                    .push(function_call(call, signature.map(|state| state.signature).or(made_up)));
            }
            Part::ToolResult(_) | Part::Attachment(_) => {}
        }
    }
    if written.iter().all(|part| part["thought"] == true) {
        written.push(json!({ "text": SILENCE }));
    }
    written
}

/// Writes the signed end of a summary. One that was cut since is left out.
fn thought(reasoning: &Reasoning, state: &State) -> Option<Value> {
    let start = reasoning.text.len().checked_sub(state.length)?;
    let text = reasoning.text.get(start..)?;
    Some(json!({ "text": text, "thought": true, "thoughtSignature": state.signature }))
}

/// Writes a text, its signed beginning by itself. A signature of what is no longer there is left out.
fn texts(text: &str, state: Option<State>, written: &mut Vec<Value>) {
    let state = state.filter(|state| state.on == On::Text);
    let split =
        state.and_then(|state| Some((text.split_at_checked(state.length)?, state.signature)));
    let Some(((head, rest), signature)) = split else {
        written.push(json!({ "text": text }));
        return;
    };
    written.push(json!({ "text": head, "thoughtSignature": signature }));
    if !rest.is_empty() {
        written.push(json!({ "text": rest }));
    }
}

fn function_call(call: &ToolCall, signature: Option<String>) -> Value {
    let function = json!({
        "name": turns::tool_name(&call.name),
        "args": turns::arguments_object(call),
    });
    let mut part = json!({ "functionCall": with_id(function, &call.id) });
    if let Some(signature) = signature {
        part["thoughtSignature"] = signature.into();
    }
    part
}
