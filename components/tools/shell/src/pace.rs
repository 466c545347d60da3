//! How often a person is told how far a command is.

use std::time::{Duration, Instant};

/// Lines that come a second apart.
const AT_FIRST: u32 = 100;

/// Lets a line pass from time to time: each second, and after a while every five, so that the longest command is followed
/// to its end by two hundred lines.
#[derive(Default)]
pub(crate) struct Pace {
    last: Option<Instant>,
    passed: u32,
}

impl Pace {
    /// Returns whether a line may be shown at this time.
    pub(crate) fn lets_pass(&mut self, now: Instant) -> bool {
        let apart = Duration::from_secs(if self.passed < AT_FIRST { 1 } else { 5 });
        let is_due = self.last.is_none_or(|last| now.duration_since(last) >= apart);
        if is_due {
            self.last = Some(now);
            self.passed += 1;
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_of_ten_minutes_is_followed_to_its_end_by_two_hundred_lines() {
        let (begun, mut pace) = (Instant::now(), Pace::default());
        let times = (0..6_000).map(|tenth| begun + Duration::from_millis(tenth * 100));
        let shown: Vec<Instant> = times.filter(|time| pace.lets_pass(*time)).collect();

        assert_eq!(shown.len(), 200);
        assert!(shown.windows(2).all(|two| two[1] - two[0] >= Duration::from_secs(1)));
        assert!(shown[199] - begun > Duration::from_secs(590));
    }
}
