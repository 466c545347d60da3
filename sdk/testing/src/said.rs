//! Short ways to say what a test says often.

use openkoi_core::message::{Message, Part, Prompt, StopReason, ToolCall, Turn, Usage};

/// Returns a prompt of one message.
#[must_use]
pub fn asking(text: &str) -> Prompt {
    Prompt { messages: vec![Message::user(text)], ..Prompt::default() }
}

/// Returns a turn in which a model calls one tool, with arguments as JSON.
#[must_use]
pub fn calling(tool: &str, arguments: &str) -> Turn {
    let call =
        ToolCall { id: "call".to_owned(), name: tool.to_owned(), arguments: arguments.to_owned() };
    Turn {
        parts: vec![Part::ToolCall(call)],
        stop: StopReason::ToolCalls,
        usage: Usage::default(),
        model: String::new(),
        route: None,
    }
}
