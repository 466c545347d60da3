//! Evaluation: the run's own changes are looked at, the checks run, and the rubric is scored. The executor's own words
//! are shown to evaluators only where they are the product.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use super::{
    attempt::Attempt,
    halt::{Halt, Paused},
    prompt,
    state::Run,
    wait::{self, Waited},
};
use crate::{
    change_set::ChangeSet,
    contract::Effort,
    effects::EffectLog,
    evaluation::{Check, CheckOutcome, EvaluatorCard, Severity, Subject, Tier, Verdict},
    event::Event,
    fact,
    failure::Failure,
    frozen::View,
    id::TreeId,
    port::WorkspaceError,
    scope::Scope,
};

/// The largest difference that evaluators are shown, in bytes.
const MOST_DIFF: usize = 200 * 1024;

/// The fact that work is missing.
const NOTHING_DONE: &str = "the task asks for a change, and nothing was done";

/// Key of what happens on the untouched tree.
const BASE: &str = "base";

/// Result of asking an evaluator. A failure means *not evaluated*.
pub(super) type EvaluationResult = Result<Verdict, Failure>;

/// The run's own changes, as people and models are shown them.
pub(super) struct Look {
    pub(super) changes: Vec<crate::evaluation::Change>,
    pub(super) diff: String,
    pub(super) foreign: Vec<String>,
}

impl Run {
    /// Runs the project's checks on the untouched tree, once, when the first change of a file is about to happen.
    pub(super) async fn ensure_baseline(&mut self) -> Result<(), Halt> {
        if self.baseline.is_some() {
            return Ok(());
        }
        // Other tasks may have worked here until now; the baseline is taken of what they left.
        self.occupy().await?;
        let mut checks = Vec::new();
        if self.task.settings.max_iterations > 0 {
            let subject = self.untouched();
            for card in self.of_tier(Tier::Checks) {
                let tree = self.capture(BASE).await?;
                // What programs left in ignored places by now is none of the untouched tree.
                let anew_since = self.anew_since();
                if anew_since.is_none() {
                    self.take_known(&card, &tree).await?;
                }
                let view = Arc::new(self.view(BTreeMap::new(), anew_since));
                let verdict =
                    self.ask_evaluator_of(BASE, &card, &subject, Some(tree), view).await?;
                let verdict = verdict.unwrap_or_default();
                checks.extend(verdict.checks);
                self.rewritten_before.extend(verdict.rewritten);
            }
        }
        self.news = prompt::baseline(&checks);
        self.baseline = Some(checks);
        Ok(())
    }

    /// Returns what the checks are asked about before anything was done.
    fn untouched(&self) -> Subject {
        let commands = self.task.settings.named_checks.clone();
        let directive = self.directive.clone();
        Subject { task: self.asked(), directive, commands, ..Subject::default() }
    }

    /// Begins to run the checks beside the model's reading, where a change may come: nobody then waits for them before it.
    pub(super) fn begin_baseline(&self) {
        let settings = &self.task.settings;
        let may_change = self.tools.iter().any(|tool| self.changes_files(tool));
        if self.baseline.is_some() || settings.max_iterations == 0 || !may_change {
            return;
        }
        if self.anew_since().is_some() {
            return;
        }
        self.baseline_begun.store(true, Ordering::Relaxed);
        let subject = self.untouched();
        for card in self.of_tier(Tier::Checks) {
            let key = format!("early/e/{}", card.name);
            let log = Arc::new(EffectLog::new(self.recorder.clone(), &key));
            let scope = self.scope(&key, self.patience(&card), &log);
            self.ports.evaluators.begin(&card.name, &subject, scope);
        }
    }

    /// Takes over what is known of the untouched tree, so that nobody waits for it twice: an earlier task of the session
    /// found it, or it was begun beside the reading.
    async fn take_known(&self, card: &EvaluatorCard, tree: &TreeId) -> Result<(), Halt> {
        let key = format!("{BASE}/e/{}", card.name);
        if self.recorder.recall::<fact::EvaluationFinished>(&key).is_some() {
            return Ok(());
        }
        let known = self.ports.evaluators.known(&card.name, tree);
        let known = self.unclocked(self.patience(card), known).await?;
        let Some(result) = known.unwrap_or_else(|_| Some(Err(self.limited(card)))) else {
            return Ok(());
        };
        let (evaluator, tree) = (card.name.clone(), Some(tree.clone()));
        Ok(self.recorder.record(&key, Event::EvaluationFinished { evaluator, result, tree })?)
    }

    /// Returns how long a run of this evaluator may take. The project's checks have a time of their own.
    fn patience(&self, card: &EvaluatorCard) -> Duration {
        let deadline = Duration::from_millis(card.deadline_ms);
        match card.tier {
            Tier::Checks => deadline.min(Duration::from_secs(self.task.settings.checks_seconds)),
            _ => deadline,
        }
    }

