//! What arrives of a turn while it is under way, and the waits that a provider orders meanwhile.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{
    ledger::Reservation,
    message::{Prompt, Usage, tokens},
    model::ModelCard,
    port::Delta,
    recorder::{ClockHold, Recorder},
};

/// A turn under way.
pub(super) struct Arrival<'a> {
    recorder: &'a Recorder,
    state: Mutex<State<'a>>,
}

#[derive(Default)]
struct State<'a> {
    /// Bytes of text and thoughts that arrived.
    bytes: usize,
    /// Whether the adapter waits before it tries again: the request before has failed, and no other is under way.
    waits: bool,
    /// The run's clock stands still while the adapter waits as the provider ordered.
    hold: Option<ClockHold<'a>>,
}

impl<'a> Arrival<'a> {
    pub(super) fn new(recorder: &'a Recorder) -> Self {
        Self { recorder, state: Mutex::default() }
    }

    /// Takes a piece. Returns whether it is for listeners.
    pub(super) fn take(&self, delta: Delta<'_>) -> bool {
        match delta {
            Delta::Text(text) | Delta::Thought(text) => self.state().bytes += text.len(),
            Delta::Waiting(why) => self.state().waits = !why.is_empty(),
            Delta::Resting(rests) => {
                let hold = rests.then(|| self.recorder.hold_clock());
                let before = std::mem::replace(&mut self.state().hold, hold);
                drop(before);
                return false;
            }
        }
        true
    }

    /// Returns what a turn has taken that is cut now: at the price of the dearest model that may have answered.
    pub(super) fn taken(
        &self,
        prompt: &Prompt,
        chain: &[ModelCard],
        reserved: Reservation,
    ) -> Reservation {
        let state = self.state();
        match (state.bytes, state.waits || state.hold.is_some()) {
            // What was refused, or never reached its server, took nothing.
            (0, true) => Reservation::default(),
            (0, false) => Reservation { at_most: reserved.cost_micros > 0, ..reserved },
            (bytes, _) => {
                let usage = Usage {
                    input: Some(prompt.tokens()),
                    output: Some(tokens(bytes)),
                    estimated: true,
                    ..Usage::default()
                };
                ModelCard::dearest(chain, usage)
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
