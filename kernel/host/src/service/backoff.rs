//! Back-off: a service that failed several times in a row is not asked for a minute. Then one call goes first, and the
//! others wait for its end.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::error::ServiceError;

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

/// The back-off of one account of a service. `now` is in milliseconds of the monotonic clock.
#[derive(Debug, Default)]
pub(crate) struct Backoff(Mutex<BackoffState>);

/// The back-offs of all accounts, by their keys. All runs of a host share them.
#[derive(Debug, Default)]
pub(crate) struct Backoffs(Mutex<HashMap<String, Arc<Backoff>>>);

impl Backoffs {
    /// Returns the back-off of an account.
    pub(crate) fn of(&self, key: &str) -> Arc<Backoff> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(key.to_owned()).or_default())
    }
}

impl Backoff {
    /// Lets a call through, or returns the milliseconds that are left of the rest. After the rest one call goes
    /// through, and others are refused until it ends.
    pub(crate) fn admit(&self, now: u64) -> Result<(), u64> {
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

    /// Notes an answer, which may be a refusal: the service can be reached.
    pub(crate) fn answered(&self) {
        *self.state() = BackoffState::default();
    }

    /// Notes that there was no answer. Returns true if the service rests from now on.
    pub(crate) fn failed(&self, now: u64) -> bool {
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
    pub(crate) fn dropped(&self) {
        self.state().probing = false;
    }

    fn state(&self) -> MutexGuard<'_, BackoffState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The permit to ask a service. Dropping it lets another call go first.
pub(crate) struct Permit<'a>(&'a Backoff);

impl<'a> Permit<'a> {
    /// Returns a permit, unless the service rests.
    pub(crate) fn of(backoff: &'a Backoff, now: u64) -> Result<Self, ServiceError> {
        match backoff.admit(now) {
            Ok(()) => Ok(Self(backoff)),
            Err(left_ms) => Err(ServiceError::Resting { seconds: left_ms.div_ceil(1_000) }),
        }
    }

    /// Notes that the service answered.
    pub(crate) fn answered(&self) {
        self.0.answered();
    }

    /// Notes a failed attempt. `unavailable` is false if the service can be reached and refused. Returns true if the
    /// service rests from now on.
    pub(crate) fn failed(&self, unavailable: bool, now: u64) -> bool {
        if unavailable {
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

    #[test]
    fn two_accounts_of_one_service_rest_apart() {
        let all = Backoffs::default();
        for _ in 0..5 {
            all.of("tool.work").failed(0);
        }

        assert!(all.of("tool.work").admit(1).is_err());
        assert_eq!(all.of("tool.home").admit(1), Ok(()));
    }

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
