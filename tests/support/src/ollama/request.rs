//! What is wrong with a request for an answer.

use serde_json::{Map, Value};

use crate::schema::Check;

const OPTIONAL: &[&str] = &[
    "tools",
    "format",
    "options",
    "stream",
    "think",
    "keep_alive",
    "truncate",
    "shift",
    "logprobs",
    "top_logprobs",
];
/// `Options` and `Runner` of `api/types.go`.
const OPTIONS: &[&str] = &[
    "draft_num_predict",
    "frequency_penalty",
    "main_gpu",
    "min_p",
    "num_batch",
    "num_ctx",
    "num_gpu",
    "num_keep",
    "num_predict",
    "num_thread",
    "presence_penalty",
    "repeat_last_n",
    "repeat_penalty",
    "seed",
    "stop",
    "temperature",
    "top_k",
    "top_p",
    "typical_p",
    "use_mmap",
];
const LEVELS: &[&str] = &["low", "medium", "high", "max"];

/// Returns every fault of the request, each with its place.
pub(super) fn check(body: &Value) -> Vec<String> {
    let mut check = Check::default();
    if let Some(map) = check.object(body, "body", &["model", "messages"], OPTIONAL) {
        check.text(map, "body", "model");
        check.boolean(map, "body", "stream");
        uncut(&mut check, map);
        options(&mut check, map.get("options").unwrap_or(&Value::Null));
        think(&mut check, map);
        format(&mut check, map);
        tools(&mut check, map);
        messages(&mut check, map.get("messages").unwrap_or(&Value::Null));
    }
    check.faults
}

fn uncut(check: &mut Check, map: &Map<String, Value>) {
    for name in ["truncate", "shift"] {
        let forbidden = map.get(name) == Some(&Value::Bool(false));
        check.require(forbidden, &format!("body.{name}"), "without `false` it is cut in silence");
    }
}

fn options(check: &mut Check, options: &Value) {
    let place = "body.options";
    let Some(map) = check.object(options, place, &["num_ctx", "num_predict"], OPTIONS) else {
        return;
    };
    let window = check.whole(map, place, "num_ctx", 1_024);
    let answer = check.whole(map, place, "num_predict", 1);
    check.require(answer <= window, place, "the answer is longer than what is read");
    check.number(map, place, "temperature", (0.0, 2.0));
}

fn think(check: &mut Check, map: &Map<String, Value>) {
    if map.get("think").is_some_and(Value::is_string) {
        check.word(map, "body", "think", LEVELS);
    } else {
        check.boolean(map, "body", "think");
    }
    if let Some(keep) = map.get("keep_alive") {
        let fits =
            keep.is_i64() || keep.as_str().is_some_and(|text| text.ends_with(['s', 'm', 'h']));
        check.require(fits, "body.keep_alive", "has to be seconds or a duration");
    }
}

fn format(check: &mut Check, map: &Map<String, Value>) {
    if let Some(format) = map.get("format") {
        let fits = format == "json" || format.is_object();
        check.require(fits, "body.format", "has to be `json` or a schema");
    }
}

fn tools(check: &mut Check, map: &Map<String, Value>) {
    let Some(tools) = map.get("tools").and_then(|tools| check.array(tools, "body.tools")) else {
        return;
    };
    for (index, tool) in tools.iter().enumerate() {
        let place = format!("body.tools[{index}]");
        let Some(map) = check.object(tool, &place, &["type", "function"], &[]) else { continue };
        check.word(map, &place, "type", &["function"]);
        let function = map.get("function").unwrap_or(&Value::Null);
        let optional = &["description", "parameters"];
        if let Some(function) = check.object(function, &place, &["name"], optional) {
            let name = check.text(function, &place, "name").unwrap_or_default();
            check.name(name, &place, 64);
            check.parameters(function.get("parameters").unwrap_or(&Value::Null), &place);
        }
    }
}

/// Checks each message by itself, and that calls and results answer each other.
fn messages(check: &mut Check, list: &Value) {
    let Some(list) = check.array(list, "messages") else { return };
    check.require(!list.is_empty(), "messages", "without one, the model is only loaded");
    let mut open: Vec<(String, String)> = Vec::new();
    for (index, message) in list.iter().enumerate() {
        let place = format!("messages[{index}]");
        let role = message["role"].as_str().unwrap_or_default();
        if role != "tool" && !open.is_empty() {
            check.fault(&place, format!("tool calls without results before it: {}", ids(&open)));
            open.clear();
        }
        match role {
            "system" => {
                check.object(message, &place, &["role", "content"], &[]);
                check.require(index == 0, &place, "the system prompt comes first");
            }
            "user" => user(check, message, &place),
            "assistant" => open = assistant(check, message, &place),
            "tool" => result(check, message, &place, &mut open),
            other => check.fault(&place, format!("unknown role `{other}`")),
        }
        check.require(message["content"].is_string(), &place, "`content` has to be a text");
    }
    let rest = ids(&open);
    check.require(open.is_empty(), "messages", format!("tool calls without results: {rest}"));
}

fn ids(calls: &[(String, String)]) -> String {
    calls.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(", ")
}

fn user(check: &mut Check, message: &Value, place: &str) {
    check.object(message, place, &["role", "content"], &["images"]);
    for image in message["images"].as_array().into_iter().flatten() {
        let text = image.as_str().unwrap_or_default();
        let letters = text.trim_end_matches('=');
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
        let fits = !letters.is_empty() && text.len() % 4 == 0 && letters.chars().all(plain);
        check.require(fits, place, "an image has to be base64, without a URL around it");
    }
}

/// Checks a message of the model and returns its calls: ids and names.
fn assistant(check: &mut Check, message: &Value, place: &str) -> Vec<(String, String)> {
    check.object(message, place, &["role", "content"], &["thinking", "tool_calls"]);
    let mut calls = Vec::new();
    for (index, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
        let place = format!("{place}.tool_calls[{index}]");
        check.object(call, &place, &["function", "id"], &["type"]);
        let function = check.object(&call["function"], &place, &["name", "arguments"], &["index"]);
        let arguments = function.and_then(|function| function.get("arguments"));
        check.require(
            arguments.is_some_and(Value::is_object),
            &place,
            "`arguments` has to be an object",
        );
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        calls.push((word(&call["id"]), word(&call["function"]["name"])));
    }
    let says =
        !calls.is_empty() || message["content"].as_str().is_some_and(|text| !text.is_empty());
    check.require(says, place, "has neither content nor tool calls");
    calls
}

fn result(check: &mut Check, message: &Value, place: &str, open: &mut Vec<(String, String)>) {
    let required = ["role", "content", "tool_name"];
    check.object(message, place, &required, &["tool_call_id"]);
    let of = |field: &str| message[field].as_str().unwrap_or_default();
    let (name, id) = (of("tool_name"), of("tool_call_id"));
    match open.iter().position(|(known, tool)| known == id && tool == name) {
        Some(found) => drop(open.remove(found)),
        None => {
            check.fault(place, format!("`{name}` ({id}) answers no call of the message before"))
        }
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
