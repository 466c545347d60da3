//! What is wrong with a request for a response.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{answer::includes_reasoning, input};
use crate::{openai::reasons, schema::Check};

const REQUIRED: &[&str] = &["input", "model"];
const OPTIONAL: &[&str] = &[
    "background",
    "context_management",
    "conversation",
    "include",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];
/// What a reasoning model does not take.
const NOT_WHEN_REASONING: &[&str] = &["temperature", "top_p", "top_logprobs"];
/// What refers to something that the vendor stored.
const STORED: &[&str] = &["conversation", "previous_response_id", "prompt"];
const INCLUDABLE: &[&str] = &[
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "message.output_text.logprobs",
    "reasoning.encrypted_content",
    "web_search_call.action.sources",
];
const EFFORTS: &[&str] = &["none", "minimal", "low", "medium", "high", "xhigh"];

/// Returns every fault of the request, each with its place.
pub(super) fn check(body: &Value) -> Vec<String> {
    let mut check = Check::default();
    if let Some(map) = check.object(body, "body", REQUIRED, OPTIONAL) {
        let model = check.text(map, "body", "model").unwrap_or_default().to_owned();
        plain(&mut check, map);
        include(&mut check, map);
        for_model(&mut check, map, &model);
        streaming(&mut check, map);
        text(&mut check, map);
        let tools = tools(&mut check, map);
        tool_choice(&mut check, map, &tools);
        let reasons = includes_reasoning(body) && map.get("store") == Some(&Value::Bool(false));
        input::check(&mut check, map.get("input").unwrap_or(&Value::Null), reasons);
    }
    check.faults
}

fn plain(check: &mut Check, map: &Map<String, Value>) {
    check.number(map, "body", "temperature", (0.0, 2.0));
    check.number(map, "body", "top_p", (0.0, 1.0));
    check.number(map, "body", "top_logprobs", (0.0, 20.0));
    check.whole(map, "body", "max_output_tokens", 16);
    check.whole(map, "body", "max_tool_calls", 1);
    for name in ["background", "parallel_tool_calls", "store", "stream"] {
        check.boolean(map, "body", name);
    }
    for name in ["instructions", "prompt_cache_key", "safety_identifier", "user"] {
        check.text(map, "body", name);
    }
    check.word(map, "body", "truncation", &["auto", "disabled"]);
    check.word(map, "body", "prompt_cache_retention", &["in-memory", "24h"]);
    check.word(map, "body", "service_tier", &["auto", "default", "flex", "priority", "scale"]);
    for name in STORED.iter().filter(|name| map.contains_key(**name)) {
        check.fault(&format!("body.{name}"), "not found: nothing is stored here");
    }
}

fn include(check: &mut Check, map: &Map<String, Value>) {
    let Some(names) = map.get("include") else { return };
    let Some(names) = check.array(names, "body.include") else { return };
    for name in names {
        let known = name.as_str().is_some_and(|name| INCLUDABLE.contains(&name));
        check.require(known, "body.include", format!("{name} cannot be included"));
    }
}

fn for_model(check: &mut Check, map: &Map<String, Value>, model: &str) {
    if reasons(model) {
        for name in NOT_WHEN_REASONING.iter().filter(|name| map.contains_key(**name)) {
            check.fault(&format!("body.{name}"), format!("unsupported parameter with {model}"));
        }
    } else {
        let asks = map.contains_key("reasoning");
        check.require(!asks, "body.reasoning", format!("{model} does not reason"));
        let encrypted = map.get("include").is_some_and(|include| {
            include.as_array().into_iter().flatten().any(|name| name == INCLUDABLE[5])
        });
        check.require(
            !encrypted,
            "body.include",
            format!("encrypted content is not supported with {model}"),
        );
    }
    let Some(reasoning) = map.get("reasoning") else { return };
    let place = "body.reasoning";
    // `context` and `mode` are in what the vendor echoes of its newest models.
    let optional = &["context", "effort", "mode", "summary"];
    if let Some(reasoning) = check.object(reasoning, place, &[], optional) {
        check.word(reasoning, place, "effort", EFFORTS);
        check.word(reasoning, place, "summary", &["auto", "concise", "detailed"]);
    }
}

