//! The model behind a role, and why it gave no turn.

use serde::{Deserialize, Serialize};

use crate::{ledger::Price, message::Received};

/// Description of the model that a role resolves to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelCard {
    /// Name in the form `provider/model`.
    pub name: String,
    /// Most tokens that it reads in one request.
    pub context: u64,
    /// Most tokens that it writes in one turn.
    pub output: u64,
    /// Price of its tokens; absent if it is not known.
    pub price: Option<Price>,
    /// Where the price is from.
    #[serde(default)]
    pub price_source: PriceSource,
}

impl ModelCard {
    /// Returns the price that counts: the ceiling if none is known.
    pub fn counted_price(&self) -> Price {
        self.price.unwrap_or(Price::CEILING)
    }
}

/// Where the price of a model is from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// A list of models. Journals of earlier versions do not say, and have no other.
    #[default]
    Known,
    /// The user's configuration.
    Configured,
    /// It runs on this machine and costs nothing.
    Free,
    /// None is known, and the dearest one counts.
    Ceiling,
}

/// Reason why a model gave no turn. The adapter has retried already where that made sense.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    /// Kind of the trouble.
    pub kind: ModelTrouble,
    /// One sentence for a person, without secrets.
    pub message: String,
    /// A command or setting that helps, or empty.
    pub hint: String,
    /// The part of the turn that had arrived, if any had.
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
    /// The egress broker refused the request.
    Denied,
}