    /// Returns why an evaluator came to no end.
    fn limited(&self, card: &EvaluatorCard) -> Failure {
        let seconds = self.task.settings.checks_seconds;
        let (name, value, knob) = match u128::from(card.deadline_ms)
            > self.patience(card).as_millis()
        {
            true => ("seconds", seconds, "checks.seconds".to_owned()),
            false => {
                ("wall-ms", card.deadline_ms, format!("[component.{}.limits] wall-ms", card.name))
            }
        };
        Failure::Limited { name: name.to_owned(), value, knob }
    }

    /// Makes sure that no other task changes the directory until this run ends.
    pub(super) async fn occupy(&self) -> Result<(), Halt> {
        self.files(self.ports.workspace.occupy()).await
    }

    /// Takes up the baseline again at the recalled call that it was taken for.
    pub(super) async fn recall_baseline(&mut self, call: &str) -> Result<(), Halt> {
        let taken = self.recorder.place::<fact::TreeCaptured>(BASE);
        let over = self.recorder.place::<fact::CallFinished>(call);
        match (taken, over) {
            (Some(taken), Some(over)) if taken < over => self.ensure_baseline().await,
            _ => Ok(()),
        }
    }

    /// Records the present tree under `key`.
    async fn capture(&self, key: &str) -> Result<TreeId, Halt> {
        if let Some(fact::TreeCaptured { tree }) = self.recorder.recall(key) {
            return Ok(tree);
        }
        let tree = self.files(self.ports.workspace.fingerprint()).await?;
        self.recorder.record(key, Event::TreeCaptured { tree: tree.clone() })?;
        Ok(tree)
    }

    /// Waits for work that is not the task's own time: captures and checks. Cancelling ends it at once.
    async fn unclocked<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<Result<T, TimeOver>, Halt> {
        let _hold = self.recorder.hold_clock();
        let (clock, cancellation) = (&*self.ports.clock, &*self.ports.cancellation);
        match wait::bounded(clock, cancellation, limit, work).await {
            Waited::Done(done) => Ok(Ok(done)),
            Waited::TimeOver => Ok(Err(TimeOver)),
            Waited::Cancelled => Err(Halt::Paused(Paused::Cancelled)),
        }
    }

    /// Waits for work of the workspace.
    pub(super) async fn files<T>(
        &self,
        work: impl Future<Output = Result<T, WorkspaceError>>,
    ) -> Result<T, Halt> {
        match self.unclocked(Duration::MAX, work).await? {
            Ok(done) => Ok(done?),
            Err(TimeOver) => Err(WorkspaceError("it does not answer".to_owned()).into()),
        }
    }

    /// Judges iteration `number` and adds it to the attempts.
    pub(super) async fn evaluate(&mut self, number: u32, text: String) -> Result<(), Halt> {
        let key = format!("i{number}");
        let mut attempt = Attempt { text, ..Attempt::default() };
        let mut subject = self.subject(number, &key, &mut attempt).await?;
        attempt.standing.violations = self.facts(&key, &attempt);
        attempt.standing.violations.extend(self.misfit(&key, &attempt.text)?);
        if !self.needs_evaluation(&attempt) {
            self.attempts.push(attempt);
            return Ok(());
        }
        self.ensure_rubric()?;
        subject.rubric.clone_from(&self.rubric);
        for tier in [Tier::Checks, Tier::Generated] {
            for card in self.of_tier(tier) {
                subject.before = self.texts_before(&attempt).await?;
                let asked = match tier {
                    Tier::Checks => self.ask_checks(&key, &card, &subject, &mut attempt).await?,
                    _ => {
                        let tree = attempt.tree.clone();
                        self.ask_evaluator(&key, &card, &subject, tree).await?
                    }
                };
                weigh(&mut attempt, &card, asked);
                if tier == Tier::Checks {
                    self.hold_against_evidence(&key, &card, &subject, &mut attempt).await?;
                }
                subject.before.clear();
                subject.checks.clone_from(&attempt.checks);
            }
        }
        // Where nothing changed there is no baseline, and whatever is red was red before.
        let before = self.baseline.as_ref().unwrap_or(&attempt.checks).clone();
        if attempt.standing.not_evaluated.is_empty() {
            attempt.standing.weigh_checks(&before, &attempt.checks);
            attempt.standing.leave_open(&attempt.differences);
            attempt.standing.let_through(&attempt.differences);
        }
        if self.is_there_already(&attempt) {
            attempt.standing.violations.retain(|fact| fact != NOTHING_DONE);
        }
        attempt.standing.held = self.held(&attempt.checks);
        // Where a higher tier forbids acceptance, no model is paid to say so too.
        let forbidden = !attempt.standing.violations.is_empty()
            || !attempt.standing.broken.is_empty()
            || !attempt.standing.new_red.is_empty();
        // How the checks stand is known from here on, whatever becomes of the judge.
        self.attempts.push(attempt);
        match forbidden {
            true => Ok(()),
            false => self.score(&key, &subject).await,
        }
    }

