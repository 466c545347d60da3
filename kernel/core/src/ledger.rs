//! Tokens and money: reserved before a turn, settled after it.
//!
//! A turn reserves the most that it can cost, at the price of the dearest model that may answer. What comes back
//! settles the reservation, at the price of the one that did; what never comes back (a crash) stays spent at the
//! reserved amount. So the limit can be passed by no more than the reservations in flight.

use serde::{Deserialize, Serialize};

use crate::message::Usage;

/// Price of a model, in US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Price of tokens in the request.
    pub input: f64,
    /// Price of generated tokens.
    pub output: f64,
    /// Price of tokens read from the cache; absent: as `input`.
    pub cache_read: Option<f64>,
    /// Price of tokens written to the cache; absent: as `input`.
    pub cache_write: Option<f64>,
}

/// The largest sum of money that is counted, in millionths of a dollar: everything that keeps sums can store it.
const MOST: u64 = 1 << 53;

impl Price {
    /// Price of what costs nothing.
    pub const FREE: Self = Self { input: 0.0, output: 0.0, cache_read: None, cache_write: None };

    /// Price that counts where none is known: as high as the dearest models sold, so that an unknown price
    /// of a remote model is never a free one.
    pub const CEILING: Self =
        Self { input: 30.0, output: 180.0, cache_read: None, cache_write: None };

    /// Returns the cost of `usage` in millionths of a dollar, rounded up.
    ///
    /// A dollar per million tokens is a millionth of a dollar per token, so the two factors cancel.
    pub fn cost_micros(&self, usage: Usage) -> u64 {
        let cached = usage.cache_read.unwrap_or(0);
        let written = usage.cache_write.unwrap_or(0);
        let fresh = usage.input.unwrap_or(0).saturating_sub(cached).saturating_sub(written);
        let micros = tokens(fresh) * self.input
            + tokens(cached) * self.cache_read.unwrap_or(self.input)
            + tokens(written) * self.cache_write.unwrap_or(self.input)
            + tokens(usage.output.unwrap_or(0)) * self.output;
        // A negative or unreadable price never gives money back.
        if micros.is_finite() { (micros.max(0.0).ceil() as u64).min(MOST) } else { MOST }
    }
}

fn tokens(count: u64) -> f64 {
    count as f64
}

/// The most that one turn can take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// Fresh tokens of input and output together.
    pub tokens: u64,
    /// Cost in millionths of a US dollar.
    pub cost_micros: u64,
    /// True if the cost is rather too high: a part of it counts estimated tokens, or an unknown price at its ceiling.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub at_most: bool,
}

impl Reservation {
    /// Returns the sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            cost_micros: self.cost_micros.saturating_add(other.cost_micros),
            at_most: self.at_most || other.at_most,
        }
    }
}

/// What one request took that belongs to no task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The role for which it was asked.
    pub role: String,
    /// The model, `provider/model`.
    pub model: String,
    /// Tokens, as far as the provider told.
    pub usage: Usage,
    /// What it took at the model's price.
    pub spent: Reservation,
}

/// Tokens and money of one task: its limits, its spending and its open reservations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    max_tokens: Option<u64>,
    max_cost_micros: u64,
    spent: Reservation,
    reserved: Reservation,
    warned: bool,
}

/// The limit that a reservation would pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortage {
    /// The limit on tokens.
    Tokens,
    /// The limit on money.
    Cost,
}

impl Ledger {
    /// Returns a ledger with nothing spent. `max_tokens` absent is no limit.
    pub fn new(max_tokens: Option<u64>, max_cost_micros: u64) -> Self {
        let none = Reservation::default();
        Self { max_tokens, max_cost_micros, spent: none, reserved: none, warned: false }
    }

    /// Reserves the most that a turn can take.
    ///
    /// # Errors
    ///
    /// Names the limit that it would pass; nothing is reserved then.
    pub fn reserve(&mut self, amount: Reservation) -> Result<(), Shortage> {
        if self
            .max_tokens
            .is_some_and(|max| self.committed_tokens().saturating_add(amount.tokens) > max)
        {
            return Err(Shortage::Tokens);
        }
        if self.committed_cost().saturating_add(amount.cost_micros) > self.max_cost_micros {
            return Err(Shortage::Cost);
        }
        self.reserve_again(amount);
        Ok(())
    }

    /// Reserves what was reserved once already, whatever the limits are now.
    pub fn reserve_again(&mut self, amount: Reservation) {
        self.reserved.tokens = self.reserved.tokens.saturating_add(amount.tokens);
        self.reserved.cost_micros = self.reserved.cost_micros.saturating_add(amount.cost_micros);
    }

