//! Whether a schedule is due, was missed, or has time.

use serde::{Deserialize, Serialize};

use super::plan::Plan;

/// What happens with a time at which nobody was there to begin the task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// The task begins as soon as it can, once for all that were missed.
    #[default]
    Once,
    /// It is left out.
    Skip,
}

/// A moment that passed so long ago was missed: nobody was there. A busy machine is later than that by less.
const GRACE_MS: u64 = 60_000;
/// A clock that is ahead of itself by more was wrong.
const CLOCK_MS: u64 = 86_400_000;

/// What a look at a schedule comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing is due before that time; never, if there is none.
    Later(Option<u64>),
    /// Its task is to begin, for this moment.
    Now {
        /// The moment.
        due_ms: u64,
    },
    /// This moment, the last of those that were missed, is left out.
    Missed {
        /// The moment.
        due_ms: u64,
    },
}

/// Returns the time until which everything is dealt with. A clock that was set back lets nothing be due again, unless it was wrong by
/// more than a day: then what it said before counts no more.
pub(super) fn dealt_with(looked_ms: u64, now_ms: u64) -> u64 {
    if looked_ms > now_ms.saturating_add(CLOCK_MS) { now_ms } else { looked_ms }
}

/// Returns what is due at `now_ms`, if everything until `looked_ms` is dealt with. Of several moments that passed, the last one
/// counts.
pub(super) fn look(plan: &Plan, looked_ms: u64, now_ms: u64, missed: Missed) -> Due {
    let after_ms = dealt_with(looked_ms, now_ms);
    match plan.last_until(after_ms, now_ms) {
        None => Due::Later(plan.next(after_ms.max(now_ms))),
        Some(due_ms) if missed == Missed::Skip && now_ms - due_ms > GRACE_MS => {
            Due::Missed { due_ms }
        }
        Some(due_ms) => Due::Now { due_ms },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000;
    const HOUR: u64 = 3_600_000;

    fn daily() -> Plan {
        Plan::parse("every day at 9", "UTC", 0).unwrap()
    }

    #[test]
    fn what_passed_is_due_once_or_left_out() {
        let (nine, plan) = (9 * HOUR, daily());
        for (name, looked, now, missed, expected) in [
            ("before", 0, nine - 1, Missed::Once, Due::Later(Some(nine))),
            ("on the moment", 0, nine, Missed::Once, Due::Now { due_ms: nine }),
            ("a little late", 0, nine + 30_000, Missed::Skip, Due::Now { due_ms: nine }),
            ("hours late", 0, nine + HOUR, Missed::Once, Due::Now { due_ms: nine }),
            ("hours late", 0, nine + HOUR, Missed::Skip, Due::Missed { due_ms: nine }),
            (
                "days late",
                0,
                nine + 3 * DAY + HOUR,
                Missed::Once,
                Due::Now { due_ms: nine + 3 * DAY },
            ),
            ("dealt with", nine, nine + 5, Missed::Once, Due::Later(Some(nine + DAY))),
            (
                "the clock was set back",
                nine + 5,
                nine - HOUR,
                Missed::Once,
                Due::Later(Some(nine + DAY)),
            ),
            (
                "the clock was wrong by years",
                nine + 900 * DAY,
                nine - HOUR,
                Missed::Once,
                Due::Later(Some(nine)),
            ),
        ] {
            assert_eq!(look(&plan, looked, now, missed), expected, "{name}");
        }
    }

    /// A clock that jumps to and fro by less than a day begins each moment at most once.
    #[test]
    fn a_clock_that_jumps_begins_nothing_twice() {
        let mut dice = super::super::cron::tests::Dice(3);
        let plan = daily();
        let (mut looked, mut now, mut begun) = (30 * DAY, 30 * DAY, Vec::new());
        for _ in 0..2_000 {
            now = (now + dice.below(4 * HOUR)).saturating_sub(dice.below(2 * HOUR));
            if let Due::Now { due_ms } = look(&plan, looked, now, Missed::Once) {
                begun.push(due_ms);
                looked = now;
            }
        }
        assert!(begun.len() > 20, "{}", begun.len());
        assert!(begun.is_sorted_by(|one, next| one < next), "{begun:?}");
    }
}
