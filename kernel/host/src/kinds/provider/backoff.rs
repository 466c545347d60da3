//! Back-off: a provider that failed several times in a row is not asked for a minute. Then one call goes first, and the
//! others wait for its end.

use std::sync::{Mutex, MutexGuard, PoisonError};

use openkoi_core::model::ModelTrouble;

use super::attempt_error::AttemptError;

/// Failures in a row that start a rest.
const FAILURES: u32 = 5;
/// The length of a rest.
const REST_MS: u64 = 60_000;

#[derive(Debug, Default)]
struct BackoffState {
    failures: u32,
    until: Option<u64>,
    probing: bool,
}

/// The back-off of one provider. `now` is in milliseconds of the monotonic clock.
#[derive(Debug, Default)]
pub(super) struct Backoff(Mutex<BackoffState>);

impl Backoff {
    /// Lets a call through, or returns the milliseconds that are left of the rest. After the rest one call goes
    /// through, and others are refused until it ends.
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

    /// Notes an answer, which may be a refusal: the provider can be reached.
    pub(super) fn answered(&self) {
        *self.state() = BackoffState::default();
    }

    /// Notes that there was no answer. Returns true if the provider rests from now on.
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

    /// Notes that a call was dropped with neither answer nor failure.
    pub(super) fn dropped(&self) {
        self.state().probing = false;
    }

    fn state(&self) -> MutexGuard<'_, BackoffState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The permit to ask a provider. Dropping it lets another call go first.
pub(super) struct BackoffPermit<'a>(&'a Backoff);

impl<'a> BackoffPermit<'a> {
    /// Returns a permit, unless the provider rests.
    pub(super) fn of(backoff: &'a Backoff, provider: &str, now: u64) -> Result<Self, AttemptError> {
        let Err(left_ms) = backoff.admit(now) else { return Ok(Self(backoff)) };
        let seconds = left_ms.div_ceil(1_000);
        let message = format!("it failed several times in a row and is left alone for {seconds} s");
        Err(AttemptError::of(ModelTrouble::Unreachable, provider, &message, ""))
    }

    /// Notes that the provider answered.
    pub(super) fn answered(&self) {
        self.0.answered();
    }

    /// Notes a failed attempt. Returns true if the provider rests from now on.
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
    fn five_failures_in_a_row_start_a_rest() {
        assert_eq!(after_failures(4).admit(0), Ok(()));
        assert_eq!(after_failures(5).admit(1_000), Err(59_000));
    }

    #[test]
    fn an_answer_resets_the_count_of_failures() {
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
    fn a_first_call_that_fails_starts_another_rest() {
        let backoff = after_failures(5);
        assert_eq!(backoff.admit(60_000), Ok(()));
        backoff.failed(61_000);
        assert_eq!(backoff.admit(62_000), Err(59_000));
    }

    #[test]
    fn a_first_call_that_is_dropped_lets_another_go_first() {
        let backoff = after_failures(5);
        assert_eq!(backoff.admit(60_000), Ok(()));
        backoff.dropped();
        assert_eq!(backoff.admit(60_000), Ok(()));
    }
}
