//! What is wrong with the messages of a request.

use serde_json::{Map, Value};

use crate::schema::Check;

const DOCUMENTS: &[&str] = &["application/pdf"];
const IMAGES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Checks each message, and that calls and results answer each other.
pub(super) fn check(check: &mut Check, body: &Map<String, Value>) {
    let messages = body.get("messages").unwrap_or(&Value::Null);
    let Some(list) = check.array(messages, "messages") else { return };
    check.require(!list.is_empty(), "messages", "has to have a message");
    for (index, message) in list.iter().enumerate() {
        let place = format!("messages[{index}]");
        if let Some(map) = check.object(message, &place, &["role", "content"], &[]) {
            check.word(map, &place, "role", &["user", "assistant"]);
            content(check, message, &place);
        }
    }
    let turns = turns(list);
    let first = turns.first().is_none_or(|turn| !turn.assistant);
    check.require(first, "messages", "the first message has to use the `user` role");
    answered(check, &turns);
    ending(check, body, list);
}

/// Messages of one role in a row, which the API takes as one.
struct Turn<'a> {
    assistant: bool,
    blocks: Vec<&'a Value>,
}

impl Turn<'_> {
    fn ids(&self, kind: &str, name: &str) -> Vec<&str> {
        let blocks = self.blocks.iter().filter(|block| block["type"] == kind);
        blocks.map(|block| block[name].as_str().unwrap_or_default()).collect()
    }
}

fn turns(list: &[Value]) -> Vec<Turn<'_>> {
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for message in list {
        let assistant = message["role"] == "assistant";
        if turns.last().is_none_or(|turn| turn.assistant != assistant) {
            turns.push(Turn { assistant, blocks: Vec::new() });
        }
        let blocks = message["content"].as_array().into_iter().flatten();
        if let Some(turn) = turns.last_mut() {
            turn.blocks.extend(blocks);
        }
    }
    turns
}

