//! Converts between the types of core and those of the contract.

use openkoi_core::{blob::Blob, failure::Failure, message as core};
use serde_json::Value;

use crate::bindings::imports::openkoi::{host::model, types::conversation as wit};

/// Turns a component's prompt into the loop's.
pub(crate) fn prompt(prompt: model::Prompt) -> Result<core::Prompt, Failure> {
    let schema = prompt.schema.map(|text| json("/schema", &text)).transpose()?;
    let tools = prompt.tools.into_iter().map(|tool| {
        let parameters = json("/tools", &tool.parameters)?.into();
        Ok(core::OfferedTool { name: tool.name, description: tool.description, parameters })
    });
    Ok(core::Prompt {
        system: prompt.system,
        messages: prompt.messages.into_iter().map(message_in).collect(),
        tools: tools.collect::<Result<_, Failure>>()?,
        tool_choice: match prompt.tool_choice {
            wit::ToolChoice::Automatic => core::ToolChoice::Automatic,
            wit::ToolChoice::None => core::ToolChoice::None,
            wit::ToolChoice::Required => core::ToolChoice::Required,
            wit::ToolChoice::Named(name) => core::ToolChoice::Named(name),
        },
        schema,
        max_tokens: prompt.max_tokens,
        effort: None,
    })
}

/// Turns the loop's prompt into a request to the codec of a provider.
pub(crate) fn request(
    model: &str,
    role: &core::Role,
    prompt: &core::Prompt,
) -> wit::CompletionRequest {
    let tools = prompt.tools.iter().map(|tool| wit::ToolSpec {
        name: tool.name.clone(),
        description: tool.description.clone(),
        parameters: tool.parameters.text().to_owned(),
    });
    wit::CompletionRequest {
        model: model.to_owned(),
        role: role.0.clone(),
        system: prompt.system.clone(),
        messages: prompt.messages.iter().map(message_out).collect(),
        tools: tools.collect(),
        tool_choice: match &prompt.tool_choice {
            core::ToolChoice::Automatic => wit::ToolChoice::Automatic,
            core::ToolChoice::None => wit::ToolChoice::None,
            core::ToolChoice::Required => wit::ToolChoice::Required,
            core::ToolChoice::Named(name) => wit::ToolChoice::Named(name.clone()),
        },
        max_tokens: prompt.max_tokens,
        temperature: None,
        effort: prompt.effort.map(|effort| match effort {
            core::ReasoningEffort::Low => wit::Effort::Low,
            core::ReasoningEffort::Medium => wit::Effort::Medium,
            core::ReasoningEffort::High => wit::Effort::High,
        }),
        schema: prompt.schema.as_ref().map(Value::to_string),
    }
}

/// Turns a turn into the completion that a component gets.
pub(crate) fn completion(turn: core::Turn) -> wit::Completion {
    wit::Completion {
        parts: turn.parts.iter().map(part_out).collect(),
        stop: stop_out(turn.stop),
        usage: wit::Usage {
            input: turn.usage.input,
            output: turn.usage.output,
            cache_read: turn.usage.cache_read,
            cache_write: turn.usage.cache_write,
            reasoning: turn.usage.reasoning,
        },
        model: turn.model,
    }
}

/// Turns a codec's reason into the loop's.
pub(crate) fn stop_in(stop: wit::StopReason) -> core::StopReason {
    match stop {
        wit::StopReason::Finished => core::StopReason::Finished,
        wit::StopReason::ToolCalls => core::StopReason::ToolCalls,
        wit::StopReason::Length => core::StopReason::Length,
        wit::StopReason::Filtered => core::StopReason::Filtered,
        wit::StopReason::Refused => core::StopReason::Refused,
        wit::StopReason::Paused => core::StopReason::Paused,
        wit::StopReason::Other(word) => core::StopReason::Other(crate::text::one_line(&word, 100)),
    }
}

