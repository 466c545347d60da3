//! The format of scripts: turns, each with conditions and with what is said.

use openkoi_sdk::{Failure, Result};
use serde::Deserialize;
use serde_json::Value;

/// The most bytes that `repeat` may make.
const MAX_REPEATED: usize = 16 * 1024 * 1024;

/// One turn of a model, and when it is taken.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct Turn {
    /// What it is called where a script is explained.
    pub label: String,
    /// When it is taken. Without conditions: always.
    pub when: When,
    /// Reasoning that is shown.
    pub think: String,
    /// The text of the answer.
    pub say: String,
    /// Text that is said many times, after `say`.
    pub repeat: Option<Repeat>,
    /// The tools that are called.
    pub call: Vec<Call>,
    /// Why the model stops. Without it: `tool-calls` if there are calls, else `finished`.
    pub stop: Option<String>,
    /// The tokens that the turn took. Without it: an estimate from the lengths.
    pub usage: Option<Counts>,
    /// A failure in place of the end.
    pub error: Option<Fault>,
    /// After how many bytes of text the stream ends, without an end.
    pub cut: Option<usize>,
}

/// Conditions, all of which must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct When {
    /// What the turn is for: `planner`, `executor`, `evaluator` …
    pub role: Option<String>,
    /// Texts that the user's last message contains. A message that only answers tools is none.
    pub contains: Texts,
    /// An expression that matches in the user's last message.
    pub matches: Option<String>,
    /// Texts that occur anywhere in the request.
    pub any: Texts,
    /// Texts that occur nowhere in the request.
    pub absent: Texts,
    /// The number of turns the model had in this conversation.
    pub turn: Option<usize>,
    /// The number of turns it had since the user's last message.
    pub round: Option<usize>,
    /// The tool that answered last, since the user's last message.
    pub tool: Option<String>,
    /// Texts that this answer contains.
    pub result: Texts,
}

/// One text or several.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(untagged)]
pub(crate) enum Texts {
    /// No condition.
    #[default]
    None,
    /// One text.
    One(String),
    /// Several, all of which are meant.
    Many(Vec<String>),
}

impl Texts {
    /// Returns the texts.
    pub(crate) fn list(&self) -> &[String] {
        match self {
            Self::None => &[],
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

/// Text that is said many times.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Repeat {
    /// The text.
    pub text: String,
    /// How often it is said.
    pub times: usize,
}

/// A call of a tool.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Option<Value>,
    /// Its arguments as text, which need not be JSON.
    #[serde(default)]
    pub raw: Option<String>,
    /// The call's id. Without it: one that no other call has.
    #[serde(default)]
    pub id: Option<String>,
}

/// The tokens that a turn took.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct Counts {
    /// Those of the request.
    pub input: Option<u64>,
    /// Those that were generated.
    pub output: Option<u64>,
    /// Of the request's, those from the cache.
    pub cache_read: Option<u64>,
    /// Of the request's, those written to the cache.
    pub cache_write: Option<u64>,
    /// Of those generated, those of reasoning.
    pub reasoning: Option<u64>,
}

/// A failure of the service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct Fault {
    /// Its status, which says what it means: 429 and those of 500 and more may pass.
    pub status: u16,
    /// What the service says.
    pub message: String,
    /// How long it asks to wait.
    pub retry_after_ms: Option<u64>,
    /// After how many bytes of text it comes.
    pub after: usize,
}

/// Reads a script: one JSON array of turns, or one turn after the other.
///
/// # Errors
///
/// [`Failure::Invalid`] with the place of what is wrong.
pub(crate) fn parse(text: &str) -> Result<Vec<Turn>> {
    let text = text.trim_start_matches('\u{FEFF}');
    let turns: serde_json::Result<Vec<Turn>> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text)
    } else {
        serde_json::Deserializer::from_str(text).into_iter().collect()
    };
    let turns = turns.map_err(|error| invalid(&format!("is not a script: {error}")))?;
    if turns.is_empty() {
        return Err(invalid("has no turns"));
    }
    for (index, turn) in turns.iter().enumerate() {
        check(turn).map_err(|message| invalid(&format!("turn {}: {message}", index + 1)))?;
    }
    Ok(turns)
}

fn check(turn: &Turn) -> std::result::Result<(), String> {
    if let Some(pattern) = &turn.when.matches {
        regex_lite::Regex::new(pattern).map_err(|error| format!("`matches`: {error}"))?;
    }
    if let Some(repeat) = &turn.repeat
        && repeat.text.len().saturating_mul(repeat.times) > MAX_REPEATED
    {
        return Err(format!("`repeat` makes more than {MAX_REPEATED} bytes"));
    }
    let both = |call: &&Call| call.arguments.is_some() && call.raw.is_some();
    match turn.call.iter().find(both) {
        Some(call) => Err(format!("the call of `{}` has `arguments` and `raw`", call.tool)),
        None => Ok(()),
    }
}

fn invalid(message: &str) -> Failure {
    Failure::invalid("/options/script", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_an_array_are_the_same_script() {
        let lines = "{\"say\": \"a\"}\n\n{\"when\": {\"turn\": 1},\n \"say\": \"b\"}\n";
        let array = "[{\"say\": \"a\"}, {\"when\": {\"turn\": 1}, \"say\": \"b\"}]";

        let said = |script: &str| -> Vec<String> {
            parse(script).unwrap().into_iter().map(|turn| turn.say).collect()
        };

        assert_eq!(said(lines), ["a", "b"]);
        assert_eq!(said(lines), said(array));
    }

    #[test]
    fn what_is_wrong_with_a_script_is_said_with_its_place() {
        let cases = [
            ("", "has no turns"),
            ("{\"say\": \"a\"}\n{\"sya\": \"b\"}", "line 2"),
            ("[{\"when\": {\"rol\": \"x\"}}]", "unknown field `rol`"),
            ("{\"when\": {\"matches\": \"(\"}}", "turn 1: `matches`"),
            ("{\"repeat\": {\"text\": \"ab\", \"times\": 99999999}}", "more than"),
            (
                "{\"call\": [{\"tool\": \"t\", \"arguments\": {}, \"raw\": \"\"}]}",
                "`arguments` and `raw`",
            ),
        ];

        for (script, expected) in cases {
            let failure = parse(script).unwrap_err().to_string();
            assert!(failure.contains(expected), "{script}: {failure}");
        }
    }
}
