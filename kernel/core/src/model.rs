//! The model behind a role, and why it gave no turn.

use serde::{Deserialize, Serialize};

use crate::{
    ledger::{Price, Reservation},
    message::{Received, Usage},
};

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

    /// Returns what `usage` takes at the model's price.
    pub fn takes(&self, usage: Usage) -> Reservation {
        let cost_micros = self.counted_price().cost_micros(usage);
        let unsure = usage.estimated || self.price.is_none();
        Reservation { tokens: usage.fresh(), cost_micros, at_most: unsure && cost_micros > 0 }
    }

    /// Returns what `usage` takes at the price of the dearest of these models.
    pub fn dearest(chain: &[Self], usage: Usage) -> Reservation {
        let amounts = chain.iter().map(|card| card.takes(usage));
        let none = Reservation { tokens: usage.fresh(), ..Reservation::default() };
        amounts.max_by_key(|amount| amount.cost_micros).unwrap_or(none)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fresh_tokens_count_and_what_is_not_sure_says_so() {
        let price = Price { input: 10.0, output: 100.0, cache_read: Some(1.0), cache_write: None };
        let card = |price: Option<Price>, price_source| ModelCard {
            name: "p/m".to_owned(),
            context: 1,
            output: 1,
            price,
            price_source,
        };
        let known = card(Some(price), PriceSource::Known);
        let free = card(Some(Price::FREE), PriceSource::Free);
        let unknown = card(None, PriceSource::Ceiling);
        let told = Usage {
            cache_read: Some(900),
            input: Some(1_000),
            output: Some(10),
            ..Usage::default()
        };
        let guessed = Usage { estimated: true, ..told };
        for (usage, card, cost_micros, at_most) in [
            (told, &known, 1_000 + 900 + 1_000, false),
            (guessed, &known, 1_000 + 900 + 1_000, true),
            (told, &unknown, 30_000 + 1_800, true),
            (told, &free, 0, false),
            (guessed, &free, 0, false),
        ] {
            let counted = card.takes(usage);
            assert_eq!(counted, Reservation { tokens: 110, cost_micros, at_most }, "{card:?}");
        }
    }
}
