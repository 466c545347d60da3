//! Cron expressions: which minutes of the calendar they name.
//!
//! | field | values | and |
//! |---|---|---|
//! | minute | 0-59 | `*`, `5-20`, `*/15`, `10-40/10`, `5,35` |
//! | hour | 0-23 | the same |
//! | day of the month | 1-31 | the same, and `L` for the last one |
//! | month | 1-12, `jan`-`dec` | the same |
//! | day of the week | 0-7, `sun`-`sat`; 0 and 7 are Sunday | the same, `fri#2` for the second Friday of a month, `friL` for the last |
//!
//! As everywhere: if both kinds of days are named, one of them is enough; if one begins with `*`, both have to fit.
//!
//! The crate `cronexpr` is not used: its `L` names no day of December (version 1.7). It is what the tests compare with.

use jiff::civil::{Date, DateTime, Weekday};

use super::error::PlanError;

/// Days that are looked at: the 29th of February is a given weekday once in 28 years, or in 40 around a year like 2100.
const HORIZON: usize = 366 * 41;
const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Minutes of the calendar, of no time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cron {
    minutes: Numbers,
    hours: Numbers,
    days: Numbers,
    last_day: bool,
    months: Numbers,
    weekdays: Numbers,
    /// Weekday and its number in the month.
    nth_weekdays: Vec<(u8, u8)>,
    last_weekdays: Numbers,
    /// True if both kinds of days have to fit.
    both_days: bool,
    /// True if the hours are said by a `*`: what is meant is a distance and no time of the day.
    pub(super) is_steady: bool,
}

/// A set of numbers below 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Numbers(u64);

impl Numbers {
    fn has(self, number: u8) -> bool {
        self.0 >> number & 1 == 1
    }

    fn add(&mut self, number: u8) {
        self.0 |= 1 << number;
    }

    /// Returns the first number of the set that is at least `from`.
    fn next(self, from: u8) -> Option<u8> {
        let left = self.0.checked_shr(u32::from(from))?;
        (left != 0).then(|| from + left.trailing_zeros() as u8)
    }
}

/// A field of an expression, as it is read.
struct Field<'a> {
    name: &'static str,
    text: &'a str,
    low: u8,
    high: u8,
    words: &'static [&'static str],
}

impl Cron {
    /// Reads an expression of five fields.
    pub(super) fn parse(text: &str) -> Result<Self, PlanError> {
        let text = macro_of(text.trim());
        let fields: Vec<&str> = text.split_whitespace().collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(PlanError(format!(
                "`{text}` has {} fields, and a cron expression has five: minute, hour, day of the month, month, day of the week",
                fields.len()
            )));
        };
        let plain = |name, text, low, high, words| Field { name, text, low, high, words }.numbers();
        let month_day = Field { name: "day of the month", text: day, low: 1, high: 31, words: &[] };
        let week_day =
            Field { name: "day of the week", text: weekday, low: 0, high: 7, words: &WEEKDAYS };
        let (mut days, mut last_day) = (Numbers::default(), false);
        for item in month_day.items() {
            match item {
                "l" | "L" => last_day = true,
                item => month_day.add(item, &mut days)?,
            }
        }
        let mut cron = Self {
            minutes: plain("minute", minute, 0, 59, &[])?,
            hours: plain("hour", hour, 0, 23, &[])?,
            days,
            last_day,
            months: plain("month", month, 1, 12, &MONTHS)?,
            weekdays: Numbers::default(),
            nth_weekdays: Vec::new(),
            last_weekdays: Numbers::default(),
            both_days: day.starts_with('*') || weekday.starts_with('*'),
            is_steady: hour.starts_with('*'),
        };
        for item in week_day.items() {
            cron.add_weekday(&week_day, item)?;
        }
        cron.next(DateTime::constant(2024, 1, 1, 0, 0, 0, 0))
            .map(|_| cron)
            .ok_or_else(|| PlanError(format!("`{text}` names no day that there is")))
    }

    fn add_weekday(&mut self, field: &Field<'_>, item: &str) -> Result<(), PlanError> {
        if let Some((day, number)) = item.split_once('#') {
            let number = number.parse().ok().filter(|number| (1..=5).contains(number));
            let number = number.ok_or_else(|| field.wrong(item))?;
            self.nth_weekdays.push((field.number(day)? % 7, number));
        } else if let Some(day) = item.strip_suffix(['l', 'L']).filter(|day| !day.is_empty()) {
            self.last_weekdays.add(field.number(day)? % 7);
        } else {
            field.add(item, &mut self.weekdays)?;
            if self.weekdays.has(7) {
                self.weekdays.add(0);
            }
        }
        Ok(())
    }

    /// Returns the first minute after `after`; nothing if there is none for decades.
    pub(super) fn next(&self, after: DateTime) -> Option<DateTime> {
        let mut date = after.date();
        let mut from = u16::from(after.hour().unsigned_abs()) * 60
            + u16::from(after.minute().unsigned_abs())
            + 1;
        for _ in 0..HORIZON {
            if self.has_day(date)
                && let Some((hour, minute)) = self.minute(from)
            {
                return Some(date.at(hour as i8, minute as i8, 0, 0));
            }
            date = date.tomorrow().ok()?;
            from = 0;
        }
        None
    }

    /// Returns hour and minute of the first one at `from` or later, in minutes of the day.
    fn minute(&self, from: u16) -> Option<(u8, u8)> {
        let (hour, minute) = ((from / 60) as u8, (from % 60) as u8);
        if self.hours.has(hour)
            && let Some(minute) = self.minutes.next(minute)
        {
            return Some((hour, minute));
        }
        Some((self.hours.next(hour + 1)?, self.minutes.next(0)?))
    }

    fn has_day(&self, date: Date) -> bool {
        if !self.months.has(date.month().unsigned_abs()) {
            return false;
        }
        let day = date.day().unsigned_abs();
        let is_last = date.day() == date.days_in_month();
        let of_month = self.days.has(day) || self.last_day && is_last;
        let of_week = self.has_weekday(date.weekday(), day, date.days_in_month().unsigned_abs());
        if self.both_days { of_month && of_week } else { of_month || of_week }
    }

    fn has_weekday(&self, weekday: Weekday, day: u8, days: u8) -> bool {
        let weekday = weekday.to_sunday_zero_offset().unsigned_abs();
        self.weekdays.has(weekday)
            || self.nth_weekdays.contains(&(weekday, (day - 1) / 7 + 1))
            || self.last_weekdays.has(weekday) && day + 7 > days
    }
}

