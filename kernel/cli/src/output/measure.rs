//! Times, amounts and sizes in words, for people. JSON has the exact values.

/// Returns how long ago `then_ms` was, or the date if that is more than a month.
pub fn ago(now_ms: u64, then_ms: u64) -> String {
    let seconds = now_ms.saturating_sub(then_ms) / 1000;
    match seconds {
        0..10 => "just now".to_owned(),
        10..60 => format!("{seconds} s ago"),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..172_800 => "yesterday".to_owned(),
        172_800..2_678_400 => format!("{} days ago", seconds / 86_400),
        _ => timestamp(then_ms).get(..10).unwrap_or_default().to_owned(),
    }
}

/// Returns the time `ms` milliseconds after 1970 in UTC, for example `2026-03-01T12:00:00Z`.
pub fn timestamp(ms: u64) -> String {
    let time = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    time.map_or_else(String::new, |time| time.to_string())
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
        assert_eq!(before(90_000), "yesterday");
        assert_eq!(before(86_400 * 30), "30 days ago");
        assert_eq!(before(86_400 * 60), "2025-12-31");
        assert_eq!(ago(NOW, NOW + 5_000), "just now");
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
}
