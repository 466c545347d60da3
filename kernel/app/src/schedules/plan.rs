//! When a schedule is due: words or a cron expression, in a time zone.
//!
//! A time of the day that the clocks skip is due once, at the moment at which they go on; one that they show twice is due once, the
//! first time. What is said as a distance (`hourly`, `*/15 * * * *`) goes by the time that passes: it is due in both hours that have
//! the same name.

use jiff::{
    Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

use super::{
    cron::Cron,
    error::PlanError,
    words::{self, Meaning},
};
use crate::day;

/// The most matches of the calendar that are looked at for one that is still to come.
const MOST: usize = 1_000;

/// When a schedule is due.
#[derive(Clone, Debug)]
pub struct Plan {
    rhythm: Rhythm,
    zone: TimeZone,
}

#[derive(Clone, Debug)]
enum Rhythm {
    /// At the minutes of any of these.
    Crons(Vec<Cron>),
    /// Every so many milliseconds since a time.
    Interval { every_ms: u64, from_ms: u64 },
}

impl Plan {
    /// Reads plain words or a cron expression. Distances that no clock shows are counted from `from_ms`.
    ///
    /// # Errors
    ///
    /// When the words or the time zone are not understood.
    pub fn parse(text: &str, zone: &str, from_ms: u64) -> Result<Self, PlanError> {
        let is_cron = text.trim_start().starts_with(['*', '@'])
            || text.trim_start().starts_with(|c: char| c.is_ascii_digit())
                && text.split_whitespace().count() > 3;
        let rhythm = if is_cron {
            Rhythm::Crons(vec![Cron::parse(text)?])
        } else {
            match words::meaning(text)? {
                Meaning::Crons(crons) => {
                    let crons = crons.iter().map(|cron| Cron::parse(cron));
                    Rhythm::Crons(crons.collect::<Result<_, _>>()?)
                }
                Meaning::Interval(minutes) => {
                    Rhythm::Interval { every_ms: u64::from(minutes) * 60_000, from_ms }
                }
            }
        };
        Ok(Self { rhythm, zone: zone_of(zone)? })
    }

    /// Returns the first due moment after a time, both in milliseconds since 1970; nothing if there is none for decades.
    pub fn next(&self, after_ms: u64) -> Option<u64> {
        match &self.rhythm {
            Rhythm::Interval { every_ms, from_ms } => {
                let since = after_ms.saturating_sub(*from_ms);
                Some(from_ms + (since / every_ms + 1) * every_ms)
            }
            Rhythm::Crons(crons) => {
                let after = Timestamp::from_millisecond(i64::try_from(after_ms).ok()?).ok()?;
                let next = crons.iter().filter_map(|cron| next(cron, &self.zone, after)).min()?;
                u64::try_from(next.as_millisecond()).ok()
            }
        }
    }

    /// Returns the last due moment that is after `after_ms` and not after `until_ms`, if there is one.
    pub(super) fn last_until(&self, after_ms: u64, until_ms: u64) -> Option<u64> {
        // Nearer and nearer: what is due every minute was due a million times in two years.
        const REACH: [u64; 5] = [3_600_000, 86_400_000, 8 * 86_400_000, 32 * 86_400_000, u64::MAX];
        REACH.into_iter().find_map(|reach| {
            let from_ms = until_ms.saturating_sub(reach).max(after_ms);
            let due = std::iter::successors(self.next(from_ms), |due| self.next(*due));
            due.take_while(|due| *due <= until_ms).last()
        })
    }

    /// Returns when the day of a time began in the plan's time zone, in milliseconds since 1970.
    pub(super) fn day_of(&self, at_ms: u64) -> u64 {
        day::began(&self.zone, at_ms)
    }
}

/// Returns the time zone of a name.
pub(super) fn zone_of(name: &str) -> Result<TimeZone, PlanError> {
    TimeZone::get(name).map_err(|_| {
        PlanError(format!(
            "`{name}` is no time zone that this system knows; a name is as in Europe/Berlin or UTC"
        ))
    })
}

/// Returns the name of the system's time zone; UTC if it has none.
pub(super) fn system_zone() -> String {
    let zone = TimeZone::try_system().ok();
    zone.as_ref().and_then(TimeZone::iana_name).unwrap_or("UTC").to_owned()
}

/// Returns a time in milliseconds since 1970 as clocks of a zone show it: `Mon 2026-11-30 09:00 (Europe/Berlin)`.
pub fn shown(at_ms: u64, zone: &str) -> String {
    let at = i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let known = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let civil = at.map(|at| known.to_datetime(at).strftime("%a %Y-%m-%d %H:%M").to_string());
    civil.map(|civil| format!("{civil} ({zone})")).unwrap_or_default()
}

fn next(cron: &Cron, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    if cron.is_steady { next_steady(cron, zone, after) } else { next_by_day(cron, zone, after) }
}

/// Returns when the first time of the day after `after` comes, each once.
fn next_by_day(cron: &Cron, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut civil = zone.to_datetime(after);
    for _ in 0..MOST {
        civil = cron.next(civil)?;
        let at = first(zone, civil)?;
        if at > after {
            return Some(at);
        }
    }
    None
}

/// Returns when clocks first show a time, or when they go on after they skipped it.
fn first(zone: &TimeZone, civil: DateTime) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(civil).ok(),
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(civil).ok(),
        AmbiguousOffset::Gap { after, .. } => {
            // By the later offset, the time lies before the change.
            let earlier = after.to_timestamp(civil).ok()?;
            zone.following(earlier).next().map(|change| change.timestamp())
        }
    }
}

