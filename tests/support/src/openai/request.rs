//! What is wrong with a request for a chat completion.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::schema::Check;

const REQUIRED: &[&str] = &["messages", "model"];
const OPTIONAL: &[&str] = &[
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "modalities",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];
/// What a reasoning model does not take.
const NOT_WHEN_REASONING: &[&str] = &[
    "max_tokens",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
];
const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh"];

/// Returns every fault of the request, each with its place.
pub(super) fn check(body: &Value) -> Vec<String> {
    let mut check = Check::default();
    if let Some(map) = check.object(body, "body", REQUIRED, OPTIONAL) {
        let model = check.text(map, "body", "model").unwrap_or_default().to_owned();
        sampling(&mut check, map);
        for_model(&mut check, map, &model);
        streaming(&mut check, map);
        format(&mut check, map);
        let tools = tools(&mut check, map);
        tool_choice(&mut check, map, &tools);
        messages(&mut check, map.get("messages").unwrap_or(&Value::Null));
    }
    check.faults
}

fn sampling(check: &mut Check, map: &Map<String, Value>) {
    check.number(map, "body", "temperature", (0.0, 2.0));
    check.number(map, "body", "top_p", (0.0, 1.0));
    check.number(map, "body", "frequency_penalty", (-2.0, 2.0));
    check.number(map, "body", "presence_penalty", (-2.0, 2.0));
    check.number(map, "body", "n", (1.0, 128.0));
    check.whole(map, "body", "max_tokens", 1);
    check.whole(map, "body", "max_completion_tokens", 1);
    let both = map.contains_key("max_tokens") && map.contains_key("max_completion_tokens");
    check.require(!both, "body", "`max_tokens` and `max_completion_tokens` exclude each other");
    check.word(map, "body", "reasoning_effort", EFFORTS);
    check.word(map, "body", "verbosity", &["low", "medium", "high"]);
    check.boolean(map, "body", "store");
}

fn for_model(check: &mut Check, map: &Map<String, Value>, model: &str) {
    if !reasons(model) {
        let effort = map.contains_key("reasoning_effort");
        check.require(!effort, "body.reasoning_effort", format!("{model} does not reason"));
        return;
    }
    for name in NOT_WHEN_REASONING.iter().filter(|name| map.contains_key(**name)) {
        check.fault(&format!("body.{name}"), format!("unsupported parameter with {model}"));
    }
    let temperature = map.get("temperature").and_then(Value::as_f64).unwrap_or(1.0);
    let fits = (temperature - 1.0).abs() < f64::EPSILON;
    check.require(fits, "body.temperature", format!("{model} supports only the default (1)"));
}

/// Returns whether the model is of the o-series or of the fifth generation or a later one.
pub(crate) fn reasons(model: &str) -> bool {
    let digit = |rest: &str| rest.chars().next().and_then(|c| c.to_digit(10));
    let series = model.strip_prefix('o').and_then(digit).is_some();
    let generation = model.strip_prefix("gpt-").and_then(digit);
    series || (generation >= Some(5) && !model.contains("-chat"))
}

fn streaming(check: &mut Check, map: &Map<String, Value>) {
    check.boolean(map, "body", "stream");
    let Some(options) = map.get("stream_options") else { return };
    let streams = map.get("stream") == Some(&Value::Bool(true));
    check.require(streams, "body.stream_options", "only allowed when `stream` is true");
    let place = "body.stream_options";
    if let Some(options) =
        check.object(options, place, &[], &["include_usage", "include_obfuscation"])
    {
        check.boolean(options, place, "include_usage");
        check.boolean(options, place, "include_obfuscation");
    }
}

