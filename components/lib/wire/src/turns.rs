//! Brings a conversation into the shape that the wire formats insist on.
//!
//! The kernel cuts and compacts conversations, and a fallback may continue one that another provider began. So
//! what arrives here may have two messages of one speaker in a row, empty texts, calls that nobody answered,
//! answers that nobody asked for, and ids that were used twice. The services refuse each of these, so all are
//! repaired here, in one place for all formats. Nothing that was said is dropped.

use std::collections::HashSet;

use openkoi_sdk::provider::{Blob, Message, Part, Speaker, ToolCall, ToolChoice, ToolResult};

/// The text that is sent as the answer to a call that has none.
const NO_RESULT: &str = "no result of this call was recorded";
/// Stands where a conversation was cut so that it begins with the model.
const CUT: &str = "(The beginning of this conversation is not shown.)";
/// Asks a model to go on that was the last to speak.
const CONTINUE: &str = "Continue.";

/// The images that nearly every service looks at.
pub const IMAGES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/// The documents that services look at.
pub const PDF: &str = "application/pdf";

/// One speaker's part of a conversation: speakers alternate.
#[derive(Clone, Debug)]
pub struct Turn {
    /// Who speaks.
    pub speaker: Speaker,
    /// Its parts. Answers to tool calls come first.
    pub parts: Vec<Part>,
}

/// Returns the conversation as alternating turns in which every call is answered, by the turn that follows it,
/// and every answer has its call. `id` writes an id as the service takes it, and `takes` says whether it takes
/// attachments of a media type; for the others there are words, so that one file does not end a task.
pub fn repair(
    messages: &[Message],
    id: fn(&str) -> String,
    takes: impl Fn(&str) -> bool,
) -> Vec<Turn> {
    let mut turns = merge(messages);
    turns.iter_mut().flat_map(|turn| &mut turn.parts).for_each(|part| describe(part, &takes));
    let mut seen = HashSet::new();
    let mut calls = Vec::new();
    for turn in &mut turns {
        match turn.speaker {
            Speaker::Assistant => calls = name_calls(turn, id, &mut seen),
            Speaker::User => answer(turn, std::mem::take(&mut calls)),
        }
    }
    if !calls.is_empty() {
        let mut last = Turn { speaker: Speaker::User, parts: Vec::new() };
        answer(&mut last, calls);
        turns.push(last);
    }
    turns
}

/// Makes the conversation begin and end with the user, where the service wants that.
pub fn complete(mut turns: Vec<Turn>) -> Vec<Turn> {
    if turns.first().is_some_and(|turn| turn.speaker == Speaker::Assistant) {
        turns.insert(0, says(CUT));
    }
    if turns.last().is_some_and(|turn| turn.speaker == Speaker::Assistant) {
        turns.push(says(CONTINUE));
    }
    turns
}

fn says(text: &str) -> Turn {
    Turn { speaker: Speaker::User, parts: vec![Part::Text(text.to_owned())] }
}

/// Makes alternating turns. Each part goes to the speaker who alone can have said it.
fn merge(messages: &[Message]) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for message in messages {
        for part in &message.parts {
            if matches!(part, Part::Text(text) if text.trim().is_empty()) {
                continue;
            }
            let speaker = speaker_of(part, message.speaker);
            match turns.last_mut() {
                Some(last) if last.speaker == speaker => last.parts.push(part.clone()),
                _ => turns.push(Turn { speaker, parts: vec![part.clone()] }),
            }
        }
    }
    turns
}

fn speaker_of(part: &Part, said_by: Speaker) -> Speaker {
    match part {
        Part::ToolCall(_) | Part::Reasoning(_) => Speaker::Assistant,
        Part::ToolResult(_) | Part::Attachment(_) => Speaker::User,
        Part::Text(_) => said_by,
    }
}

/// Puts words in the place of an attachment that is not taken.
fn describe(part: &mut Part, takes: &impl Fn(&str) -> bool) {
    if let Part::Attachment(blob) = part
        && !takes(&blob.media_type)
    {
        let Blob { media_type, bytes } = blob;
        let size = bytes.len();
        *part = Part::Text(format!("[{media_type}, {size} bytes: this service cannot look at it]"));
    }
}

/// A call that waits for its answer.
struct Pending {
    /// The id as the conversation has it.
    id: String,
    /// The id as it is sent.
    sent_as: String,
    name: String,
}

/// Gives each call of `turn` an id that no earlier call has, and returns the calls.
fn name_calls(turn: &mut Turn, id: fn(&str) -> String, seen: &mut HashSet<String>) -> Vec<Pending> {
    let calls = turn.parts.iter_mut().filter_map(|part| match part {
        Part::ToolCall(call) => Some(call),
        _ => None,
    });
    calls
        .map(|call| {
            let sent_as = unused(id(&call.id), seen);
            Pending {
                id: std::mem::replace(&mut call.id, sent_as.clone()),
                sent_as,
                name: call.name.clone(),
            }
        })
        .collect()
}

