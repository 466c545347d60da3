//! Deliberation: what is put before the chamber, what its agencies say, and what follows from it.
//!
//! A [`motion`] is what the chamber looks at. [`computed`] is the evidence that needs no agency: it is handed to all of them
//! with the motion, and stands whatever they say. [`powers`] holds an agency to what it may do, [`ruling`] draws the conclusion
//! from all that was said, and [`futures`] shows where each way would lead.

pub mod assessment;
pub mod computed;
pub mod forecast;
pub mod futures;
pub mod motion;
pub mod operations;
pub mod plan;
pub mod powers;
pub mod ruling;

/// The agencies that have a power of their own, by the names of their components.
pub mod names {
    /// Looks after what cannot be taken back. Has a veto, and its silence is one.
    pub const GUARDIAN: &str = "guardian";
    /// Looks after money and time. Has a veto on cost.
    pub const ECONOMIST: &str = "economist";
    /// Holds what the plan says against files and memory.
    pub const SCHOLAR: &str = "scholar";
    /// Looks for what only the user knows. May ask one question.
    pub const EMPATH: &str = "empath";
    /// Looks for a better way. May put forward another plan.
    pub const STRATEGIST: &str = "strategist";

    const ORDER: [&str; 5] = [GUARDIAN, ECONOMIST, SCHOLAR, EMPATH, STRATEGIST];

    /// Returns the place of an agency among the others: those of this list first.
    #[must_use]
    pub fn place(name: &str) -> (usize, String) {
        let known = ORDER.iter().position(|one| *one == name);
        (known.unwrap_or(ORDER.len()), name.to_owned())
    }

    /// Returns the name as a person reads it.
    #[must_use]
    pub fn shown(name: &str) -> String {
        let mut letters = name.chars();
        let first = letters.next().map(|letter| letter.to_uppercase().to_string());
        first.into_iter().chain([letters.as_str().to_owned()]).collect()
    }
}
