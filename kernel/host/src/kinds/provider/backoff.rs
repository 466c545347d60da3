//! Whether a provider answers at all: one that failed several times in a row is left alone for a minute, and
//! then asked once before everybody asks it again.

use std::sync::{Mutex, MutexGuard, PoisonError};

use openkoi_core::port::ModelTrouble;

use super::attempt_error::AttemptError;

/// So many failures in a row …
const FAILURES: u32 = 5;
/// … and it is left alone for so long, in milliseconds.
const REST_MS: u64 = 60_000;

#[derive(Debug, Default)]
struct BackoffState {
    failures: u32,
    until: Option<u64>,
    probing: bool,
}

/// What is known of one provider. Times are those of the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Backoff(Mutex<BackoffState>);

impl Backoff {
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
        *self.state() = BackoffState::default();
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

    fn state(&self) -> MutexGuard<'_, BackoffState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to ask a provider, given back when nothing came of it.
pub(super) struct BackoffPermit<'a>(&'a Backoff);

impl<'a> BackoffPermit<'a> {
    /// Returns the right to ask the provider of this name, unless it is left alone.
    pub(super) fn of(backoff: &'a Backoff, provider: &str, now: u64) -> Result<Self, AttemptError> {
        let Err(left_ms) = backoff.admit(now) else { return Ok(Self(backoff)) };
        let seconds = left_ms.div_ceil(1_000);
        let message = format!("it failed several times in a row and is left alone for {seconds} s");
        Err(AttemptError::of(ModelTrouble::Unreachable, provider, &message, ""))
    }

    /// Notes that it answered.
    pub(super) fn answered(&self) {
        self.0.answered();
    }

    /// Returns whether the provider is left alone from now on.
    pub(super) fn failed(&self, error: &AttemptError, now: u64) -> bool {
        if error.unavailable {
            return self.0.failed(now);
        }
        self.0.answered();
        false
    }
}

impl Drop for BackoffPermit<'_> {
    fn drop(&mut self) {
        self.0.dropped();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_failures(count: u32) -> Backoff {
        let backoff = Backoff::default();
        for _ in 0..count {
            backoff.failed(0);
        }
        backoff
    }

    #[test]
    fn five_failures_in_a_row_are_an_outage() {
        assert_eq!(after_failures(4).admit(0), Ok(()));
        assert_eq!(after_failures(5).admit(1_000), Err(59_000));
    }

    #[test]
    fn an_answer_in_between_ends_the_row() {
        let backoff = after_failures(4);
        backoff.answered();
        backoff.failed(0);
        assert_eq!(backoff.admit(0), Ok(()));
    }

    #[test]
    fn after_the_rest_one_call_goes_first() {
        let backoff = after_failures(5);
        assert_eq!(backoff.admit(60_000), Ok(()));
        assert!(backoff.admit(60_000).is_err());

        backoff.answered();
        assert_eq!(backoff.admit(60_001), Ok(()));
    }

    #[test]
    fn a_first_call_that_fails_begins_the_rest_again() {
        let backoff = after_failures(5);
        assert_eq!(backoff.admit(60_000), Ok(()));
        backoff.failed(61_000);
        assert_eq!(backoff.admit(62_000), Err(59_000));
    }

    #[test]
    fn a_first_call_that_is_dropped_makes_way_for_the_next() {
        let backoff = after_failures(5);
        assert_eq!(backoff.admit(60_000), Ok(()));
        backoff.dropped();
        assert_eq!(backoff.admit(60_000), Ok(()));
    }
}
