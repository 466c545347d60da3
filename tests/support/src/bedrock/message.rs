//! What is wrong with the messages of a request.

use serde_json::{Map, Value};

use crate::schema::Check;

/// Checks each message, and that calls and results answer each other.
pub(super) fn check(check: &mut Check, body: &Map<String, Value>) {
    let messages = body.get("messages").unwrap_or(&Value::Null);
    let Some(list) = check.array(messages, "messages") else { return };
    check.require(!list.is_empty(), "messages", "has to have a message");
    for (index, message) in list.iter().enumerate() {
        let place = format!("messages.{index}");
        if let Some(map) = check.object(message, &place, &["role", "content"], &[]) {
            let role = check.word(map, &place, "role", &["user", "assistant"]);
            let expected = if index % 2 == 0 { "user" } else { "assistant" };
            check.require(
                role == Some(expected),
                &place,
                "roles have to alternate, the user first",
            );
            content(check, message, &place);
        }
    }
    let ends = list.last().is_none_or(|last| last["role"] == "user");
    check.require(ends, "messages", "a conversation must end with a user message");
    answered(check, list);
}

fn of<'a>(message: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    let blocks = message["content"].as_array().into_iter().flatten();
    blocks.filter_map(move |block| block.get(kind))
}

fn ids<'a>(message: &'a Value, kind: &'a str) -> Vec<&'a str> {
    of(message, kind).map(|block| block["toolUseId"].as_str().unwrap_or_default()).collect()
}

/// Each call is answered in the one message after it, first of all, and nothing else is answered.
fn answered(check: &mut Check, list: &[Value]) {
    let mut calls: Vec<&str> = Vec::new();
    for (index, message) in list.iter().enumerate() {
        let place = format!("messages.{index}");
        let results = ids(message, "toolResult");
        let (mut asked, mut said) = (calls.clone(), results.clone());
        asked.sort_unstable();
        said.sort_unstable();
        let pairs = format!("calls {asked:?} and results {said:?} do not match");
        check.require(asked == said, &place, pairs);
        let blocks = message["content"].as_array().map(Vec::as_slice).unwrap_or_default();
        let leading = blocks.iter().take_while(|block| block.get("toolResult").is_some()).count();
        check.require(leading == results.len(), &place, "results have to come before other blocks");
        calls = ids(message, "toolUse");
    }
    check.require(calls.is_empty(), "messages", "the last calls have no results");
}

fn content(check: &mut Check, message: &Value, place: &str) {
    let assistant = message["role"] == "assistant";
    let Some(blocks) = check.array(&message["content"], place) else { return };
    check.require(!blocks.is_empty(), place, "The content field is empty");
    for (index, block) in blocks.iter().enumerate() {
        let place = format!("{place}.content.{index}");
        let Some((kind, inner)) = only(check, block, &place) else { continue };
        match (kind.as_str(), assistant) {
            ("text", _) => text(check, inner, &place),
            ("cachePoint", _) => {
                check.require(index > 0, &place, "a cache point needs something before it");
                point(check, inner, &place);
            }
            ("image", false) => image(check, inner, &place),
            ("document", false) => {
                let word = blocks.iter().any(|block| block.get("text").is_some());
                check.require(word, &place, "a document needs a text beside it");
                document(check, inner, &place);
            }
            ("toolResult", false) => result(check, inner, &place),
            ("toolUse", true) => call(check, inner, &place),
            ("reasoningContent", true) => reasoning(check, inner, &place),
            (other, _) => check.fault(&place, format!("`{other}` is not allowed here")),
        }
    }
    let thought = blocks.last().is_some_and(|block| block.get("reasoningContent").is_some());
    check.require(!thought, place, "the final block cannot be `thinking`");
}

/// Returns the one field of a union.
fn only<'a>(check: &mut Check, block: &'a Value, place: &str) -> Option<(&'a String, &'a Value)> {
    let fields = block.as_object().filter(|fields| fields.len() == 1);
    check.require(fields.is_some(), place, "has to have exactly one field");
    fields?.iter().next()
}

/// Checks a text.
pub(super) fn text(check: &mut Check, text: &Value, place: &str) {
    let there = text.as_str().is_some_and(|text| !text.trim().is_empty());
    check.require(there, place, "The text field is blank");
}

/// Checks a cache point.
pub(super) fn point(check: &mut Check, point: &Value, place: &str) {
    if let Some(map) = check.object(point, place, &["type"], &["ttl"]) {
        check.word(map, place, "type", &["default"]);
        check.word(map, place, "ttl", &["5m", "1h"]);
    }
}

fn image(check: &mut Check, image: &Value, place: &str) {
    let Some(map) = check.object(image, place, &["format", "source"], &[]) else { return };
    check.word(map, place, "format", &["png", "jpeg", "gif", "webp"]);
    if let Some(source) = check.object(&image["source"], place, &["bytes"], &[]) {
        check.text(source, place, "bytes");
    }
}

fn document(check: &mut Check, document: &Value, place: &str) {
    let required = &["format", "name", "source"];
    let Some(map) = check.object(document, place, required, &[]) else { return };
    check.word(map, place, "format", &["pdf"]);
    let name = check.text(map, place, "name").unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || " -()[]".contains(c);
    check.require(name.chars().all(fits), place, "`name` has to be of plain characters");
    if let Some(source) = check.object(&document["source"], place, &["bytes"], &[]) {
        check.text(source, place, "bytes");
    }
}

fn result(check: &mut Check, result: &Value, place: &str) {
    let Some(map) = check.object(result, place, &["toolUseId", "content"], &["status"]) else {
        return;
    };
    check.text(map, place, "toolUseId");
    check.word(map, place, "status", &["success", "error"]);
    let Some(parts) = check.array(&result["content"], place) else { return };
    let bare = parts.is_empty() && result["status"] == "error";
    check.require(!bare, place, "cannot be empty when status value is error");
    for part in parts {
        match only(check, part, place) {
            Some((kind, inner)) if kind == "text" => text(check, inner, place),
            Some((kind, inner)) if kind == "image" => image(check, inner, place),
            Some((kind, _)) => check.fault(place, format!("`{kind}` is not allowed in a result")),
            None => {}
        }
    }
}

fn call(check: &mut Check, call: &Value, place: &str) {
    let Some(map) = check.object(call, place, &["toolUseId", "name", "input"], &[]) else { return };
    let id = check.text(map, place, "toolUseId").unwrap_or_default().to_owned();
    check.name(&id, &format!("{place}.toolUseId"), 64);
    let name = check.text(map, place, "name").unwrap_or_default();
    check.name(name, place, 64);
    check.require(call["input"].is_object(), place, "`input` has to be an object");
}

fn reasoning(check: &mut Check, thought: &Value, place: &str) {
    match only(check, thought, place) {
        Some((kind, inner)) if kind == "reasoningText" => {
            check.object(inner, place, &["text", "signature"], &[]);
        }
        Some((kind, inner)) if kind == "redactedContent" => {
            check.require(inner.is_string(), place, "has to be bytes in base64");
        }
        Some((kind, _)) => check.fault(place, format!("`{kind}` is not reasoning")),
        None => {}
    }
}
