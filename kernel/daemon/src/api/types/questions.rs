//! Questions that wait for a person, and their answers.

use openkoi_storage::questions::{Asked, QuestionRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::value::SAYING;

/// Questions that wait for a person.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Approvals {
    /// The questions, oldest first.
    pub(crate) approvals: Vec<Approval>,
}

/// A question to a person.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Approval {
    /// Its id.
    pub(crate) id: String,
    /// The task that waits for the answer.
    pub(crate) task_id: String,
    /// `approval`: whether something may be done; `question`: something that only the user knows.
    pub(crate) kind: String,
    /// The question: what would be done, on what, with its content; or the words and choices.
    pub(crate) request: Value,
    /// When it was asked.
    pub(crate) asked_ms: u64,
    /// True while an answer is waited for.
    pub(crate) is_open: bool,
    /// The answer, once there is one.
    pub(crate) answer: Option<Value>,
    /// The surface that gave it.
    pub(crate) answered_by: Option<String>,
}

impl Approval {
    /// Returns a question as clients see it.
    pub(crate) fn of(question: &QuestionRecord) -> Self {
        let (kind, request) = match &question.asked {
            Asked::Approval(request) => ("approval", serde_json::to_value(request)),
            Asked::Question(asked) => ("question", serde_json::to_value(asked)),
        };
        let given = question.given.as_ref();
        Self {
            id: question.id.clone(),
            task_id: question.task.as_str().to_owned(),
            kind: kind.to_owned(),
            request: request.unwrap_or_default(),
            asked_ms: question.asked_ms,
            is_open: question.is_open && given.is_none(),
            answer: given.and_then(|given| serde_json::to_value(given).ok()),
            answered_by: question.given_by.clone(),
        }
    }
}

/// The answer to a question.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum GivenAnswer {
    /// Whether it may be done.
    Permission(GivenPermission),
    /// What the user says.
    Words(GivenWords),
}

/// Whether it may be done.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenPermission {
    /// Whether it may be done.
    pub(crate) answer: Permission,
}

/// What the user says.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GivenWords {
    /// The words.
    #[schemars(regex(pattern = SAYING))]
    pub(crate) text: String,
}

/// Whether something may be done.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Permission {
    /// Yes, this once.
    AllowOnce,
    /// Yes, and in this session always.
    AllowSession,
    /// Yes, and in this workspace always.
    AllowAlways,
    /// Yes, and to every command that begins alike.
    AllowAlike,
    /// No, this once.
    RejectOnce,
    /// No, and never in this workspace.
    RejectAlways,
}
