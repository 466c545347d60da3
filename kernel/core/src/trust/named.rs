//! What a grant names.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An action that a grant names: a tool, and what it acts on. A target that ends with `*` is a beginning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamedAction {
    /// The tool, or the capability.
    pub action: String,
    /// What it acts on; absent, anything.
    pub target: Option<String>,
}

/// The text names no action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no action; write it as TOOL or TOOL=TARGET")]
pub struct NoAction(String);

impl NamedAction {
    /// Returns whether this names an action on a target.
    #[must_use]
    pub fn covers(&self, action: &str, target: &str) -> bool {
        let fits = |named: &str| match named.strip_suffix('*') {
            Some(beginning) => target.starts_with(beginning),
            None => target == named,
        };
        self.action == action && self.target.as_deref().is_none_or(fits)
    }
}

impl FromStr for NamedAction {
    type Err = NoAction;

    fn from_str(text: &str) -> Result<Self, NoAction> {
        let (action, target) = match text.split_once('=') {
            Some((action, target)) => (action, Some(target)),
            None => (text, None),
        };
        let is_word = |word: &str| !word.is_empty() && !word.contains(char::is_whitespace);
        if !is_word(action) || target.is_some_and(str::is_empty) {
            return Err(NoAction(text.to_owned()));
        }
        Ok(Self { action: action.to_owned(), target: target.map(str::to_owned) })
    }
}

impl TryFrom<String> for NamedAction {
    type Error = NoAction;

    fn try_from(text: String) -> Result<Self, NoAction> {
        text.parse()
    }
}

impl From<NamedAction> for String {
    fn from(named: NamedAction) -> Self {
        named.to_string()
    }
}

impl fmt::Display for NamedAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.target {
            Some(target) => write!(f, "{}={target}", self.action),
            None => f.write_str(&self.action),
        }
    }
}
