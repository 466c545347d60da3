//! Whether a provider answers at all: one that failed several times in a row is left alone for a minute, and
//! then asked once before everybody asks it again.

use std::sync::{Mutex, MutexGuard, PoisonError};

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
