//! What is wrong with a request for content.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{content, keywords, signs};
use crate::schema::Check;

const OPTIONAL: &[&str] = &[
    "cachedContent",
    "generationConfig",
    "safetySettings",
    "serviceTier",
    "systemInstruction",
    "toolConfig",
    "tools",
];
const CONFIG: &[&str] = &[
    "candidateCount",
    "maxOutputTokens",
    "responseJsonSchema",
    "responseMimeType",
    "seed",
    "stopSequences",
    "temperature",
    "thinkingConfig",
    "topK",
    "topP",
];
/// The most tokens that may be asked for.
const MOST_TOKENS: f64 = 65_536.0;

/// Returns every fault of the request, each with its place.
pub(super) fn check(model: &str, body: &Value) -> Vec<String> {
    let mut check = Check::default();
    if let Some(map) = check.object(body, "body", &["contents"], OPTIONAL) {
        content::check(&mut check, map);
        system(&mut check, map);
        let tools = tools(&mut check, map);
        tool_config(&mut check, map, &tools);
        config(&mut check, map, model, !tools.is_empty());
    }
    check.faults
}

fn system(check: &mut Check, map: &Map<String, Value>) {
    let (Some(system), place) = (map.get("systemInstruction"), "systemInstruction") else { return };
    check.object(system, place, &["parts"], &[]);
    for part in check.array(&system["parts"], place).into_iter().flatten() {
        if let Some(part) = check.object(part, place, &["text"], &[]) {
            check.text(part, place, "text");
        }
    }
}

fn tools(check: &mut Check, map: &Map<String, Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let Some(tools) = map.get("tools") else { return names };
    for (index, tool) in check.array(tools, "tools").into_iter().flatten().enumerate() {
        let place = format!("tools[{index}]");
        check.object(tool, &place, &["functionDeclarations"], &[]);
        let functions = tool["functionDeclarations"].as_array().into_iter().flatten();
        for (index, function) in functions.enumerate() {
            let place = format!("{place}.functionDeclarations[{index}]");
            let name = self::function(check, function, &place);
            let new = names.insert(name.clone());
            check.require(new, &place, format!("Duplicate function declaration found: {name}"));
        }
    }
    names
}

fn function(check: &mut Check, function: &Value, place: &str) -> String {
    let required = &["name", "description"];
    let Some(map) = check.object(function, place, required, &["parametersJsonSchema"]) else {
        return String::new();
    };
    let name = check.text(map, place, "name").unwrap_or_default().to_owned();
    check.name(&name, place, 64);
    check.text(map, place, "description");
    if let Some(schema) = map.get("parametersJsonSchema") {
        let place = format!("{place}.parametersJsonSchema");
        check.parameters(schema, &place);
        keywords::check(check, schema, &place);
    }
    name
}

fn tool_config(check: &mut Check, map: &Map<String, Value>, tools: &BTreeSet<String>) {
    let (Some(config), place) = (map.get("toolConfig"), "toolConfig") else { return };
    check.require(!tools.is_empty(), place, "there are no functions");
    check.object(config, place, &["functionCallingConfig"], &[]);
    let (calling, place) = (&config["functionCallingConfig"], "toolConfig.functionCallingConfig");
    let Some(calling) = check.object(calling, place, &["mode"], &["allowedFunctionNames"]) else {
        return;
    };
    let mode = check.word(calling, place, "mode", &["AUTO", "ANY", "NONE", "VALIDATED"]);
    let Some(allowed) = calling.get("allowedFunctionNames") else { return };
    let restricts = matches!(mode, Some("ANY" | "VALIDATED"));
    check.require(restricts, place, "allowed function names are for the mode ANY");
    for name in check.array(allowed, place).into_iter().flatten() {
        let known = name.as_str().is_some_and(|name| tools.contains(name));
        check.require(known, place, format!("{name} is not declared"));
    }
}

fn config(check: &mut Check, map: &Map<String, Value>, model: &str, has_tools: bool) {
    let (Some(config), place) = (map.get("generationConfig"), "generationConfig") else { return };
    let Some(config) = check.object(config, place, &[], CONFIG) else { return };
    check.number(config, place, "temperature", (0.0, 2.0));
    check.number(config, place, "maxOutputTokens", (1.0, MOST_TOKENS));
    let one = config.get("candidateCount").is_none_or(|count| *count == 1);
    check.require(one, place, "only one candidate");
    let mime = check.word(config, place, "responseMimeType", &["text/plain", "application/json"]);
    let json = mime == Some("application/json");
    if let Some(schema) = config.get("responseJsonSchema") {
        check.require(json, place, "a schema needs the mime type `application/json`");
        keywords::check(check, schema, "generationConfig.responseJsonSchema");
    }
    let both = json && has_tools && !signs(model);
    let message = "Function calling with a response mime type: 'application/json' is unsupported";
    check.require(!both, place, message);
    if let Some(thinking) = config.get("thinkingConfig") {
        self::thinking(check, thinking, model);
    }
}

/// Models think by a budget or by a level, each generation in its own way.
fn thinking(check: &mut Check, thinking: &Value, model: &str) {
    let place = "generationConfig.thinkingConfig";
    let known = &["includeThoughts", "thinkingBudget", "thinkingLevel"];
    let Some(map) = check.object(thinking, place, &[], known) else { return };
    check.boolean(map, place, "includeThoughts");
    let (budget, level) = (map.contains_key("thinkingBudget"), map.contains_key("thinkingLevel"));
    check.require(!(budget && level), place, "a budget and a level together");
    check.require(
        !(budget && signs(model)),
        place,
        "Thinking budget is not supported for this model.",
    );
    check.require(
        !(level && !signs(model)),
        place,
        "Thinking level is not supported for this model.",
    );
    check.number(map, place, "thinkingBudget", (-1.0, 24_576.0));
    check.word(map, place, "thinkingLevel", &["low", "medium", "high"]);
    let thinks = !model.starts_with("gemini-2.0") && !model.starts_with("gemini-1");
    check.require(thinks, place, "Thinking is not supported for this model.");
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
