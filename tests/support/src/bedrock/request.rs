//! What is wrong with a request for a message.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::message;
use crate::schema::Check;

const OPTIONAL: &[&str] = &[
    "additionalModelRequestFields",
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "inferenceConfig",
    "outputConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
    "system",
    "toolConfig",
];
/// How many cache points a request may have.
const MOST_POINTS: usize = 4;

/// Returns every fault of the request, each with its place.
pub(super) fn check(body: &Value, model: &str) -> Vec<String> {
    let mut check = Check::default();
    if let Some(map) = check.object(body, "body", &["messages"], OPTIONAL) {
        inference(&mut check, map);
        system(&mut check, map);
        let tools = tools(&mut check, map, model);
        let text = body["messages"].to_string();
        let called = text.contains("\"toolUse\":{") || text.contains("\"toolResult\":{");
        let message = "The toolConfig field must be defined when using toolUse and toolResult content \
                       blocks.";
        check.require(!called || tools.is_some(), "body", message);
        fields(&mut check, map, model);
        output(&mut check, map);
        message::check(&mut check, map);
        let points = points(body);
        let message = format!("at most {MOST_POINTS} cache points, found {points}");
        check.require(points <= MOST_POINTS, "body", message);
    }
    check.faults
}

fn inference(check: &mut Check, map: &Map<String, Value>) {
    let (Some(config), place) = (map.get("inferenceConfig"), "inferenceConfig") else { return };
    let optional = &["maxTokens", "stopSequences", "temperature", "topP"];
    let Some(config) = check.object(config, place, &[], optional) else { return };
    check.whole(config, place, "maxTokens", 1);
    check.number(config, place, "temperature", (0.0, 1.0));
    check.number(config, place, "topP", (0.0, 1.0));
}

fn system(check: &mut Check, map: &Map<String, Value>) {
    let Some(system) = map.get("system") else { return };
    for (index, block) in check.array(system, "system").into_iter().flatten().enumerate() {
        let place = format!("system.{index}");
        match (block.get("text"), block.get("cachePoint")) {
            (Some(text), None) => message::text(check, text, &place),
            (None, Some(point)) if index > 0 => message::point(check, point, &place),
            _ => check.fault(&place, "has to be a text, or a cache point after one"),
        }
    }
}

/// Checks the tools and returns their names, if there are any.
fn tools(check: &mut Check, map: &Map<String, Value>, model: &str) -> Option<BTreeSet<String>> {
    let place = "toolConfig";
    let config = check.object(map.get(place)?, place, &["tools"], &["toolChoice"])?;
    let mut names = BTreeSet::new();
    let list = check.array(config.get("tools")?, "toolConfig.tools")?;
    for (index, tool) in list.iter().enumerate() {
        let place = format!("toolConfig.tools.{index}");
        match tool.get("cachePoint") {
            Some(point) if index > 0 && model.contains("claude") => {
                message::point(check, point, &place);
            }
            Some(_) => check.fault(&place, "extraneous key [cachePoint] is not permitted"),
            None => spec(check, tool, &place, &mut names),
        }
    }
    check.require(!names.is_empty(), place, "has to have a tool");
    if let Some(choice) = config.get("toolChoice") {
        tool_choice(check, choice, &names);
    }
    Some(names)
}

fn spec(check: &mut Check, tool: &Value, place: &str, names: &mut BTreeSet<String>) {
    check.object(tool, place, &["toolSpec"], &[]);
    let optional = &["description", "strict"];
    let Some(spec) = check.object(&tool["toolSpec"], place, &["name", "inputSchema"], optional)
    else {
        return;
    };
    check.text(spec, place, "description");
    let name = check.text(spec, place, "name").unwrap_or_default();
    check.name(name, place, 64);
    check.require(names.insert(name.to_owned()), place, format!("`{name}` is there twice"));
    let schema = &tool["toolSpec"]["inputSchema"];
    check.object(schema, place, &["json"], &[]);
    check.parameters(&schema["json"], &format!("{place}.inputSchema"));
}

fn tool_choice(check: &mut Check, choice: &Value, tools: &BTreeSet<String>) {
    let place = "toolConfig.toolChoice";
    let Some((kind, inner)) =
        choice.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next())
    else {
        return check.fault(place, "has to have exactly one field");
    };
    match kind.as_str() {
        "auto" | "any" => drop(check.object(inner, place, &[], &[])),
        "tool" => {
            check.object(inner, place, &["name"], &[]);
            let name = inner["name"].as_str().unwrap_or_default();
            check.require(tools.contains(name), place, format!("`{name}` is not in `tools`"));
        }
        other => check.fault(place, format!("unknown field `{other}`")),
    }
}

/// What is passed on to the model is checked by the model: here Claude.
fn fields(check: &mut Check, map: &Map<String, Value>, model: &str) {
    let place = "additionalModelRequestFields";
    let Some(fields) = map.get(place) else { return };
    check.require(model.contains("claude"), place, "extraneous key is not permitted");
    check.object(fields, place, &[], &["anthropic_beta", "output_config", "thinking", "top_k"]);
    let thinking = &fields["thinking"];
    let kind = thinking["type"].as_str();
    if kind == Some("enabled") {
        let most = map["inferenceConfig"]["maxTokens"].as_u64().unwrap_or(u64::MAX);
        let budget = thinking["budget_tokens"].as_u64().unwrap_or(0);
        let fits = (1024..most).contains(&budget);
        check.require(fits, place, "`budget_tokens` has to be at least 1024 and below `maxTokens`");
    }
    if matches!(kind, Some("enabled" | "adaptive")) {
        let cool = map["inferenceConfig"].get("temperature").is_none_or(|value| *value == 1.0);
        check.require(cool, place, "`temperature` may only be 1 when thinking is enabled");
        let choice = map.get("toolConfig").and_then(|config| config.get("toolChoice"));
        let free = choice.is_none_or(|choice| choice.get("auto").is_some());
        check.require(free, place, "Thinking may not be enabled when tool_choice forces tool use.");
    }
}

fn output(check: &mut Check, map: &Map<String, Value>) {
    let (Some(config), place) = (map.get("outputConfig"), "outputConfig") else { return };
    check.object(config, place, &["textFormat"], &[]);
    let format = &config["textFormat"];
    check.object(format, place, &["type", "structure"], &[]);
    check.object(&format["structure"], place, &["jsonSchema"], &[]);
    let schema = &format["structure"]["jsonSchema"];
    check.object(schema, place, &["schema"], &["name", "description"]);
    let text = schema["schema"].as_str().unwrap_or_default();
    let readable = serde_json::from_str::<Value>(text).is_ok_and(|schema| schema.is_object());
    check.require(readable, place, "`schema` has to be the text of a JSON Schema");
}

/// Counts the cache points, which stand in lists: a field of a tool's arguments may have any name.
fn points(body: &Value) -> usize {
    let marked = |list: &Value| {
        let blocks = list.as_array().into_iter().flatten();
        blocks.filter(|block| block.get("cachePoint").is_some()).count()
    };
    let messages = body["messages"].as_array().into_iter().flatten();
    let in_messages: usize = messages.map(|message| marked(&message["content"])).sum();
    marked(&body["system"]) + marked(&body["toolConfig"]["tools"]) + in_messages
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
