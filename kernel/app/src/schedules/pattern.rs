//! What a schedule may be due at, as a pattern: for clients that want to know before they ask.

/// Returns a regular expression (ECMA-262) of cron expressions, and of plain words as they are best written. [`super::at_times`]
/// understands whatever it matches, and some words more.
pub fn pattern() -> String {
    format!(
        "^(?:{}|{}|{})$",
        words(),
        cron(),
        "@(?:hourly|daily|midnight|weekly|monthly|yearly|annually)"
    )
}

/// `every weekday at 9`, `on the 1st and the last day at noon`, `every 15 minutes`.
fn words() -> String {
    const DAYS: &str = "day|days|weekdays?|weekends?|(?:sun|mon|tues|wednes|thurs|fri|satur)days?|sun|mon|tue|wed|thu|fri|sat";
    const DATES: &str = "(?:[23]?1st|2?2nd|2?3rd|(?:[4-9]|1\\d|2[04-9]|30)th|last day)";
    const TIMES: &str =
        "(?:(?:[01]?\\d|2[0-3])(?::[0-5]\\d)?|(?:1[0-2]|[1-9])(?::[0-5]\\d)? ?[ap]m|noon|midnight)";
    let listed = |one: &str| format!("{one}(?:(?:, | and ){one})*");
    let (days, dates, times) = (listed(&format!("(?:{DAYS})")), listed(DATES), listed(TIMES));
    let minutes = "(?:1[0-3]\\d\\d|14[0-3]\\d|1440|[1-9]\\d{0,2}) ?(?:m|min|mins|minutes?)";
    let hours = "(?:1\\d|2[0-4]|[1-9]) ?(?:h|hours?)";
    format!(
        "(?:(?:every |on )?{days}|daily|(?:every month )?on the {dates}(?: of the month)?) at {times}|\
         hourly|every (?:minute|hour|{minutes}|{hours})"
    )
}

/// Five fields of numbers, names, ranges and steps. A day that no month has is left out where that is plain.
fn cron() -> String {
    const NEVER: &str = "(?!\\S+ \\S+ (?:3[01] 0?2|31 (?:0?[469]|11)) \\*)";
    let field = |number: &str, steps: &str, other: &str| {
        let item = format!("(?:(?:\\*|{number}(?:-{number})?)(?:/{steps})?{other})");
        format!("{item}(?:,{item})*")
    };
    let either = |names: &str| format!("{names}|{}", names.to_uppercase());
    let months = either("jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec");
    let weekday = format!("(?:[0-7]|{})", either("sun|mon|tue|wed|thu|fri|sat"));
    let fields = [
        field("[0-5]?\\d", "(?:[1-5]\\d|0?[1-9])", ""),
        field("(?:2[0-3]|[01]?\\d)", "(?:1\\d|2[0-3]|0?[1-9])", ""),
        field("(?:3[01]|[12]\\d|0?[1-9])", "(?:3[01]|[12]\\d|0?[1-9])", "|L"),
        field(&format!("(?:1[0-2]|0?[1-9]|{months})"), "(?:1[0-2]|0?[1-9])", ""),
        field(&weekday, "[1-7]", &format!("|{weekday}(?:#[1-5]|L)")),
    ];
    format!("{NEVER}{}", fields.join(" "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::schedules::plan::Plan;

    fn is_understood(text: &str) -> Result<(), TestCaseError> {
        match Plan::parse(text, "UTC", 0) {
            Ok(_) => Ok(()),
            // Whether there is such a day is more than a pattern can say.
            Err(error) if error.to_string().contains("names no day") => Ok(()),
            Err(error) => Err(TestCaseError::fail(error.to_string())),
        }
    }

    fn any_of(pattern: &str) -> impl Strategy<Value = String> {
        proptest::string::string_regex(&pattern.replace("\\d", "[0-9]")).unwrap()
    }

    proptest! {
        #[test]
        fn words_of_the_pattern_are_understood(text in any_of(&words())) {
            is_understood(&text)?;
        }

        #[test]
        fn cron_expressions_of_the_pattern_are_understood(
            text in any_of(cron().split_once("\\*)").unwrap().1),
        ) {
            is_understood(&text)?;
        }
    }
}
