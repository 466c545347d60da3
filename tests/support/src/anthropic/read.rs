//! The conversation of a request.

use serde_json::Value;

use crate::server::{Conversation, Said, ToolCall, ToolResult};

/// Reads what there is; what is wrong with it is another module's business.
pub(super) fn conversation(body: &Value) -> Conversation {
    let messages = body["messages"].as_array().into_iter().flatten();
    let tools = body["tools"].as_array().into_iter().flatten();
    let names = tools.filter_map(|tool| tool["name"].as_str());
    Conversation {
        system: text(&body["system"]),
        messages: messages.map(said).collect(),
        tools: names.map(str::to_owned).collect(),
    }
}

fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts: Vec<&str> =
                blocks.iter().filter_map(|block| block["text"].as_str()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

fn said(message: &Value) -> Said {
    let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |kind: &'static str| blocks.iter().filter(move |block| block["type"] == kind);
    let word = |block: &Value, name: &str| block[name].as_str().unwrap_or_default().to_owned();
    let calls = of("tool_use").map(|block| ToolCall {
        id: word(block, "id"),
        name: word(block, "name"),
        arguments: block["input"].to_string(),
    });
    let results = of("tool_result").map(|block| ToolResult {
        id: word(block, "tool_use_id"),
        text: text(&block["content"]),
        is_error: block["is_error"] == Value::Bool(true),
    });
    Said {
        by_model: message["role"] == "assistant",
        text: text(&message["content"]),
        calls: calls.collect(),
        results: results.collect(),
    }
}
