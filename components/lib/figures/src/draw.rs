//! Numbers as people read them: with their intervals, as bars that compare, as lines of small bars.

use openkoi_sdk::view::{Table, Tone, facts::Tally};

use crate::statistics::{FEWEST, bounds, share};

/// The heights of a small bar. The lowest stands for some, and a point for none.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const NONE: char = '·';

/// Returns numbers as a line of small bars, as high as they are compared with the highest.
#[must_use]
pub fn sparkline(numbers: &[f64]) -> String {
    let highest = numbers.iter().copied().fold(0.0, f64::max);
    let bar = |number: &f64| match *number > 0.0 && highest > 0.0 {
        true => {
            let last = HEIGHTS.len() - 1;
            // A number that is none becomes 0 here.
            let height = (number / highest * last as f64).round() as usize;
            HEIGHTS[height.min(last)]
        }
        false => NONE,
    };
    numbers.iter().map(bar).collect()
}

/// Returns the bounds of a share as people read them: `71–98 %`.
#[must_use]
pub fn between((low, high): (f64, f64)) -> String {
    format!("{:.0}–{:.0} %", low * 100.0, high * 100.0)
}

/// Returns how sure a share is: its bounds, or that there are too few cases.
#[must_use]
pub fn interval(tally: Tally) -> String {
    match tally.of {
        0 => "none yet".to_owned(),
        few if few < FEWEST => format!("too few to say ({} of {few})", tally.well),
        _ => between(bounds(tally)),
    }
}

/// Returns a tally with how sure its share is: `9 of 10, 60–98 %`.
#[must_use]
pub fn rate(tally: Tally) -> String {
    match tally.of {
        0 => "none yet".to_owned(),
        few if few < FEWEST => format!("{}, too few to say", of(tally)),
        _ => format!("{}, {}", of(tally), interval(tally)),
    }
}

/// Returns what a share says about the state of things: good where it is certainly more than not, bad where it is certainly less.
#[must_use]
pub fn tone(tally: Tally) -> Tone {
    match bounds(tally) {
        _ if tally.of < FEWEST => Tone::Neutral,
        (low, _) if low > 0.5 => Tone::Good,
        (_, high) if high < 0.5 => Tone::Bad,
        _ => Tone::Warning,
    }
}

/// Returns a tally in words: `9 of 10`.
#[must_use]
pub fn of(tally: Tally) -> String {
    format!("{} of {}", tally.well, tally.of)
}

/// Returns a share in a bar: 0 without cases.
#[must_use]
pub fn length(tally: Tally) -> f64 {
    share(tally).unwrap_or_default()
}

/// Returns a table that no person sees if it has no rows: what is said instead stands above it.
#[must_use]
pub fn quiet(mut table: Table) -> Table {
    if table.rows.is_empty() {
        table.columns.retain(|column| !column.key.is_empty());
        table.columns.iter_mut().for_each(|column| column.title.clear());
    }
    table
}

/// Returns a number with its word in the right form.
#[must_use]
pub fn plural(number: u64, word: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {word}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_bars_is_as_high_as_its_numbers_and_shows_where_there_are_none() {
        assert_eq!(sparkline(&[0.0, 1.0, 4.0, 8.0]), "·▂▅█");
        assert_eq!(sparkline(&[0.0, f64::NAN]), "··");
        assert_eq!(sparkline(&[]), "");
    }

    #[test]
    fn a_share_is_said_with_what_it_rests_on() {
        assert_eq!(interval(Tally { well: 0, of: 0 }), "none yet");
        assert_eq!(interval(Tally { well: 3, of: 4 }), "too few to say (3 of 4)");
        assert_eq!(interval(Tally { well: 8, of: 10 }), "49–94 %");
        assert_eq!(tone(Tally { well: 4, of: 4 }), Tone::Neutral);
        assert_eq!(tone(Tally { well: 10, of: 10 }), Tone::Good);
        assert_eq!(tone(Tally { well: 0, of: 10 }), Tone::Bad);
        assert_eq!(tone(Tally { well: 8, of: 10 }), Tone::Warning);
    }
}
