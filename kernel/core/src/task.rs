//! The user's task, with its limits.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    blob::Blob,
    evaluation::NamedCheck,
    id::{SessionId, TaskId},
    message::ReasoningEffort,
};

/// One task, as surfaces build it and the loop reads it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Id of the task and of its run.
    pub id: TaskId,
    /// Id of the session that it belongs to.
    pub session: SessionId,
    /// Text of the user, standard input included.
    pub text: String,
    /// The absolute path of the workspace, for messages and records.
    pub workspace: String,
    /// Conversation of the session so far, oldest first; empty for a task by itself.
    pub history: Vec<crate::message::Message>,
    /// Limits and switches.
    pub settings: TaskSettings,
    /// The JSON Schema that the result has to follow, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_schema: Option<serde_json::Value>,
    /// Pictures and documents that the user showed with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Blob>,
    /// What the tools of the task before it in its session showed, oldest first, as far as there is room for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<EarlierResult>,
}

/// Returns what the person says in the text of a task, without what stands beside it: standard input, outputs of commands
/// and contents of files, which are in fences. What these name nobody asked for.
pub fn own_words(text: &str) -> String {
    let typed = text.split("\n<stdin>\n").next().unwrap_or_default();
    let mut fence = None;
    let mut words = String::new();
    for line in typed.lines() {
        let ticks = line.trim_start().chars().take_while(|c| *c == '`').count();
        let is_bare = line.trim().len() == ticks;
        match fence {
            None if ticks >= 3 => fence = Some(ticks),
            None => words.extend([line, "\n"]),
            Some(opened) if is_bare && ticks >= opened => fence = None,
            Some(_) => {}
        }
    }
    words
}

/// A result of a tool of an earlier task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierResult {
    /// Name of the tool.
    pub tool: String,
    /// Arguments of the call, as JSON.
    pub arguments: String,
    /// Text of the result.
    pub text: String,
}

/// Limits and switches of one task. All of them can be narrowed by a project, none widened by anything but
/// the user.
///
/// A journal keeps them. What an older journal lacks is as in [`TaskSettings::STANDARD`], and what a newer one has
/// besides is passed over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskSettings {
    /// Most iterations; 0 executes once and evaluates nothing.
    pub max_iterations: u32,
    /// The rubric score, 0 to 1, from which work is accepted.
    pub quality: f64,
    /// True if the planner makes a contract first. Chat turns skip it.
    pub plan: bool,
    /// True if the project's own checks may be run.
    pub checks: bool,
    /// Longest time of one run of the checks, in seconds. It is not part of the task's time.
    pub checks_seconds: u64,
    /// Commands that are checks of the project beside those that are found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub named_checks: Vec<NamedCheck>,
    /// Most fresh tokens: input that was not read from the provider's cache, and output. Absent: no limit.
    pub max_tokens: Option<u64>,
    /// Most money, in millionths of a US dollar.
    pub max_cost_micros: u64,
    /// Most time, in milliseconds of running. Absent: no limit.
    pub max_time_ms: Option<u64>,
    /// Most rounds of tool calls in an iteration.
    pub max_tool_rounds: u32,
    /// Identical calls after which the model is warned.
    pub repeat_warn: u32,
    /// Identical calls after which the model is stopped.
    pub repeat_stop: u32,
    /// Most tokens of one turn; the model's own limit may be lower.
    pub max_turn_tokens: u32,
    /// A fall of the rubric score by more than this counts as a regression.
    pub regression: f64,
    /// True if the chamber deliberates before anything is done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub think: bool,
    /// True if the deliberation is all there is, and nothing is done.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub simulate: bool,
    /// True if agencies are left out whose record says that they change nothing for work of this kind.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub spares: bool,
    /// True if a person is there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub attended: bool,
    /// Reason for which the user overrules what the chamber stops.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overruled: Option<String>,
    /// How much the models of these roles are asked to reason. A role that is not named decides by itself.
    pub efforts: BTreeMap<String, ReasoningEffort>,
}

impl Default for TaskSettings {
    fn default() -> Self {
        Self::STANDARD
    }
}

impl TaskSettings {
    /// Limits of a task for which the user set none.
    pub const STANDARD: Self = Self {
        max_iterations: 3,
        quality: 0.8,
        plan: true,
        checks: true,
        checks_seconds: 600,
        named_checks: Vec::new(),
        max_tokens: None,
        max_cost_micros: 5_000_000,
        max_time_ms: None,
        max_tool_rounds: 200,
        repeat_warn: 3,
        repeat_stop: 6,
        max_turn_tokens: 32_000,
        regression: 0.2,
        think: false,
        simulate: false,
        spares: false,
        attended: false,
        overruled: None,
        efforts: BTreeMap::new(),
    };
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_piped_in_printed_or_put_in_is_not_what_the_person_says() {
        for (text, own) in [
            ("fix it", "fix it\n"),
            ("fix `test_a`\n\n<stdin>\ntest_b passed\n</stdin>", "fix `test_a`\n"),
            (
                "fix it\n\nI ran `make` (exit code 2):\n```\ntest_b\n```",
                "fix it\n\nI ran `make` (exit code 2):\n",
            ),
            ("see\n````\n```\ntest_b\n```\n````\nand go on", "see\nand go on\n"),
            ("like this:\n```rust\ntest_b", "like this:\n"),
        ] {
            assert_eq!(own_words(text), own, "{text}");
        }
    }

    #[test]
    fn settings_of_other_versions_can_be_read() {
        let earliest = json!({
            "max_iterations": 3, "quality": 0.8, "plan": true, "checks": true, "max_tokens": 200_000,
            "max_cost_micros": 2_000_000, "max_time_ms": 300_000, "max_tool_rounds": 20, "repeat_warn": 3,
            "repeat_stop": 5, "max_turn_tokens": 8192, "regression": 0.2
        });
        let read = |value| serde_json::from_value::<TaskSettings>(value).unwrap();

        let old = read(earliest);

        assert_eq!((old.max_tokens, old.max_time_ms), (Some(200_000), Some(300_000)));
        assert_eq!(
            (old.max_tool_rounds, old.max_turn_tokens, old.checks_seconds),
            (20, 8_192, 600)
        );
        assert!(old.efforts.is_empty());
        assert_eq!(read(json!({ "of a later version": 1 })), TaskSettings::STANDARD);
    }

    #[test]
    fn settings_come_back_from_a_journal_as_they_were() {
        let settings = TaskSettings {
            max_tokens: Some(7),
            efforts: BTreeMap::from([("executor".to_owned(), ReasoningEffort::High)]),
            ..TaskSettings::STANDARD
        };
        let kept = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<TaskSettings>(&kept).unwrap(), settings);
    }
}
