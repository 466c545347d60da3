//! "Did you mean": the known names that are closest to a misspelt one. They are for hints: a
//! misspelt name is an error, not a match.

/// The number of names that are suggested.
const MOST: usize = 3;

/// Returns at most three of `known` that `typed` may have been meant for, the closest first.
pub fn closest(typed: &str, known: impl IntoIterator<Item = String>) -> Vec<String> {
    let typed = typed.to_lowercase();
    let mut ranked: Vec<(usize, String)> = known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&typed, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= tolerance(&typed, name))
        .collect();
    ranked.sort_unstable();
    ranked.dedup_by(|a, b| a.1 == b.1);
    let best = ranked.first().map_or(0, |(distance, _)| *distance);
    // Names more than twice as far away as the best are noise beside it.
    ranked.retain(|(distance, _)| *distance <= best * 2);
    ranked.into_iter().take(MOST).map(|(_, name)| name).collect()
}

/// Returns the number of slips that are tolerated: one in short names, more in long ones.
fn tolerance(typed: &str, name: &str) -> usize {
    let length = typed.chars().count().min(name.chars().count());
    match length {
        0..3 => 0,
        3..5 => 1,
        5..9 => 2,
        _ => 3 + length / 12,
    }
}

/// Returns a hint's words for suggestions: ``did you mean `a` or `b`?``
pub fn question(names: &[String]) -> Option<String> {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.as_slice() {
        [] => None,
        [one] => Some(format!("did you mean {one}?")),
        [first @ .., last] => Some(format!("did you mean {} or {last}?", first.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(typed: &str) -> Vec<String> {
        closest(typed, ["status", "session", "task", "undo"].map(str::to_owned))
    }

    #[test]
    fn a_slip_is_recognised() {
        assert_eq!(of("statsu"), ["status"]);
        assert_eq!(of("sesion"), ["session"]);
        assert_eq!(of("taks"), ["task"]);
    }

    #[test]
    fn another_word_is_another_word() {
        assert!(of("hello").is_empty());
        assert!(of("tests").is_empty());
        assert!(of("un").is_empty());
    }

    #[test]
    fn the_question_names_all_of_them() {
        let names = ["a", "b", "c"].map(str::to_owned);

        assert_eq!(question(&names).unwrap(), "did you mean `a`, `b` or `c`?");
        assert_eq!(question(&[]), None);
    }
}