fn format(check: &mut Check, map: &Map<String, Value>) {
    let (Some(format), place) = (map.get("response_format"), "body.response_format") else {
        return;
    };
    let Some(map) = check.object(format, place, &["type"], &["json_schema"]) else { return };
    let kind = check.word(map, place, "type", &["text", "json_object", "json_schema"]);
    let schema = map.get("json_schema");
    check.require(
        (kind == Some("json_schema")) == schema.is_some(),
        place,
        "`json_schema` fits `type`",
    );
    let place = "body.response_format.json_schema";
    let optional = &["description", "schema", "strict"];
    let schema = schema.and_then(|schema| check.object(schema, place, &["name"], optional));
    if let Some(schema) = schema {
        if let Some(name) = check.text(schema, place, "name") {
            check.name(name, place, 64);
        }
        if let Some(inner) = schema.get("schema") {
            check.parameters(inner, &format!("{place}.schema"));
        }
    }
}

/// Checks the tools and returns their names.
fn tools(check: &mut Check, map: &Map<String, Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let Some(list) = map.get("tools") else { return names };
    let Some(list) = check.array(list, "body.tools") else { return names };
    check.require((1..=128).contains(&list.len()), "body.tools", "has to have from 1 to 128 tools");
    for (index, tool) in list.iter().enumerate() {
        let place = format!("body.tools[{index}]");
        let Some(name) = function(check, tool, &place) else { continue };
        check.require(names.insert(name.clone()), &place, format!("`{name}` is there twice"));
    }
    names
}

fn function(check: &mut Check, tool: &Value, place: &str) -> Option<String> {
    let map = check.object(tool, place, &["type", "function"], &[])?;
    check.word(map, place, "type", &["function"]);
    let place = format!("{place}.function");
    let optional = &["description", "parameters", "strict"];
    let function = check.object(map.get("function")?, &place, &["name"], optional)?;
    check.text(function, &place, "description");
    if let Some(parameters) = function.get("parameters") {
        check.parameters(parameters, &format!("{place}.parameters"));
    }
    let name = check.text(function, &place, "name")?;
    check.name(name, &place, 64);
    Some(name.to_owned())
}

fn tool_choice(check: &mut Check, map: &Map<String, Value>, tools: &BTreeSet<String>) {
    check.boolean(map, "body", "parallel_tool_calls");
    for name in ["tool_choice", "parallel_tool_calls"] {
        let alone = map.contains_key(name) && tools.is_empty();
        check.require(!alone, &format!("body.{name}"), "only allowed when `tools` are given");
    }
    let place = "body.tool_choice";
    match map.get("tool_choice") {
        None => {}
        Some(Value::String(word)) => {
            let known = ["none", "auto", "required"].contains(&word.as_str());
            check.require(known, place, format!("unknown choice `{word}`"));
        }
        Some(choice) => {
            let name = choice["function"]["name"].as_str().unwrap_or_default();
            let shape = serde_json::json!({ "type": "function", "function": { "name": name } });
            check.require(*choice == shape, place, "has to name a function and nothing else");
            check.require(tools.contains(name), place, format!("`{name}` is not in `tools`"));
        }
    }
}

/// Checks each message by itself, and that calls and results answer each other.
fn messages(check: &mut Check, list: &Value) {
    let Some(list) = check.array(list, "messages") else { return };
    check.require(!list.is_empty(), "messages", "has to have a message");
    let mut open: Vec<String> = Vec::new();
    for (index, message) in list.iter().enumerate() {
        let place = format!("messages[{index}]");
        let role = message["role"].as_str().unwrap_or_default();
        if role != "tool" && !open.is_empty() {
            let missing = open.join(", ");
            check.fault(&place, format!("tool calls without results before it: {missing}"));
            open.clear();
        }
        match role {
            "system" | "developer" => plain(check, message, &place, &["text"]),
            "user" => plain(check, message, &place, &["text", "image_url", "input_audio", "file"]),
            "assistant" => open = assistant(check, message, &place),
            "tool" => result(check, message, &place, &mut open),
            other => check.fault(&place, format!("unknown role `{other}`")),
        }
    }
    let rest = open.join(", ");
    check.require(open.is_empty(), "messages", format!("tool calls without results: {rest}"));
}

