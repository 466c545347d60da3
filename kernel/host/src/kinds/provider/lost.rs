//! What attempts leave behind that came to nothing.

use openkoi_core::{
    message::{Received, Turn},
    model::ModelError,
};

use super::trouble::Setback;

/// What arrived in attempts that gave no turn. It was paid for all the same.
#[derive(Default)]
pub(super) struct Lost(Option<Received>);

impl Lost {
    /// Adds an attempt. The last that said something is the one that is kept.
    pub(super) fn add(&mut self, setback: &Setback) {
        let Some(received) = &setback.error.received else { return };
        let before = self.0.take().unwrap_or_default();
        let usage = before.usage.plus(received.usage);
        let says = !received.parts.is_empty() || before.parts.is_empty();
        let kept = if says { Received::clone(received) } else { before };
        self.0 = Some(Received { usage, ..kept });
    }

    /// The turn that came after them.
    pub(super) fn before(self, mut turn: Turn) -> Turn {
        if let Some(lost) = self.0 {
            turn.usage = turn.usage.with_lost(lost.usage);
        }
        turn
    }

    /// The error that they ended with.
    pub(super) fn kept_in(self, error: ModelError) -> ModelError {
        ModelError { received: self.0.map(Box::new), ..error }
    }
}
