//! The end of a run: the best work stays, and every criterion is reported with its basis.

use std::{cmp::Ordering, collections::BTreeSet};

use super::{
    attempt::Attempt,
    decide::Bound,
    deliberate,
    evaluate::Look,
    halt::Halt,
    state::{END, Run},
};
use crate::{
    beside::beside,
    change_set::{Applied, ChangeSet, PathEffect, PathState},
    evaluation::{Change, Check, CheckOutcome, Criterion},
    event::Event,
    evidence::{Basis, Claim, Standing},
    fact,
    frozen::Difference,
    outcome::{Ending, Outcome},
};

/// What becomes of the run's changes at its end.
struct Kept {
    /// Index of the attempt whose evidence is reported, if one is.
    attempt: Option<usize>,
    /// Changes that stay.
    set: ChangeSet,
    /// Reason for which something was taken back.
    because: Option<String>,
}

impl Run {
    /// Keeps the best work and returns the outcome.
    pub(super) async fn conclude(&mut self, ending: Ending) -> Result<Outcome, Halt> {
        let kept = self.kept_work(&ending);
        let steps = self.changes.to(&kept.set);
        let taken_back = self.ports.workspace.describe(&steps);
        let taken_back = self.restore(steps, taken_back).await?;
        let mut outcome = self.outcome(ending, &kept).await?;
        // What was refused is told beside the reason; what left something red is that reason.
        let beside = kept.attempt.is_some() && outcome.ending != Ending::Accepted;
        if let Some(why) = kept.because.as_ref().filter(|_| beside) {
            let parts = [outcome.because.as_str(), why].into_iter().filter(|part| !part.is_empty());
            outcome.because = parts.collect::<Vec<_>>().join("; ");
        }
        outcome.standing.violations.extend(kept.because);
        outcome.taken_back = taken_back;
        Ok(outcome)
    }

    /// Returns the outcome of a run that a limit stopped. Its work stays as it is.
    pub(super) async fn interim(&mut self, ending: Ending) -> Result<Outcome, Halt> {
        let attempt = self.attempts.iter().rposition(|attempt| attempt.set == self.changes);
        let kept = Kept { attempt, set: self.changes.clone(), because: None };
        self.outcome(ending, &kept).await
    }

    async fn outcome(&mut self, ending: Ending, kept: &Kept) -> Result<Outcome, Halt> {
        let (changes, foreign) = match kept.set.is_empty() {
            true => (Vec::new(), Vec::new()),
            false => {
                let Look { changes, foreign, .. } = self.look(END, &kept.set).await?;
                (changes, foreign)
            }
        };
        let conflicts = self.conflicts.iter().cloned().chain(foreign).collect::<BTreeSet<_>>();
        let attempt = kept.attempt.and_then(|index| self.attempts.get(index));
        let reported = attempt.cloned().unwrap_or_default();
        let (spent, usage, turns) = self.meter.totals();
        Ok(Outcome {
            text: self.text(attempt),
            iterations: number(self.attempts.len()),
            best_iteration: kept.attempt.map_or(0, |index| number(index + 1)),
            claims: self.claims(&reported),
            because: self.because(&ending, &reported),
            standing: reported.standing,
            differences: reported.differences,
            taken_back: Vec::new(),
            conflicts: conflicts.into_iter().collect(),
            beside: beside(&self.asked(), &changes, &kept.set.effects()),
            changes,
            uncovered: self.uncovered.clone(),
            scores: reported.scores,
            repairs: self.repairs.clone(),
            turns,
            usage,
            spent,
            elapsed_ms: self.recorder.reached_ms(),
            ending,
        })
    }

    /// Decides what stays. Accepted work stays, and so does work that was not accepted: it is reported as that. Only
    /// work that turned something green red is taken back, and changes of control files that nobody allowed.
    fn kept_work(&self, ending: &Ending) -> Kept {
        let last = self.attempts.len().checked_sub(1);
        let set = |index: Option<usize>| {
            index.and_then(|index| self.attempts.get(index)).map(|attempt| attempt.set.clone())
        };
        if *ending == Ending::Accepted || self.task.settings.max_iterations == 0 {
            return self.without_refused(last, set(last).unwrap_or_default());
        }
        let Some((index, best)) = self.best() else {
            return self.without_refused(None, self.changes.clone());
        };
        if best.standing.broken.is_empty() {
            return self.without_refused(Some(index), best.set.clone());
        }
        let broken = best.standing.broken.join("; ");
        let because = (!best.set.is_empty()).then(|| {
            format!("the work was taken back, because it left red what was green: {broken}")
        });
        Kept { attempt: None, set: ChangeSet::default(), because }
    }