fn plain(check: &mut Check, message: &Value, place: &str, kinds: &[&str]) {
    check.object(message, place, &["role", "content"], &["name"]);
    content(check, &message["content"], &format!("{place}.content"), kinds);
}

fn content(check: &mut Check, content: &Value, place: &str, kinds: &[&str]) {
    if content.is_string() {
        return;
    }
    let Some(parts) = check.array(content, place) else { return };
    check.require(!parts.is_empty(), place, "has to have a part");
    for (index, part) in parts.iter().enumerate() {
        let place = format!("{place}[{index}]");
        let kind = part["type"].as_str().unwrap_or_default();
        check.require(kinds.contains(&kind), &place, format!("`{kind}` is not allowed here"));
        check.object(part, &place, &["type", kind], &[]);
        if kind == "image_url" {
            image(check, &part["image_url"], &place);
        }
        if kind == "file" {
            file(check, &part["file"], &place);
        }
    }
}

fn file(check: &mut Check, file: &Value, place: &str) {
    let Some(map) = check.object(file, place, &["filename", "file_data"], &[]) else { return };
    check.text(map, place, "filename");
    let data = check.text(map, place, "file_data").unwrap_or_default();
    let fits = data.starts_with("data:application/pdf;base64,");
    check.require(fits, place, "has to be a data URL of a PDF");
}

fn image(check: &mut Check, image: &Value, place: &str) {
    let Some(map) = check.object(image, place, &["url"], &["detail"]) else { return };
    check.word(map, place, "detail", &["auto", "low", "high"]);
    let url = check.text(map, place, "url").unwrap_or_default();
    let fits = url.starts_with("https://") || url.starts_with("data:image/");
    check.require(fits, place, "has to be an https or data URL");
}

/// Checks a message of the model and returns the ids of its calls.
fn assistant(check: &mut Check, message: &Value, place: &str) -> Vec<String> {
    let optional = ["content", "tool_calls", "refusal", "name", "audio"];
    let Some(map) = check.object(message, place, &["role"], &optional) else { return Vec::new() };
    let text = map.get("content").filter(|content| !content.is_null());
    if let Some(text) = text {
        content(check, text, &format!("{place}.content"), &["text", "refusal"]);
    }
    let calls = map.get("tool_calls");
    let says = text.is_some() || calls.is_some() || map.contains_key("refusal");
    check.require(says, place, "has neither content nor tool calls");
    let Some(calls) = calls.and_then(|calls| check.array(calls, place)) else { return Vec::new() };
    check.require(!calls.is_empty(), place, "`tool_calls` is empty");
    let mut ids: Vec<String> = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        let id = call_id(check, call, &format!("{place}.tool_calls[{index}]"));
        check.require(!ids.contains(&id), place, format!("call `{id}` is there twice"));
        ids.push(id);
    }
    ids
}

fn call_id(check: &mut Check, call: &Value, place: &str) -> String {
    let Some(map) = check.object(call, place, &["id", "type", "function"], &[]) else {
        return String::new();
    };
    check.word(map, place, "type", &["function"]);
    let function = map.get("function").unwrap_or(&Value::Null);
    if let Some(function) = check.object(function, place, &["name", "arguments"], &[]) {
        let name = check.text(function, place, "name").unwrap_or_default();
        check.name(name, place, 64);
        let arguments = function.get("arguments").is_some_and(Value::is_string);
        check.require(arguments, place, "`arguments` has to be a text");
    }
    check.text(map, place, "id").unwrap_or_default().to_owned()
}

fn result(check: &mut Check, message: &Value, place: &str, open: &mut Vec<String>) {
    check.object(message, place, &["role", "content", "tool_call_id"], &[]);
    content(check, &message["content"], &format!("{place}.content"), &["text"]);
    let id = message["tool_call_id"].as_str().unwrap_or_default();
    let expected = open.iter().any(|known| known == id);
    check.require(expected, place, format!("`{id}` answers no call of the message before"));
    open.retain(|known| known != id);
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
