//! Times in plain words, as cron expressions.
//!
//! `every weekday at 9`, `daily at 18:30`, `every monday and thursday at 8`, `hourly`, `every 15 minutes`,
//! `on the 1st at 9`, `every last day at noon`.

use super::error::PlanError;

const WEEKDAYS: [(&str, u8); 7] =
    [("sun", 0), ("mon", 1), ("tue", 2), ("wed", 3), ("thu", 4), ("fri", 5), ("sat", 6)];

/// What plain words mean.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The minutes of these cron expressions.
    Crons(Vec<String>),
    /// Again and again after so many minutes.
    Interval(u32),
}

/// Returns what `text` means.
///
/// # Errors
///
/// What was not understood, with examples.
pub(super) fn meaning(text: &str) -> Result<Meaning, PlanError> {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .collect();
    if let Some(minutes) = interval(&words) {
        return minutes
            .ok_or_else(|| unclear(text, "a distance is 1 to 59 minutes or 1 to 24 hours"))
            .map(steady);
    }
    let mut read = Reading::default();
    for (at, word) in words.iter().enumerate() {
        let half = words.get(at + 1).copied().filter(|next| matches!(*next, "am" | "pm"));
        if !read.take(word, half) {
            return Err(unclear(text, &format!("`{word}` is not understood")));
        }
    }
    read.crons().map(Meaning::Crons).map_err(|why| unclear(text, why))
}

fn unclear(text: &str, why: &str) -> PlanError {
    PlanError(format!(
        "`{text}` is no time: {why}; say it as in \"every weekday at 9\", \"every monday at 18:30\", \"on the 1st at 9\", \"hourly\", \
         \"every 15 minutes\" or as a cron expression (\"0 9 * * 1-5\")"
    ))
}

/// Returns the minutes of a distance, if the words are of one; nothing in it if it is none that can be kept.
fn interval(words: &[&str]) -> Option<Option<u32>> {
    let (number, unit) = match words {
        ["hourly"] => ("1", "hour"),
        ["every", number, unit] if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            (*number, *unit)
        }
        ["every", joined] if joined.starts_with(|c: char| c.is_ascii_digit()) => {
            joined.split_at(joined.find(|c: char| !c.is_ascii_digit())?)
        }
        ["every", unit] => ("1", *unit),
        _ => return None,
    };
    let (most, minutes) = match unit {
        "m" | "min" | "mins" | "minute" | "minutes" => (24 * 60, 1),
        "h" | "hour" | "hours" => (24, 60),
        _ => return None,
    };
    let number = number.parse::<u32>().ok().filter(|number| (1..=most).contains(number));
    Some(number.map(|number| number * minutes))
}

/// Returns the minutes of a clock that are so far apart, or the distance itself where an hour or a day has no such parts.
fn steady(minutes: u32) -> Meaning {
    match minutes {
        1 => Meaning::Crons(vec!["* * * * *".to_owned()]),
        60 => Meaning::Crons(vec!["0 * * * *".to_owned()]),
        part if 60 % part == 0 => Meaning::Crons(vec![format!("*/{part} * * * *")]),
        part if part % 60 == 0 && part < 1_440 && 1_440 % part == 0 => {
            Meaning::Crons(vec![format!("0 */{} * * *", part / 60)])
        }
        other => Meaning::Interval(other),
    }
}

/// What was said so far.
#[derive(Default)]
struct Reading {
    weekdays: Vec<u8>,
    days: Vec<String>,
    every_day: bool,
    times: Vec<(u8, u8)>,
}

impl Reading {
    /// Takes in a word. `half` is the word after it, if it says the half of the day.
    fn take(&mut self, word: &str, half: Option<&str>) -> bool {
        match word {
            "every" | "each" | "on" | "at" | "and" | "the" | "of" | "a" | "month" | "monthly"
            | "am" | "pm" => {}
            "day" | "days" => self.every_day |= self.days.is_empty(),
            "daily" => self.every_day = true,
            "weekday" | "weekdays" => self.weekdays.extend(1..=5),
            "weekend" | "weekends" => self.weekdays.extend([0, 6]),
            "last" => self.days.push("L".to_owned()),
            _ => return self.weekday(word) || self.ordinal(word) || self.time(word, half),
        }
        true
    }

    fn weekday(&mut self, word: &str) -> bool {
        let found = WEEKDAYS.iter().find(|(start, number)| {
            let whole = jiff::civil::Weekday::from_sunday_zero_offset(*number as i8)
                .map(|day| format!("{day:?}").to_lowercase())
                .unwrap_or_default();
            word == *start || word == whole || word.strip_suffix('s') == Some(&whole)
        });
        self.weekdays.extend(found.map(|(_, number)| *number));
        found.is_some()
    }

    fn ordinal(&mut self, word: &str) -> bool {
        let digits = word.len().saturating_sub(2);
        let Some((number, ending)) = word.split_at_checked(digits) else { return false };
        let number = number.parse::<u8>().ok().filter(|number| (1..=31).contains(number));
        let fits = matches!(ending, "st" | "nd" | "rd" | "th");
        self.days.extend(number.filter(|_| fits).map(|number| number.to_string()));
        number.is_some() && fits
    }