    /// Adds iteration `number` to the attempts without an evaluation.
    pub(super) async fn take_unjudged(&mut self, number: u32, text: String) -> Result<(), Halt> {
        let mut attempt = Attempt { text, ..Attempt::default() };
        let key = format!("i{number}");
        self.look_at(&key, &mut attempt).await?;
        attempt.standing.violations.extend(self.withheld.clone());
        attempt.standing.violations.extend(self.misfit(&key, &attempt.text)?);
        self.attempts.push(attempt);
        Ok(())
    }

    /// Returns whether the work has to be evaluated. An answer that changed nothing has not.
    fn needs_evaluation(&self, attempt: &Attempt) -> bool {
        !attempt.set.is_empty() || !self.is_open()
    }

    async fn subject(
        &mut self,
        number: u32,
        key: &str,
        attempt: &mut Attempt,
    ) -> Result<Subject, Halt> {
        let diff = self.look_at(key, attempt).await?;
        let changes = attempt.changes.clone();
        let answer = changes.is_empty().then(|| attempt.text.clone());
        Ok(Subject {
            criteria: self.contract.criteria.clone(),
            iteration: number,
            baseline: self.baseline.clone().unwrap_or_default(),
            rubric: None,
            diff,
            changes,
            answer,
            ..self.untouched()
        })
    }

    /// Notes what the run has changed so far, and returns it as text.
    async fn look_at(&mut self, key: &str, attempt: &mut Attempt) -> Result<String, Halt> {
        attempt.set = self.changes.clone();
        if self.changes.is_empty() {
            return Ok(String::new());
        }
        let checked = self.task.settings.max_iterations > 0 && self.task.settings.checks;
        if checked {
            attempt.tree = Some(self.capture(key).await?);
        }
        let Look { changes, diff, .. } = self.look(key, &self.changes).await?;
        let files = u32::try_from(changes.len()).unwrap_or(u32::MAX);
        attempt.standing.size = (files, diff.len() as u64);
        attempt.changes = changes;
        attempt.diff.clone_from(&diff);
        Ok(diff)
    }

    /// Shows a change set: what the run itself did, from the states that were kept, whatever became of the paths since.
    /// Those that somebody else changed since are named.
    pub(super) async fn look(&self, key: &str, set: &ChangeSet) -> Result<Look, Halt> {
        if let Some(fact::TreeCompared { changes, diff, foreign }) = self.recorder.recall(key) {
            return Ok(Look { changes, diff, foreign });
        }
        let effects = set.effects();
        let paths: Vec<String> = effects.iter().map(|effect| effect.path.clone()).collect();
        let workspace = &self.ports.workspace;
        let now = self.files(workspace.states(&paths)).await?;
        let others = effects.iter().zip(now).filter(|(effect, now)| effect.after != *now);
        let foreign: Vec<String> = others.map(|(effect, _)| effect.path.clone()).collect();
        let changes = workspace.describe(&effects);
        let diff = self.files(workspace.diff(&effects, MOST_DIFF)).await?;
        let event = Event::TreeCompared {
            changes: changes.clone(),
            diff: diff.clone(),
            foreign: foreign.clone(),
        };
        self.recorder.record(key, event)?;
        Ok(Look { changes, diff, foreign })
    }

    /// Returns the violations that the kernel can tell without an evaluator.
    fn facts(&self, key: &str, attempt: &Attempt) -> Vec<String> {
        let mut violations = Vec::new();
        violations.extend(self.withheld.clone());
        if self.effort() == Effort::Change && attempt.set.is_empty() && !self.acted {
            violations.push(match self.gate.said_no(key) {
                Some(refused) => format!("you said no to {refused}, and nothing was done instead"),
                None => NOTHING_DONE.to_owned(),
            });
        }
        if attempt.set.is_empty() && attempt.text.trim().is_empty() {
            violations.push("nothing was said and nothing was done".to_owned());
        }
        violations
    }

    /// Returns whether what the task asks for was there already: a program was run to see it, and all tests are green.
    fn is_there_already(&self, attempt: &Attempt) -> bool {
        let tests: Vec<&Check> =
            attempt.checks.iter().filter(|check| check.category == "test").collect();
        let is_green =
            |check: &&Check| check.outcome == CheckOutcome::Passed && !check.tests.is_empty();
        self.ran && attempt.set.is_empty() && !tests.is_empty() && tests.iter().all(is_green)
    }

