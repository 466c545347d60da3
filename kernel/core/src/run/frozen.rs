//! The checks with the evidence as it was, where a run changed evidence.

use std::{collections::BTreeMap, sync::Arc};

use super::{attempt::Attempt, evaluate::EvaluationResult, halt::Halt, state::Run};
use crate::{
    change_set::{PathEffect, PathState},
    evaluation::{Before, Check, EvaluatorCard, EvidenceFile, Subject},
    evidence::Standing,
    frozen::{
        Asked, Difference, Hanging, LetThrough, Merged, Shown, asked_for, distrust, merge,
        merge_built,
    },
};

/// The largest file whose text before evaluators are shown, in bytes.
const MOST_BEFORE: u64 = 64 * 1024;

impl Run {
    /// Returns the texts before of what changed, for evaluators that tell evidence from product.
    pub(super) async fn texts_before(&self, attempt: &Attempt) -> Result<Vec<Before>, Halt> {
        let effects = attempt.set.effects();
        let is_file = |effect: &&PathEffect| {
            matches!(effect.before, PathState::File { .. } | PathState::Link { .. })
        };
        let files: Vec<PathEffect> = effects.into_iter().filter(|one| is_file(&one)).collect();
        if files.is_empty() {
            return Ok(Vec::new());
        }
        let contents = self.ports.workspace.contents_before(&files, MOST_BEFORE);
        let contents = self.files(contents).await?;
        let mut contents = contents.into_iter();
        let texts = files.into_iter().map(|effect| Before {
            path: effect.path,
            text: contents.next().flatten().and_then(|bytes| String::from_utf8(bytes).ok()),
        });
        Ok(texts.collect())
    }

    /// Holds the checks on the tree as it is against the evidence as it was.
    pub(super) async fn hold_against_evidence(
        &self,
        key: &str,
        card: &EvaluatorCard,
        subject: &Subject,
        attempt: &mut Attempt,
    ) -> Result<(), Halt> {
        let Some(baseline) = self.baseline.clone().filter(|checks| !checks.is_empty()) else {
            return Ok(());
        };
        attempt.as_it_is.clone_from(&attempt.checks);
        if self.is_refused_already(&baseline, &attempt.checks) {
            return Ok(());
        }
        let mut merged = match attempt.evidence.is_empty() {
            true => self.merged_alone(&baseline, attempt),
            false => self.merged_frozen(key, card, subject, attempt, &baseline).await?,
        };
        if let Some(anew) = &attempt.without_built {
            let built = merge_built(&baseline, anew, &merged.checks);
            merged.checks = built.checks;
            merged.differences.extend(built.differences);
        }
        let is_new = |path: &&String| !self.rewritten_before.contains(path);
        if attempt.rewritten.iter().any(|path| is_new(&path)) {
            distrust(&mut merged);
        }
        attempt.checks = merged.checks;
        attempt.differences = merged.differences;
        Ok(())
    }

    /// Holds the checks against the baseline where no evidence was changed.
    fn merged_alone(&self, baseline: &[Check], attempt: &Attempt) -> Merged {
        let checks = attempt.as_it_is.clone();
        // An environment that the run installed is told of as that.
        if !self.rests_on(attempt).is_empty() {
            return Merged { checks, differences: Vec::new() };
        }
        let before = |check: &Check| baseline.iter().find(|before| before.id == check.id);
        let is_other =
            |check: &Check| before(check).is_some_and(|before| before.command != check.command);
        match checks.iter().any(is_other) {
            true => merge(baseline, &checks, &checks, |_| None),
            false => Merged { checks, differences: Vec::new() },
        }
    }

    /// Runs the checks with the evidence as it was, and holds them against those on the tree as it is.
    async fn merged_frozen(
        &self,
        key: &str,
        card: &EvaluatorCard,
        subject: &Subject,
        attempt: &mut Attempt,
        baseline: &[Check],
    ) -> Result<Merged, Halt> {
        let files = attempt.evidence.clone();
        let all: Vec<&EvidenceFile> = files.iter().collect();
        let frozen =
            self.run_frozen(&format!("{key}/frozen"), card, subject, attempt, &all).await?;
        let merged = self.merged(baseline, frozen, attempt);
        let is_open = |merged: &Merged| {
            merged
                .differences
                .iter()
                .any(|one| one.through.is_none() && one.hanging != Hanging::Gone)
        };
        let sure: Vec<&EvidenceFile> = all.iter().filter(|file| !file.product).copied().collect();
        if !is_open(&merged) || sure.len() == all.len() || !self.names_all(&files) {
            return Ok(merged);
        }
        // A file that may be a part of the product: what is right with it as it is may be its merit.
        let frozen = self.run_frozen(&format!("{key}/sure"), card, subject, attempt, &sure).await?;
        let other = self.merged(baseline, frozen, attempt);
        Ok(if is_open(&other) { merged } else { other })
    }

