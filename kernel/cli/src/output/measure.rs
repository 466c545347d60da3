//! Times, amounts and sizes in words, for people. JSON has the exact values.

use jiff::tz::TimeZone;
use openkoi_app::wall_clock::timestamp;

const HALF_A_YEAR_MS: u64 = 183 * 86_400_000;

/// Returns how long ago `then_ms` was, or how far ahead it is; the date if that is more than a month.
pub fn ago(now_ms: u64, then_ms: u64) -> String {
    // A clock that was a little wrong makes nothing a thing of the future.
    if then_ms > now_ms.saturating_add(60_000) {
        let minutes = (then_ms - now_ms).div_ceil(60_000);
        return match minutes {
            0..120 => format!("in {minutes} min"),
            120..2_880 => format!("in {} h", minutes / 60),
            2_880..44_640 => format!("in {} days", minutes / 1_440),
            _ => timestamp(then_ms).get(..10).unwrap_or_default().to_owned(),
        };
    }
    let seconds = now_ms.saturating_sub(then_ms) / 1000;
    match seconds {
        0..10 => "just now".to_owned(),
        10..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..172_800 => "1 day ago".to_owned(),
        172_800..2_678_400 => format!("{} days ago", seconds / 86_400),
        _ => timestamp(then_ms).get(..10).unwrap_or_default().to_owned(),
    }
}

/// Returns a time by the clock of a place, for example `Mar  1 12:00`; the date alone if it is more than half a year away.
pub(crate) fn clock_time(zone: &TimeZone, now_ms: u64, at_ms: u64) -> String {
    let time = i64::try_from(at_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let is_near = now_ms.abs_diff(at_ms) < HALF_A_YEAR_MS;
    let form = if is_near { "%b %e %H:%M" } else { "%b %e  %Y" };
    let shown = time.map(|time| time.to_zoned(zone.clone()).strftime(form).to_string());
    shown.unwrap_or_default()
}

/// Returns an amount of `micros` millionths of a dollar.
pub fn money(micros: u64) -> String {
    let dollars = micros as f64 / 1_000_000.0;
    match micros {
        0 => "$0.00".to_owned(),
        1..100 => "< $0.0001".to_owned(),
        100..100_000 => format!("${dollars:.4}"),
        _ => format!("${dollars:.2}"),
    }
}

/// Returns an amount as [`money`] does, marked if it is an upper limit.
pub fn money_at_most(micros: u64, at_most: bool) -> String {
    let mark = if at_most && micros > 0 { "≤ " } else { "" };
    format!("{mark}{}", money(micros))
}

/// Returns a duration in words, for example `2 min 05 s`.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..10 => format!("{}.{} s", seconds, ms % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
    }
}

/// Returns a count, shortened to thousands or millions from ten thousand on.
pub fn count(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{:.1}k", number as f64 / 1e3),
        _ => format!("{:.1}M", number as f64 / 1e6),
    }
}

