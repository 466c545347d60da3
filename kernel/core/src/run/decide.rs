//! The decision after an evaluation: accept, refine, resample or stop.

use super::{
    attempt::Attempt,
    halt::{Halt, Paused},
    state::Run,
};
use crate::{
    evaluation::{Check, CheckOutcome, Criterion},
    event::Event,
    evidence::Standing,
    gate::{LoopAction, Refusal},
    outcome::{Ending, Trip},
    tool::Effect,
    unified,
};

/// Decision of the loop after an iteration.
pub(super) enum NextStep {
    End(Ending),
    Refine,
    /// Refine with a fresh conversation, because more of the same brought nothing.
    Resample,
}

impl NextStep {
    fn word(&self) -> &'static str {
        match self {
            Self::End(Ending::Accepted) => "accept",
            Self::End(_) => "stop",
            Self::Refine => "refine",
            Self::Resample => "resample",
        }
    }
}

impl Run {
    /// Decides how to go on after iteration `number`.
    pub(super) async fn decide(&mut self, number: u32) -> Result<NextStep, Halt> {
        let Some(attempt) = self.attempts.last() else { return Ok(NextStep::Refine) };
        if self.obstacle(&attempt.checks, &attempt.standing).is_none() {
            self.ask_a_person(number).await?;
        }
        let Some(attempt) = self.attempts.last() else { return Ok(NextStep::Refine) };
        let standing = attempt.standing.clone();
        let (next, reason) = match self.obstacle(&attempt.checks, &standing) {
            None => (NextStep::End(Ending::Accepted), "every criterion holds".to_owned()),
            Some(obstacle) => (self.go_on(number, &obstacle)?, obstacle),
        };
        let decided =
            Event::IterationDecided { number, decision: next.word().to_owned(), reason, standing };
        self.recorder.record(&format!("i{number}"), decided)?;
        Ok(next)
    }

    /// Ends a run in which nothing is judged. A person is asked about changes of control files even so.
    pub(super) async fn end_unjudged(&mut self, number: u32) -> Result<Ending, Halt> {
        self.ask_a_person(number).await?;
        let refused = self.attempts.last().is_some_and(|a| !a.standing.violations.is_empty());
        Ok(if refused { Ending::Exhausted } else { Ending::Accepted })
    }

