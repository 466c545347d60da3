//! Waiting for a condition that has a name and a deadline.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How often a condition is looked at.
const TICK: Duration = Duration::from_millis(10);

/// Returns once `met` is true.
///
/// # Panics
///
/// When it is not within `limit`; `name` says what was waited for.
pub fn until(name: &str, limit: Duration, met: impl FnMut() -> bool) {
    assert!(comes_true(limit, met), "waited {limit:?} in vain until {name}");
}

/// Returns whether `met` is true within `limit`.
pub fn comes_true(limit: Duration, mut met: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    while !met() {
        if Instant::now() >= deadline {
            return false;
        }
        thread::sleep(TICK);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_that_comes_true_ends_the_wait() {
        let begun = Instant::now();
        until("30 ms have passed", Duration::from_secs(10), || {
            begun.elapsed() >= Duration::from_millis(30)
        });
        assert!(begun.elapsed() < Duration::from_secs(5));
    }

    #[test]
    #[should_panic(expected = "in vain until pigs fly")]
    fn a_condition_that_never_comes_true_fails_with_its_name() {
        until("pigs fly", Duration::from_millis(30), || false);
    }
}
