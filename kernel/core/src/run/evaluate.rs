//! Evaluation: changes are compared, the checks run, and the rubric is scored. The executor's own words are shown
//! to evaluators only where they are the product.

use std::time::Duration;

use super::{
    attempt::Attempt,
    halt::{Halt, Paused},
    meter::Waited,
    state::Run,
};
use crate::{
    contract::Effort,
    evaluation::{Change, EvaluatorCard, Severity, Subject, Tier, Verdict},
    event::Event,
    evidence::{critical, rubric_score},
    failure::Failure,
    id::TreeId,
};

/// The largest difference that evaluators are shown, in bytes.
const MOST_DIFF: usize = 200 * 1024;

/// The dimension under which evaluators report that existing tests were weakened.
const TESTS_KEPT: &str = "tests-kept";

/// Result of asking an evaluator. A failure means *not evaluated*.
type EvaluationResult = Result<Verdict, Failure>;

impl Run {
    /// Records the untouched tree and runs the project's checks on it, once.
    pub(super) async fn ensure_baseline(&mut self) -> Result<(), Halt> {
        if self.first_tree.is_some() {
            return Ok(());
        }
        self.first_tree = Some(self.capture("base").await?);
        if self.task.settings.max_iterations == 0 {
            return Ok(());
        }
        let subject = Subject { task: self.task.text.clone(), ..Subject::default() };
        for card in self.of_tier(Tier::Checks) {
            let tree = self.first_tree.clone();
            let verdict = self.ask_evaluator("base", &card, &subject, tree).await?;
            self.baseline.extend(verdict.map(|verdict| verdict.checks).unwrap_or_default());
        }
        Ok(())
    }

    /// Records the present tree under `key`.
    pub(super) async fn capture(&self, key: &str) -> Result<TreeId, Halt> {
        if let Some(Event::TreeCaptured { tree }) = self.recorder.recall(key, "tree.captured") {
            return Ok(tree);
        }
        let tree = self.ports.workspace.capture().await?;
        self.recorder.record(key, Event::TreeCaptured { tree: tree.clone() })?;
        Ok(tree)
    }

    /// Judges iteration `number` and adds it to the attempts.
    pub(super) async fn evaluate(&mut self, number: u32, text: String) -> Result<(), Halt> {
        let key = format!("i{number}");
        let mut attempt = Attempt { text, ..Attempt::default() };
        let mut subject = self.subject(number, &key, &mut attempt).await?;
        attempt.standing.violations = self.facts(&attempt);
        if !self.needs_evaluation(&attempt) {
            self.attempts.push(attempt);
            return Ok(());
        }
        for tier in [Tier::Checks, Tier::Generated] {
            for card in self.of_tier(tier) {
                let tree = attempt.tree.clone();
                let asked = self.ask_evaluator(&key, &card, &subject, tree).await?;
                self.weigh(&mut attempt, &mut subject, &card, asked);
            }
        }
        // Where nothing changed there is no baseline, and whatever is red was red before.
        let baseline = if attempt.tree.is_some() { &self.baseline } else { &attempt.checks };
        attempt.standing.weigh_checks(baseline, &attempt.checks);
        // Where a higher tier forbids acceptance, no model is paid to say so too.
        if attempt.standing.violations.is_empty() && attempt.standing.broken.is_empty() {
            self.score(&key, &mut attempt, &mut subject).await?;
        }
        self.attempts.push(attempt);
        Ok(())
    }

    /// Adds iteration `number` to the attempts without an evaluation.
    pub(super) async fn take_unjudged(&mut self, number: u32, text: String) -> Result<(), Halt> {
        let mut attempt = Attempt { text, ..Attempt::default() };
        self.look(&format!("i{number}"), &mut attempt).await?;
        self.attempts.push(attempt);
        Ok(())
    }

    /// Returns whether the work has to be evaluated. An answer in a chat that changed nothing has not.
    fn needs_evaluation(&self, attempt: &Attempt) -> bool {
        self.task.settings.plan || !attempt.changes.is_empty()
    }

    async fn subject(
        &self,
        number: u32,
        key: &str,
        attempt: &mut Attempt,
    ) -> Result<Subject, Halt> {
        let mut subject = Subject {
            task: self.task.text.clone(),
            criteria: self.contract.criteria.clone(),
            iteration: number,
            baseline: self.baseline.clone(),
            rubric: self.rubric.clone(),
            ..Subject::default()
        };
        subject.diff = self.look(key, attempt).await?;
        subject.changes.clone_from(&attempt.changes);
        if subject.changes.is_empty() {
            subject.answer = Some(attempt.text.clone());
        }
        Ok(subject)
    }

    /// Notes the changes since the beginning, and returns them as text.
    async fn look(&self, key: &str, attempt: &mut Attempt) -> Result<String, Halt> {
        let Some(first) = &self.first_tree else { return Ok(String::new()) };
        let tree = self.capture(key).await?;
        let (changes, diff) = self.compare(key, first, &tree).await?;
        let files = u32::try_from(changes.len()).unwrap_or(u32::MAX);
        attempt.standing.size = (files, diff.len() as u64);
        attempt.tree = Some(tree);
        attempt.changes = changes;
        Ok(diff)
    }

