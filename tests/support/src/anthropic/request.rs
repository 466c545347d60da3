//! What is wrong with a request for a message.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::message;
use crate::schema::Check;

const REQUIRED: &[&str] = &["model", "messages", "max_tokens"];
const OPTIONAL: &[&str] = &[
    "cache_control",
    "container",
    "inference_geo",
    "metadata",
    "output_config",
    "service_tier",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];
/// The most tokens that a model generates, by the beginning of its name; the first that fits counts.
const MOST_TOKENS: &[(&str, u64)] = &[
    ("claude-3-haiku", 4_096),
    ("claude-3-5", 8_192),
    ("claude-opus-4-0", 32_000),
    ("claude-opus-4-1", 32_000),
    ("claude-opus-4-2", 32_000),
    ("claude-opus-4-5", 64_000),
    ("claude-sonnet-4", 64_000),
    ("claude-haiku-4-5", 64_000),
];
/// How many places of a request may be marked for the cache.
const MOST_MARKS: usize = 4;

/// Returns every fault of the request, each with its place.
pub(super) fn check(body: &Value) -> Vec<String> {
    let mut check = Check::default();
    if let Some(map) = check.object(body, "body", REQUIRED, OPTIONAL) {
        let model = check.text(map, "body", "model").unwrap_or_default().to_owned();
        limits(&mut check, map, &model);
        system(&mut check, map);
        thinking(&mut check, map);
        let tools = tools(&mut check, map);
        tool_choice(&mut check, map, &tools);
        output(&mut check, map);
        message::check(&mut check, map);
        let marks = marks(body);
        let message =
            format!("at most {MOST_MARKS} blocks may have `cache_control`, found {marks}");
        check.require(marks <= MOST_MARKS, "body", message);
    }
    check.faults
}

fn limits(check: &mut Check, map: &Map<String, Value>, model: &str) {
    check.number(map, "body", "temperature", (0.0, 1.0));
    check.number(map, "body", "top_p", (0.0, 1.0));
    check.whole(map, "body", "top_k", 1);
    check.boolean(map, "body", "stream");
    let tokens = check.whole(map, "body", "max_tokens", 1).unwrap_or(1);
    let most = MOST_TOKENS.iter().find(|(name, _)| model.starts_with(name)).map(|(_, most)| *most);
    if let Some(most) = most.filter(|most| tokens > *most) {
        check.fault("body.max_tokens", format!("{tokens} > {most}, the most of {model}"));
    }
}

fn system(check: &mut Check, map: &Map<String, Value>) {
    let Some(system) = map.get("system") else { return };
    if let Some(text) = system.as_str() {
        check.require(!text.is_empty(), "system", "has to have text");
        return;
    }
    for (index, block) in check.array(system, "system").into_iter().flatten().enumerate() {
        message::text(check, block, &format!("system[{index}]"));
    }
}

fn thinking(check: &mut Check, map: &Map<String, Value>) {
    let (Some(thinking), place) = (map.get("thinking"), "body.thinking") else { return };
    let kind = thinking["type"].as_str().unwrap_or_default();
    match kind {
        "disabled" => {
            check.object(thinking, place, &["type"], &[]);
        }
        "adaptive" => {
            check.object(thinking, place, &["type"], &["display"]);
        }
        "enabled" => budget(check, thinking, map),
        other => check.fault(place, format!("unknown type `{other}`")),
    }
    if ["enabled", "adaptive"].contains(&kind) {
        beside_thinking(check, map);
    }
}

fn budget(check: &mut Check, thinking: &Value, map: &Map<String, Value>) {
    let place = "body.thinking";
    let Some(thinking) = check.object(thinking, place, &["type", "budget_tokens"], &["display"])
    else {
        return;
    };
    let budget = check.whole(thinking, place, "budget_tokens", 1024).unwrap_or(1024);
    let most = map.get("max_tokens").and_then(Value::as_u64).unwrap_or(u64::MAX);
    check.require(budget < most, place, "`budget_tokens` has to be less than `max_tokens`");
}