    /// Returns whether the task names each changed file that may be a part of the product.
    fn names_all(&self, files: &[EvidenceFile]) -> bool {
        let task = self.own_words().to_lowercase();
        files.iter().filter(|file| file.product).all(|file| {
            let name = file.path.rsplit('/').next().unwrap_or(&file.path);
            task.contains(&name.to_lowercase())
        })
    }

    /// Returns whether the checks on the tree as it is forbid acceptance, whatever the evidence as it was says.
    fn is_refused_already(&self, baseline: &[Check], now: &[Check]) -> bool {
        let mut standing = Standing::default();
        standing.weigh_checks(baseline, now);
        // What is gone is told apart by the evidence.
        standing.broken.iter().any(|id| !id.ends_with(')')) || !standing.new_red.is_empty()
    }

    fn merged(&self, baseline: &[Check], frozen: EvaluationResult, attempt: &Attempt) -> Merged {
        let task = self.own_words();
        let paths: Vec<String> = attempt.evidence.iter().map(|file| file.path.clone()).collect();
        let through = |one: &Difference| {
            (asked_for(&task, one, &paths) == Asked::Yes).then_some(LetThrough::Task)
        };
        let frozen = frozen.map(|verdict| verdict.checks).unwrap_or_default();
        merge(baseline, &frozen, &attempt.as_it_is, through)
    }

    /// Runs the checks with these files as they were.
    async fn run_frozen(
        &self,
        key: &str,
        card: &EvaluatorCard,
        subject: &Subject,
        attempt: &mut Attempt,
        files: &[&EvidenceFile],
    ) -> Result<EvaluationResult, Halt> {
        // What a build made anew was dropped with it, so that the tests have to have it built again.
        let stands = |check: &&Check| !attempt.anew || check.category != "build";
        let subject = Subject {
            frozen: files.iter().map(|file| file.path.clone()).collect(),
            checks: attempt.as_it_is.iter().filter(stands).cloned().collect(),
            ..subject.clone()
        };
        let files = shown(&attempt.set.effects(), files);
        let view = self.view(files, self.anew_since().filter(|_| attempt.anew));
        let tree = attempt.tree.clone();
        let asked = self.ask_evaluator_of(key, card, &subject, tree, Arc::new(view)).await?;
        if let Ok(verdict) = &asked {
            attempt.rewritten.extend(verdict.rewritten.iter().cloned());
        }
        Ok(asked)
    }

    /// Lets through what hangs on changed evidence, because a person accepted it.
    pub(super) fn accept_evidence(&mut self) {
        let Some(baseline) = self.baseline.clone() else { return };
        let Some(attempt) = self.attempts.last_mut() else { return };
        for difference in attempt.differences.iter_mut().filter(|one| one.through.is_none()) {
            difference.through = Some(LetThrough::Person);
        }
        attempt.checks.clone_from(&attempt.as_it_is);
        let mut weighed = Standing::default();
        weighed.weigh_checks(&baseline, &attempt.checks);
        weighed.let_through(&attempt.differences);
        let standing = &mut attempt.standing;
        standing.hanging.clear();
        (standing.broken, standing.not_seen) = (weighed.broken, weighed.not_seen);
        (standing.green, standing.fixed) = (weighed.green, weighed.fixed);
        (standing.red, standing.new_red) = (weighed.red, weighed.new_red);
        (standing.unknown, standing.flaky) = (weighed.unknown, weighed.flaky);
    }

    /// Returns whether the task may ask for what hangs on changed evidence, so that a person has to say.
    pub(super) fn is_perhaps_asked_for(&self) -> bool {
        let task = self.own_words();
        self.attempts.last().is_some_and(|attempt| {
            let paths: Vec<String> =
                attempt.evidence.iter().map(|file| file.path.clone()).collect();
            attempt.open().all(|one| asked_for(&task, one, &paths) == Asked::Perhaps)
        })
    }

    /// Returns why work cannot be accepted whose tests hang on changed evidence, in one sentence.
    pub(super) fn hangs(&self) -> Option<String> {
        let attempt = self.attempts.last()?;
        let first = attempt.open().next()?;
        let more = match attempt.open().count() {
            1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        Some(format!("{} {}{more}", first.id(), first.why()))
    }
}

/// Returns what is seen in place of files of evidence.
fn shown(effects: &[PathEffect], files: &[&EvidenceFile]) -> BTreeMap<String, Shown> {
    let mut view = BTreeMap::new();
    for effect in effects {
        let Some(file) = files.iter().find(|file| file.path == effect.path) else { continue };
        let shown = match (&file.shown, &effect.before) {
            (Some(text), PathState::File { mode, .. }) => {
                Shown::Text { mode: *mode, text: text.clone() }
            }
            (_, before) => Shown::State(before.clone()),
        };
        view.insert(effect.path.clone(), shown);
    }
    view
}
