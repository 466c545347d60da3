//! The end of a run.

use serde::{Deserialize, Serialize};

use crate::{
    approval::ApprovalRequest,
    contract::Repair,
    deliberation::ruling::Stop,
    evaluation::Change,
    evidence::{Claim, Standing},
    frozen::Difference,
    ledger::{Reservation, Shortage},
    message::Usage,
    model::ModelError,
};

/// A breaker's reason, with its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "breaker", rename_all = "snake_case")]
pub enum Trip {
    /// The budget does not cover the next turn.
    #[error("{}", over_budget(*what, *limit, *spent))]
    Budget {
        /// The limit that would be passed: tokens or money.
        what: Shortage,
        /// Value of the limit: tokens, or millionths of a US dollar.
        limit: u64,
        /// Amount spent so far, in the same unit.
        spent: u64,
    },
    /// The time of the task is over.
    #[error("the time limit of {} s is over; --max-time raises it", limit_ms / 1000)]
    Time {
        /// Limit in milliseconds.
        limit_ms: u64,
    },
    /// The model repeats one call again and again.
    #[error("`{tool}` was called {count} times with the same arguments")]
    Repetition {
        /// Name of the tool.
        tool: String,
        /// Number of identical calls.
        count: u32,
    },
    /// The work became worse twice.
    #[error("the work became worse twice: {detail}")]
    Regression {
        /// Obstacle in the last iteration.
        detail: String,
    },
}

fn over_budget(what: Shortage, limit: u64, spent: u64) -> String {
    match what {
        Shortage::Tokens => format!(
            "the limit of {limit} tokens does not cover the next turn ({spent} spent); --max-tokens \
             raises it"
        ),
        Shortage::Cost => format!(
            "the cost limit of {} does not cover the next turn ({} spent); --max-cost raises it",
            dollars(limit),
            dollars(spent)
        ),
    }
}

/// Reason why a run stopped before its end, as data: a surface can show it, and answer it later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Pause {
    /// The user cancelled the run.
    Cancelled,
    /// A person has to answer a question.
    Question {
        /// The question, with its target and hash.
        request: Box<ApprovalRequest>,
    },
    /// A model could not answer.
    Model {
        /// Error of the model.
        error: ModelError,
    },
    /// A limit was reached.
    Limit {
        /// The limit, with its numbers.
        trip: Trip,
    },
    /// The workspace or the journal cannot be used.
    Fault {
        /// Description of the fault.
        message: String,
    },
}

/// Returns millionths of a dollar as dollars: to the cent, or with four places below ten cents.
fn dollars(micros: u64) -> String {
    let places = if (1..100_000).contains(&micros) { 4 } else { 2 };
    format!("${:.places$}", micros as f64 / 1e6)
}

/// Ways in which a run ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "snake_case")]
pub enum Ending {
    /// The work was accepted, or nothing was to be evaluated.
    Accepted,
    /// Every iteration is used and the work was not accepted.
    Exhausted,
    /// Further iterations would bring nothing.
    Stalled {
        /// Sign that the work stands still.
        reason: String,
    },
    /// The chamber let nothing be done.
    Vetoed {
        /// Why, by agency.
        stops: Vec<Stop>,
    },
    /// The chamber looked where each way leads; nothing was done, as it was asked for.
    Simulated,
    /// A breaker ended the run.
    Tripped {
        /// Reason and numbers of the breaker.
        trip: Trip,
    },
}

/// Everything that a run came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The way in which it ended.
    #[serde(flatten)]
    pub ending: Ending,
    /// The answer: what the model said last in the best iteration.
    pub text: String,
    /// Number of iterations that ran.
    pub iterations: u32,
    /// Number of the iteration that is kept; 0 is the untouched tree.
    pub best_iteration: u32,
    /// Evidence about the kept work.
    pub standing: Standing,
    /// Tests whose result hangs on evidence that the run changed, let through or open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// Criteria of the contract, each with its basis.
    pub claims: Vec<Claim>,
    /// Files that the kept work changed.
    pub changes: Vec<Change>,
    /// Files whose changes the loop took back at the end; a redo brings them forth again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken_back: Vec<Change>,
    /// Paths that others changed too, which were left as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<String>,
    /// Changed files that the task does not name although it names others, and removed ones that it does not name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<String>,
    /// Places that changed and that no state covers, so that an undo cannot bring them back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncovered: Vec<String>,
    /// Why the work was not accepted, in one sentence; empty if it was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub because: String,
    /// Number of complete turns.
    pub turns: u32,
    /// Tokens of all turns, failed ones included.
    pub usage: Usage,
    /// Amount that counts against the budget.
    pub spent: Reservation,
    /// Running time in milliseconds.
    pub elapsed_ms: u64,
    /// Scores of the kept iteration, 0 to 1.
    pub scores: Vec<crate::evaluation::Score>,
    /// Steps that evaluations added to the plan, and what showed them to be fixed.
    #[serde(default)]
    pub repairs: Vec<Repair>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trip_says_its_numbers_in_their_unit_and_the_flag_that_sets_another() {
        let budget = |what, limit, spent| Trip::Budget { what, limit, spent };
        for (trip, said) in [
            (
                budget(Shortage::Cost, 2_000_000, 1_994_000),
                "the cost limit of $2.00 does not cover the next turn ($1.99 spent); --max-cost raises it",
            ),
            (
                budget(Shortage::Cost, 50_000, 2_700),
                "the cost limit of $0.0500 does not cover the next turn ($0.0027 spent); --max-cost raises \
                 it",
            ),
            (
                budget(Shortage::Tokens, 200_000, 0),
                "the limit of 200000 tokens does not cover the next turn (0 spent); --max-tokens raises it",
            ),
            (Trip::Time { limit_ms: 8_000 }, "the time limit of 8 s is over; --max-time raises it"),
        ] {
            assert_eq!(trip.to_string(), said);
        }
    }
}