    /// Settles a reservation with what was really taken, or with the reservation itself where nobody knows.
    pub fn settle(&mut self, reserved: Reservation, actual: Option<Reservation>) {
        self.reserved.tokens = self.reserved.tokens.saturating_sub(reserved.tokens);
        self.reserved.cost_micros = self.reserved.cost_micros.saturating_sub(reserved.cost_micros);
        let actual = actual.unwrap_or(reserved);
        self.spent = self.spent.plus(actual);
    }

    /// Returns what is spent so far.
    pub fn spent(&self) -> Reservation {
        self.spent
    }

    /// Returns the tokens that are neither spent nor reserved; without a limit, the largest number.
    pub fn tokens_left(&self) -> u64 {
        self.max_tokens.map_or(u64::MAX, |max| max.saturating_sub(self.committed_tokens()))
    }

    /// Returns the money that is neither spent nor reserved, in millionths of a dollar.
    pub fn cost_left(&self) -> u64 {
        self.max_cost_micros.saturating_sub(self.committed_cost())
    }

    /// Returns true once, when four fifths of a limit are spent.
    pub fn warns(&mut self) -> bool {
        let near = |spent: u64, max: u64| spent.saturating_mul(5) >= max.saturating_mul(4);
        let due = self.max_tokens.is_some_and(|max| near(self.spent.tokens, max))
            || near(self.spent.cost_micros, self.max_cost_micros) && self.spent.cost_micros > 0;
        let first = due && !self.warned;
        self.warned |= due;
        first
    }

    fn committed_tokens(&self) -> u64 {
        self.spent.tokens.saturating_add(self.reserved.tokens)
    }

    fn committed_cost(&self) -> u64 {
        self.spent.cost_micros.saturating_add(self.reserved.cost_micros)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(input: u64, output: u64) -> Usage {
        Usage { input: Some(input), output: Some(output), ..Usage::default() }
    }

    fn amount(tokens: u64, cost_micros: u64) -> Reservation {
        Reservation { tokens, cost_micros, at_most: false }
    }

    #[test]
    fn without_a_limit_tokens_never_run_out() {
        let mut ledger = Ledger::new(None, 1_000);
        assert_eq!(ledger.reserve(amount(u64::MAX, 1)), Ok(()));
        assert_eq!(ledger.reserve(amount(u64::MAX, 1)), Ok(()));
        ledger.settle(amount(u64::MAX, 1), None);
        assert!(!ledger.warns());
        assert_eq!(ledger.tokens_left(), u64::MAX);
    }

    #[test]
    fn cached_tokens_cost_their_own_price() {
        let price =
            Price { input: 3.0, output: 15.0, cache_read: Some(0.3), cache_write: Some(3.75) };
        let cached = Usage { cache_read: Some(1_000), ..usage(1_000, 0) };
        assert_eq!(price.cost_micros(usage(1_000, 100)), 4_500);
        assert_eq!(price.cost_micros(cached), 300);
    }

    #[test]
    fn a_price_that_is_not_a_number_costs_the_most_and_a_negative_one_nothing() {
        let broken = Price { input: f64::NAN, output: 0.0, cache_read: None, cache_write: None };
        let negative = Price { input: -1.0, output: 0.0, cache_read: None, cache_write: None };
        assert_eq!(broken.cost_micros(usage(1, 0)), MOST);
        assert_eq!(negative.cost_micros(usage(1, 0)), 0);
    }

    #[test]
    fn a_reservation_past_the_limit_is_refused_and_takes_nothing() {
        let mut ledger = Ledger::new(Some(100), 1_000);
        let most = amount(90, 10);
        assert_eq!(ledger.reserve(most), Ok(()));
        assert_eq!(ledger.reserve(most), Err(Shortage::Tokens));
        ledger.settle(most, Some(amount(5, 1)));
        assert_eq!(ledger.tokens_left(), 95);
        let dear = amount(1, 1_000);
        assert_eq!(ledger.reserve(dear), Err(Shortage::Cost));
    }

    #[test]
    fn a_reservation_without_a_result_stays_spent() {
        let mut ledger = Ledger::new(Some(100), 1_000);
        let most = amount(60, 600);
        assert_eq!(ledger.reserve(most), Ok(()));
        ledger.settle(most, None);
        assert_eq!(ledger.spent(), most);
    }

    #[test]
    fn the_warning_comes_once_at_four_fifths() {
        let mut ledger = Ledger::new(Some(100), 1_000_000);
        ledger.settle(Reservation::default(), Some(amount(79, 1)));
        assert!(!ledger.warns());
        ledger.settle(Reservation::default(), Some(amount(1, 1)));
        assert!(ledger.warns());
        assert!(!ledger.warns());
    }
}
