//! The conversation of a request.

use serde_json::Value;

use crate::server::{Conversation, Said, ToolCall, ToolResult};

/// Reads what there is; what is wrong with it is another module's business.
pub(super) fn conversation(body: &Value) -> Conversation {
    let contents = body["contents"].as_array().map(Vec::as_slice).unwrap_or_default();
    let tools = body["tools"].as_array().into_iter().flatten();
    let functions = tools.filter_map(|tool| tool["functionDeclarations"].as_array()).flatten();
    let names = functions.filter_map(|function| function["name"].as_str());
    Conversation {
        system: text(&body["systemInstruction"]),
        messages: contents.iter().enumerate().map(|(at, content)| said(at, content)).collect(),
        tools: names.map(str::to_owned).collect(),
    }
}

fn parts(content: &Value) -> &[Value] {
    content["parts"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// What was said aloud: thoughts are none of it.
fn text(content: &Value) -> String {
    let spoken = parts(content).iter().filter(|part| part["thought"] != Value::Bool(true));
    let texts: Vec<&str> =
        spoken.filter_map(|part| part["text"].as_str()).filter(|text| !text.is_empty()).collect();
    texts.join("\n")
}

fn said(at: usize, content: &Value) -> Said {
    let by_model = content["role"] == "model";
    let of = |kind: &'static str| {
        parts(content).iter().map(move |part| &part[kind]).filter(|value| value.is_object())
    };
    // A call without an id is known by its place, which is also its answer's.
    let id = |value: &Value, at: usize, index: usize| {
        value["id"].as_str().map_or_else(|| format!("{at}.{index}"), str::to_owned)
    };
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let calls = of("functionCall").enumerate().map(|(index, call)| ToolCall {
        id: id(call, at, index),
        name: name(call),
        arguments: call["args"].to_string(),
    });
    let results = of("functionResponse").enumerate().map(|(index, result)| {
        let response = &result["response"];
        let is_error = response.get("error").is_some();
        let text = if is_error { &response["error"] } else { &response["output"] };
        ToolResult {
            id: id(result, at.saturating_sub(1), index),
            text: text.as_str().unwrap_or_default().to_owned(),
            is_error,
        }
    });
    Said { by_model, text: text(content), calls: calls.collect(), results: results.collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn results_without_ids_belong_to_the_calls_at_their_places() {
        let response = |name: &str, key: &str, text: &str| json!({ "functionResponse": { "name": name, "response": { key: text } } });
        let body = json!({
            "systemInstruction": { "parts": [{ "text": "Be brief." }] },
            "contents": [
                { "role": "user", "parts": [{ "text": "Look." }] },
                { "role": "model", "parts": [
                    { "text": "Hm.", "thought": true },
                    { "functionCall": { "name": "ls", "args": {} } },
                    { "functionCall": { "name": "cat", "args": { "p": 1 } } } ] },
                { "role": "user", "parts": [response("ls", "output", "x"), response("cat", "error", "y")] },
            ],
            "tools": [{ "functionDeclarations": [{ "name": "cat" }, { "name": "ls" }] }],
        });

        let read = conversation(&body);

        assert_eq!((read.system.as_str(), read.last_words()), ("Be brief.", "Look."));
        assert_eq!(read.tools, ["cat", "ls"]);
        assert_eq!((read.messages[1].text.as_str(), read.messages[1].calls.len()), ("", 2));
        let results: Vec<(&str, &str, bool)> = read
            .last_results()
            .into_iter()
            .map(|(tool, result)| (tool, result.text.as_str(), result.is_error))
            .collect();
        assert_eq!(results, [("ls", "x", false), ("cat", "y", true)]);
    }
}
