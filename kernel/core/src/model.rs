//! The model behind a role, and why it gave no turn.

use serde::{Deserialize, Serialize};

use crate::{ledger::Price, message::Received};

/// What a role resolves to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// `provider/model`.
    pub name: String,
    /// Tokens it reads.
    pub context: u64,
    /// Tokens it writes in one turn.
    pub output: u64,
    /// What it costs; absent when nobody knows.
    pub price: Option<Price>,
}

/// Why a model gave no turn. The adapter has retried already where that made sense.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// What kind of trouble it is.
    pub kind: ModelTrouble,
    /// One sentence for a person, without secrets.
    pub message: String,
    /// A command or setting that helps, or empty.
    pub hint: String,
    /// What had arrived of the turn, if anything had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Box<Received>>,
}

/// Kinds of trouble with a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelTrouble {
    /// The credential is missing, wrong or expired.
    Credentials,
    /// The account has no credit or quota left.
    Quota,
    /// Too many requests, for longer than the task lasts.
    RateLimited,
    /// The provider cannot be reached or has a fault.
    Unreachable,
    /// The conversation is longer than the model reads.
    Overflow,
    /// There is no such model.
    UnknownModel,
    /// The provider did not accept the request.
    Invalid,
    /// The provider's rules about contents forbid an answer.
    Refused,
    /// The egress broker refused.
    Denied,
}