/// Returns `id`, which may be any text, in letters, digits, `_` and `-`.
pub fn plain_id(id: &str) -> String {
    id.chars().map(|c| if is_plain(c) { c } else { '_' }).collect()
}

/// Gives calls and their answers other ids. A conversation has to be repaired before, so that its ids differ.
pub fn rename_calls(turns: &mut [Turn], id: impl Fn(&str) -> String) {
    for part in turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        match part {
            Part::ToolCall(call) => call.id = id(&call.id),
            Part::ToolResult(result) => result.id = id(&result.id),
            Part::Text(_) | Part::Attachment(_) | Part::Reasoning(_) => {}
        }
    }
}

/// Returns an id of exactly so many letters and digits: `id` itself if it is one, else one that is made from it.
pub fn fixed_id(id: &str, length: usize) -> String {
    if id.len() == length && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return id.to_owned();
    }
    // FNV-1a: the ids of one conversation are few, and nobody chooses them to collide.
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let mut hash = id.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    let mut letter = || {
        let digit = u32::try_from(hash % 36).unwrap_or(0);
        hash = fold(hash / 36, 1);
        char::from_digit(digit, 36).unwrap_or('0')
    };
    (0..length).map(|_| letter()).collect()
}

fn unused(clean: String, seen: &mut HashSet<String>) -> String {
    let clean = if clean.is_empty() { "call".to_owned() } else { clean };
    let mut candidate = clean.clone();
    let mut count = 1;
    while !seen.insert(candidate.clone()) {
        count += 1;
        candidate = format!("{clean}-{count}");
    }
    candidate
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Puts the answers to `calls` first, makes up those that are missing, and turns the others into text.
fn answer(turn: &mut Turn, mut calls: Vec<Pending>) {
    let mut answers = Vec::new();
    let mut rest = Vec::new();
    for part in std::mem::take(&mut turn.parts) {
        let Part::ToolResult(result) = part else {
            rest.push(part);
            continue;
        };
        match calls.iter().position(|call| call.id == result.id) {
            Some(place) => answers
                .push(Part::ToolResult(ToolResult { id: calls.remove(place).sent_as, ..result })),
            None => rest.push(Part::Text(orphan(&result))),
        }
    }
    answers.extend(calls.into_iter().map(|call| {
        Part::ToolResult(ToolResult {
            id: call.sent_as,
            name: call.name,
            content: NO_RESULT.to_owned(),
            is_error: true,
        })
    }));
    answers.append(&mut rest);
    turn.parts = answers;
}

fn orphan(result: &ToolResult) -> String {
    let how = if result.is_error { "failed with" } else { "answered" };
    format!("The tool `{}` {how}:\n{}", result.name, result.content)
}

/// Asks in words for a call, where the model cannot be made to call.
pub fn ask_for_call(turns: &mut Vec<Turn>, choice: &ToolChoice) {
    let sentence = match choice {
        ToolChoice::Named(name) => format!("Answer by calling the tool `{name}`."),
        _ => "Answer by calling one of the tools.".to_owned(),
    };
    let text = Part::Text(sentence);
    match turns.last_mut() {
        Some(last) if last.speaker == Speaker::User => last.parts.push(text),
        _ => turns.push(Turn { speaker: Speaker::User, parts: vec![text] }),
    }
}

/// Returns `name` as the services accept tool names. A model may have made one up, and a conversation in which
/// it stands as it was would be refused as a whole.
pub fn tool_name(name: &str) -> String {
    let clean: String = name.chars().take(64).map(|c| if is_plain(c) { c } else { '_' }).collect();
    if clean.is_empty() { "unnamed".to_owned() } else { clean }
}

/// Returns the arguments of `call` as a JSON object. What the model wrote may be no JSON, or no object.
pub fn arguments_object(call: &ToolCall) -> serde_json::Map<String, serde_json::Value> {
    use serde_json::{Map, Value};
    match serde_json::from_str(&call.arguments) {
        Ok(Value::Object(object)) => object,
        Ok(Value::Null) => Map::new(),
        Ok(other) => Map::from_iter([("value".to_owned(), other)]),
        Err(_) if call.arguments.trim().is_empty() => Map::new(),
        Err(_) => {
            let text = Value::String(call.arguments.clone());
            Map::from_iter([("invalid_json".to_owned(), text)])
        }
    }
}

#[cfg(test)]
mod tests;
