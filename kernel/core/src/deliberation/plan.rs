//! The steps of a plan, as they can be cited.

use serde::{Deserialize, Serialize};

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Its id: `s1`, `s2` …
    pub id: String,
    /// What is to be done.
    pub text: String,
}

impl PlannedStep {
    /// Returns the steps of a plan with their ids.
    #[must_use]
    pub fn of(texts: &[String]) -> Vec<Self> {
        let numbered = texts.iter().enumerate();
        numbered
            .map(|(index, text)| Self { id: format!("s{}", index + 1), text: text.clone() })
            .collect()
    }
}
