//! Prompts and turns, in no provider's format.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{blob::Blob, tool::Schema};

/// The purpose of a turn; settings map a role to a provider's model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Role(pub String);

impl Role {
    /// The role that makes the plan.
    pub const PLANNER: &str = "planner";
    /// Does small jobs on the side, such as a summary.
    pub const SMALL: &str = "small";
    /// The role that does the work.
    pub const EXECUTOR: &str = "executor";
    /// The role that judges it.
    pub const EVALUATOR: &str = "evaluator";

    /// Returns the role of this name.
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }
}

/// Author of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Speaker {
    /// The person, the kernel, or a tool's answer.
    User,
    /// The model that the role resolves to.
    Assistant,
}

/// The model asks for a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's id of the call.
    pub id: String,
    /// Name of the tool, as the model wrote it.
    pub name: String,
    /// JSON text as the model wrote it; it may be invalid.
    pub arguments: String,
}

impl ToolCall {
    /// Returns the place that the call is about, if it names one as its `path`.
    pub fn place(&self) -> Option<String> {
        let arguments: serde_json::Value = serde_json::from_str(&self.arguments).ok()?;
        Some(arguments.get("path")?.as_str()?.to_owned())
    }
}

/// The answer to a [`ToolCall`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The id of the call that is answered.
    pub id: String,
    /// Name of the tool that answered.
    pub name: String,
    /// Text for the model: the output, or the failure in words.
    pub content: String,
    /// True if the call failed.
    pub is_error: bool,
}

/// A provider's reasoning, to be sent back unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reasoning {
    /// Text that may be shown to a person; may be empty.
    pub text: String,
    /// Opaque to all but the codec that made it.
    pub state: String,
}

/// One part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Text of either speaker.
    Text(String),
    /// Something to look at: an image or a document.
    #[serde(alias = "image")]
    Attachment(Blob),
    /// The model asks for a tool.
    ToolCall(ToolCall),
    /// The answer of a tool.
    ToolResult(ToolResult),
    /// Reasoning of the model, for the provider that made it.
    Reasoning(Reasoning),
}

impl Part {
    /// Returns an estimate of the bytes that this part takes in a request.
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

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Author of all its parts.
    pub speaker: Speaker,
    /// Contents in the order in which they were said.
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

    /// Returns an estimate of the bytes that this message takes in a request.
    pub fn weight(&self) -> usize {
        self.parts.iter().map(Part::weight).sum()
    }
}

/// A tool as a model is offered it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OfferedTool {
    /// Name that no other tool of the request has.
    pub name: String,
    /// Purpose of the tool and when to use it, for the model.
    pub description: String,
    /// JSON Schema of its arguments.
    pub parameters: Schema,
}

/// Freedom of the model to call tools.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// The model may call a tool and need not.
    #[default]
    Automatic,
    /// No tool may be called.
    None,
    /// Some tool must be called.
    Required,
    /// This tool must be called.
    Named(String),
}

/// Amount of reasoning that a model is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningEffort {
    /// As little as the model can.
    Low,
    /// The middle.
    Medium,
    /// As much as the model can.
    High,
}

impl ReasoningEffort {
    /// Words for the levels, the lowest first.
    pub const WORDS: &'static [&'static str] = &["low", "medium", "high"];

    /// Returns the word of the level.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// Returns the level of a word, or `None` if there is none of this name.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High].into_iter().find(|level| level.word() == word)
    }
}

/// A request for one turn, for whichever model the role resolves to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// The system prompt; byte-stable within a task.
    pub system: String,
    /// Messages of the conversation, oldest first.
    pub messages: Vec<Message>,
    /// Tools on offer, sorted by name.
    pub tools: Vec<OfferedTool>,
    /// Freedom of the model to call one of `tools`.
    pub tool_choice: ToolChoice,
    /// JSON Schema for the answer's text.
    pub schema: Option<Value>,
    /// The most tokens to generate.
    pub max_tokens: Option<u32>,
    /// Amount of reasoning; absent: as the model likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<ReasoningEffort>,
}

impl Prompt {
    /// Returns the prompt for a model that reads text alone: words stand for each attachment.
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
            effort: self.effort,
        }
    }

    /// Returns an estimate of its tokens, rather too high: three bytes a token, where English has four.
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

/// Returns an estimate of the tokens in so many bytes of text, rather too high.
pub fn tokens(bytes: usize) -> u64 {
    (bytes / 3) as u64
}

/// Tokens as the provider counted them; an absent count was not reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the request, cached ones included.
    pub input: Option<u64>,
    /// Generated tokens, reasoning included.
    pub output: Option<u64>,
    /// Part of `input` that was read from the provider's cache.
    pub cache_read: Option<u64>,
    /// Part of `input` that was written to the provider's cache.
    pub cache_write: Option<u64>,
    /// Part of `output` that was spent on reasoning.
    pub reasoning: Option<u64>,
    /// True if the provider did not tell all of it, and lengths stand for what is missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
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
            estimated: self.estimated || other.estimated,
        }
    }

    /// Returns the tokens that count against a limit: input that was not read from the cache, and output.
    pub fn fresh(self) -> u64 {
        self.total().saturating_sub(self.cache_read.unwrap_or(0))
    }

    /// Returns input and output together.
    pub fn total(self) -> u64 {
        self.input.unwrap_or(0).saturating_add(self.output.unwrap_or(0))
    }
}

/// Reason why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model had said all that it wanted to say.
    Finished,
    /// The model waits for tools.
    ToolCalls,
    /// The turn reached the limit of tokens.
    Length,
    /// The provider withheld the rest.
    Filtered,
    /// The model declined to answer.
    Refused,
    /// The provider paused; it goes on when the conversation is sent back.
    Paused,
    /// Something else, in the provider's words.
    Other(String),
}

/// One complete turn of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Contents in the order in which the model said them.
    pub parts: Vec<Part>,
    /// Reason why the turn ended.
    pub stop: StopReason,
    /// Tokens of this turn and of the failed attempts before it.
    pub usage: Usage,
    /// The model that answered, in the provider's words.
    pub model: String,
    /// The route that answered, `provider/model`, if the adapter says: not always the first of the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
}

/// The part of an incomplete turn that arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Text and finished reasoning, in order. Tool calls are left out: an incomplete turn runs none.
    pub parts: Vec<Part>,
    /// Tokens of this and other failed attempts; guessed where the provider did not say.
    pub usage: Usage,
    /// The model that answered, in the provider's words.
    pub model: String,
    /// True if its text was shown as it arrived.
    pub shown: bool,
    /// The route that began to answer, `provider/model`, if the adapter says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
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
    /// Puts lengths for the counts that the provider did not tell of its answer to `prompt`.
    pub fn estimate_missing(&mut self, prompt: &Prompt) {
        let weight: usize = self.parts.iter().map(Part::weight).sum();
        let usage = &mut self.usage;
        // Some servers tell nothing, and others that nothing was taken.
        let told = |count: Option<u64>| count.filter(|count| *count > 0);
        let (input, output) = (told(usage.input), told(usage.output));
        if input.is_some() && (output.is_some() || weight == 0) {
            return;
        }
        usage.input = input.or_else(|| Some(prompt.tokens()));
        usage.output = output.or_else(|| Some(tokens(weight)));
        usage.estimated = true;
    }

    /// Returns the text of the turn, parts joined.
    pub fn text(&self) -> String {
        text_of(&self.parts)
    }

    /// Returns the number of tokens at which the turn was cut, if it was.
    pub fn cut_at(&self) -> Option<u64> {
        (self.stop == StopReason::Length).then(|| self.usage.output.unwrap_or(0))
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