fn streaming(check: &mut Check, map: &Map<String, Value>) {
    let Some(options) = map.get("stream_options") else { return };
    let place = "body.stream_options";
    let streams = map.get("stream") == Some(&Value::Bool(true));
    check.require(streams, place, "only allowed when `stream` is true");
    if let Some(options) = check.object(options, place, &[], &["include_obfuscation"]) {
        check.boolean(options, place, "include_obfuscation");
    }
}

fn text(check: &mut Check, map: &Map<String, Value>) {
    let Some(text) = map.get("text") else { return };
    let Some(text) = check.object(text, "body.text", &[], &["format", "verbosity"]) else { return };
    check.word(text, "body.text", "verbosity", &["low", "medium", "high"]);
    let (Some(format), place) = (text.get("format"), "body.text.format") else { return };
    if format["type"] != "json_schema" {
        if let Some(format) = check.object(format, place, &["type"], &[]) {
            check.word(format, place, "type", &["text", "json_object", "json_schema"]);
        }
        return;
    }
    // Flat, where Chat Completions has one more level.
    let (required, optional) = (&["type", "name", "schema"], &["description", "strict"]);
    let Some(map) = check.object(format, place, required, optional) else { return };
    if let Some(name) = check.text(map, place, "name") {
        check.name(name, place, 64);
    }
    schema(check, map, place, "schema");
}

/// Checks the schema in `field`, and what `strict` beside it demands.
fn schema(check: &mut Check, map: &Map<String, Value>, place: &str, field: &str) {
    check.boolean(map, place, "strict");
    let Some(schema) = map.get(field) else { return };
    let inner = format!("{place}.{field}");
    check.parameters(schema, &inner);
    if map.get("strict") == Some(&Value::Bool(true)) {
        strict(check, schema, &inner);
    }
}

/// Checks what a strict schema is: closed, with every property required.
fn strict(check: &mut Check, schema: &Value, place: &str) {
    if let Some(properties) = schema["properties"].as_object() {
        let closed = schema["additionalProperties"] == Value::Bool(false);
        check.require(closed, place, "strict, so `additionalProperties` has to be false");
        let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
        let all = properties.keys().all(|name| required.contains(&json!(name)));
        check.require(all, place, "strict, so `required` has to name every property");
        for (name, inner) in properties {
            strict(check, inner, &format!("{place}.properties.{name}"));
        }
    }
    if let Some(items) = schema.get("items") {
        strict(check, items, &format!("{place}.items"));
    }
}

/// Checks the tools and returns their names. `strict` is required by the reference; the vendor takes a request
/// without it, and then makes the schema strict, which nobody asked for.
fn tools(check: &mut Check, map: &Map<String, Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let Some(list) = map.get("tools") else { return names };
    let Some(list) = check.array(list, "body.tools") else { return names };
    check.require((1..=128).contains(&list.len()), "body.tools", "has to have from 1 to 128 tools");
    for (index, tool) in list.iter().enumerate() {
        let place = format!("body.tools[{index}]");
        let required = &["type", "name", "parameters", "strict"];
        let Some(tool) = check.object(tool, &place, required, &["description"]) else { continue };
        check.word(tool, &place, "type", &["function"]);
        check.text(tool, &place, "description");
        schema(check, tool, &place, "parameters");
        let name = check.text(tool, &place, "name").unwrap_or_default().to_owned();
        check.name(&name, &place, 64);
        check.require(names.insert(name.clone()), &place, format!("`{name}` is there twice"));
    }
    names
}

/// Checks the choice. The reference has more of them, which name tools of the vendor's own or several at once.
fn tool_choice(check: &mut Check, map: &Map<String, Value>, tools: &BTreeSet<String>) {
    let Some(choice) = map.get("tool_choice") else { return };
    let place = "body.tool_choice";
    check.require(!tools.is_empty(), place, "only allowed when `tools` are given");
    if let Some(word) = choice.as_str() {
        let known = ["none", "auto", "required"].contains(&word);
        check.require(known, place, format!("unknown choice `{word}`"));
        return;
    }
    let name = choice["name"].as_str().unwrap_or_default();
    let shape = json!({ "type": "function", "name": name });
    check.require(*choice == shape, place, "has to name a function and nothing else");
    check.require(tools.contains(name), place, format!("`{name}` is not in `tools`"));
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
