//! The conversation of a request.

use serde_json::Value;

use crate::server::{Conversation, Said, ToolCall, ToolResult};

/// Reads what there is; what is wrong with it is another module's business.
pub(super) fn conversation(body: &Value) -> Conversation {
    let messages = body["messages"].as_array().into_iter().flatten();
    let tools = body["toolConfig"]["tools"].as_array().into_iter().flatten();
    let names = tools.filter_map(|tool| tool["toolSpec"]["name"].as_str());
    Conversation {
        system: text(&body["system"]),
        messages: messages.map(said).collect(),
        tools: names.map(str::to_owned).collect(),
    }
}

fn text(blocks: &Value) -> String {
    let blocks = blocks.as_array().into_iter().flatten();
    blocks.filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
}

fn said(message: &Value) -> Said {
    let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |kind: &'static str| blocks.iter().filter_map(move |block| block.get(kind));
    let word = |block: &Value, name: &str| block[name].as_str().unwrap_or_default().to_owned();
    let calls = of("toolUse").map(|call| ToolCall {
        id: word(call, "toolUseId"),
        name: word(call, "name"),
        arguments: call["input"].to_string(),
    });
    let results = of("toolResult").map(|result| ToolResult {
        id: word(result, "toolUseId"),
        text: text(&result["content"]),
        is_error: result["status"] == "error",
    });
    Said {
        by_model: message["role"] == "assistant",
        text: text(&message["content"]),
        calls: calls.collect(),
        results: results.collect(),
    }
}
