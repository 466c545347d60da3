//! Whether a provider answers at all: one that failed several times in a row is left alone for a minute, and
//! then asked once before everybody asks it again.

use std::sync::{Mutex, MutexGuard, PoisonError};

use openkoi_core::model::ModelTrouble;

use super::trouble::Setback;

/// So many failures in a row …
const FAILURES: u32 = 5;
/// … and it is left alone for so long, in milliseconds.
const REST_MS: u64 = 60_000;

#[derive(Debug, Default)]
struct State {
    failures: u32,
    until: Option<u64>,
    probing: bool,
}

/// What is known of one provider. Times are those of the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<State>);

impl Outage {
    /// Lets a call through, or says for how many milliseconds yet the provider is left alone. After the rest
    /// one call goes through, and the others wait for what becomes of it.
    pub(super) fn admit(&self, now: u64) -> Result<(), u64> {
        let mut state = self.state();
        let Some(until) = state.until else { return Ok(()) };
        if now < until {
            return Err(until - now);
        }
        if state.probing {
            return Err(REST_MS);
        }
        state.probing = true;
        Ok(())
    }

    /// Notes an answer, be it a refusal: the provider is there.
    pub(super) fn answered(&self) {
        *self.state() = State::default();
    }

    /// Notes that there was no answer. Returns whether the provider is left alone from now on.
    pub(super) fn failed(&self, now: u64) -> bool {
        let mut state = self.state();
        state.failures = state.failures.saturating_add(1);
        if state.failures < FAILURES {
            return state.until.is_some();
        }
        state.until = Some(now.saturating_add(REST_MS));
        state.probing = false;
        true
    }

    /// Notes that a call which was let through came to nothing, neither answer nor failure.
    pub(super) fn dropped(&self) {
        self.state().probing = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to ask a provider, given back when nothing came of it.
pub(super) struct Permit<'a>(&'a Outage);

impl<'a> Permit<'a> {
    /// Returns the right to ask the provider of this name, unless it is left alone.
    pub(super) fn of(outage: &'a Outage, provider: &str, now: u64) -> Result<Self, Setback> {
        let Err(left_ms) = outage.admit(now) else { return Ok(Self(outage)) };
        let seconds = left_ms.div_ceil(1_000);
        let message = format!("it failed several times in a row and is left alone for {seconds} s");
        Err(Setback::of(ModelTrouble::Unreachable, provider, &message, ""))
    }

    /// Notes that it answered.
    pub(super) fn answered(&self) {
        self.0.answered();
    }

    /// Returns whether the provider is left alone from now on.
    pub(super) fn failed(&self, setback: &Setback, now: u64) -> bool {
        if setback.outage {
            return self.0.failed(now);
        }
        self.0.answered();
        false
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.dropped();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_failures(count: u32) -> Outage {
        let outage = Outage::default();
        for _ in 0..count {
            outage.failed(0);
        }
        outage
    }

    #[test]
    fn five_failures_in_a_row_are_an_outage() {
        assert_eq!(after_failures(4).admit(0), Ok(()));
        assert_eq!(after_failures(5).admit(1_000), Err(59_000));
    }

    #[test]
    fn an_answer_in_between_ends_the_row() {
        let outage = after_failures(4);
        outage.answered();
        outage.failed(0);
        assert_eq!(outage.admit(0), Ok(()));
    }

    #[test]
    fn after_the_rest_one_call_goes_first() {
        let outage = after_failures(5);
        assert_eq!(outage.admit(60_000), Ok(()));
        assert!(outage.admit(60_000).is_err());

        outage.answered();
        assert_eq!(outage.admit(60_001), Ok(()));
    }

    #[test]
    fn a_first_call_that_fails_begins_the_rest_again() {
        let outage = after_failures(5);
        assert_eq!(outage.admit(60_000), Ok(()));
        outage.failed(61_000);
        assert_eq!(outage.admit(62_000), Err(59_000));
    }

    #[test]
    fn a_first_call_that_is_dropped_makes_way_for_the_next() {
        let outage = after_failures(5);
        assert_eq!(outage.admit(60_000), Ok(()));
        outage.dropped();
        assert_eq!(outage.admit(60_000), Ok(()));
    }
}
