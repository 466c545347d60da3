//! What is said to a model and what it answers, in no provider's format.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{blob::Blob, tool::Schema};

/// What a turn is for; settings map a role to a provider's model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Role(pub String);

impl Role {
    /// The role that makes the plan.
    pub const PLANNER: &str = "planner";
    /// The role that does the work.
    pub const EXECUTOR: &str = "executor";
    /// The role that judges it.
    pub const EVALUATOR: &str = "evaluator";

    /// Returns the role of this name.
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The person, the kernel, or a tool's answer.
    User,
    /// The model.
    Assistant,
}

/// The model asks for a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id of the call.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// JSON text as the model wrote it; it may be invalid.
    pub arguments: String,
}

/// The answer to a [`ToolCall`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The id of the call that is answered.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// What the tool said.
    pub content: String,
    /// Whether it failed.
    pub is_error: bool,
}

/// A provider's reasoning, to be sent back unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasoning {
    /// What may be shown. May be empty.
    pub text: String,
    /// Opaque to all but the codec that made it.
    pub state: String,
}

/// One part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Text.
    Text(String),
    /// Something to look at: an image or a document.
    #[serde(alias = "image")]
    Attachment(Blob),
    /// The model asks for a tool.
    ToolCall(ToolCall),
    /// A tool answered.
    ToolResult(ToolResult),
    /// The model's reasoning.
    Reasoning(Reasoning),
}

impl Part {
    /// Returns roughly how many bytes of a request this part takes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            // Providers count an image as some 1,600 tokens whatever its bytes, and a page of a document as much.
            Self::Attachment(blob) => 6_400 * blob.pages(),
            Self::ToolCall(call) => call.name.len() + call.arguments.len() + 40,
            Self::ToolResult(result) => result.content.len() + 40,
            Self::Reasoning(reasoning) => reasoning.state.len().max(reasoning.text.len()),
        }
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub speaker: Speaker,
    /// What is said, in order.
    pub parts: Vec<Part>,
}

impl Message {
    /// Returns a message of the user with one text.
    pub fn user(text: impl Into<String>) -> Self {
        Self { speaker: Speaker::User, parts: vec![Part::Text(text.into())] }
    }

    /// Returns a message of the model with these parts.
    pub fn assistant(parts: Vec<Part>) -> Self {
        Self { speaker: Speaker::Assistant, parts }
    }

    /// Returns roughly how many bytes of a request this message takes.
    pub fn weight(&self) -> usize {
        self.parts.iter().map(Part::weight).sum()
    }
}

/// A tool as a model is offered it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfferedTool {
    /// Unique in a request.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// JSON Schema of its arguments.
    pub parameters: Schema,
}

/// Whether the model has to call a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Automatic,
    /// No tool may be called.
    None,
    /// Some tool must be called.
    Required,
    /// This tool must be called.
    Named(String),
}

/// A request for one turn, for whichever model the role resolves to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// The system prompt; byte-stable within a task.
    pub system: String,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// Tools on offer, sorted by name.
    pub tools: Vec<OfferedTool>,
    /// Whether one must be called.
    pub tool_choice: ToolChoice,
    /// JSON Schema for the answer's text.
    pub schema: Option<Value>,
    /// The most tokens to generate.
    pub max_tokens: Option<u32>,
}

impl Prompt {
    /// Returns the same for a model that reads text alone: words in the place of each attachment.
    #[must_use]
    pub fn in_words(&self) -> Self {
        let part = |part: &Part| match part {
            Part::Attachment(Blob { media_type, bytes }) => {
                let size = bytes.len();
                Part::Text(format!("[{media_type}, {size} bytes: this model reads text alone]"))
            }
            other => other.clone(),
        };
        let message = |message: &Message| Message {
            speaker: message.speaker,
            parts: message.parts.iter().map(part).collect(),
        };
        Self {
            system: self.system.clone(),
            messages: self.messages.iter().map(message).collect(),
            tools: self.tools.clone(),
            tool_choice: self.tool_choice.clone(),
            schema: self.schema.clone(),
            max_tokens: self.max_tokens,
        }
    }