    /// Returns the best attempt by evidence. The last one is no worse because nobody judged it.
    fn best(&self) -> Option<(usize, &Attempt)> {
        let better = |a: &(usize, &Attempt), b: &(usize, &Attempt)| {
            a.1.standing.compare_with_size(&b.1.standing)
        };
        let best = self.attempts.iter().enumerate().max_by(better)?;
        let last = (self.attempts.len() - 1, self.attempts.last()?);
        let as_good = Standing { score: best.1.standing.score, ..last.1.standing.clone() };
        let is_as_good =
            last.1.unjudged.is_some() && as_good.compare(&best.1.standing) != Ordering::Less;
        Some(if is_as_good { last } else { best })
    }

    /// Leaves out changes that nobody allowed: control files, which outlive the task and act where no gate is, and evidence
    /// on whose change the result hangs, which is what other work is judged by.
    fn without_refused(&self, attempt: Option<usize>, set: ChangeSet) -> Kept {
        let Some(kept) = attempt.and_then(|index| self.attempts.get(index)) else {
            return Kept { attempt, set, because: None };
        };
        let control = if kept.may_stay() { Vec::new() } else { kept.control() };
        let (evidence, removed) = self.refused_evidence(kept, &set);
        let said = |what, paths: &[&str]| {
            let paths = paths.join("; ");
            (!paths.is_empty()).then(|| format!("nobody accepted the changed {what} {paths}"))
        };
        let gone = (!removed.is_empty())
            .then(|| format!("the task does not ask for the removal of {}", removed.join("; ")));
        let reasons = [said("control files", &control), said("tests", &evidence), gone];
        let reasons: Vec<String> = reasons.into_iter().flatten().collect();
        if reasons.is_empty() {
            return Kept { attempt, set, because: None };
        }
        let refused = |path: &str| {
            control.contains(&path)
                || evidence.contains(&path)
                || removed.iter().any(|one| one == path)
        };
        let alone = made_for(&set.effects(), refused);
        let set = set.filtered(|path| !refused(path) && !alone.iter().any(|one| one == path));
        let because = Some(format!("{}, so these changes were taken back", reasons.join(", and ")));
        Kept { attempt, set, because }
    }

