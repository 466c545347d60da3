//! The parts of turns that failed attempts leave behind.

use openkoi_core::{
    message::{Received, Turn},
    model::ModelError,
};

use super::{attempt_error::AttemptError, settings::Route};

/// The parts that arrived in failed attempts. They were paid for, and so they are counted.
#[derive(Default)]
pub(super) struct PartialTurns(Option<Received>);

impl PartialTurns {
    /// Adds a failed attempt. The usage of all is summed up; of the content, that of the last attempt which had any is
    /// kept.
    pub(super) fn add(&mut self, error: &AttemptError, route: &Route) {
        let Some(received) = &error.cause.received else { return };
        let before = self.0.take().unwrap_or_default();
        let usage = before.usage.plus(received.usage);
        let route = Some(route.to_string());
        let says = !received.parts.is_empty() || before.parts.is_empty();
        let kept = if says { Received { route, ..Received::clone(received) } } else { before };
        self.0 = Some(Received { usage, ..kept });
    }

    /// Adds the usage of the failed attempts to the turn that came after them. Its own counts are complete.
    pub(super) fn add_to(self, mut turn: Turn) -> Turn {
        if let Some(partial) = self.0 {
            turn.usage = turn.usage.plus(partial.usage);
        }
        turn
    }

    /// Attaches what is kept to the error that the attempts ended with.
    pub(super) fn attach_to(self, error: ModelError) -> ModelError {
        ModelError { received: self.0.map(Box::new), ..error }
    }
}