    /// Guesses its tokens, rather too many: three bytes a token, where English has four.
    pub fn tokens(&self) -> u64 {
        let messages: usize = self.messages.iter().map(Message::weight).sum();
        let tools: usize = self
            .tools
            .iter()
            .map(|tool| tool.name.len() + tool.description.len() + tool.parameters.text().len())
            .sum();
        tokens(self.system.len() + messages + tools) + 16
    }
}

/// Guesses the tokens of so many bytes of text, rather too many.
pub fn tokens(bytes: usize) -> u64 {
    (bytes / 3) as u64
}

/// Tokens as the provider counted them; an absent count was not reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the request, cached ones included.
    pub input: Option<u64>,
    /// Tokens generated, reasoning included.
    pub output: Option<u64>,
    /// Of `input`, read from the provider's cache.
    pub cache_read: Option<u64>,
    /// Of `input`, written to the provider's cache.
    pub cache_write: Option<u64>,
    /// Of `output`, spent on reasoning.
    pub reasoning: Option<u64>,
}

impl Usage {
    /// Returns the sum of both usages, field by field.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let add = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (None, None) => None,
            (a, b) => Some(a.unwrap_or(0).saturating_add(b.unwrap_or(0))),
        };
        Self {
            input: add(self.input, other.input),
            output: add(self.output, other.output),
            cache_read: add(self.cache_read, other.cache_read),
            cache_write: add(self.cache_write, other.cache_write),
            reasoning: add(self.reasoning, other.reasoning),
        }
    }

    /// Adds what earlier attempts took that came to nothing. A count that is not reported stays so.
    #[must_use]
    pub fn with_lost(self, lost: Self) -> Self {
        let sum = self.plus(lost);
        Self {
            input: self.input.and(sum.input),
            output: self.output.and(sum.output),
            cache_read: self.cache_read.and(sum.cache_read),
            cache_write: self.cache_write.and(sum.cache_write),
            reasoning: self.reasoning.and(sum.reasoning),
        }
    }

    /// Returns input and output together.
    pub fn total(self) -> u64 {
        self.input.unwrap_or(0).saturating_add(self.output.unwrap_or(0))
    }
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// It had said what it had to say.
    Finished,
    /// It waits for tools.
    ToolCalls,
    /// It reached the limit of tokens.
    Length,
    /// The provider withheld the rest.
    Filtered,
    /// The model declined.
    Refused,
    /// The provider paused; sending the conversation back goes on.
    Paused,
    /// Something else, in the provider's words.
    Other(String),
}

/// One complete turn of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// What was said, in order.
    pub parts: Vec<Part>,
    /// Why it ended.
    pub stop: StopReason,
    /// What it took, with the attempts that came to nothing before it.
    pub usage: Usage,
    /// The model that answered, in the provider's words.
    pub model: String,
}

/// What arrived of a turn that did not become complete.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Text and finished reasoning, in order. Calls are not in it: none of them is ever run.
    pub parts: Vec<Part>,
    /// What it took, with other attempts that came to nothing; guessed where the provider did not say.
    pub usage: Usage,
    /// The model that answered, in the provider's words.
    pub model: String,
    /// Whether its text was shown as it arrived.
    pub shown: bool,
}

impl Received {
    /// Returns the text, parts joined.
    pub fn text(&self) -> String {
        text_of(&self.parts)
    }
}

fn text_of(parts: &[Part]) -> String {
    let texts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("")
}

impl Turn {
    /// Returns the text of the turn, parts joined.
    pub fn text(&self) -> String {
        text_of(&self.parts)
    }

    /// Returns the tool calls of the turn, in order.
    pub fn calls(&self) -> Vec<&ToolCall> {
        let calls = self.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        });
        calls.collect()
    }
}
