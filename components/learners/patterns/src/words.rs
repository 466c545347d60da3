//! The words of a task, and how alike those of two are.

use std::collections::BTreeSet;

/// Words that say nothing of what a task is about.
const EMPTY: &str = "a about after again all also an and any are as at be because been before but by can could did do does \
    don't each else every few for from get give had has have her here him his how i if in into is it its just let like make \
    may me might more most much must my need new no nor not now of off on once one only or other our out over own per please \
    put same shall should since so some still such than that the their them then there these they thing this those through to \
    too under until up us use using very want was way we well were what when where whether which while who why will with \
    without would yes yet you your code file files project task tasks work";

/// A word as it was written, and without its ending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) written: String,
    pub(crate) stem: String,
}

/// Returns the words of a text that say something, each once, in their order.
pub(crate) fn of(text: &str) -> Vec<Word> {
    let empty: BTreeSet<&str> = EMPTY.split_whitespace().collect();
    let mut found: Vec<Word> = Vec::new();
    for run in text.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
        for written in parts(run) {
            let stem = stem(&written).to_owned();
            let says = written.chars().count() > 1 && !empty.contains(written.as_str());
            let is_number = written.chars().all(|c| c.is_ascii_digit());
            if says && !is_number && found.iter().all(|one| one.stem != stem) {
                found.push(Word { written, stem });
            }
        }
    }
    found
}

/// Returns a run of letters as words: scripts that write no blanks are cut into pairs, which find each other as words do.
fn parts(run: &str) -> Vec<String> {
    let letters: Vec<char> = run.chars().collect();
    let is_dense =
        letters.iter().any(|c| matches!(c, '\u{e00}'..='\u{eff}' | '\u{3040}'..='\u{9fff}'));
    match letters.len() {
        3.. if is_dense => letters.windows(2).map(|pair| pair.iter().collect()).collect(),
        _ => vec![run.to_owned()],
    }
}

/// Returns an English word without the ending of a plural or a tense.
fn stem(word: &str) -> &str {
    if !word.bytes().all(|byte| byte.is_ascii_lowercase()) || word.ends_with("ss") {
        return word;
    }
    let cut = ["ing", "ies", "ed", "es", "s"].iter().find_map(|end| word.strip_suffix(end));
    let cut = cut.filter(|stem| stem.len() >= 3).unwrap_or(word);
    cut.strip_suffix(['e', 'y']).filter(|stem| stem.len() >= 3).unwrap_or(cut)
}

/// Returns how alike two sets are, 0 to 1: what they share, against what they have on average. Two empty ones are alike.
pub(crate) fn alike<T: Ord>(one: &BTreeSet<T>, other: &BTreeSet<T>) -> f64 {
    let both = one.len() + other.len();
    match both {
        0 => 1.0,
        both => 2.0 * one.intersection(other).count() as f64 / both as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_are_one_and_what_says_nothing_is_none() {
        let stems = |text: &str| of(text).into_iter().map(|one| one.stem).collect::<Vec<_>>();
        assert_eq!(stems("Please write the release notes for 1.4"), ["writ", "releas", "not"]);
        assert_eq!(stems("writing notes on releases"), ["writ", "not", "releas"]);
        assert_eq!(stems("数据库迁移"), ["数据", "据库", "库迁", "迁移"]);
        assert_eq!(stems(""), [""; 0]);
    }

    #[test]
    fn sets_are_as_alike_as_what_they_share() {
        let set = |all: &[u8]| all.iter().copied().collect::<BTreeSet<u8>>();
        assert_eq!(alike(&set(&[]), &set(&[])), 1.0);
        assert_eq!(alike(&set(&[1]), &set(&[])), 0.0);
        assert_eq!(alike(&set(&[1, 2]), &set(&[2, 3])), 0.5);
    }
}
