//! Asking the host for a turn of a model.

use crate::{
    Result,
    bindings::host::openkoi::host::model,
    conversation::{Completion, Message, ToolChoice, ToolSpec},
    failure::hosted,
};

pub use model::Prompt;

impl Prompt {
    /// Asks with `system` and one message of the user.
    pub fn new(system: impl Into<String>, user: impl Into<String>) -> Self {
        Self {
            system: system.into(),
            messages: vec![Message::user(user)],
            tools: Vec::new(),
            tool_choice: ToolChoice::Automatic,
            schema: None,
            max_tokens: None,
        }
    }

    /// Makes the model answer by calling `tool`.
    #[must_use]
    pub fn must_call(mut self, tool: ToolSpec) -> Self {
        self.tool_choice = ToolChoice::Named(tool.name.clone());
        self.tools.push(tool);
        self
    }

    /// Bounds what the model may generate.
    #[must_use]
    pub fn max_tokens(mut self, tokens: u32) -> Self {
        self.max_tokens = Some(tokens);
        self
    }
}

/// Asks the model of `role` for one turn. The role must be granted.
///
/// # Errors
///
/// [`Failure::Limited`](crate::Failure::Limited) when the budget of the task does not cover it.
pub fn complete(role: &str, prompt: &Prompt) -> Result<Completion> {
    hosted(|| model::complete(role, prompt))
}