    /// Returns what an answer lacks of the form that the result has to have.
    fn misfit(&self, key: &str, text: &str) -> Result<Option<String>, Halt> {
        let misfit = match (self.recorder.recall(key), &self.ports.result) {
            (Some(fact::ResultChecked { misfit }), _) => misfit,
            (_, Some(schema)) => {
                let misfit = schema.check(text).err();
                self.recorder.record(key, Event::ResultChecked { misfit: misfit.clone() })?;
                misfit
            }
            (_, None) => None,
        };
        Ok(misfit.map(|misfit| format!("the result does not follow the schema: {misfit}")))
    }

    pub(super) fn of_tier(&self, tier: Tier) -> Vec<EvaluatorCard> {
        if tier == Tier::Checks && !self.task.settings.checks {
            return Vec::new();
        }
        self.evaluators.iter().filter(|card| card.tier == tier).cloned().collect()
    }

    /// Returns the number of criteria that a check shows to hold.
    fn held(&self, checks: &[Check]) -> u32 {
        let holds = |criterion: &&crate::evaluation::Criterion| {
            self.bound(criterion, checks) == super::decide::Bound::Holds
        };
        u32::try_from(self.contract.criteria.iter().filter(holds).count()).unwrap_or(u32::MAX)
    }

    /// Asks one evaluator about the tree as it is, unless the journal holds its verdict.
    pub(super) async fn ask_evaluator(
        &self,
        key: &str,
        card: &EvaluatorCard,
        subject: &Subject,
        tree: Option<TreeId>,
    ) -> Result<EvaluationResult, Halt> {
        let view = Arc::new(self.view(BTreeMap::new(), None));
        self.ask_evaluator_of(key, card, subject, tree, view).await
    }

    /// Asks one evaluator whose programs see files in another state, unless the journal holds its verdict.
    pub(super) async fn ask_evaluator_of(
        &self,
        key: &str,
        card: &EvaluatorCard,
        subject: &Subject,
        tree: Option<TreeId>,
        view: Arc<View>,
    ) -> Result<EvaluationResult, Halt> {
        let key = format!("{key}/e/{}", card.name);
        self.meter.check_time(&key)?;
        if let Some(fact::EvaluationFinished { result, .. }) = self.recorder.recall(&key) {
            self.meter.replay_component(&key);
            return Ok(result);
        }
        if let Some(trip) = self.meter.tripped_below(&key) {
            self.meter.replay_component(&key);
            return Err(Halt::Trip(trip));
        }
        let started = Event::EvaluationStarted { evaluator: card.name.clone() };
        self.recorder.record(&key, started)?;
        let effects = self.recorder.effects();
        let result = self.wait_for_verdict(&key, card, subject, view).await?;
        if let Some(halt) = self.meter.halted(&key) {
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

    /// Waits for a verdict. What an evaluator's programs leave behind is nobody's change, and the project's checks
    /// have a time of their own.
    async fn wait_for_verdict(
        &self,
        key: &str,
        card: &EvaluatorCard,
        subject: &Subject,
        view: Arc<View>,
    ) -> Result<EvaluationResult, Halt> {
        let deadline = self.patience(card);
        let log = Arc::new(EffectLog::new(self.recorder.clone(), key));
        let scope = self.scope(key, Duration::from_millis(card.deadline_ms), &log);
        let scope = Scope { view, ..scope };
        let work = self.ports.evaluators.evaluate(&card.name, subject, scope);
        if card.tier == Tier::Checks {
            return Ok(self
                .unclocked(deadline, work)
                .await?
                .unwrap_or_else(|_| Err(self.limited(card))));
        }
        match self.meter.within(deadline, work).await {
            Waited::Done(result) => Ok(result),
            Waited::Cancelled => Err(Halt::Paused(Paused::Cancelled)),
            Waited::TimeOver if self.meter.time_left() == 0 => Err(self.meter.time_over(key)),
            Waited::TimeOver => Ok(Err(self.limited(card))),
        }
    }
}

/// Takes in what an evaluator of the checks said.
fn weigh(attempt: &mut Attempt, card: &EvaluatorCard, asked: EvaluationResult) {
    let verdict = match asked {
        Ok(verdict) => verdict,
        Err(failure) => {
            attempt.standing.not_evaluated.push(format!("{}: {failure}", card.name));
            return;
        }
    };
    attempt.heard.push(card.name.clone());
    for finding in verdict.findings {
        if finding.severity == Severity::Critical {
            let fact = format!("{} ({})", finding.message, finding.evidence);
            attempt.standing.violations.push(fact);
        }
        attempt.findings.push((card.name.clone(), finding));
    }
    attempt.rewritten.extend(verdict.rewritten);
    attempt.evidence.extend(verdict.evidence);
    attempt.checks.extend(verdict.checks);
}

/// A wait came to its own limit.
struct TimeOver;
