//! What an agency says to a motion.

use serde::{Deserialize, Serialize};

use super::plan::PlannedStep;

/// What an agency says to a motion, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// Go ahead.
    Approve,
    /// Go ahead, minding the caveats.
    Caveats,
    /// Better not; the others may outvote it.
    Objection,
    /// No.
    Veto,
    /// A person has to answer a question first.
    Ask,
    /// There is nothing to go by.
    Abstain,
}

impl Vote {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Approve, Self::Caveats, Self::Objection, Self::Veto, Self::Ask, Self::Abstain];

    /// Returns its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Caveats => "caveats",
            Self::Objection => "objection",
            Self::Veto => "veto",
            Self::Ask => "ask",
            Self::Abstain => "abstain",
        }
    }
}

/// What a statement rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Citation {
    /// A place in the workspace: `file:line`.
    Place(String),
    /// A part of the motion: the id of a step or criterion, the name of a tool, or `task`.
    Motion(String),
    /// A learning, by its id.
    Learning(String),
    /// An earlier task, by its id.
    Task(String),
    /// A figure of the forecast or the budget, by its name.
    Figure(String),
}

impl Citation {
    /// Returns it as a person reads it.
    #[must_use]
    pub fn told(&self) -> String {
        match self {
            Self::Place(place) => place.clone(),
            Self::Motion(part) if part == "task" => "the task".to_owned(),
            Self::Motion(part) => part.clone(),
            Self::Learning(id) => format!("learning {}", end(id)),
            Self::Task(id) => format!("task {}", end(id)),
            Self::Figure(name) => name.clone(),
        }
    }
}

/// Ids of the same time begin alike.
fn end(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

/// Something that the executor has to mind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caveat {
    /// One sentence that can be acted on.
    pub text: String,
    /// What it rests on. Without one it is shown and binds nobody.
    pub citations: Vec<Citation>,
}

/// A question that only the user can answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserQuestion {
    /// The question, one sentence.
    pub text: String,
    /// What depends on it.
    pub why: String,
    /// Answers to choose from. Empty: any text.
    pub choices: Vec<String>,
    /// What is assumed when nobody answers.
    pub assumed: String,
}

/// Another way to the same end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative {
    /// Its steps.
    pub plan: Vec<PlannedStep>,
    /// What is better about it, and what is worse.
    pub why: String,
}

/// What an agency thinks of a motion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assessment {
    /// What it says.
    pub vote: Vote,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// How likely it thinks that the work is accepted, 0 to 1.
    pub success: f64,
    /// The reason, one sentence.
    pub reason: String,
    /// What the executor has to mind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caveats: Vec<Caveat>,
    /// Its question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<UserQuestion>,
    /// Its other plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternative: Option<Alternative>,
}

impl Assessment {
    /// Returns the assessment of an agency from which nothing was heard.
    #[must_use]
    pub fn silent(reason: String) -> Self {
        Self {
            vote: Vote::Abstain,
            confidence: 0.0,
            success: 0.5,
            reason,
            caveats: Vec::new(),
            question: None,
            alternative: None,
        }
    }
}
