//! What the agencies have in common: what is computed already is said without a request; a small model is asked once where that
//! does not decide, and is shown the motion as JSON, so that no text of a task can end its own quotation.

mod asked;
mod said;
#[cfg(feature = "testing")]
pub mod testing;

use openkoi_sdk::agency::{Caveat, Motion, Observation, Verdict, Weight};

pub use asked::ask;
pub use said::{approve, said, success, with_caveats};

/// Returns what was computed for an agency and is more than a note.
pub fn computed<'a>(motion: &'a Motion, agency: &str) -> Vec<&'a Observation> {
    let own = motion.observations.iter().filter(|one| one.agency == agency);
    own.filter(|one| one.weight != Weight::Note).collect()
}

/// Returns a computed observation as a caveat.
#[must_use]
pub fn caveat(one: &Observation) -> Caveat {
    Caveat { text: one.text.clone(), citations: vec![one.citation.clone()] }
}

/// Returns what the gravest of some observations makes an agency say; nothing without any.
#[must_use]
pub fn verdict(observations: &[&Observation]) -> Option<Verdict> {
    let has = |weight| observations.iter().any(|one| one.weight == weight);
    match () {
        () if has(Weight::Veto) => Some(Verdict::Veto),
        () if has(Weight::Objection) => Some(Verdict::Objection),
        () if has(Weight::Caveat) => Some(Verdict::ApproveWithCaveats),
        () => None,
    }
}

/// Returns the texts of a motion that say what is going to be done, each with the id by which it is cited.
pub fn parts(motion: &Motion) -> impl Iterator<Item = (&str, &str)> {
    let steps = motion.plan.iter().map(|step| (step.id.as_str(), step.text.as_str()));
    steps.chain(motion.criteria.iter().map(|one| (one.id.as_str(), one.text.as_str())))
}

/// Returns the words of a text in lower case.
pub fn words(text: &str) -> Vec<String> {
    let split = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    split.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Returns whether a text may be in English: what an agency looks for is words of that language, and finding none in another says
/// nothing.
#[must_use]
pub fn may_be_english(text: &str) -> bool {
    text.chars().filter(|c| c.is_alphabetic()).all(|c| c.is_ascii())
}

/// Returns the words that two texts share and that are long enough to say something.
#[must_use]
pub fn shared(one: &str, other: &str) -> usize {
    let other = words(other);
    let mut telling = words(one);
    telling.retain(|word| word.len() > 3 && other.contains(word));
    telling.sort();
    telling.dedup();
    telling.len()
}

/// Returns the files that a text names, each once.
#[must_use]
pub fn files(text: &str) -> Vec<String> {
    let around = |c: char| "`'\"()[]{}<>,;:!?".contains(c);
    let mut found: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let word = word.trim_start_matches(around).trim_end_matches(|c| around(c) || c == '.');
        let name = word.rsplit('/').next().unwrap_or(word);
        let Some((stem, end)) = name.rsplit_once('.') else { continue };
        let is_end = (1..=5).contains(&end.len()) && end.chars().all(|c| c.is_ascii_alphanumeric());
        let is_file = is_end && !stem.is_empty() && end.chars().any(|c| !c.is_ascii_digit());
        let is_inside =
            !word.starts_with(['/', '~']) && !word.contains("..") && !word.contains("://");
        if is_file
            && is_inside
            && name != "e.g"
            && name != "i.e"
            && !found.iter().any(|known| known == word)
        {
            found.push(word.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_words_with_an_end_inside_of_the_workspace() {
        let text = "fix `src/a.rs`, (b.py) and ../c.py; version 1.2, /etc/x.conf, see https://x.org/a.html e.g. so.";
        assert_eq!(files(text), ["src/a.rs", "b.py"]);
    }

    #[test]
    fn a_text_with_other_letters_is_not_taken_for_english() {
        for english in
            ["fix it", "Fix the function slug in slug.sh", "change src/none.sh, a.rs b.rs", ""]
        {
            assert!(may_be_english(english), "{english}");
        }
        for other in
            ["lösche alle", "Lösche jeden Nutzer der Datenbank", "удали всех пользователей"]
        {
            assert!(!may_be_english(other), "{other}");
        }
    }

    #[test]
    fn words_that_two_texts_share_are_counted_once_and_short_ones_not_at_all() {
        assert_eq!(shared("Percentages are rounded: rounded up", "rounded percentages are in"), 2);
    }
}