/// Returns a number of things, for example `1 file` or `3 files`.
pub fn plural(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Returns a size in bytes, KiB or MiB.
pub fn bytes(number: u64) -> String {
    match number {
        0..1_024 => format!("{number} B"),
        1_024..1_048_576 => format!("{:.1} KiB", number as f64 / 1_024.0),
        _ => format!("{:.1} MiB", number as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_772_366_400_000;

    #[test]
    fn times_are_relative_for_a_month_and_dates_after_it() {
        let before = |seconds: u64| ago(NOW, NOW - seconds * 1000);

        assert_eq!(before(3), "just now");
        assert_eq!(before(59), "59 s ago");
        assert_eq!(before(3_599), "59 min ago");
        assert_eq!(before(86_399), "23 h ago");
        assert_eq!(before(90_000), "1 day ago");
        assert_eq!(before(86_400 * 30), "30 days ago");
        assert_eq!(before(86_400 * 60), "2025-12-31");
        assert_eq!(ago(NOW, NOW + 5_000), "just now");
        let ahead = |seconds: u64| ago(NOW, NOW + seconds * 1000);
        assert_eq!(ahead(90), "in 2 min");
        assert_eq!(ahead(86_400), "in 24 h");
        assert_eq!(ahead(86_400 * 7), "in 7 days");
        assert_eq!(ahead(86_400 * 60), "2026-04-30");
    }

    #[test]
    fn a_small_amount_is_not_shown_as_nothing() {
        assert_eq!(money(0), "$0.00");
        assert_eq!(money(7), "< $0.0001");
        assert_eq!(money(12_300), "$0.0123");
        assert_eq!(money(1_999_999), "$2.00");
    }

    #[test]
    fn amounts_have_units() {
        assert_eq!(duration(950), "950 ms");
        assert_eq!(duration(4_250), "4.2 s");
        assert_eq!(duration(125_000), "2 min 05 s");
        assert_eq!(duration(7_500_000), "2 h 05 min");
        assert_eq!(count(9_999), "9999");
        assert_eq!(count(12_345), "12.3k");
        assert_eq!(bytes(311_000), "303.7 KiB");
        assert_eq!((plural(1, "file"), plural(0, "file")), ("1 file".into(), "0 files".into()));
        assert_eq!(timestamp(NOW), "2026-03-01T12:00:00Z");
    }

    #[test]
    fn each_unit_of_time_begins_where_the_one_before_ends() {
        let before = |seconds: u64| ago(NOW, NOW - seconds * 1000);

        let words = [9, 10, 60, 3_600, 86_400, 172_799, 172_800, 2_678_399, 2_678_400].map(before);

        assert_eq!(
            words,
            [
                "just now",
                "10 s ago",
                "1 min ago",
                "1 h ago",
                "1 day ago",
                "1 day ago",
                "2 days ago",
                "30 days ago",
                "2026-01-29",
            ]
        );
    }

    #[test]
    fn each_unit_of_a_duration_begins_where_the_one_before_ends() {
        let words =
            [0, 999, 1_000, 9_999, 10_000, 59_999, 60_000, 3_599_999, 3_600_000, 360_000_000];

        assert_eq!(
            words.map(duration),
            [
                "0 ms",
                "999 ms",
                "1.0 s",
                "9.9 s",
                "10 s",
                "59 s",
                "1 min 00 s",
                "59 min 59 s",
                "1 h 00 min",
                "100 h 00 min",
            ]
        );
    }

    #[test]
    fn money_that_is_an_upper_limit_says_so() {
        assert_eq!(money_at_most(220_000, true), "≤ $0.22");
        assert_eq!(money_at_most(220_000, false), "$0.22");
        assert_eq!(money_at_most(0, true), "$0.00");
    }

    #[test]
    fn money_has_four_places_below_ten_cents_and_two_above() {
        let words = [1, 99, 100, 99_999, 100_000, 2_000_000, 1_234_567_890].map(money);

        assert_eq!(
            words,
            ["< $0.0001", "< $0.0001", "$0.0001", "$0.1000", "$0.10", "$2.00", "$1234.57"]
        );
    }

    #[test]
    fn counts_and_bytes_are_shortened_from_their_units_on() {
        assert_eq!(
            [0, 9_999, 10_000, 999_949, 1_000_000, 2_500_000].map(count),
            ["0", "9999", "10.0k", "999.9k", "1.0M", "2.5M"]
        );
        assert_eq!(
            [0, 1_023, 1_024, 1_048_576].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "1.0 MiB"]
        );
    }

    #[test]
    fn a_time_beyond_the_calendar_is_not_shown() {
        assert_eq!(timestamp(u64::MAX), "");
        assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(1_500), "1970-01-01T00:00:01.5Z");
    }

    #[test]
    fn a_time_by_the_clock_has_its_hour_for_half_a_year() {
        let utc = |now_ms, at_ms| clock_time(&TimeZone::UTC, now_ms, at_ms);
        let noon = 1_772_366_400_000;

        assert_eq!(utc(noon, noon), "Mar  1 12:00");
        assert_eq!(utc(noon + HALF_A_YEAR_MS, noon), "Mar  1  2026");
        assert_eq!(utc(noon, u64::MAX), "");
        let east = TimeZone::fixed(jiff::tz::offset(9));
        assert_eq!(clock_time(&east, noon, noon), "Mar  1 21:00");
    }
}
