//! Checks that build for themselves what the run's programs had built.
//!
//! What a program leaves in places that git ignores is in no state and in no difference: an object of other sources than
//! those that are there may lie among it. So the project's checks see these places as they were before the run's first
//! call that may have an effect, but for what is gone, and build the rest again. What a tool for files wrote there is no
//! program's: it is in the change set, and they see it. Where they are not green that way they run
//! over what is there, and what passes only there is a person's to accept.

use std::{collections::BTreeMap, sync::Arc};

use super::{attempt::Attempt, evaluate::EvaluationResult, halt::Halt, state::Run};
use crate::{
    change_set::PathEffect,
    evaluation::{Check, CheckOutcome, EvaluatorCard, Subject},
    fact,
    frozen::{Shown, View, is_environment},
    tool::Effect,
};

/// How far the times of files may be behind the clock, in milliseconds: they come from one that ticks more slowly.
const TICK_MS: u64 = 20;

/// What stands behind a place that git ignores, where places are told in words.
const IGNORED: &str = " (ignored)";

impl Run {
    /// Asks the project's checks about the tree as it is, without what the run's programs left in ignored places if that
    /// does as well.
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

    /// Returns a view with `files` in another state, and without what the run's programs left in ignored places since then.
    pub(super) fn view(&self, files: BTreeMap<String, Shown>, anew_since: Option<u64>) -> View {
        View { files, anew_since, written: self.written.clone() }
    }

    /// Notes who wrote the files of a call: a tool for files writes what everybody can read in the change set; what a program
    /// writes in ignored places was built of something, also where its command names it.
    pub(super) fn note_written(&mut self, key: &str, paths: &[PathEffect]) {
        let started = self.recorder.recall(key).map(|fact::CallStarted { effect, .. }| effect);
        for PathEffect { path, after, .. } in paths {
            match started {
                Some(Effect::Write) => self.written.insert(path.clone(), after.clone()),
                _ => self.written.remove(path),
            };
        }
    }

    /// Returns since when what is in ignored places is not believed, if the run's programs left anything there.
    pub(super) fn anew_since(&self) -> Option<u64> {
        let is_built = self.uncovered.iter().filter_map(|place| ignored(place));
        let is_built = is_built.into_iter().any(|path| !is_environment(path));
        self.acting_since.filter(|_| is_built).map(|since| since.saturating_sub(TICK_MS))
    }

    /// Returns the places, in words, that no state covers and that the checks of an attempt rest on.
    pub(super) fn rests_on(&self, attempt: &Attempt) -> impl Iterator<Item = &String> {
        let anew = attempt.anew;
        self.uncovered
            .iter()
            .filter(move |place| ignored(place).is_some_and(|path| !anew || is_environment(path)))
    }
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
