//! The conversation of a request.

use serde_json::Value;

use crate::server::{Conversation, Said, ToolCall, ToolResult};

/// Reads what there is; what is wrong with it is another module's business.
pub(super) fn conversation(body: &Value) -> Conversation {
    let mut conversation = Conversation::default();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for message in body["messages"].as_array().into_iter().flatten() {
        let text = word(&message["content"]);
        match message["role"].as_str() {
            Some("system") => conversation.system.push_str(&text),
            Some("tool") => {
                let result =
                    ToolResult { id: word(&message["tool_call_id"]), text, is_error: false };
                conversation.messages.push(Said { results: vec![result], ..Said::default() });
            }
            Some("assistant") => {
                let calls = message["tool_calls"].as_array().into_iter().flatten();
                let calls = calls.map(|call| ToolCall {
                    id: word(&call["id"]),
                    name: word(&call["function"]["name"]),
                    arguments: call["function"]["arguments"].to_string(),
                });
                let calls = calls.collect();
                conversation.messages.push(Said { by_model: true, text, calls, ..Said::default() });
            }
            _ => conversation.messages.push(Said { text, ..Said::default() }),
        }
    }
    let tools = body["tools"].as_array().into_iter().flatten();
    conversation.tools = tools.map(|tool| word(&tool["function"]["name"])).collect();
    conversation
}
