//! The system's two clocks.

use std::{
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use openkoi_core::port::{Clock, Pending};
use tokio::time::Instant;

/// The clocks of the machine. It has no state of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl SystemClock {
    /// Returns the wall clock, in milliseconds since 1970. It may jump either way, so it is for times that are shown.
    #[must_use]
    pub fn now_ms(self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns the time since the first call. It does not go back, so it is for deadlines and durations.
    ///
    /// It follows tokio's clock: a test that pauses that one pauses this one.
    #[must_use]
    pub fn monotonic(self) -> Duration {
        static BEGUN: OnceLock<Instant> = OnceLock::new();
        let begun = *BEGUN.get_or_init(Instant::now);
        Instant::now().saturating_duration_since(begun)
    }

    /// Waits for `duration`.
    pub async fn sleep(self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// Returns the day of a time in milliseconds since 1970, as `2026-11-28`, in UTC.
#[must_use]
pub fn date(ms: u64) -> String {
    let time = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    time.map_or_else(String::new, |time| time.strftime("%Y-%m-%d").to_string())
}

/// Returns a time in milliseconds since 1970 as RFC 3339 has it, in UTC: `2026-11-28T06:00:00Z`.
#[must_use]
pub fn timestamp(ms: u64) -> String {
    let time = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    time.map_or_else(String::new, |time| time.to_string())
}

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        Self::now_ms(*self)
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, duration: Duration) -> Pending<'static, ()> {
        Box::pin(Self::sleep(*self, duration))
    }
}

#[cfg(test)]
mod tests {
    use super::SystemClock;
    use std::time::Duration;

    #[test]
    fn a_time_has_a_day() {
        assert_eq!(super::date(1_795_867_200_000), "2026-11-28");
        assert_eq!(super::date(0), "1970-01-01");
        assert_eq!(super::date(u64::MAX), "");
        assert_eq!(super::timestamp(1_795_867_200_250), "2026-11-28T12:00:00.25Z");
    }

    #[tokio::test(start_paused = true)]
    async fn sleeping_moves_the_monotonic_clock_by_as_much() {
        let before = SystemClock.monotonic();

        SystemClock.sleep(Duration::from_secs(3600)).await;

        let slept = SystemClock.monotonic().checked_sub(before).unwrap();
        assert!((3600..3601).contains(&slept.as_secs()), "{slept:?}");
    }

    #[test]
    fn the_wall_clock_is_in_milliseconds_of_this_century() {
        assert!((1_600_000_000_000..4_102_444_800_000).contains(&SystemClock.now_ms()));
    }
}
