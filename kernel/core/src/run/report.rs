//! The end of a run: the best tree is restored, and every criterion is reported with its basis.

use super::{
    attempt::Attempt,
    decide::bound,
    halt::{Halt, Paused},
    state::{END, Run},
};
use crate::{
    change_set::Applied,
    evaluation::{CheckOutcome, Criterion},
    event::Event,
    evidence::{Basis, Claim, Standing},
    id::TreeId,
    outcome::{Ending, Outcome},
    recorder::RecordError,
};

impl Run {
    /// Keeps the best tree and returns the outcome.
    pub(super) async fn conclude(&self, ending: Ending) -> Result<Outcome, Paused> {
        let best = self.best(&ending);
        self.restore(best).await?;
        let kept = best.and_then(|index| self.attempts.get(index));
        let (spent, usage, turns) = self.meter.totals();
        let mut attempt = kept.cloned().unwrap_or_default();
        attempt.standing.violations.extend(self.taken_back(kept));
        Ok(Outcome {
            text: self.text(kept),
            iterations: u32::try_from(self.attempts.len()).unwrap_or(u32::MAX),
            best_iteration: best.map_or(0, |index| u32::try_from(index + 1).unwrap_or(u32::MAX)),
            claims: self.claims(&attempt),
            standing: attempt.standing,
            changes: attempt.changes,
            scores: attempt.scores,
            repairs: self.repairs.clone(),
            turns,
            usage,
            spent,
            elapsed_ms: self.recorder.reached_ms(),
            ending,
        })
    }

    /// Returns the attempt to keep; nothing means the untouched tree.
    fn best(&self, ending: &Ending) -> Option<usize> {
        if *ending == Ending::Accepted {
            return self.attempts.len().checked_sub(1);
        }
        let mut untouched = self.untouched();
        let better = |a: &&(usize, &Attempt), b: &&(usize, &Attempt)| {
            a.1.standing.compare_with_size(&b.1.standing)
        };
        let attempts = self.attempts.iter().enumerate().filter(|(_, attempt)| attempt.may_stay());
        let attempts: Vec<(usize, &Attempt)> = attempts.collect();
        let best = attempts.iter().max_by(better)?;
        // Where checks say how the work stands, the rubric's score alone is no reason to keep what they reject.
        if !self.baseline.is_empty() {
            untouched.score = best.1.standing.score;
        }
        let kept =
            best.1.changes.is_empty() || best.1.standing.compare_with_size(&untouched).is_gt();
        kept.then_some(best.0)
    }

    /// Returns the reason why work was taken back that could have been kept by its evidence.
    fn taken_back(&self, kept: Option<&Attempt>) -> Option<String> {
        let gone = self.attempts.iter().rev().find(|attempt| !attempt.may_stay());
        let paths = gone.filter(|_| kept.is_none())?.control().join("; ");
        Some(format!(
            "nobody accepted the changed control files {paths}, so the work was taken back"
        ))
    }

    /// Returns the evidence about the untouched tree.
    fn untouched(&self) -> Standing {
        let mut standing = Standing::default();
        standing.weigh_checks(&self.baseline, &self.baseline);
        standing
    }

    async fn restore(&self, best: Option<usize>) -> Result<(), Paused> {
        let Some(first) = &self.first_tree else { return Ok(()) };
        // Without an evaluation no tree is better than another, and all work stays that may stay.
        if self.task.settings.max_iterations == 0 && self.attempts.iter().all(Attempt::may_stay) {
            return Ok(());
        }
        let kept = best.and_then(|index| self.attempts.get(index)).and_then(|a| a.tree.clone());
        let wanted = kept.unwrap_or_else(|| first.clone());
        if let Some(Event::TreeRestored { .. }) = self.recorder.recall(END, "tree.restored") {
            return Ok(());
        }
        let present = self.present().await?;
        if present == wanted {
            return Ok(());
        }
        let steps = self.ports.workspace.between(&present, &wanted).await?;
        let Applied { done, conflicts } = self.ports.workspace.apply(&steps).await?;
        self.recorder.record(END, Event::TreeRestored { steps, done, conflicts })?;
        Ok(())
    }

    async fn present(&self) -> Result<TreeId, Paused> {
        match self.capture(END).await {
            Ok(tree) => Ok(tree),
            Err(Halt::Paused(paused)) => Err(paused),
            Err(Halt::Trip(trip)) => Err(Paused::Record(RecordError::Diverged {
                key: trip.to_string(),
                event: "tree.captured",
            })),
        }
    }

    fn text(&self, kept: Option<&Attempt>) -> String {
        let said = kept.or(self.attempts.last());
        said.map(|attempt| attempt.text.clone()).unwrap_or_default()
    }

    fn claims(&self, attempt: &Attempt) -> Vec<Claim> {
        let claims = self.contract.criteria.iter().map(|criterion| self.claim(criterion, attempt));
        claims.collect()
    }

    fn claim(&self, criterion: &Criterion, attempt: &Attempt) -> Claim {
        let verified = bound(criterion, &attempt.checks).map(|holds| {
            let of_category =
                attempt.checks.iter().filter(|c| Some(&c.category) == criterion.check.as_ref());
            // The check that speaks loudest: one that failed, or else the first.
            let mut of_category: Vec<_> = of_category.collect();
            of_category.sort_by_key(|check| check.outcome == CheckOutcome::Passed);
            let check = of_category.first()?;
            let basis = Basis::Verified {
                check: check.id.clone(),
                command: check.command.clone(),
                exit_code: check.exit_code,
                tree: attempt.tree.clone(),
                receipts: check.receipts.clone(),
            };
            Some((holds, basis))
        });
        let (holds, basis) = match verified.flatten() {
            Some(found) => found,
            None => self.judged(attempt),
        };
        Claim { criterion: criterion.clone(), holds, basis }
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
