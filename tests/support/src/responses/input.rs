//! What is wrong with the items of a request.

use serde_json::Value;

use crate::schema::Check;

/// The longest id of a call.
const LONGEST_ID: usize = 64;

/// Checks each item by itself, and that calls and outputs answer each other. Reasoning may only come where it
/// was asked for encrypted and nothing is stored.
pub(super) fn check(check: &mut Check, input: &Value, reasons: bool) {
    if input.is_string() {
        return;
    }
    let Some(list) = check.array(input, "input") else { return };
    check.require(!list.is_empty(), "input", "has to have an item");
    let mut calls = Calls::default();
    for (index, item) in list.iter().enumerate() {
        let place = format!("input[{index}]");
        match item["type"].as_str() {
            None | Some("message") => message(check, item, &place),
            Some("function_call") => calls.ask(call(check, item, &place), check, &place),
            Some("function_call_output") => {
                calls.answer(&output(check, item, &place), check, &place);
            }
            Some("reasoning") => reasoning(check, item, &place, reasons),
            Some(other) => check.fault(&place, format!("unknown type `{other}`")),
        }
    }
    for id in calls.open {
        check.fault("input", format!("no tool output found for function call {id}"));
    }
}

/// Calls so far.
#[derive(Default)]
struct Calls {
    seen: Vec<String>,
    open: Vec<String>,
}

impl Calls {
    fn ask(&mut self, id: String, check: &mut Check, place: &str) {
        check.require(!self.seen.contains(&id), place, format!("call `{id}` is there twice"));
        self.seen.push(id.clone());
        self.open.push(id);
    }

    fn answer(&mut self, id: &str, check: &mut Check, place: &str) {
        let message = format!("no tool call found for function call output with call_id {id}");
        check.require(self.open.iter().any(|open| open == id), place, message);
        self.open.retain(|open| open != id);
    }
}

fn message(check: &mut Check, item: &Value, place: &str) {
    let optional = &["type", "id", "phase", "status"];
    let Some(map) = check.object(item, place, &["role", "content"], optional) else { return };
    check.word(map, place, "role", &["user", "assistant", "system", "developer"]);
    own_id(check, item, place, "msg");
    let kinds: &[&str] = match item["role"].as_str() {
        Some("assistant") => &["output_text", "refusal"],
        _ => &["input_text", "input_image", "input_file"],
    };
    content(check, &item["content"], &format!("{place}.content"), kinds);
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
        part_of(check, part, kind, &place);
    }
}

fn part_of(check: &mut Check, part: &Value, kind: &str, place: &str) {
    let (required, optional): (&[&str], &[&str]) = match kind {
        "input_text" => (&["type", "text"], &[]),
        "output_text" => (&["type", "text"], &["annotations", "logprobs"]),
        "refusal" => (&["type", "refusal"], &[]),
        "input_image" => (&["type", "image_url"], &["detail"]),
        _ => (&["type"], &["file_data", "file_id", "file_url", "filename"]),
    };
    let Some(map) = check.object(part, place, required, optional) else { return };
    for name in ["text", "refusal"] {
        let fits = map.get(name).is_none_or(Value::is_string);
        check.require(fits, place, format!("`{name}` has to be a text"));
    }
    if kind == "input_image" {
        check.word(map, place, "detail", &["auto", "low", "high"]);
        // A URL, where Chat Completions has an object with one.
        let url = part["image_url"].as_str().unwrap_or_default();
        let fits = url.starts_with("https://") || url.starts_with("data:image/");
        check.require(fits, place, "has to be an https or data URL");
    }
    if kind == "input_file" {
        check.text(map, place, "filename");
        let data = check.text(map, place, "file_data").unwrap_or_default();
        let fits = data.starts_with("data:application/pdf;base64,");
        check.require(fits, place, "has to be a data URL of a PDF");
    }
}

/// Checks a call and returns its id.
fn call(check: &mut Check, item: &Value, place: &str) -> String {
    let required = &["type", "call_id", "name", "arguments"];
    let Some(map) = check.object(item, place, required, &["id", "status"]) else {
        return String::new();
    };
    own_id(check, item, place, "fc");
    let name = check.text(map, place, "name").unwrap_or_default();
    check.name(name, place, 64);
    check.require(item["arguments"].is_string(), place, "`arguments` has to be a text");
    call_id(check, item, place)
}

/// Checks an output and returns the id of its call.
fn output(check: &mut Check, item: &Value, place: &str) -> String {
    check.object(item, place, &["type", "call_id", "output"], &["id", "status"]);
    own_id(check, item, place, "fc");
    let kinds = &["input_text", "input_image", "input_file"];
    content(check, &item["output"], &format!("{place}.output"), kinds);
    call_id(check, item, place)
}

fn call_id(check: &mut Check, item: &Value, place: &str) -> String {
    let id = item["call_id"].as_str().unwrap_or_default();
    let fits = (1..=LONGEST_ID).contains(&id.len());
    check.require(fits, place, format!("`call_id` has to have from 1 to {LONGEST_ID} characters"));
    id.to_owned()
}

/// Checks the item's own id, which the vendor makes and no other: it says the type.
fn own_id(check: &mut Check, item: &Value, place: &str, begins: &str) {
    let fits = match &item["id"] {
        Value::Null => true,
        id => id.as_str().is_some_and(|id| id.starts_with(begins)),
    };
    check.require(fits, place, format!("expected an id that begins with `{begins}`"));
}

fn reasoning(check: &mut Check, item: &Value, place: &str, reasons: bool) {
    let optional = &["content", "encrypted_content", "status"];
    check.object(item, place, &["type", "id", "summary"], optional);
    own_id(check, item, place, "rs");
    for (index, part) in item["summary"].as_array().into_iter().flatten().enumerate() {
        let place = format!("{place}.summary[{index}]");
        check.object(part, &place, &["type", "text"], &[]);
    }
    check.require(item["summary"].is_array(), place, "`summary` has to be an array");
    let message = "items are not persisted when `store` is false, and this one is not whole: it needs `store` false, \
                   `include` with `reasoning.encrypted_content`, and that content";
    let whole = item["encrypted_content"].is_string();
    check.require(reasons && whole, place, message);
}