    async fn compare(
        &self,
        key: &str,
        first: &TreeId,
        tree: &TreeId,
    ) -> Result<(Vec<Change>, String), Halt> {
        if let Some(Event::TreeCompared { changes, diff }) =
            self.recorder.recall(key, "tree.compared")
        {
            return Ok((changes, diff));
        }
        let effects = self.ports.workspace.between(first, tree).await?;
        let changes = self.ports.workspace.describe(&effects);
        let diff = self.ports.workspace.diff(&effects, MOST_DIFF).await?;
        let event = Event::TreeCompared { changes: changes.clone(), diff: diff.clone() };
        self.recorder.record(key, event)?;
        Ok((changes, diff))
    }

    /// Returns the violations that the kernel can tell without an evaluator.
    fn facts(&self, attempt: &Attempt) -> Vec<String> {
        let mut violations = Vec::new();
        if self.contract.effort == Effort::Change && attempt.changes.is_empty() {
            violations.push("the task asks for a change, and no file changed".to_owned());
        }
        if attempt.changes.is_empty() && attempt.text.trim().is_empty() {
            violations.push("nothing was said and nothing was done".to_owned());
        }
        violations
    }

    fn weigh(
        &self,
        attempt: &mut Attempt,
        subject: &mut Subject,
        card: &EvaluatorCard,
        asked: EvaluationResult,
    ) {
        let verdict = match asked {
            Ok(verdict) => verdict,
            Err(failure) => {
                attempt.standing.not_evaluated.push(format!("{}: {failure}", card.name));
                return;
            }
        };
        attempt.heard.push(card.name.clone());
        for finding in verdict.findings {
            let wanted = finding.dimension == TESTS_KEPT && self.contract.may_change_tests;
            if finding.severity == Severity::Critical {
                let place = format!("{} ({})", finding.message, finding.evidence);
                let list = match wanted {
                    true => &mut attempt.weakened,
                    false => &mut attempt.standing.violations,
                };
                list.push(place);
            }
            attempt.findings.push((card.name.clone(), finding));
        }
        subject.checks.extend(verdict.checks.iter().cloned());
        attempt.checks.extend(verdict.checks);
    }

    async fn score(
        &mut self,
        key: &str,
        attempt: &mut Attempt,
        subject: &mut Subject,
    ) -> Result<(), Halt> {
        for card in self.of_tier(Tier::Rubric) {
            let tree = attempt.tree.clone();
            match self.ask_evaluator(key, &card, subject, tree).await? {
                Ok(verdict) => {
                    let dimensions =
                        self.rubric.as_ref().map_or(&[][..], |rubric| &rubric.dimensions);
                    attempt.standing.score = rubric_score(dimensions, &verdict.scores);
                    attempt.standing.critical += critical(&verdict.findings);
                    attempt.scores = verdict.scores;
                    attempt.scored_by = Some(card.name.clone());
                    attempt.heard.push(card.name.clone());
                    let findings = verdict.findings.into_iter();
                    attempt.findings.extend(findings.map(|found| (card.name.clone(), found)));
                }
                Err(failure) => {
                    tracing::warn!(evaluator = card.name, %failure, "not evaluated");
                }
            }
        }
        Ok(())
    }

    fn of_tier(&self, tier: Tier) -> Vec<EvaluatorCard> {
        if tier == Tier::Checks && !self.task.settings.checks {
            return Vec::new();
        }
        self.evaluators.iter().filter(|card| card.tier == tier).cloned().collect()
    }

    /// Asks one evaluator, unless the journal holds its verdict.
    async fn ask_evaluator(
        &self,
        key: &str,
        card: &EvaluatorCard,
        subject: &Subject,
        tree: Option<TreeId>,
    ) -> Result<EvaluationResult, Halt> {
        let key = format!("{key}/e/{}", card.name);
        self.meter.check_time(&key)?;
        if let Some(Event::EvaluationFinished { result, .. }) =
            self.recorder.recall(&key, "evaluation.finished")
        {
            self.meter.replay_component(&key);
            return Ok(result);
        }
        let started = Event::EvaluationStarted { evaluator: card.name.clone() };
        self.recorder.record(&key, started)?;
        let effects = self.recorder.effects();
        let deadline = Duration::from_millis(card.deadline_ms);
        let work = self.ports.evaluators.evaluate(&card.name, subject, self.scope(&key, deadline));
        let result = match self.meter.within(deadline, work).await {
            Waited::Done(result) => result,
            Waited::Cancelled => return Err(Halt::Paused(Paused::Cancelled)),
            Waited::TimeOver if self.meter.time_left() == 0 => {
                return Err(self.meter.time_over(&key));
            }
            Waited::TimeOver => Err(Failure::Limited {
                name: "wall-ms".to_owned(),
                value: card.deadline_ms,
                knob: format!("[component.{}.limits] wall-ms", card.name),
            }),
        };
        if let Some(halt) = self.meter.halted() {
            return Err(halt);
        }
        let finished = Event::EvaluationFinished {
            evaluator: card.name.clone(),
            result: result.clone(),
            tree,
        };
        // An evaluation that took turns alone, which are recalled, costs less to repeat than a wait for the disk.
        match self.recorder.effects() == effects {
            true => self.recorder.record_with_next(&key, finished)?,
            false => self.recorder.record(&key, finished)?,
        }
        Ok(result)
    }
}
