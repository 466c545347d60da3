//! Days as people count them: from midnight to midnight by the clocks where they are, however long that is. Whoever counts days
//! asks here.
//!
//! The time zone is the system's: `TZ`, or else `/etc/localtime`, or else UTC.

use std::{env, iter, path::Path};

use jiff::{Timestamp, tz::TimeZone};
use openkoi_brokers::disk;

/// The link to the file of the system's time zone.
const LOCAL: &str = "/etc/localtime";
/// The largest file of a time zone that is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// Returns the system's time zone. It may have no name.
#[must_use]
pub fn zone_here() -> TimeZone {
    // By its name a zone is looked for among the files of all zones, some six hundred, which a short command would feel.
    #[expect(
        clippy::disallowed_methods,
        reason = "who names a zone has it looked for, by a library that reads the same variable"
    )]
    let is_named = env::var_os("TZ").is_some();
    let linked = if is_named { None } else { linked(Path::new(LOCAL)) };
    linked.or_else(|| TimeZone::try_system().ok()).unwrap_or(TimeZone::UTC)
}

fn linked(path: &Path) -> Option<TimeZone> {
    TimeZone::tzif("localtime", &disk::read(path, LARGEST).ok()?).ok()
}

/// Returns when the day of a time began here, both in milliseconds since 1970.
#[must_use]
pub fn began_ms(at_ms: u64) -> u64 {
    began(&zone_here(), at_ms)
}

/// Returns when the day of a time began, both in milliseconds since 1970: at midnight, or when clocks first showed that date.
pub(crate) fn began(zone: &TimeZone, at_ms: u64) -> u64 {
    let at = i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let day = at.and_then(|at| at.to_zoned(zone.clone()).start_of_day().ok());
    day.and_then(|day| u64::try_from(day.timestamp().as_millisecond()).ok()).unwrap_or(at_ms)
}

/// Returns when the last days began, in milliseconds since 1970: today first, at most so many.
pub(crate) fn last(zone: &TimeZone, now_ms: u64, most: usize) -> Vec<u64> {
    // A day before is the day of the moment before: a date that a zone leaves out is none.
    let before = |day: &u64| day.checked_sub(1).map(|moment| began(zone, moment));
    iter::successors(Some(began(zone, now_ms)), before).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(text: &str) -> u64 {
        text.parse::<Timestamp>().unwrap().as_millisecond() as u64
    }

    #[test]
    fn the_file_of_a_time_zone_is_that_zone_and_another_file_is_none() {
        let place = tempfile::tempdir().unwrap();
        let (other, pipe) = (place.path().join("other"), place.path().join("pipe"));
        std::fs::write(&other, "no zone").unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();

        assert!(linked(&other).is_none());
        assert!(linked(&pipe).is_none());
        assert!(linked(&place.path().join("absent")).is_none());
        let Some(zone) = linked(Path::new("/usr/share/zoneinfo/Europe/Berlin")) else { return };
        let named = TimeZone::get("Europe/Berlin").unwrap();
        for at in ["2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z", "2050-10-30T12:00:00Z"] {
            let at = at.parse::<Timestamp>().unwrap();
            assert_eq!(zone.to_offset(at), named.to_offset(at));
        }
    }

    #[test]
    fn a_day_begins_at_midnight_where_somebody_is_and_is_as_long_as_clocks_make_it() {
        for (zone, at, days) in [
            ("UTC", "2026-11-30T23:59:59Z", ["2026-11-30T00:00Z", "2026-11-29T00:00Z"]),
            ("UTC", "2026-11-30T00:00:00Z", ["2026-11-30T00:00Z", "2026-11-29T00:00Z"]),
            // The same moment is of two days.
            ("Asia/Tokyo", "2026-11-30T15:00:00Z", ["2026-11-30T15:00Z", "2026-11-29T15:00Z"]),
            (
                "America/New_York",
                "2026-11-30T04:59:59Z",
                ["2026-11-29T05:00Z", "2026-11-28T05:00Z"],
            ),
            // 23 hours, 25 hours.
            ("Europe/Berlin", "2026-03-30T12:00:00Z", ["2026-03-29T22:00Z", "2026-03-28T23:00Z"]),
            ("Europe/Berlin", "2026-10-26T12:00:00Z", ["2026-10-25T23:00Z", "2026-10-24T22:00Z"]),
            // Both hours that are called two are of the same day.
            ("Europe/Berlin", "2026-10-25T01:30:00Z", ["2026-10-24T22:00Z", "2026-10-23T22:00Z"]),
            // Half an hour, three quarters, and half an hour by which clocks are set.
            ("Asia/Kolkata", "2026-11-30T18:29:59Z", ["2026-11-29T18:30Z", "2026-11-28T18:30Z"]),
            ("Asia/Kathmandu", "2026-11-30T18:15:00Z", ["2026-11-30T18:15Z", "2026-11-29T18:15Z"]),
            (
                "Australia/Lord_Howe",
                "2026-04-05T12:00:00Z",
                ["2026-04-04T13:00Z", "2026-04-03T13:00Z"],
            ),
            // Both sides of the date line.
            (
                "Pacific/Kiritimati",
                "2026-11-30T10:00:00Z",
                ["2026-11-30T10:00Z", "2026-11-29T10:00Z"],
            ),
            (
                "Pacific/Pago_Pago",
                "2026-11-30T10:59:59Z",
                ["2026-11-29T11:00Z", "2026-11-28T11:00Z"],
            ),
            // Clocks skip midnight there: the day begins at one.
            ("Africa/Cairo", "2026-04-24T12:00:00Z", ["2026-04-23T22:00Z", "2026-04-22T22:00Z"]),
            // Clocks show midnight twice: the day begins with the first.
            ("America/Havana", "2026-11-01T12:00:00Z", ["2026-11-01T04:00Z", "2026-10-31T04:00Z"]),
            // Samoa went over the date line: there was no 30 December.
            ("Pacific/Apia", "2011-12-30T12:00:00Z", ["2011-12-30T10:00Z", "2011-12-29T10:00Z"]),
        ] {
            let known = TimeZone::get(zone).unwrap();
            let found = last(&known, ms(at), 2);
            assert_eq!(found, days.map(|day| ms(&day.replace('Z', ":00Z"))), "{zone} {at}");
            assert_eq!(began(&known, ms(at)), found[0]);
        }
    }

    #[test]
    fn days_follow_one_another_and_a_time_out_of_reach_is_a_day_of_its_own() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let days = last(&zone, ms("2026-11-01T12:00:00Z"), 28);
        let hours: Vec<u64> = days.windows(2).map(|pair| (pair[0] - pair[1]) / 3_600_000).collect();
        assert_eq!((hours.len(), hours.iter().sum::<u64>()), (27, 27 * 24 + 1));
        assert_eq!(began(&zone, u64::MAX), u64::MAX);
        assert_eq!(last(&TimeZone::UTC, 5, 3), [0], "nothing was before 1970");
    }
}