    /// Returns what is put back of work that is not accepted because of its checks: changed evidence, which other work is
    /// judged by, and removed files that the task does not name.
    fn refused_evidence<'a>(
        &self,
        kept: &'a Attempt,
        set: &ChangeSet,
    ) -> (Vec<&'a str>, Vec<String>) {
        // What was accepted stays, whatever else is red.
        if self.obstacle(&kept.checks, &kept.standing).is_none() {
            return (Vec::new(), Vec::new());
        }
        let standing = &kept.standing;
        let hangs = kept.open().next().is_some();
        let red = [&standing.red, &standing.new_red, &standing.not_seen];
        if !hangs && red.iter().all(|list| list.is_empty()) {
            return (Vec::new(), Vec::new());
        }
        let effects = set.effects();
        let before = |path: &str| effects.iter().find(|effect| effect.path == path);
        let is_new =
            |path: &str| before(path).is_some_and(|effect| effect.before == PathState::Absent);
        let mut evidence = kept.evidence_paths();
        // A test that is new and on which nothing hangs is a part of the work.
        evidence.retain(|path| hangs || !is_new(path));
        let task = self.own_words();
        let is_moved = |state: &PathState| effects.iter().any(|effect| effect.after == *state);
        let removed = effects.iter().filter(|effect| {
            let name = effect.path.rsplit('/').next().unwrap_or(&effect.path);
            matches!(effect.before, PathState::File { .. })
                && effect.after == PathState::Absent
                && !evidence.contains(&effect.path.as_str())
                && !task.contains(name)
                && !is_moved(&effect.before)
        });
        let removed = removed.map(|effect| effect.path.clone()).collect();
        (evidence, removed)
    }

    /// Takes changes back, path by path, and returns those that were.
    async fn restore(
        &mut self,
        steps: Vec<PathEffect>,
        described: Vec<Change>,
    ) -> Result<Vec<Change>, Halt> {
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        let (Applied { done, conflicts }, described) = match self.recorder.recall(END) {
            Some(fact::TreeRestored { done, conflicts, changes, .. }) => {
                (Applied { done, conflicts }, changes)
            }
            _ => {
                let applied = self.files(self.ports.workspace.apply(&steps)).await?;
                let restored = Event::TreeRestored {
                    tree: None,
                    steps: steps.clone(),
                    done: applied.done.clone(),
                    conflicts: applied.conflicts.clone(),
                    changes: described.clone(),
                };
                self.recorder.record(END, restored)?;
                (applied, described)
            }
        };
        let made = steps.iter().filter(|step| done.contains(&step.path));
        self.changes.absorb(made);
        self.conflicts.extend(conflicts);
        Ok(described)
    }

    fn text(&self, kept: Option<&Attempt>) -> String {
        let said = kept.or(self.attempts.last()).map(|attempt| attempt.text.clone());
        said.unwrap_or_else(|| self.said.clone())
    }

    /// Says why work was not accepted, in one true sentence.
    fn because(&self, ending: &Ending, attempt: &Attempt) -> String {
        match ending {
            Ending::Accepted => String::new(),
            Ending::Tripped { trip } => trip.to_string(),
            Ending::Stalled { reason } => {
                format!("{} ({reason})", self.last_obstacle(attempt))
            }
            Ending::Exhausted => self.last_obstacle(attempt),
            Ending::Vetoed { stops } => deliberate::because(stops),
            Ending::Simulated => "it is a simulation: nothing was done".to_owned(),
        }
    }

    fn last_obstacle(&self, attempt: &Attempt) -> String {
        let last = self.attempts.last().unwrap_or(attempt);
        let obstacle = self.obstacle(&last.checks, &last.standing);
        let parts: Vec<String> = obstacle.into_iter().chain(self.cut_short.clone()).collect();
        parts.join("; ")
    }

    fn claims(&self, attempt: &Attempt) -> Vec<Claim> {
        let claims = self.contract.criteria.iter().map(|criterion| self.claim(criterion, attempt));
        claims.collect()
    }

    /// Returns a criterion with its basis. One that is bound to a category of checks never falls to a judge's word.
    fn claim(&self, criterion: &Criterion, attempt: &Attempt) -> Claim {
        let (holds, basis) = match self.bound(criterion, &attempt.checks) {
            Bound::Unknown if criterion.check.is_some() => (false, Basis::Unverified),
            Bound::Unknown => self.judged(attempt),
            bound => (bound == Bound::Holds, self.verified(criterion, attempt)),
        };
        Claim { criterion: criterion.clone(), holds, basis }
    }

    fn verified(&self, criterion: &Criterion, attempt: &Attempt) -> Basis {
        let of_category =
            attempt.checks.iter().filter(|check| Some(&check.category) == criterion.check.as_ref());
        // The check that speaks loudest: one that failed, or else the first.
        let loudest = of_category.min_by_key(|check| check.outcome == CheckOutcome::Passed);
        match loudest {
            Some(check) => Basis::Verified {
                by_exit_code: check.category == "test" && check.tests.is_empty(),
                changed: self.changed_evidence(check, attempt),
                check: check.id.clone(),
                command: check.command.clone(),
                exit_code: check.exit_code,
                tree: attempt.tree.clone(),
                receipts: check.receipts.clone(),
            },
            None => Basis::Unverified,
        }
    }

    /// Returns what a check rests on although the run changed it: tests that were let through, and places that no state
    /// covers, such as installed packages.
    fn changed_evidence(&self, check: &Check, attempt: &Attempt) -> Vec<String> {
        let through = attempt
            .differences
            .iter()
            .filter(|one| one.check == check.id && one.through.is_some())
            .map(Difference::id);
        let ignored = self.rests_on(attempt);
        let before = self.baseline.iter().flatten().find(|before| before.id == check.id);
        let other = before.and_then(|before| other_runner(before, check));
        through.chain(ignored).chain(other).collect()
    }

    fn judged(&self, attempt: &Attempt) -> (bool, Basis) {
        match (&attempt.scored_by, attempt.standing.score) {
            (Some(by), Some(score)) => {
                let holds = score >= self.task.settings.quality;
                (holds, Basis::Judged { by: by.clone(), score })
            }
            _ => (false, Basis::Unverified),
        }
    }
}

/// Returns what is told of a check that another version of its program ran on the untouched tree.
fn other_runner(before: &Check, now: &Check) -> Option<String> {
    let is_known = !before.runner.is_empty() && !now.runner.is_empty();
    (is_known && before.runner != now.runner)
        .then(|| format!("{}, before the task {}", now.runner, before.runner))
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// Returns the new directories that hold nothing but what is refused.
fn made_for(effects: &[PathEffect], refused: impl Fn(&str) -> bool) -> Vec<String> {
    let is_directory = |effect: &&PathEffect| matches!(effect.after, PathState::Directory { .. });
    let is_new = |effect: &&PathEffect| effect.before == PathState::Absent && is_directory(effect);
    let holds_such_alone = |directory: &&PathEffect| {
        let beginning = format!("{}/", directory.path);
        let within = effects.iter().filter(|effect| effect.path.starts_with(&beginning));
        let mut within = within.filter(|effect| !is_directory(effect)).peekable();
        within.peek().is_some() && within.all(|effect| refused(&effect.path))
    };
    let alone = effects.iter().filter(is_new).filter(holds_such_alone);
    alone.map(|effect| effect.path.clone()).collect()
}
