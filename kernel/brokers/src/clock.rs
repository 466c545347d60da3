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

/// Waits until the wall clock shows `at_ms`, in milliseconds since 1970, or somebody sets that clock: whoever waits looks at it again. A
/// machine that was asleep at that time has it come when it wakes.
#[cfg(target_os = "linux")]
pub async fn until(at_ms: u64) {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::{Interest, unix::AsyncFd};

    let set = || {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Realtime, flags)?;
        let seconds = i64::try_from(at_ms / 1_000).unwrap_or(i64::MAX);
        let nanos = i64::try_from(at_ms % 1_000 * 1_000_000).unwrap_or_default();
        // A timer of zero would be off.
        let it_value = Timespec { tv_sec: seconds.max(1), tv_nsec: nanos };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let how = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(&timer, how, &Itimerspec { it_interval, it_value })?;
        #[expect(unsafe_code, reason = "tokio has no safe way to wait for a descriptor")]
        // SAFETY: the timer owns its descriptor, which is the same one and open until it is dropped.
        let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) };
        Ok::<_, std::io::Error>(timer?)
    };
    let timer = match set() {
        Ok(timer) => timer,
        Err(error) => {
            tracing::debug!(%error, "there is no timer of the wall clock");
            return piecewise(at_ms).await;
        }
    };
    if timer.readable().await.is_err() {
        piecewise(at_ms).await;
    }
}

/// Waits until the wall clock shows `at_ms`, in milliseconds since 1970, or for a minute: whoever waits looks at it again.
#[cfg(not(target_os = "linux"))]
pub async fn until(at_ms: u64) {
    piecewise(at_ms).await;
}

/// Waits for a minute at most, because a clock may be set, and a machine may sleep.
async fn piecewise(at_ms: u64) {
    let left = at_ms.saturating_sub(SystemClock.now_ms()).min(60_000);
    SystemClock.sleep(Duration::from_millis(left)).await;
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

    #[tokio::test]
    async fn a_time_of_the_wall_clock_comes_and_one_that_passed_is_there() {
        let at_ms = SystemClock.now_ms() + 30;

        super::until(at_ms).await;
        super::until(at_ms - 1_000).await;
        super::until(0).await;

        assert!(SystemClock.now_ms() >= at_ms);
    }

    #[test]
    fn the_wall_clock_is_in_milliseconds_of_this_century() {
        assert!((1_600_000_000_000..4_102_444_800_000).contains(&SystemClock.now_ms()));
    }
}