/// Returns the expression that a word with an `@` stands for.
fn macro_of(text: &str) -> &str {
    match text.to_ascii_lowercase().as_str() {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        _ => text,
    }
}

impl<'a> Field<'a> {
    fn items(&self) -> impl Iterator<Item = &'a str> {
        self.text.split(',')
    }

    fn numbers(&self) -> Result<Numbers, PlanError> {
        let mut numbers = Numbers::default();
        self.items().try_for_each(|item| self.add(item, &mut numbers))?;
        Ok(numbers)
    }

    fn add(&self, item: &str, numbers: &mut Numbers) -> Result<(), PlanError> {
        let (range, step) = match item.split_once('/') {
            None => (item, None),
            Some((range, step)) => {
                let step = step.parse::<u8>().ok().filter(|step| (1..=self.high).contains(step));
                (range, Some(step.ok_or_else(|| self.wrong(item))?))
            }
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (self.low, self.high),
            Some((first, last)) => (self.number(first)?, self.number(last)?),
            None => {
                let number = self.number(range)?;
                (number, if step.is_some() { self.high } else { number })
            }
        };
        let step = step.unwrap_or(1).into();
        if first <= last {
            (first..=last).step_by(step).for_each(|number| numbers.add(number));
        } else {
            // From Friday to Monday, or through the night. Sunday has two numbers and counts once.
            let end = if self.high == 7 { 6 } else { self.high };
            let round = (first..=end).chain(self.low..=last);
            round.step_by(step).for_each(|number| numbers.add(number));
        }
        Ok(())
    }

    fn number(&self, text: &str) -> Result<u8, PlanError> {
        let named = || {
            let at = self.words.iter().position(|word| word.eq_ignore_ascii_case(text))?;
            u8::try_from(at).ok().map(|at| at + self.low)
        };
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if is_number { text.parse().ok() } else { named() };
        number
            .filter(|number| (self.low..=self.high).contains(number))
            .ok_or_else(|| self.wrong(text))
    }

    fn wrong(&self, item: &str) -> PlanError {
        let Self { name, low, high, .. } = self;
        PlanError(format!(
            "`{item}` is no {name} of a cron expression ({low}-{high}, or `*`, `a-b`, `*/n`)"
        ))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn next(text: &str, after: &str) -> String {
        let next = Cron::parse(text).unwrap().next(after.parse().unwrap());
        next.map_or_else(String::new, |next| next.strftime("%Y-%m-%d %H:%M").to_string())
    }

    #[test]
    fn an_expression_names_the_next_minute_of_the_calendar() {
        for (text, after, expected) in [
            ("0 9 * * 1-5", "2026-11-27T09:00", "2026-11-30 09:00"),
            ("0 9 * * mon-fri", "2026-11-27T08:59:59", "2026-11-27 09:00"),
            ("*/15 * * * *", "2026-11-27T09:44:10", "2026-11-27 09:45"),
            ("5-20/5,50 3 * * *", "2026-11-27T03:20", "2026-11-27 03:50"),
            ("0 0 29 2 *", "2026-01-01T00:00", "2028-02-29 00:00"),
            ("0 0 29 2 1", "2026-02-03T00:00", "2026-02-09 00:00"),
            ("0 18 L * *", "2026-12-01T00:00", "2026-12-31 18:00"),
            ("0 18 * * friL", "2026-12-01T00:00", "2026-12-25 18:00"),
            ("0 18 * * 5#2", "2026-12-01T00:00", "2026-12-11 18:00"),
            ("0 8 13 * 5", "2026-12-01T00:00", "2026-12-04 08:00"),
            ("0 0 * * 7", "2026-12-01T00:00", "2026-12-06 00:00"),
            ("30 23 31 dec *", "2026-12-31T23:30", "2027-12-31 23:30"),
            ("@weekly", "2026-12-01T00:00", "2026-12-06 00:00"),
            ("0 22-6/4 * * *", "2026-12-01T22:00", "2026-12-02 02:00"),
            ("0 22-6/4 * * *", "2026-12-01T06:00", "2026-12-01 22:00"),
            ("0 9 * * fri-mon/2", "2026-12-04T09:00", "2026-12-06 09:00"),
            ("0 9 * * fri-mon", "2026-12-07T09:00", "2026-12-11 09:00"),
            ("0 9 * * 7-2", "2026-12-02T09:00", "2026-12-06 09:00"),
            ("59 23 * * *", "2026-12-31T23:59", "2027-01-01 23:59"),
        ] {
            assert_eq!(next(text, after), expected, "{text} after {after}");
        }
    }

    #[test]
    fn what_is_no_expression_is_refused_with_the_part_that_is_not() {
        for (text, part) in [
            ("* * * *", "4 fields"),
            ("0 0 9 * * *", "6 fields"),
            ("60 * * * *", "`60` is no minute"),
            ("0 24 * * *", "`24` is no hour"),
            ("0 0 0 * *", "`0` is no day of the month"),
            ("0 0 1 13 *", "`13` is no month"),
            ("0 0 * * 8", "`8` is no day of the week"),
            ("*/0 * * * *", "`*/0`"),
            ("+5 * * * *", "`+5`"),
            ("5, * * * *", "`` is no minute"),
            ("0 0 15W * *", "`15W`"),
            ("0 0 * * 1#6", "`1#6`"),
            ("0 0 30 2 *", "names no day"),
            ("@reboot", "1 fields"),
        ] {
            let error = Cron::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    /// Numbers that follow from a seed.
    pub(crate) struct Dice(pub(crate) u64);

    impl Dice {
        pub(crate) fn below(&mut self, end: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % end
        }

        fn field(&mut self, low: u64, high: u64) -> String {
            let mut number = |low: u64| low + self.below(high - low + 1);
            match number(0) % 5 {
                0 => "*".to_owned(),
                1 => format!("*/{}", number(1)),
                2 => format!("{},{}", number(low), number(low)),
                3 => {
                    let first = number(low);
                    format!("{first}-{}/{}", number(first), number(1))
                }
                _ => number(low).to_string(),
            }
        }
    }

    #[test]
    fn any_expression_names_the_same_minutes_as_an_independent_implementation() {
        let mut dice = Dice(17);
        for _ in 0..600 {
            let fields = [(0, 59), (0, 23), (1, 28), (1, 12), (0, 6)];
            let fields = fields.map(|(low, high)| dice.field(low, high));
            let text = fields.join(" ");
            let (own, other) =
                (Cron::parse(&text), cronexpr::parse_crontab(&format!("{text} UTC")));
            let (Ok(own), Ok(other)) = (own, other) else { continue };
            let after =
                jiff::Timestamp::from_second(1_700_000_000 + dice.below(200_000_000) as i64)
                    .unwrap();
            let civil = jiff::tz::TimeZone::UTC.to_datetime(after);
            // It looks four years ahead.
            let Ok(expected) = other.find_next(after) else { continue };
            assert_eq!(own.next(civil), Some(expected.datetime()), "{text} after {civil}");
        }
    }

    #[test]
    fn the_other_implementation_knows_no_last_day_of_december() {
        let other = cronexpr::parse_crontab("0 18 L * * UTC").unwrap();
        let next = other.find_next("2026-12-01T00:00:00Z").unwrap();
        assert_ne!(next.to_string(), "2026-12-31T18:00:00+00:00[UTC]", "it does: use it");
    }
}
