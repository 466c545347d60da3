//! What is wrong with the contents of a request.

use serde_json::{Map, Value};

use crate::schema::Check;

const MEDIA_TYPES: &[&str] =
    &["image/jpeg", "image/png", "image/webp", "image/heic", "image/heif", "application/pdf"];
/// What a part can be. It is one of them.
const KINDS: [&str; 4] = ["text", "inlineData", "functionCall", "functionResponse"];

/// Checks each content, and that calls and answers are turns of their own that follow each other.
pub(super) fn check(check: &mut Check, body: &Map<String, Value>) {
    let contents = body.get("contents").unwrap_or(&Value::Null);
    let Some(list) = check.array(contents, "contents") else { return };
    check.require(!list.is_empty(), "contents", "contents is not specified");
    for (index, content) in list.iter().enumerate() {
        self::content(check, content, &format!("contents[{index}]"));
    }
    let first = list.first().is_none_or(|content| content["role"] == "user");
    check.require(first, "contents", "the first content has to be the user's");
    let last = list.last().is_none_or(|content| content["role"] == "user");
    check.require(last, "contents", "an answer that is begun is not supported");
    answered(check, list);
}

fn content(check: &mut Check, content: &Value, place: &str) {
    let Some(map) = check.object(content, place, &["role", "parts"], &[]) else { return };
    if check.word(map, place, "role", &["user", "model"]).is_none() {
        check.fault(place, "Please use a valid role: user, model.");
    }
    let by_model = content["role"] == "model";
    let Some(parts) = check.array(&content["parts"], &format!("{place}.parts")) else { return };
    check.require(!parts.is_empty(), place, "must include at least one parts field");
    for (index, part) in parts.iter().enumerate() {
        self::part(check, part, by_model, &format!("{place}.parts[{index}]"));
    }
}

fn part(check: &mut Check, part: &Value, by_model: bool, place: &str) {
    let optional: &[&str] = if by_model { &["thought", "thoughtSignature"] } else { &[] };
    let known = [&KINDS[..], optional].concat();
    let Some(map) = check.object(part, place, &[], &known) else { return };
    check.boolean(map, place, "thought");
    check.text(map, place, "thoughtSignature");
    let kinds: Vec<&str> = KINDS.into_iter().filter(|kind| map.contains_key(*kind)).collect();
    match (kinds.as_slice(), by_model) {
        (["text"], _) => {
            let signed = map.contains_key("thoughtSignature");
            let text = part["text"].as_str();
            let fits = text.is_some_and(|text| signed || !text.is_empty());
            check.require(fits, place, "has to have text");
        }
        (["inlineData"], false) => inline(check, &part["inlineData"], place),
        (["functionCall"], true) => call(check, &part["functionCall"], place),
        (["functionResponse"], false) => response(check, &part["functionResponse"], place),
        (kinds, _) => check.fault(place, format!("{kinds:?} is not allowed here")),
    }
}

fn inline(check: &mut Check, data: &Value, place: &str) {
    let place = format!("{place}.inlineData");
    if let Some(map) = check.object(data, &place, &["mimeType", "data"], &[]) {
        check.word(map, &place, "mimeType", MEDIA_TYPES);
        check.text(map, &place, "data");
    }
}

fn call(check: &mut Check, call: &Value, place: &str) {
    let place = format!("{place}.functionCall");
    let Some(map) = check.object(call, &place, &["name"], &["args", "id"]) else { return };
    let name = check.text(map, &place, "name").unwrap_or_default();
    check.name(name, &place, 64);
    check.text(map, &place, "id");
    let fits = map.get("args").is_none_or(Value::is_object);
    check.require(fits, &place, "`args` has to be an object");
}

fn response(check: &mut Check, response: &Value, place: &str) {
    let place = format!("{place}.functionResponse");
    let Some(map) = check.object(response, &place, &["name", "response"], &["id"]) else { return };
    check.require(map.get("name").is_some_and(|name| name != ""), &place, "Name cannot be empty.");
    check.text(map, &place, "id");
    check.require(response["response"].is_object(), &place, "`response` has to be an object");
}

/// The calls or answers of a content, each with its name and its id.
fn named<'a>(content: &'a Value, kind: &str) -> Vec<(&'a Value, &'a Value)> {
    let parts = content["parts"].as_array().into_iter().flatten();
    let values = parts.map(|part| &part[kind]).filter(|value| value.is_object());
    values.map(|value| (&value["name"], &value["id"])).collect()
}

/// Calls come after the user, and their answers at once, all of them and nothing else.
fn answered(check: &mut Check, list: &[Value]) {
    let mut calls = Vec::new();
    for (index, content) in list.iter().enumerate() {
        let place = format!("contents[{index}]");
        let answers = named(content, "functionResponse");
        if calls.len() != answers.len() {
            let sentence = if calls.is_empty() {
                "Please ensure that function response turn comes immediately after a function call turn."
            } else {
                "Please ensure that the number of function response parts is equal to the number of function call \
                 parts of the function call turn."
            };
            check.fault(&place, sentence);
        }
        let parts = content["parts"].as_array().map_or(0, Vec::len);
        let alone = answers.is_empty() || answers.len() == parts;
        check.require(alone, &place, "function responses and other parts in one content");
        matched(check, &calls, &answers, &place);
        calls = named(content, "functionCall");
        let after_user = index.checked_sub(1).is_some_and(|before| list[before]["role"] == "user");
        check.require(
            calls.is_empty() || after_user,
            &place,
            "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
        );
    }
    check.require(calls.is_empty(), "contents", "the last calls have no answers");
}

/// An answer has the id of its call, or, where the call had none, its name and its place.
fn matched(
    check: &mut Check,
    calls: &[(&Value, &Value)],
    answers: &[(&Value, &Value)],
    place: &str,
) {
    for (at, (name, id)) in answers.iter().enumerate() {
        let call = match id.is_null() {
            true => calls.get(at).filter(|(_, id)| id.is_null()),
            false => calls.iter().find(|(_, known)| known == id),
        };
        let known = call.is_some_and(|(known, _)| known == name);
        check.require(calls.is_empty() || known, place, format!("{name} {id} answers no call"));
    }
}