    fn time(&mut self, word: &str, half: Option<&str>) -> bool {
        let found = match word {
            "noon" => Some((12, 0)),
            "midnight" => Some((0, 0)),
            _ => time(word, half),
        };
        self.times.extend(found);
        found.is_some()
    }

    fn crons(mut self) -> Result<Vec<String>, &'static str> {
        if self.times.is_empty() {
            return Err("it says no time of the day (\"at 9\")");
        }
        if !self.days.is_empty() && !self.weekdays.is_empty() {
            return Err("it names days of the month and days of the week");
        }
        self.weekdays.sort_unstable();
        self.weekdays.dedup();
        self.times.sort_unstable();
        self.times.dedup();
        let joined = |numbers: &[String]| {
            if numbers.is_empty() { "*".to_owned() } else { numbers.join(",") }
        };
        let weekdays: Vec<String> = self.weekdays.iter().map(u8::to_string).collect();
        let (days, weekdays) = match self.every_day {
            true => ("*".to_owned(), "*".to_owned()),
            false => (joined(&self.days), joined(&weekdays)),
        };
        let cron = |(hour, minute): &(u8, u8)| format!("{minute} {hour} {days} * {weekdays}");
        Ok(self.times.iter().map(cron).collect())
    }
}

/// Returns the hour and minute of `9`, `9:30`, `9am`, `9:30 pm`.
fn time(word: &str, half: Option<&str>) -> Option<(u8, u8)> {
    let (clock, half) = match (word.strip_suffix("am"), word.strip_suffix("pm")) {
        (Some(clock), _) => (clock, Some("am")),
        (_, Some(clock)) => (clock, Some("pm")),
        _ => (word, half),
    };
    let (hour, minute) = clock.split_once(':').unwrap_or((clock, "00"));
    let number = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u8>().ok())?
    };
    let (hour, minute) = (number(hour)?, number(minute).filter(|minute| *minute < 60)?);
    let hour = match half {
        None => Some(hour).filter(|hour| *hour < 24),
        Some(half) => {
            let hour = Some(hour).filter(|hour| (1..=12).contains(hour))?;
            Some(hour % 12 + if half == "pm" { 12 } else { 0 })
        }
    };
    Some((hour?, minute))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_mean_what_people_mean_by_them() {
        for (text, crons) in [
            ("every weekday at 9", &["0 9 * * 1,2,3,4,5"][..]),
            ("weekdays at 9:05", &["5 9 * * 1,2,3,4,5"]),
            ("Every day at 18:30", &["30 18 * * *"]),
            ("daily at 6pm", &["0 18 * * *"]),
            ("at 12 am", &["0 0 * * *"]),
            ("every monday at 8", &["0 8 * * 1"]),
            ("Mondays and Thursdays at 8:15 pm", &["15 20 * * 1,4"]),
            ("every tue, sat at noon", &["0 12 * * 2,6"]),
            ("every weekend at 10 and 16:30", &["0 10 * * 0,6", "30 16 * * 0,6"]),
            ("on the 1st at 9", &["0 9 1 * *"]),
            ("every month on the 1st and 15th at 9", &["0 9 1,15 * *"]),
            ("on the last day of the month at 23:59", &["59 23 L * *"]),
            ("hourly", &["0 * * * *"]),
            ("every hour", &["0 * * * *"]),
            ("every 15 minutes", &["*/15 * * * *"]),
            ("every 5m", &["*/5 * * * *"]),
            ("every 6 hours", &["0 */6 * * *"]),
            ("every minute", &["* * * * *"]),
        ] {
            let crons = crons.iter().map(|&cron| cron.to_owned()).collect();
            assert_eq!(meaning(text), Ok(Meaning::Crons(crons)), "{text}");
        }
        assert_eq!(meaning("every 45 minutes"), Ok(Meaning::Interval(45)));
        assert_eq!(meaning("every 24 hours"), Ok(Meaning::Interval(1_440)));
    }

    #[test]
    fn what_is_unclear_is_refused_with_examples() {
        for (text, part) in [
            ("every day", "no time of the day"),
            ("monthly", "no time of the day"),
            ("sometimes", "`sometimes` is not understood"),
            ("every day at 25", "`25` is not understood"),
            ("every day at 9:60", "`9:60` is not understood"),
            ("at 13pm", "`13pm` is not understood"),
            ("every 0 minutes", "a distance"),
            ("every 25 hours", "a distance"),
            ("on the 32nd at 9", "`32nd` is not understood"),
            ("on the 1st and monday at 9", "days of the month and days of the week"),
            ("", "no time of the day"),
            ("every", "no time of the day"),
        ] {
            let error = meaning(text).unwrap_err().to_string();
            assert!(
                error.contains(part) && error.contains("every weekday at 9"),
                "{text}: {error}"
            );
        }
    }
}