/// Returns the first due moment after `after`, where time passes and clocks may be set meanwhile.
fn next_steady(cron: &Cron, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut from = after;
    let mut civil = zone.to_datetime(after);
    for _ in 0..MOST {
        let offset = zone.to_offset(from);
        let due = cron.next(civil)?;
        let at = offset.to_timestamp(due).ok()?;
        let Some(change) = zone.following(from).next().filter(|change| change.timestamp() <= at)
        else {
            return Some(at);
        };
        from = change.timestamp();
        let shown = zone.to_datetime(from);
        if due < shown {
            return Some(from);
        }
        // The minute of the change itself counts.
        civil = shown.checked_sub(jiff::Span::new().minutes(1)).ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> u64 {
        text.parse::<Timestamp>().unwrap().as_millisecond() as u64
    }

    fn plan(text: &str, zone: &str) -> Plan {
        Plan::parse(text, zone, ms("2026-01-01T00:00:00Z")).unwrap()
    }

    /// Returns the next due moments after a time, in UTC without the date's year.
    fn due(text: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let plan = plan(text, zone);
        let due = std::iter::successors(plan.next(ms(after)), |due| plan.next(*due));
        due.take(count)
            .map(|due| {
                let due = Timestamp::from_millisecond(due as i64).unwrap();
                due.strftime("%m-%d %H:%M").to_string()
            })
            .collect()
    }

    #[test]
    fn a_time_that_clocks_skip_is_due_when_they_go_on_and_one_that_they_show_twice_is_due_once() {
        const BERLIN: &str = "Europe/Berlin";
        const NEW_YORK: &str = "America/New_York";
        for (text, zone, after, expected) in [
            // On 29 March 2026 at 01:00 UTC, 02:00 becomes 03:00 in Berlin.
            (
                "every day at 2:30",
                BERLIN,
                "2026-03-28T12:00:00Z",
                &["03-29 01:00", "03-30 00:30"][..],
            ),
            ("0,30 2 * * *", BERLIN, "2026-03-28T12:00:00Z", &["03-29 01:00", "03-30 00:00"]),
            ("every day at 3", BERLIN, "2026-03-28T12:00:00Z", &["03-29 01:00", "03-30 01:00"]),
            ("0 2,3 * * *", BERLIN, "2026-03-28T12:00:00Z", &["03-29 01:00", "03-30 00:00"]),
            (
                "hourly",
                BERLIN,
                "2026-03-28T23:30:00Z",
                &["03-29 00:00", "03-29 01:00", "03-29 02:00"],
            ),
            (
                "every 30 minutes",
                BERLIN,
                "2026-03-29T00:15:00Z",
                &["03-29 00:30", "03-29 01:00", "03-29 01:30"],
            ),
            (
                "every 2 hours",
                BERLIN,
                "2026-03-28T22:30:00Z",
                &["03-28 23:00", "03-29 01:00", "03-29 02:00"],
            ),
            // On 25 October 2026 at 01:00 UTC, 03:00 becomes 02:00 there.
            ("every day at 2:30", BERLIN, "2026-10-24T12:00:00Z", &["10-25 00:30", "10-26 01:30"]),
            ("every day at 2:30", BERLIN, "2026-10-25T01:10:00Z", &["10-26 01:30"]),
            ("every day at 3", BERLIN, "2026-10-24T12:00:00Z", &["10-25 02:00", "10-26 02:00"]),
            (
                "hourly",
                BERLIN,
                "2026-10-24T23:30:00Z",
                &["10-25 00:00", "10-25 01:00", "10-25 02:00"],
            ),
            (
                "every 30 minutes",
                BERLIN,
                "2026-10-25T00:20:00Z",
                &["10-25 00:30", "10-25 01:00", "10-25 01:30"],
            ),
            (
                "every weekday at 9",
                NEW_YORK,
                "2026-10-30T12:00:00Z",
                &["10-30 13:00", "11-02 14:00"],
            ),
            // Half an hour only, and at midnight.
            (
                "every day at 2:15",
                "Australia/Lord_Howe",
                "2026-10-03T00:00:00Z",
                &["10-03 15:30", "10-04 15:15"],
            ),
            (
                "every day at midnight",
                "America/Santiago",
                "2026-09-05T12:00:00Z",
                &["09-06 04:00", "09-07 03:00"],
            ),
            // A whole day that there was not.
            (
                "every day at 9",
                "Pacific/Apia",
                "2011-12-29T00:00:00Z",
                &["12-29 19:00", "12-30 10:00", "12-30 19:00"],
            ),
            ("every 45 minutes", BERLIN, "2026-01-01T01:00:00Z", &["01-01 01:30", "01-01 02:15"]),
        ] {
            assert_eq!(
                due(text, zone, after, expected.len()),
                expected,
                "{text} in {zone} after {after}"
            );
        }
    }

    #[test]
    fn a_time_is_shown_as_clocks_of_its_zone_show_it() {
        let at = ms("2026-11-30T08:00:00Z");
        assert_eq!(shown(at, "Europe/Berlin"), "Mon 2026-11-30 09:00 (Europe/Berlin)");
    }

    #[test]
    fn an_unknown_zone_is_refused() {
        let error = Plan::parse("hourly", "Mars/Olympus", 0).unwrap_err();
        assert!(error.to_string().contains("`Mars/Olympus` is no time zone"), "{error}");
    }

    #[test]
    fn the_last_due_moment_is_found_however_many_there_were() {
        let minutes = plan("every minute", "UTC");
        let (begin, end) = (ms("2020-01-01T00:00:00Z"), ms("2026-01-01T00:00:30Z"));
        assert_eq!(minutes.last_until(begin, end), Some(ms("2026-01-01T00:00:00Z")));
        let yearly = plan("0 9 1 5 *", "UTC");
        assert_eq!(yearly.last_until(begin, end), Some(ms("2025-05-01T09:00:00Z")));
        assert_eq!(yearly.last_until(ms("2025-05-01T09:00:00Z"), end), None);
    }

    /// What is due, minute by minute: a slow model of the same rules.
    fn model(cron: &Cron, zone: &TimeZone, after: Timestamp, minutes: i64) -> Option<Timestamp> {
        let matches = |civil: DateTime| {
            let before = civil.checked_sub(jiff::Span::new().minutes(1)).unwrap();
            cron.next(before) == Some(civil)
        };
        let start = after.as_second().div_euclid(60) + 1;
        (start..start + minutes).find_map(|minute| {
            let at = Timestamp::from_second(minute * 60).unwrap();
            let civil = zone.to_datetime(at);
            let is_repeated = first(zone, civil) != Some(at);
            let shown = matches(civil) && (cron.is_steady || !is_repeated);
            let before = zone.to_datetime(Timestamp::from_second(minute * 60 - 60).unwrap());
            let skipped = std::iter::successors(Some(before), |civil| {
                civil.checked_add(jiff::Span::new().minutes(1)).ok()
            });
            let mut skipped = skipped.skip(1).take_while(|one| *one < civil);
            (shown || skipped.any(matches)).then_some(at)
        })
    }

    #[test]
    fn any_plan_is_due_when_a_slow_model_of_the_rules_says_so() {
        let mut dice = super::super::cron::tests::Dice(5);
        for zone in
            ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "UTC"]
        {
            let zone = zone_of(zone).unwrap();
            let changes: Vec<Timestamp> = zone
                .following("2025-06-01T00:00:00Z".parse().unwrap())
                .take(2)
                .map(|change| change.timestamp())
                .collect();
            for round in 0..40 {
                let minute = ["0", "30", "*/20", "15,45", "7"][dice.below(5) as usize];
                let hour = ["*", "1", "2", "3", "*/2", "0,2", "1-3"][dice.below(7) as usize];
                let cron = Cron::parse(&format!("{minute} {hour} * * *")).unwrap();
                let base = changes
                    .get(round % 2)
                    .copied()
                    .unwrap_or_else(|| "2026-03-29T01:00:00Z".parse().unwrap());
                let after = base
                    + jiff::SignedDuration::from_secs(dice.below(6 * 3_600) as i64 - 4 * 3_600);
                let expected = model(&cron, &zone, after, 26 * 60);
                assert_eq!(
                    next(&cron, &zone, after),
                    expected,
                    "{minute} {hour} in {zone:?} after {after}"
                );
            }
        }
    }
}
