//! Values that several documents have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Words that say something.
pub(super) const SAYING: &str = r"^[^\u0000]*[^\s\u0000][^\u0000]*$";
/// An absolute path.
pub(super) const PATH: &str = r"^/[^\u0000]*$";

/// How much a model is asked to reason.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Effort {
    /// Little.
    Low,
    /// More.
    Medium,
    /// Much.
    High,
}

impl Effort {
    const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.word() == word)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}
