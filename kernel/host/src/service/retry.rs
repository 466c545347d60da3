//! Waits between the attempts to send a request.

use std::time::Duration;

/// The most retries of a request.
const RETRIES: u32 = 8;

const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(30);
/// The least part of a wait's limit.
const LEAST: f64 = 0.125;
/// The longest wait in the middle of a turn, whatever the service asks for.
const PATIENCE: Duration = Duration::from_secs(600);

/// The waits before the retries of a request that no server on this machine took: one that is just being started gets
/// time to come up, and five seconds are enough to say that there is none.
const HERE: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(3)];

/// The number of retries and the wait before one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    /// The number of this retry, counted from 1.
    pub(crate) number: u32,
    /// The most retries that there are.
    pub(crate) of: u32,
    /// The wait before it.
    pub(crate) wait: Duration,
}

/// Returns the retry after `attempt` others, or `None` if there are no more. `unserved_here` says that no server of
/// models took the connection on this machine.
pub(crate) fn next(
    attempt: u32,
    unserved_here: bool,
    asked: Option<Duration>,
    chance: f64,
) -> Option<Retry> {
    let number = attempt.saturating_add(1);
    if unserved_here {
        let wait = *HERE.get(usize::try_from(attempt).ok()?)?;
        return Some(Retry { number, of: HERE.len() as u32, wait });
    }
    let wait = (attempt < RETRIES).then(|| wait(attempt, asked, chance))??;
    Some(Retry { number, of: RETRIES, wait })
}

/// Returns the wait before retry number `attempt`, counted from 0, or `None` if the service asks for a longer one than
/// [`PATIENCE`]. `chance` is between 0 and 1.
///
/// The wait is between an eighth of a limit that doubles with each attempt and all of it, so that clients that failed
/// together do not come back together, and none comes back before the server has seen its connection closed. A wait that
/// the service asked for is its minimum.
fn wait(attempt: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
    let most = FIRST.saturating_mul(1 << attempt.min(16)).min(LONGEST);
    let chance = if chance.is_finite() { chance.clamp(0.0, 1.0) } else { 1.0 };
    let jittered = most.mul_f64(LEAST + (1.0 - LEAST) * chance);
    match asked {
        Some(asked) if asked > PATIENCE => None,
        // The jitter comes on top: all clients are asked to come back at the same moment.
        Some(asked) => Some(asked + jittered.min(FIRST)),
        None => Some(jittered),
    }
}

/// Reads `retry-after-ms` or `Retry-After`, which has seconds or a date. Other values are ignored.
pub(crate) fn retry_after(headers: &[(String, Vec<u8>)], now_ms: u64) -> Option<Duration> {
    let named = |name: &str| {
        let found = headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(&found.1).ok().map(str::trim)
    };
    if let Some(millis) = named("retry-after-ms").and_then(|text| text.parse::<u64>().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let text = named("retry-after")?;
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    let at = u64::try_from(date.timestamp().as_millisecond()).ok()?;
    Some(Duration::from_millis(at.saturating_sub(now_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<Duration> {
        let headers = [("Retry-After".to_owned(), value.as_bytes().to_vec())];
        // 1994-11-06 08:49:30 UTC
        retry_after(&headers, 784_111_770_000)
    }

    #[test]
    fn the_wait_doubles_up_to_its_limit() {
        let waits: Vec<u64> =
            (0..RETRIES).filter_map(|n| wait(n, None, 1.0)).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits, [2, 4, 8, 16, 30, 30, 30, 30]);
        assert_eq!(wait(3, None, 0.0), Some(Duration::from_secs(2)));
        assert_eq!(wait(3, None, 0.5), Some(Duration::from_secs(9)));
    }

    #[test]
    fn a_server_of_this_machine_that_is_not_there_is_tried_three_times_in_five_seconds() {
        let waits: Vec<Duration> =
            (0..9).filter_map(|n| next(n, true, None, 1.0)).map(|retry| retry.wait).collect();
        assert_eq!((waits.len(), waits.iter().sum()), (2, Duration::from_secs(5)));
        let third = next(2, false, None, 1.0);
        assert_eq!(third, Some(Retry { number: 3, of: 8, wait: Duration::from_secs(8) }));
        assert_eq!(next(8, false, None, 1.0), None);
    }

    #[test]
    fn the_wait_is_at_least_what_the_service_asks_for() {
        let asked = Some(Duration::from_secs(45));
        assert_eq!(wait(0, asked, 0.0), Some(Duration::from_millis(45_250)));
        assert_eq!(wait(7, asked, 1.0), Some(Duration::from_secs(47)));
        assert_eq!(wait(0, Some(Duration::from_secs(1_000_000_000)), 0.5), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("0"), Some(Duration::ZERO));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("1000000000"), Some(Duration::from_secs(1_000_000_000)));
        for garbage in ["", "-1", "soon", "1.5", "7 seconds", "99999999999999999999999"] {
            assert_eq!(read(garbage), None, "{garbage:?}");
        }
    }
}
