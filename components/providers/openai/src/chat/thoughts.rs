//! A model's reasoning, in the fields that compatible services have invented for it.

use openkoi_sdk::provider::{Event, Reasoning};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Fields of a message that hold reasoning as text, and go back under the same name.
const TEXT_FIELDS: [&str; 2] = ["reasoning_content", "reasoning"];
/// The field that holds reasoning as a list of blocks, some of them encrypted.
const BLOCKS_FIELD: &str = "reasoning_details";
/// Fields of a block that come in pieces.
const PIECES: [&str; 4] = ["text", "summary", "data", "signature"];

/// The state that has to come back with a later request.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct State {
    /// Names this format, because a fallback may meet the state of another.
    format: Format,
    /// The field that the text came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// The text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    text: String,
    /// The blocks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    blocks: Vec<Value>,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
enum Format {
    #[serde(rename = "chat")]
    Chat,
}

impl State {
    /// Reads the state of `reasoning`, if this codec wrote it.
    pub(crate) fn read(reasoning: &Reasoning) -> Option<Self> {
        serde_json::from_str(&reasoning.state).ok()
    }

    /// Adds to `message` what the service expects back.
    pub(crate) fn write(self, message: &mut Map<String, Value>) {
        if !self.blocks.is_empty() {
            let field = message.entry(BLOCKS_FIELD).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(blocks) = field {
                blocks.extend(self.blocks);
            }
            return;
        }
        // Services that call the field `reasoning` do not take it back.
        if self.field.as_deref() == Some(TEXT_FIELDS[0]) {
            let field =
                message.entry(TEXT_FIELDS[0]).or_insert_with(|| Value::String(String::new()));
            if let Value::String(text) = field {
                text.push_str(&self.text);
            }
        }
    }
}

/// Collects the reasoning of one answer.
#[derive(Debug, Default)]
pub(crate) struct Thoughts {
    field: Option<&'static str>,
    text: String,
    blocks: Vec<Value>,
}

impl Thoughts {
    /// Takes what `delta` has of reasoning.
    pub(crate) fn take(&mut self, delta: &Value, events: &mut Vec<Event>) {
        let field = TEXT_FIELDS
            .into_iter()
            .find(|field| delta[*field].as_str().is_some_and(|text| !text.is_empty()));
        if let Some(field) = field {
            self.field = Some(field);
            self.say(delta[field].as_str().unwrap_or_default(), events);
        }
        for block in delta[BLOCKS_FIELD].as_array().into_iter().flatten() {
            if field.is_none() {
                let text = block["text"].as_str().or(block["summary"].as_str());
                self.say(text.unwrap_or_default(), events);
            }
            self.add(block);
        }
    }

    /// Takes reasoning that came as text in another place.
    pub(crate) fn say(&mut self, text: &str, events: &mut Vec<Event>) {
        if !text.is_empty() {
            self.text.push_str(text);
            events.push(Event::Thought(text.to_owned()));
        }
    }

    /// Ends a block of reasoning, if there is one.
    pub(crate) fn flush(&mut self, events: &mut Vec<Event>) {
        if self.text.is_empty() && self.blocks.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        let blocks = std::mem::take(&mut self.blocks);
        let state = State {
            format: Format::Chat,
            field: self.field.map(str::to_owned),
            text: if blocks.is_empty() { text.clone() } else { String::new() },
            blocks,
        };
        // A struct of strings and JSON values can always be written.
        let state = serde_json::to_string(&state).unwrap_or_default();
        events.push(Event::Reasoning(Reasoning { text, state }));
    }

    /// Adds a block, or continues the last one.
    fn add(&mut self, piece: &Value) {
        match self.blocks.last_mut() {
            Some(last) if is_same_block(last, piece) => extend(last, piece),
            _ => self.blocks.push(piece.clone()),
        }
    }
}

fn is_same_block(last: &Value, piece: &Value) -> bool {
    let same = |field: &str| last[field] == piece[field];
    // A piece without an id continues; with one it does so where the service repeats it, which only texts show.
    let continues = piece["id"].is_null() || (same("id") && piece["type"] == "reasoning.text");
    same("type") && same("index") && piece["index"].is_u64() && continues
}

fn extend(block: &mut Value, piece: &Value) {
    let (Value::Object(block), Value::Object(piece)) = (block, piece) else {
        return;
    };
    for (field, value) in piece {
        match (block.get_mut(field), value) {
            (Some(Value::String(text)), Value::String(more))
                if PIECES.contains(&field.as_str()) =>
            {
                text.push_str(more);
            }
            (Some(Value::Null) | None, _) => {
                block.insert(field.clone(), value.clone());
            }
            _ => {}
        }
    }
}