/// Thinking goes with neither another temperature nor a forced tool.
fn beside_thinking(check: &mut Check, map: &Map<String, Value>) {
    let temperature = map.get("temperature").and_then(Value::as_f64).unwrap_or(1.0);
    let standard = (temperature - 1.0).abs() < f64::EPSILON;
    check.require(standard, "body.temperature", "may only be 1 with thinking");
    check.require(!map.contains_key("top_k"), "body.top_k", "is not allowed with thinking");
    let top = map.get("top_p").and_then(Value::as_f64).unwrap_or(1.0);
    check.require(top >= 0.95, "body.top_p", "has to be at least 0.95 with thinking");
    let choice = map.get("tool_choice").and_then(|choice| choice["type"].as_str());
    let free = choice.is_none_or(|choice| ["auto", "none"].contains(&choice));
    check.require(free, "body.tool_choice", "thinking is not possible when a tool is forced");
}

/// Checks the tools and returns their names.
fn tools(check: &mut Check, map: &Map<String, Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let Some(list) = map.get("tools").and_then(|tools| check.array(tools, "tools")) else {
        return names;
    };
    for (index, tool) in list.iter().enumerate() {
        let place = format!("tools[{index}]");
        let optional = &["description", "cache_control", "type"];
        let Some(tool) = check.object(tool, &place, &["name", "input_schema"], optional) else {
            continue;
        };
        check.word(tool, &place, "type", &["custom"]);
        check.text(tool, &place, "description");
        let name = check.text(tool, &place, "name").unwrap_or_default();
        check.name(name, &place, 64);
        check.require(names.insert(name.to_owned()), &place, format!("`{name}` is there twice"));
        let schema = tool.get("input_schema").unwrap_or(&Value::Null);
        check.parameters(schema, &format!("{place}.input_schema"));
        message::cache_control(check, tool, &place);
    }
    names
}

fn tool_choice(check: &mut Check, map: &Map<String, Value>, tools: &BTreeSet<String>) {
    let (Some(choice), place) = (map.get("tool_choice"), "body.tool_choice") else { return };
    check.require(!tools.is_empty(), place, "may only be specified while providing `tools`");
    match choice["type"].as_str() {
        Some("auto" | "any") => {
            check.object(choice, place, &["type"], &["disable_parallel_tool_use"]);
        }
        Some("none") => {
            check.object(choice, place, &["type"], &[]);
        }
        Some("tool") => {
            check.object(choice, place, &["type", "name"], &["disable_parallel_tool_use"]);
            let name = choice["name"].as_str().unwrap_or_default();
            check.require(tools.contains(name), place, format!("`{name}` is not in `tools`"));
        }
        _ => check.fault(place, "unknown type"),
    }
}

fn output(check: &mut Check, map: &Map<String, Value>) {
    let (Some(config), place) = (map.get("output_config"), "body.output_config") else { return };
    let Some(config) = check.object(config, place, &[], &["effort", "format"]) else { return };
    check.word(config, place, "effort", &["low", "medium", "high", "xhigh", "max"]);
    let (Some(format), place) = (config.get("format"), "body.output_config.format") else { return };
    if let Some(format) = check.object(format, place, &["type", "schema"], &[]) {
        check.word(format, place, "type", &["json_schema"]);
    }
}

/// Counts the blocks that are marked for the cache.
fn marks(value: &Value) -> usize {
    match value {
        // Arguments of a call are the model's, whatever they contain.
        Value::Object(map) => map
            .iter()
            .filter(|(name, _)| *name != "input" && *name != "input_schema")
            .map(|(name, inner)| {
                usize::from(name == "cache_control" && !inner.is_null()) + marks(inner)
            })
            .sum(),
        Value::Array(list) => list.iter().map(marks).sum(),
        _ => 0,
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
