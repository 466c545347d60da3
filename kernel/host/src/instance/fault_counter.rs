//! Quarantine: a component with too many faults is refused for a while.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use openkoi_core::failure::Failure;

use crate::sabotage::{Guard, off};

/// Faults within [`WINDOW_MS`] that put a component into quarantine.
const FAULTS: usize = 3;
const WINDOW_MS: u64 = 60_000;
/// The first quarantine of a component. Each further one lasts twice as long, up to [`LONGEST_REST_MS`].
const REST_MS: u64 = 60_000;
const LONGEST_REST_MS: u64 = 3_600_000;

#[derive(Debug, Default)]
struct FaultRecord {
    faults: VecDeque<u64>,
    times: u32,
    until: Option<u64>,
}

/// Counts the faults of all components. `now` is in milliseconds of the monotonic clock.
#[derive(Debug, Default)]
pub(crate) struct FaultCounter(Mutex<BTreeMap<String, FaultRecord>>);

impl FaultCounter {
    /// Counts a fault. The last one before a quarantine is logged.
    pub(crate) fn count(&self, component: &str, now: u64) {
        let mut records = self.records();
        let record = records.entry(component.to_owned()).or_default();
        record.faults.push_back(now);
        while record.faults.front().is_some_and(|at| at.saturating_add(WINDOW_MS) < now) {
            record.faults.pop_front();
        }
        if record.faults.len() < FAULTS || off(Guard::HostQuarantine) {
            return;
        }
        record.faults.clear();
        let rest = REST_MS.saturating_mul(1 << record.times.min(16)).min(LONGEST_REST_MS);
        record.times += 1;
        record.until = Some(now.saturating_add(rest));
        tracing::warn!(component, rest_ms = rest, "a component broke too often and is left alone");
    }

    /// Refuses a component in quarantine. `wall` is the time of day, for the message.
    pub(crate) fn admit(&self, component: &str, now: u64, wall: u64) -> Result<(), Failure> {
        let Some(left_ms) = self.left(component, now) else { return Ok(()) };
        let until = clock_time(wall.saturating_add(left_ms));
        Err(Failure::Unavailable {
            message: format!(
                "`{component}` broke {FAULTS} times within a minute and is left alone until {until}"
            ),
            request_sent: false,
            retry_after_ms: Some(left_ms),
        })
    }

    fn left(&self, component: &str, now: u64) -> Option<u64> {
        let until = self.records().get(component)?.until?;
        until.checked_sub(now).filter(|left| *left > 0)
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<String, FaultRecord>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the time of day of a point in time, in UTC.
fn clock_time(ms: u64) -> String {
    let instant = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    match instant {
        Some(instant) => instant.strftime("%H:%M:%S UTC").to_string(),
        None => "later".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_faults_in_a_minute_lead_to_quarantine_and_the_message_says_until_when() {
        let faults = FaultCounter::default();
        faults.count("x", 1_000);
        faults.count("x", 2_000);
        assert_eq!(faults.admit("x", 2_000, 0), Ok(()));

        faults.count("x", 3_000);

        let refused = faults.admit("x", 3_000, 43_200_000).unwrap_err();
        assert_eq!(
            refused,
            Failure::Unavailable {
                message: "`x` broke 3 times within a minute and is left alone until 12:01:00 UTC"
                    .to_owned(),
                request_sent: false,
                retry_after_ms: Some(60_000),
            }
        );
        assert_eq!(faults.admit("y", 3_000, 0), Ok(()));
        assert_eq!(faults.admit("x", 63_000, 0), Ok(()));
    }

    #[test]
    fn faults_more_than_a_minute_apart_lead_to_no_quarantine() {
        let faults = FaultCounter::default();
        for minute in 0..10 {
            faults.count("x", minute * 31_000);
        }
        assert_eq!(faults.admit("x", 310_000, 0), Ok(()));
    }

    #[test]
    fn each_further_quarantine_lasts_twice_as_long() {
        let faults = FaultCounter::default();
        for _ in 0..6 {
            faults.count("x", 0);
        }
        let refused = faults.admit("x", 0, 0).unwrap_err();
        assert!(
            matches!(refused, Failure::Unavailable { retry_after_ms: Some(120_000), .. }),
            "{refused:?}"
        );
    }
}