/// Each call is answered in the turn after it, before anything else is said, and nothing else is answered.
fn answered(check: &mut Check, turns: &[Turn<'_>]) {
    let mut calls: Vec<&str> = Vec::new();
    for (index, turn) in turns.iter().enumerate() {
        let place = format!("turn {index}");
        if turn.assistant {
            calls = turn.ids("tool_use", "id");
            let last = index + 1 == turns.len();
            let message =
                format!("`tool_use` without `tool_result` after it: {}", calls.join(", "));
            check.require(!last || calls.is_empty(), &place, message);
            continue;
        }
        let results = turn.ids("tool_result", "tool_use_id");
        for id in calls.iter().filter(|id| !results.contains(id)) {
            check.fault(&place, format!("`tool_use` without `tool_result` after it: {id}"));
        }
        for (place_of, id) in results.iter().enumerate() {
            let known = calls.contains(id);
            check.require(known, &place, format!("unexpected `tool_use_id`: {id}"));
            let twice = results[..place_of].contains(id);
            check.require(!twice, &place, format!("two results for {id}"));
        }
        let leading = turn.blocks.iter().take_while(|block| block["type"] == "tool_result").count();
        check.require(leading == results.len(), &place, "results have to come before other blocks");
        calls.clear();
    }
}

/// A request may end with the beginning of an answer, but not with thinking, and not with a blank.
fn ending(check: &mut Check, body: &Map<String, Value>, list: &[Value]) {
    let Some(last) = list.last().filter(|message| message["role"] == "assistant") else { return };
    let thinks = body.get("thinking").is_some_and(|thinking| thinking["type"] != "disabled");
    check.require(!thinks, "messages", "no prefilled answer with thinking");
    let text = last["content"].as_str().or_else(|| {
        let block = last["content"].as_array().and_then(|blocks| blocks.last());
        block.and_then(|block| block["text"].as_str())
    });
    let blank = text.is_some_and(|text| text.ends_with(char::is_whitespace));
    check.require(!blank, "messages", "the last assistant text ends with white space");
}

fn content(check: &mut Check, message: &Value, place: &str) {
    let assistant = message["role"] == "assistant";
    if let Some(text) = message["content"].as_str() {
        check.require(!text.trim().is_empty(), place, "has to have text that is not blank");
        return;
    }
    let Some(blocks) = check.array(&message["content"], place) else { return };
    check.require(!blocks.is_empty(), place, "has to have a block");
    for (index, block) in blocks.iter().enumerate() {
        let place = format!("{place}.content[{index}]");
        match (block["type"].as_str().unwrap_or_default(), assistant) {
            ("text", _) => text(check, block, &place),
            ("image", false) => blob(check, block, &place, IMAGES),
            ("document", false) => blob(check, block, &place, DOCUMENTS),
            ("tool_result", false) => result(check, block, &place),
            ("tool_use", true) => call(check, block, &place),
            ("thinking", true) => {
                check.object(block, &place, &["type", "thinking", "signature"], &[]);
            }
            ("redacted_thinking", true) => {
                check.object(block, &place, &["type", "data"], &[]);
            }
            (other, _) => check.fault(&place, format!("`{other}` is not allowed here")),
        }
    }
}

/// Checks a block of text.
pub(super) fn text(check: &mut Check, block: &Value, place: &str) {
    let optional = &["cache_control", "citations"];
    let Some(map) = check.object(block, place, &["type", "text"], optional) else { return };
    check.word(map, place, "type", &["text"]);
    let text = map.get("text").and_then(Value::as_str).unwrap_or_default();
    check.require(!text.trim().is_empty(), place, "text blocks must not be empty or blank");
    cache_control(check, map, place);
}

/// Checks a mark for the cache.
pub(super) fn cache_control(check: &mut Check, map: &Map<String, Value>, place: &str) {
    let Some(mark) = map.get("cache_control") else { return };
    let place = format!("{place}.cache_control");
    if let Some(mark) = check.object(mark, &place, &["type"], &["ttl"]) {
        check.word(mark, &place, "type", &["ephemeral"]);
        check.word(mark, &place, "ttl", &["5m", "1h"]);
    }
}

fn blob(check: &mut Check, block: &Value, place: &str, media_types: &[&str]) {
    let Some(map) = check.object(block, place, &["type", "source"], &["cache_control"]) else {
        return;
    };
    cache_control(check, map, place);
    let source = &block["source"];
    match source["type"].as_str() {
        Some("base64") => {
            if let Some(map) = check.object(source, place, &["type", "media_type", "data"], &[]) {
                check.word(map, place, "media_type", media_types);
                check.text(map, place, "data");
            }
        }
        Some("url") => {
            check.object(source, place, &["type", "url"], &[]);
        }
        _ => check.fault(place, "unknown source"),
    }
}

fn result(check: &mut Check, block: &Value, place: &str) {
    let optional = &["content", "is_error", "cache_control"];
    let Some(map) = check.object(block, place, &["type", "tool_use_id"], optional) else { return };
    check.text(map, place, "tool_use_id");
    check.boolean(map, place, "is_error");
    cache_control(check, map, place);
    for (index, part) in
        map.get("content").and_then(Value::as_array).into_iter().flatten().enumerate()
    {
        let place = format!("{place}.content[{index}]");
        match part["type"].as_str() {
            Some("text") => text(check, part, &place),
            Some("image") => blob(check, part, &place, IMAGES),
            _ => check.fault(&place, "is not allowed in a result"),
        }
    }
}

fn call(check: &mut Check, block: &Value, place: &str) {
    let required = &["type", "id", "name", "input"];
    let Some(map) = check.object(block, place, required, &["cache_control"]) else { return };
    cache_control(check, map, place);
    let id = check.text(map, place, "id").unwrap_or_default().to_owned();
    check.name(&id, &format!("{place}.id"), 256);
    let name = check.text(map, place, "name").unwrap_or_default();
    check.name(name, place, 64);
    check.require(block["input"].is_object(), place, "`input` has to be an object");
}
