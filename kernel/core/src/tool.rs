//! Tools as the loop sees them, whichever tier runs them.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{blob::Blob, skill::SkillUse};

/// A JSON Schema. It goes into every event, prompt and request that names its tool, so copies share it, and its
/// text is made once.
#[derive(Clone, Default)]
pub struct Schema(Arc<(Value, OnceLock<String>)>);

impl Schema {
    /// Returns it as a value.
    pub fn value(&self) -> &Value {
        &self.0.0
    }

    /// Returns it as compact JSON text.
    pub fn text(&self) -> &str {
        self.0.1.get_or_init(|| self.value().to_string())
    }
}

impl From<Value> for Schema {
    fn from(value: Value) -> Self {
        Self(Arc::new((value, OnceLock::new())))
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.value(), f)
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.value() == other.value()
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

/// Effect of a tool on the world, from harmless to grave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Reads, and changes nothing.
    Read,
    /// Changes files of the workspace; can be undone.
    Write,
    /// Runs a program in the sandbox.
    Execute,
    /// Says something to somebody outside.
    Send,
    /// Destroys what cannot be brought back.
    Destructive,
}

impl Effect {
    /// All of them, from harmless to grave.
    pub const ALL: [Self; 5] =
        [Self::Read, Self::Write, Self::Execute, Self::Send, Self::Destructive];

    /// Returns the word of the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Execute => "execute",
            Self::Send => "send",
            Self::Destructive => "destructive",
        }
    }
}

/// One tool of the toolbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Name that no other tool of the toolbox has.
    pub name: String,
    /// Description for the model.
    pub description: String,
    /// JSON Schema of its arguments.
    pub parameters: Schema,
    /// Effect on the world.
    pub effect: Effect,
    /// True if doing it twice is the same as doing it once.
    pub idempotent: bool,
    /// The domain whose trust level holds.
    pub domain: String,
    /// JSON pointer to the argument that names what is acted on.
    pub target: Option<String>,
    /// Name of the component that runs it.
    pub origin: String,
    /// Longest time for one call, in milliseconds.
    pub deadline_ms: u64,
}

impl Tool {
    /// Returns the tool as a model is told of it: without rules of its schema that say nothing about what to do.
    /// Whoever reads a call holds it to the whole schema and answers with what would be right.
    pub fn shown(mut self) -> Self {
        let mut schema = self.parameters.value().clone();
        forget_limits(&mut schema);
        self.parameters = schema.into();
        self
    }
}

/// Removes what only refuses calls from a schema and those within it. Names of properties are not words of a schema.
fn forget_limits(schema: &mut Value) {
    let Value::Object(words) = schema else { return };
    words.retain(|word, value| match word.as_str() {
        "additionalProperties" => *value != Value::Bool(false),
        "minLength" => false,
        _ => true,
    });
    if let Some(Value::Object(properties)) = words.get_mut("properties") {
        properties.values_mut().for_each(forget_limits);
    }
    if let Some(items) = words.get_mut("items") {
        forget_limits(items);
    }
}

/// Output of a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolOutput {
    /// Text for the model, already cut if it was long.
    pub text: String,
    /// The same output as JSON text, for programs.
    pub structured: Option<String>,
    /// Images and documents for the model to look at.
    #[serde(alias = "images")]
    pub attachments: Vec<Blob>,
    /// Summary for a person, in one line.
    pub summary: String,
    /// Path of the file with the whole text, if `text` was cut.
    pub saved: Option<String>,
    /// Receipts of programs that ran on behalf of the call.
    pub receipts: Vec<Receipt>,
    /// Programs of the task that go on in the background after the call, as commands; absent where it says nothing of
    /// them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Vec<String>>,
    /// The skill whose text it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skill: Option<SkillUse>,
}

impl ToolOutput {
    /// Adds notes about the call, each on a line of its own.
    #[must_use]
    pub fn noted(mut self, notes: &[String]) -> Self {
        self.text.extend(notes.iter().map(|note| format!("\n[{note}]")));
        self
    }
}

/// Proof that a program ran, issued by the host and not by the component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Id by which verdicts and claims refer to it.
    pub id: String,
    /// Command as one would type it.
    pub command: String,
    /// Exit code; absent if a signal ended the program.
    pub exit_code: Option<i32>,
    /// Duration in milliseconds.
    pub duration_ms: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_model_is_not_shown_what_only_refuses_calls_and_properties_keep_their_names() {
        let mut schema = json!({
            "type": "object", "additionalProperties": false, "required": ["minLength"],
            "properties": {
                "minLength": { "type": "string", "minLength": 1 },
                "additionalProperties": { "type": "array", "items": {
                    "type": "object", "additionalProperties": false, "properties": {},
                }},
                "open": { "type": "object", "additionalProperties": { "type": "string" } },
            },
        });

        forget_limits(&mut schema);

        let shown = json!({
            "type": "object", "required": ["minLength"],
            "properties": {
                "minLength": { "type": "string" },
                "additionalProperties": { "type": "array", "items": {
                    "type": "object", "properties": {},
                }},
                "open": { "type": "object", "additionalProperties": { "type": "string" } },
            },
        });
        assert_eq!(schema, shown);
    }
}
