//! A request's conversation in no vendor's words: what scripts choose by and tests look at.

use std::fmt;

/// What a turn is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It is offered `submit_plan`.
    Planner,
    /// It is offered `submit_verdict`.
    Evaluator,
    /// Everything else.
    Executor,
}

/// What was said, and what may be called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversation {
    /// The system prompt.
    pub system: String,
    /// The messages, oldest first.
    pub messages: Vec<Said>,
    /// The names of the offered tools.
    pub tools: Vec<String>,
}

/// One message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// Whether the model said it.
    pub by_model: bool,
    /// Its text, parts joined by line breaks.
    pub text: String,
    /// The calls in it.
    pub calls: Vec<ToolCall>,
    /// The results in it.
    pub results: Vec<ToolResult>,
}

/// The model asks for a tool.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolCall {
    /// The id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments as JSON text.
    pub arguments: String,
}

/// A tool answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolResult {
    /// The id of the call.
    pub id: String,
    /// What it said.
    pub text: String,
    /// Whether it is marked as a failure, where the format can.
    pub is_error: bool,
}

impl Conversation {
    /// Returns what the turn is for.
    pub fn role(&self) -> Role {
        let offered = |name: &str| self.tools.iter().any(|tool| tool == name);
        match (offered("submit_plan"), offered("submit_verdict")) {
            (true, _) => Role::Planner,
            (_, true) => Role::Evaluator,
            _ => Role::Executor,
        }
    }

    /// Returns the results that the last message brings, with the names of their tools.
    pub fn last_results(&self) -> Vec<(&str, &ToolResult)> {
        let answered = self.messages.iter().rev().take_while(|said| !said.by_model);
        let results: Vec<_> = answered.flat_map(|said| &said.results).collect();
        results.into_iter().map(|result| (self.tool_of(&result.id), result)).collect()
    }

    /// Returns all results, oldest first.
    pub fn results(&self) -> Vec<&ToolResult> {
        self.messages.iter().flat_map(|said| &said.results).collect()
    }

    /// Returns what the user said last.
    pub fn last_words(&self) -> &str {
        let said = self.messages.iter().rev().find(|said| !said.by_model && !said.text.is_empty());
        said.map_or("", |said| &said.text)
    }

    /// Returns how many turns of the model it has.
    pub fn turns(&self) -> usize {
        self.messages.iter().filter(|said| said.by_model).count()
    }

    fn tool_of(&self, id: &str) -> &str {
        let mut calls = self.messages.iter().flat_map(|said| &said.calls);
        calls.find(|call| call.id == id).map_or("", |call| &call.name)
    }

    /// Returns one line about the request, for messages.
    pub fn summary(&self) -> String {
        let results: Vec<_> =
            self.last_results().iter().map(|(tool, _)| (*tool).to_owned()).collect();
        let words: String = self.last_words().chars().take(120).collect();
        format!(
            "{} after {} turns, results of [{}], user said {words:?}",
            self.role(),
            self.turns(),
            results.join(", ")
        )
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Planner => "planner",
            Self::Evaluator => "evaluator",
            Self::Executor => "executor",
        })
    }
}
