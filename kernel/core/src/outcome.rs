//! How a run ended.

use serde::{Deserialize, Serialize};

use crate::{
    contract::Repair,
    evaluation::Change,
    evidence::{Claim, Standing},
    ledger::{Reservation, Shortage},
    message::Usage,
};

/// A breaker's reason, with its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "breaker", rename_all = "snake_case")]
pub enum Trip {
    /// The budget does not cover the next turn.
    #[error("the {} budget does not cover the next turn (limit {limit}, spent {spent})", word(*what))]
    Budget {
        /// Tokens or money.
        what: Shortage,
        /// The limit: tokens, or millionths of a dollar.
        limit: u64,
        /// Spent so far, in the same unit.
        spent: u64,
    },
    /// The time is over.
    #[error("the time limit of {} s is over", limit_ms / 1000)]
    Time {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// The model asks for the same thing for ever.
    #[error("`{tool}` was called {count} times with the same arguments")]
    Repetition {
        /// The tool.
        tool: String,
        /// How often.
        count: u32,
    },
    /// The work became worse twice.
    #[error("the work became worse twice: {detail}")]
    Regression {
        /// What became worse.
        detail: String,
    },
}

fn word(what: Shortage) -> &'static str {
    match what {
        Shortage::Tokens => "token",
        Shortage::Cost => "cost",
    }
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "snake_case")]
pub enum Ending {
    /// The work was accepted, or nothing was to be evaluated.
    Accepted,
    /// All iterations are used and the work was not accepted.
    Exhausted,
    /// Further iterations bring nothing.
    Stalled {
        /// What stalled it.
        reason: String,
    },
    /// A breaker tripped.
    Tripped {
        /// Which.
        trip: Trip,
    },
}

/// Everything there is to say at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    #[serde(flatten)]
    pub ending: Ending,
    /// The answer: what the model said last in the best iteration.
    pub text: String,
    /// How many iterations ran.
    pub iterations: u32,
    /// Which of them is kept; 0 is the untouched tree.
    pub best_iteration: u32,
    /// How the kept work stands.
    pub standing: Standing,
    /// Each criterion with what it rests on.
    pub claims: Vec<Claim>,
    /// Changed files in the kept tree.
    pub changes: Vec<Change>,
    /// Turns of models.
    pub turns: u32,
    /// Tokens of all turns.
    pub usage: Usage,
    /// Tokens and money.
    pub spent: Reservation,
    /// How long it ran, in milliseconds.
    pub elapsed_ms: u64,
    /// The iteration's scores by dimension, 0 to 1.
    pub scores: Vec<crate::evaluation::Score>,
    /// What evaluations found, as steps of the plan, and what showed them to be mended.
    #[serde(default)]
    pub repairs: Vec<Repair>,
}