    /// Asks a person about the changes that only a person can accept; a refusal is a violation.
    async fn ask_a_person(&mut self, number: u32) -> Result<(), Halt> {
        for action in self.questions() {
            let (key, domain) = (format!("i{number}/{}", action.domain), action.domain);
            let answer = self.gate.pass_loop(&key, action).await;
            let Some(attempt) = self.attempts.last_mut() else { return Ok(()) };
            match answer {
                Ok(()) => attempt.accepted.push(domain),
                Err(Refusal::NeedsApproval(request)) => {
                    return Err(Halt::Paused(Paused::Approval(request)));
                }
                Err(Refusal::Cancelled) => return Err(Halt::Paused(Paused::Cancelled)),
                Err(Refusal::Record(error)) => return Err(error.into()),
                Err(Refusal::Denied(failure)) => {
                    attempt.standing.violations.push(failure.to_string());
                    // One refusal is enough.
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Returns the changes that only a person can accept. The planner may think that the task asks for changed tests,
    /// and the planner is a model; files that steer agents and tools outlive the task and act where no gate is.
    fn questions(&self) -> Vec<LoopAction> {
        let Some(attempt) = self.attempts.last() else { return Vec::new() };
        let (weakened, control) = (attempt.weakened.join("; "), attempt.control());
        if weakened.is_empty() && control.is_empty() {
            return Vec::new();
        }
        let diff = self.shown(attempt);
        let about = |name, domain, target, shown| LoopAction {
            name,
            effect: Effect::Send,
            domain,
            target,
            shown,
        };
        let of_control = unified::of_paths(&diff, &control);
        let tests = about("accept changed tests", "tests", weakened, diff);
        let control =
            about("accept changed control files", CONTROL, control.join("; "), of_control);
        [tests, control].into_iter().filter(|action| !action.target.is_empty()).collect()
    }

    /// Returns the difference that a person is shown. A replay has none, and asks nobody.
    fn shown(&self, attempt: &Attempt) -> String {
        let (Some(first), Some(tree)) = (&self.first_tree, &attempt.tree) else {
            return String::new();
        };
        self.ports.workspace.diff(first, tree, MOST_SHOWN).unwrap_or_default()
    }

    /// Returns the reason why the work cannot be accepted, if there is one.
    pub(super) fn obstacle(&self, checks: &[Check], standing: &Standing) -> Option<String> {
        if let Some(violation) = standing.violations.first() {
            return Some(violation.clone());
        }
        if let Some(broken) = standing.broken.first() {
            return Some(format!("{broken} was green before"));
        }
        if let Some(failure) = standing.not_evaluated.first() {
            return Some(format!("not evaluated by {failure}"));
        }
        let unmet = self.contract.criteria.iter().find(|c| bound(c, checks) == Some(false));
        if let Some(criterion) = unmet {
            return Some(format!("criterion {} does not hold: {}", criterion.id, criterion.text));
        }
        if standing.critical > 0 {
            return Some("the judge has a critical finding".to_owned());
        }
        self.score_obstacle(checks, standing)
    }

    fn score_obstacle(&self, checks: &[Check], standing: &Standing) -> Option<String> {
        let quality = self.task.settings.quality;
        match standing.score {
            Some(score) if score >= quality => None,
            Some(score) => {
                Some(format!("score {:.1} is under {:.1}", score * 10.0, quality * 10.0))
            }
            // Nobody judged. That is enough only where everything asked for was checked instead, or where
            // nothing was to be judged at all.
            None if self.all_verified(checks) || self.is_plain_answer() => None,
            None => Some("the work could not be judged".to_owned()),
        }
    }

    fn all_verified(&self, checks: &[Check]) -> bool {
        let criteria = &self.contract.criteria;
        !criteria.is_empty() && criteria.iter().all(|c| bound(c, checks) == Some(true))
    }

    fn is_plain_answer(&self) -> bool {
        let nothing_changed = self.attempts.last().is_some_and(|a| a.changes.is_empty());
        !self.task.settings.plan && nothing_changed
    }

    fn go_on(&self, number: u32, obstacle: &str) -> Result<NextStep, Halt> {
        if self.regressions() >= 2 {
            return Err(Halt::Trip(Trip::Regression { detail: obstacle.to_owned() }));
        }
        if number >= self.task.settings.max_iterations {
            return Ok(NextStep::End(Ending::Exhausted));
        }
        let Some(reason) = stalled(&self.attempts) else { return Ok(NextStep::Refine) };
        // A fresh start is tried once; another one would bring the same again.
        let before = (1..self.attempts.len()).filter_map(|end| self.attempts.get(..end));
        if before.into_iter().any(|attempts| stalled(attempts).is_some()) {
            return Ok(NextStep::End(Ending::Stalled { reason }));
        }
        Ok(NextStep::Resample)
    }

    /// Returns the number of iterations that were worse than the one before.
    fn regressions(&self) -> usize {
        let drop = self.task.settings.regression;
        let worse = |pair: &[Attempt]| {
            let [before, after] = pair else { return false };
            let fell = match (before.standing.score, after.standing.score) {
                (Some(before), Some(after)) => before - after > drop,
                _ => false,
            };
            fell || after.standing.broken.len() > before.standing.broken.len()
        };
        let first = self.attempts.first().is_some_and(|a| !a.standing.broken.is_empty());
        usize::from(first) + self.attempts.windows(2).filter(|pair| worse(pair)).count()
    }
}

/// The most bytes of a difference that a question shows.
const MOST_SHOWN: usize = 200_000;

/// The domain of changes to files that steer agents and tools.
const CONTROL: &str = "control";

impl Attempt {
    /// Returns whether the work may be kept if it is not accepted. Work that changes control files may not, unless a
    /// person allowed it.
    pub(super) fn may_stay(&self) -> bool {
        self.control().is_empty() || self.accepted.contains(&CONTROL)
    }
}

/// Returns the sign that refining brings nothing: the same failure twice, or two iterations without improvement.
fn stalled(attempts: &[Attempt]) -> Option<String> {
    let [.., before, last] = attempts else { return None };
    let signature = last.standing.signature();
    if !signature.is_empty() && before.standing.signature() == signature {
        return Some("the same failure twice".to_owned());
    }
    let [.., first, _, _] = attempts else { return None };
    let best_of_two = before.standing.compare(&last.standing).is_ge();
    let best = if best_of_two { before } else { last };
    (!best.standing.compare(&first.standing).is_gt())
        .then(|| "two iterations without improvement".to_owned())
}

/// Returns whether a criterion that is bound to a category of checks holds; nothing if it has to be judged.
pub(super) fn bound(criterion: &Criterion, checks: &[Check]) -> Option<bool> {
    let category = criterion.check.as_ref()?;
    let mut of_category = checks.iter().filter(|check| &check.category == category).peekable();
    of_category.peek()?;
    Some(
        of_category
            .all(|check| matches!(check.outcome, CheckOutcome::Passed | CheckOutcome::Flaky)),
    )
}