fn stop_out(stop: core::StopReason) -> wit::StopReason {
    match stop {
        core::StopReason::Finished => wit::StopReason::Finished,
        core::StopReason::ToolCalls => wit::StopReason::ToolCalls,
        core::StopReason::Length => wit::StopReason::Length,
        core::StopReason::Filtered => wit::StopReason::Filtered,
        core::StopReason::Refused => wit::StopReason::Refused,
        core::StopReason::Paused => wit::StopReason::Paused,
        core::StopReason::Other(word) => wit::StopReason::Other(word),
    }
}

fn message_in(message: wit::Message) -> core::Message {
    core::Message {
        speaker: match message.speaker {
            wit::Speaker::User => core::Speaker::User,
            wit::Speaker::Assistant => core::Speaker::Assistant,
        },
        parts: message.parts.into_iter().map(part_in).collect(),
    }
}

fn message_out(message: &core::Message) -> wit::Message {
    wit::Message {
        speaker: match message.speaker {
            core::Speaker::User => wit::Speaker::User,
            core::Speaker::Assistant => wit::Speaker::Assistant,
        },
        parts: message.parts.iter().map(part_out).collect(),
    }
}

fn part_in(part: wit::Part) -> core::Part {
    match part {
        wit::Part::Text(text) => core::Part::Text(text),
        wit::Part::Attachment(blob) => core::Part::Attachment(blob_in(blob)),
        wit::Part::ToolCall(call) => core::Part::ToolCall(core::ToolCall {
            id: call.id,
            name: call.name,
            arguments: call.arguments,
        }),
        wit::Part::ToolResult(result) => core::Part::ToolResult(core::ToolResult {
            id: result.id,
            name: result.name,
            content: result.content,
            is_error: result.is_error,
        }),
        wit::Part::Reasoning(reasoning) => {
            core::Part::Reasoning(core::Reasoning { text: reasoning.text, state: reasoning.state })
        }
    }
}

fn part_out(part: &core::Part) -> wit::Part {
    match part.clone() {
        core::Part::Text(text) => wit::Part::Text(text),
        core::Part::Attachment(blob) => {
            wit::Part::Attachment(wit::Blob { media_type: blob.media_type, bytes: blob.bytes })
        }
        core::Part::ToolCall(call) => wit::Part::ToolCall(wit::ToolCall {
            id: call.id,
            name: call.name,
            arguments: call.arguments,
        }),
        core::Part::ToolResult(result) => wit::Part::ToolResult(wit::ToolResult {
            id: result.id,
            name: result.name,
            content: result.content,
            is_error: result.is_error,
        }),
        core::Part::Reasoning(reasoning) => {
            wit::Part::Reasoning(wit::Reasoning { text: reasoning.text, state: reasoning.state })
        }
    }
}

/// Turns an attachment that a guest made into the loop's.
pub(crate) fn blob_in(blob: wit::Blob) -> Blob {
    Blob { media_type: crate::text::one_line(&blob.media_type, 100), bytes: blob.bytes }
}

/// Returns the approximate size of a prompt, in bytes.
pub(crate) fn weight(prompt: &model::Prompt) -> usize {
    let messages: usize = prompt.messages.iter().map(|message| parts_weight(&message.parts)).sum();
    let tools: usize =
        prompt.tools.iter().map(|tool| tool.description.len() + tool.parameters.len()).sum();
    prompt.system.len() + messages + tools + prompt.schema.as_ref().map_or(0, String::len)
}

/// Returns the size of these parts, in bytes.
pub(crate) fn parts_weight(parts: &[wit::Part]) -> usize {
    let weight = |part: &wit::Part| match part {
        wit::Part::Text(text) => text.len(),
        wit::Part::Attachment(blob) => blob.bytes.len(),
        wit::Part::ToolCall(call) => call.name.len() + call.arguments.len(),
        wit::Part::ToolResult(result) => result.content.len(),
        wit::Part::Reasoning(reasoning) => reasoning.text.len() + reasoning.state.len(),
    };
    parts.iter().map(weight).sum()
}

fn json(field: &str, text: &str) -> Result<Value, Failure> {
    serde_json::from_str(text).map_err(|error| Failure::Invalid {
        field: field.to_owned(),
        message: format!("is not JSON: {error}"),
    })
}
