//! The conversation of a request.

use serde_json::Value;

use crate::server::{Conversation, Said, ToolCall, ToolResult};

/// Reads what there is; what is wrong with it is another module's business.
pub(super) fn conversation(body: &Value) -> Conversation {
    let mut conversation = Conversation {
        system: body["instructions"].as_str().unwrap_or_default().to_owned(),
        ..Conversation::default()
    };
    if let Some(text) = body["input"].as_str() {
        conversation.messages.push(Said { text: text.to_owned(), ..Said::default() });
    }
    for item in body["input"].as_array().into_iter().flatten() {
        take(&mut conversation, item);
    }
    let tools = body["tools"].as_array().into_iter().flatten();
    let names = tools.filter_map(|tool| tool["name"].as_str());
    conversation.tools = names.map(str::to_owned).collect();
    conversation
}

/// Returns whether the model made the item.
pub(super) fn is_models(item: &Value) -> bool {
    let made = ["function_call", "reasoning"];
    made.iter().any(|kind| item["type"] == *kind) || item["role"] == "assistant"
}

/// Items of the model in a row are one turn of it, and results in a row are one message.
fn take(conversation: &mut Conversation, item: &Value) {
    let text = |name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let words = words(&item["content"]);
    match item["type"].as_str() {
        _ if is_models(item) => {
            let said = last(&mut conversation.messages, |said| said.by_model);
            said.by_model = true;
            said.text.push_str(&words);
            if item["type"] == "function_call" {
                let (id, name, arguments) = (text("call_id"), text("name"), text("arguments"));
                said.calls.push(ToolCall { id, name, arguments });
            }
        }
        Some("function_call_output") => {
            let said = last(&mut conversation.messages, |said| !said.results.is_empty());
            let said_text = item["output"].as_str().map_or_else(String::new, str::to_owned);
            let result = ToolResult { id: text("call_id"), text: said_text, is_error: false };
            said.results.push(result);
        }
        _ if item["role"] == "user" => {
            conversation.messages.push(Said { text: words, ..Said::default() });
        }
        _ => conversation.system.push_str(&words),
    }
}

/// Returns the last message if it `goes_on`, else a new one.
fn last(messages: &mut Vec<Said>, goes_on: impl Fn(&Said) -> bool) -> &mut Said {
    if !messages.last().is_some_and(goes_on) {
        messages.push(Said::default());
    }
    let at = messages.len() - 1;
    &mut messages[at]
}

fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_in_a_row_are_one_turn_and_one_message() {
        let call = |id: &str| json!({ "type": "function_call", "call_id": id, "name": "ls", "arguments": "{}" });
        let output =
            |id: &str| json!({ "type": "function_call_output", "call_id": id, "output": id });
        let read = conversation(&json!({
            "instructions": "Be brief.",
            "input": [
                { "role": "user", "content": "Go." },
                { "type": "reasoning", "id": "rs", "summary": [] },
                { "role": "assistant", "content": [{ "type": "output_text", "text": "So." }] },
                call("a"), call("b"), output("a"), output("b"),
            ],
            "tools": [{ "type": "function", "name": "ls" }],
        }));

        assert_eq!((read.system.as_str(), read.turns(), read.messages.len()), ("Be brief.", 1, 3));
        assert_eq!((read.messages[1].text.as_str(), read.messages[1].calls.len()), ("So.", 2));
        let results: Vec<_> = read.last_results().iter().map(|(name, _)| *name).collect();
        assert_eq!((results, &read.tools), (vec!["ls", "ls"], &vec!["ls".to_owned()]));
    }
}
