//! The conversation of a request.

use serde_json::Value;

use crate::server::{Conversation, Said, ToolCall, ToolResult};

/// Reads what there is; what is wrong with it is another module's business.
pub(super) fn conversation(body: &Value) -> Conversation {
    let mut conversation = Conversation::default();
    for message in body["messages"].as_array().into_iter().flatten() {
        let words = text(&message["content"]);
        match message["role"].as_str() {
            Some("system" | "developer") => conversation.system.push_str(&words),
            Some("tool") => conversation.messages.push(result(message, words)),
            Some("assistant") => conversation.messages.push(assistant(message, words)),
            _ => conversation.messages.push(Said { text: words, ..Said::default() }),
        }
    }
    let tools = body["tools"].as_array().into_iter().flatten();
    let names = tools.filter_map(|tool| tool["function"]["name"].as_str());
    conversation.tools = names.map(str::to_owned).collect();
    conversation
}

fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

fn result(message: &Value, text: String) -> Said {
    let id = message["tool_call_id"].as_str().unwrap_or_default().to_owned();
    Said { results: vec![ToolResult { id, text, is_error: false }], ..Said::default() }
}

fn assistant(message: &Value, text: String) -> Said {
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    let calls = calls.map(|call| ToolCall {
        id: call["id"].as_str().unwrap_or_default().to_owned(),
        name: call["function"]["name"].as_str().unwrap_or_default().to_owned(),
        arguments: call["function"]["arguments"].as_str().unwrap_or_default().to_owned(),
    });
    Said { by_model: true, text, calls: calls.collect(), ..Said::default() }
}
