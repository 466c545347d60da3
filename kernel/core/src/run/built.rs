//! Checks that build for themselves what the run had built.
//!
//! What lies in places that git ignores is not delivered: it may have been built of other sources than those that are
//! there, whoever wrote it. So the project's checks see these places as they were before the run's first call that may
//! have an effect, but for what is gone, and build the rest again. A file that the task names they see as it is. Where
//! they are not green that way they run over what is there, and what passes only there is a person's to accept.
//!
//! What interpreters leave beside the files that they read is hidden from them in any case: it is made again in moments,
//! and it may be of anything as well.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{attempt::Attempt, evaluate::EvaluationResult, halt::Halt, state::Run};
use crate::{
    change_set::PathEffect,
    evaluation::{Check, CheckOutcome, EvaluatorCard, Subject},
    frozen::{Shown, View, is_environment},
};

/// How far the times of files may be behind the clock, in milliseconds: they come from one that ticks more slowly.
const TICK_MS: u64 = 20;

/// What stands behind a place that git ignores, where places are told in words.
const IGNORED: &str = " (ignored)";

impl Run {
    /// Asks the project's checks about the tree as it is, without what the run left in ignored places if that does as well.
    pub(super) async fn ask_checks(
        &self,
        key: &str,
        card: &EvaluatorCard,
        subject: &Subject,
        attempt: &mut Attempt,
    ) -> Result<EvaluationResult, Halt> {
        let tree = attempt.tree.clone();
        if let Some(since) = self.anew_since() {
            let view = Arc::new(self.view(BTreeMap::new(), Some(since)));
            let key = format!("{key}/anew");
            let asked = self.ask_evaluator_of(&key, card, subject, tree.clone(), view).await?;
            let is_green = asked.as_ref().is_ok_and(|verdict| is_green(&verdict.checks));
            if is_green {
                attempt.anew = true;
                return Ok(asked);
            }
            attempt.without_built = asked.ok().map(|verdict| verdict.checks);
        }
        self.ask_evaluator(key, card, subject, tree).await
    }

    /// Returns a view with `files` in another state, without by-products of the run's programs, and without what the run
    /// left in ignored places since a moment, but for files that the task names.
    pub(super) fn view(&self, files: BTreeMap<String, Shown>, anew_since: Option<u64>) -> View {
        let wanted = match anew_since {
            Some(_) => self.left_ignored(true),
            None => Vec::new(),
        };
        let wanted = wanted.into_iter().map(|one| (one.path.clone(), one.after.clone()));
        let by_products = self.by_products.clone();
        View { files, anew_since, wanted: wanted.collect(), by_products }
    }

    /// Returns since when what is in ignored places is not believed, if the run left anything there.
    pub(super) fn anew_since(&self) -> Option<u64> {
        let is_built = |place: &String| !is_environment(place);
        let is_built = self.places().iter().any(is_built);
        self.acting_since.filter(|_| is_built).map(|since| since.saturating_sub(TICK_MS))
    }

    /// Returns the places, in words, that are not delivered and that the checks of an attempt rest on.
    pub(super) fn rests_on(&self, attempt: &Attempt) -> Vec<String> {
        let places = self.places().into_iter();
        let seen = places.filter(|path| !attempt.anew || is_environment(path));
        seen.map(|path| format!("{path}{IGNORED}")).collect()
    }

    /// Returns the ignored places in which the run left something that the task does not name.
    fn places(&self) -> BTreeSet<String> {
        let uncovered = self.uncovered.iter().filter_map(|place| ignored(place));
        let named = self.left_ignored(false).into_iter().map(|one| one.path.as_str());
        uncovered.chain(named).map(str::to_owned).collect()
    }

    /// Returns the changes that leave contents in ignored places and that the task names, or those that it does not name.
    fn left_ignored(&self, is_named: bool) -> Vec<&PathEffect> {
        let left: Vec<&PathEffect> =
            self.changes.iter().filter(|change| change.leaves_ignored()).collect();
        if left.is_empty() {
            return left;
        }
        let task = self.own_words();
        left.into_iter().filter(|change| names(&task, &change.path) == is_named).collect()
    }
}

/// Returns whether a text has a path, from the top of the workspace on. A name alone says nothing: what is built is often
/// called as what it is built of.
fn names(text: &str, path: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "_-/.\\".contains(c);
    text.match_indices(path).any(|(at, _)| {
        let before = text[..at].strip_suffix("./").unwrap_or(&text[..at]);
        let after = text[at + path.len()..].trim_start_matches('.');
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

/// Returns the path of a place that changed, in words, if git ignores it.
fn ignored(place: &str) -> Option<&str> {
    place.strip_suffix(IGNORED)
}

/// Returns whether a place that changed, in words, is one that git ignores.
pub(super) fn is_ignored(place: &str) -> bool {
    ignored(place).is_some()
}

fn is_green(checks: &[Check]) -> bool {
    let is_green = |check: &Check| check.outcome == CheckOutcome::Passed;
    !checks.is_empty() && checks.iter().all(is_green)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_names_a_file_by_its_whole_path() {
        for text in [
            "write config/local.json",
            "`./config/local.json` is missing",
            "It reads config/local.json.",
            "(config/local.json)",
        ] {
            assert!(names(text, "config/local.json"), "{text}");
        }
        for text in [
            "write local.json",
            "write other/config/local.json",
            "write config/local.json5",
            "write config/local.json/x",
            "write config/local.json.bak",
        ] {
            assert!(!names(text, "config/local.json"), "{text}");
        }
        assert!(!names("fix percent.js", "dist/percent.js"));
    }
}
