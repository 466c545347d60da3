//! Messages to a model and its answers, in no vendor's format.

pub use crate::bindings::host::openkoi::types::conversation::{
    Blob, Completion, CompletionRequest, Effort, Message, Part, Reasoning, Speaker, StopReason,
    ToolCall, ToolChoice, ToolResult, ToolSpec, Usage,
};

impl Message {
    /// Says `text` as the user.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Speaker::User, text)
    }

    /// Says `text` as the model.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Speaker::Assistant, text)
    }

    fn new(speaker: Speaker, text: impl Into<String>) -> Self {
        Self { speaker, parts: vec![Part::Text(text.into())] }
    }

    /// Returns the text of the message, its text parts joined.
    pub fn text(&self) -> String {
        text_of(&self.parts)
    }
}

impl Completion {
    /// Returns the text of the answer, its text parts joined.
    pub fn text(&self) -> String {
        text_of(&self.parts)
    }

    /// Returns the tools that the model asks for, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        })
    }
}

impl Usage {
    /// A count of which nothing is known.
    pub const UNKNOWN: Self =
        Self { input: None, output: None, cache_read: None, cache_write: None, reasoning: None };
}

impl Default for Usage {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

fn text_of(parts: &[Part]) -> String {
    parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}
