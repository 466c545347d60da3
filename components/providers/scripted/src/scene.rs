//! A request as conditions see it, and the turn that fits it.

use std::fmt::Write;

use openkoi_sdk::{
    Failure, Result,
    provider::{CompletionRequest, Message, Part, Speaker, ToolResult},
};
use regex_lite::Regex;

use crate::script::{Turn, When};

/// The number of turns that are named where none fits.
const NAMED: usize = 3;
/// The part of a text that is shown there.
const SHOWN: usize = 60;

/// A request, taken apart.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    role: &'a str,
    /// The user's last message.
    prompt: String,
    /// Everything that the request says.
    all: String,
    turns: usize,
    round: usize,
    result: Option<&'a ToolResult>,
}

impl<'a> Scene<'a> {
    /// Takes `request` apart.
    pub(crate) fn of(request: &'a CompletionRequest) -> Self {
        let messages = &request.messages;
        let prompt = messages.iter().rposition(is_prompt);
        let since = prompt.map_or(&messages[..], |index| &messages[index..]);
        Self {
            role: &request.role,
            prompt: prompt.map(|index| messages[index].text()).unwrap_or_default(),
            all: everything(request),
            turns: model_turns(messages),
            round: model_turns(since),
            result: since.iter().rev().find_map(last_result),
        }
    }

    /// How many turns the model had.
    pub(crate) fn turns(&self) -> usize {
        self.turns
    }

    /// The text of the tool that answered last.
    pub(crate) fn result(&self) -> &str {
        self.result.map_or("", |result| &result.content)
    }

    /// Everything that the request says.
    pub(crate) fn all(&self) -> &str {
        &self.all
    }

    /// Returns the first of `turns` whose conditions hold.
    ///
    /// # Errors
    ///
    /// [`Failure::Failed`] that says which turns came nearest, and what they wanted.
    pub(crate) fn choose<'t>(&self, turns: &'t [Turn]) -> Result<&'t Turn> {
        let found = turns.iter().find(|turn| self.unmet(&turn.when).is_empty());
        found.ok_or_else(|| Failure::failed(self.explain(turns)))
    }

    fn explain(&self, turns: &[Turn]) -> String {
        let mut near: Vec<(usize, &Turn, Vec<String>)> = turns
            .iter()
            .enumerate()
            .map(|(index, turn)| (index + 1, turn, self.unmet(&turn.when)))
            .collect();
        // A turn for another role is not a near miss, however few its conditions are.
        let other = |turn: &Turn| turn.when.role.as_ref().is_some_and(|role| role != self.role);
        near.sort_by_key(|(_, turn, unmet)| (other(turn), unmet.len()));
        let mut text = format!(
            "no turn of the script fits (role `{}`, turn {}, round {}, last tool {})",
            self.role,
            self.turns,
            self.round,
            self.result.map_or_else(|| "none".to_owned(), |result| format!("`{}`", result.name)),
        );
        for (number, turn, unmet) in near.into_iter().take(NAMED) {
            let label = match turn.label.as_str() {
                "" => String::new(),
                label => format!(" ({label})"),
            };
            // Writing to a string cannot fail.
            write!(text, "; turn {number}{label} wants {}", unmet.join(", ")).unwrap_or_default();
        }
        text
    }

    /// Says which conditions do not hold.
    fn unmet(&self, when: &When) -> Vec<String> {
        let mut unmet = Vec::new();
        let mut want = |holds: bool, what: String| {
            if !holds {
                unmet.push(what);
            }
        };
        if let Some(role) = &when.role {
            want(role == self.role, format!("role `{role}`"));
        }
        for (name, number, is) in
            [("turn", when.turn, self.turns), ("round", when.round, self.round)]
        {
            if let Some(number) = number {
                want(number == is, format!("{name} {number}"));
            }
        }
        if let Some(tool) = &when.tool {
            let name = self.result.map(|result| result.name.as_str());
            want(name == Some(tool), format!("tool `{tool}`"));
        }
        for (name, texts, place) in [
            ("contains", &when.contains, self.prompt.as_str()),
            ("result", &when.result, self.result()),
            ("any", &when.any, self.all.as_str()),
        ] {
            for text in texts.list() {
                want(place.contains(text.as_str()), format!("{name} {}", shown(text)));
            }
        }
        for text in when.absent.list() {
            want(!self.all.contains(text.as_str()), format!("absent {}", shown(text)));
        }
        if let Some(pattern) = &when.matches {
            // The script was checked, so the pattern can be read.
            let matches = Regex::new(pattern).is_ok_and(|regex| regex.is_match(&self.prompt));
            want(matches, format!("matches {}", shown(pattern)));
        }
        unmet
    }
}

fn shown(text: &str) -> String {
    let short: String = text.chars().take(SHOWN).collect();
    format!("{short:?}")
}

/// Returns whether the user says something of their own accord.
fn is_prompt(message: &Message) -> bool {
    let answers = message.parts.iter().any(|part| matches!(part, Part::ToolResult(_)));
    message.speaker == Speaker::User && !answers
}

fn model_turns(messages: &[Message]) -> usize {
    messages.iter().filter(|message| message.speaker == Speaker::Assistant).count()
}

fn last_result(message: &Message) -> Option<&ToolResult> {
    message.parts.iter().rev().find_map(|part| match part {
        Part::ToolResult(result) => Some(result),
        _ => None,
    })
}

fn everything(request: &CompletionRequest) -> String {
    let mut all = request.system.clone();
    for part in request.messages.iter().flat_map(|message| &message.parts) {
        let said = match part {
            Part::Text(text) => text,
            Part::ToolCall(call) => &call.arguments,
            Part::ToolResult(result) => &result.content,
            Part::Reasoning(reasoning) => &reasoning.text,
            Part::Attachment(_) => continue,
        };
        all.push('\n');
        all.push_str(said);
    }
    all
}

#[cfg(test)]
mod tests;
