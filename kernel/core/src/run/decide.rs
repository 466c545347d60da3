//! The decision after an evaluation: accept, refine, resample or stop.

use super::{
    attempt::Attempt,
    halt::{Halt, Paused},
    prompt,
    state::{Run, START},
};
use crate::{
    approval::{ApprovalRequest, Unanswered},
    contract::Effort,
    evaluation::{Change, Check, CheckOutcome, Criterion, Tier},
    event::Event,
    evidence::{Standing, is_blocking},
    fact,
    frozen::{Hanging, Words},
    gate::{LoopAction, Refusal},
    outcome::{Ending, Trip},
    recorder::STOP,
    still_red::still_red,
    tool::Effect,
    unified,
};

/// Words of the decisions after which a run goes on.
const REFINE: &str = "refine";
const RESAMPLE: &str = "resample";

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
            Self::End(_) => STOP,
            Self::Refine => REFINE,
            Self::Resample => RESAMPLE,
        }
    }
}

impl Run {
    /// Decides how to go on after iteration `number`.
    pub(super) async fn decide(&mut self, number: u32) -> Result<NextStep, Halt> {
        let Some(attempt) = self.attempts.last() else { return Ok(NextStep::Refine) };
        let mut unanswered = None;
        if self.obstacle_of_the_work(&attempt.checks, &attempt.standing).is_none() {
            unanswered = self.ask_a_person(number).await?;
        }
        let Some(attempt) = self.attempts.last() else { return Ok(NextStep::Refine) };
        let standing = attempt.standing.clone();
        let (next, reason) = match self.obstacle(&attempt.checks, &standing) {
            None => (NextStep::End(Ending::Accepted), self.ground(&standing)),
            Some(obstacle) => (self.go_on(number, &obstacle)?, obstacle),
        };
        // What only a person can accept is not thrown away because nobody is there.
        if let (NextStep::End(_), Some(request)) = (&next, unanswered) {
            return Err(Halt::Paused(Paused::Approval(request)));
        }
        let decided =
            Event::IterationDecided { number, decision: next.word().to_owned(), reason, standing };
        self.recorder.record(&format!("i{number}"), decided)?;
        Ok(next)
    }

    /// Ends a run in which nothing is judged. A person is asked about changes of control files even so.
    pub(super) async fn end_unjudged(&mut self, number: u32) -> Result<Ending, Halt> {
        if let Some(request) = self.ask_a_person(number).await? {
            return Err(Halt::Paused(Paused::Approval(request)));
        }
        let refused = self.attempts.last().is_some_and(|a| !a.standing.violations.is_empty())
            || self.is_left_to_a_person();
        Ok(if refused { Ending::Exhausted } else { Ending::Accepted })
    }

    /// Asks a person about the changes that only a person can accept; a refusal is a violation. Returns the question
    /// that nobody answered, if the model may still make it needless.
    async fn ask_a_person(&mut self, number: u32) -> Result<Option<Box<ApprovalRequest>>, Halt> {
        let was_decided =
            self.recorder.recall::<fact::IterationDecided>(&format!("i{number}")).is_some();
        let mut left = None;
        for action in self.questions() {
            let (key, domain) = (format!("i{number}/{}", action.domain), action.domain);
            // Nobody was there when this was decided, and the run went on.
            if was_decided && self.recorder.recall::<fact::GateDecided>(&key).is_none() {
                continue;
            }
            let answer = self.gate.pass_loop(&key, action).await;
            match answer {
                Ok(()) if domain == EVIDENCE => self.accept_evidence(),
                Ok(()) => {
                    let Some(attempt) = self.attempts.last_mut() else { return Ok(None) };
                    attempt.accepted.push(domain);
                }
                // Nobody is there, and the task asks for nothing of the kind.
                Err(Refusal::NeedsApproval(_))
                    if domain == EVIDENCE && !self.is_perhaps_asked_for() => {}
                // The tests are all that was asked for: more of the same brings nothing.
                Err(Refusal::NeedsApproval(request))
                    if domain == RED && !self.wanted_red().is_empty() =>
                {
                    return Err(Halt::Paused(Paused::Approval(request)));
                }
                // What it did to the evidence is no reason to keep that.
                Err(Refusal::NeedsApproval(_)) if domain == RED && self.has_changed_evidence() => {}
                Err(Refusal::NeedsApproval(request))
                    if domain == RED || (domain == EVIDENCE && self.may_mend()) =>
                {
                    left = left.or(Some(request));
                }
                Err(Refusal::NeedsApproval(request)) => {
                    return Err(Halt::Paused(Paused::Approval(request)));
                }
                Err(Refusal::Cancelled) => return Err(Halt::Paused(Paused::Cancelled)),
                Err(Refusal::Record(error)) => return Err(error.into()),
                Err(Refusal::Denied(failure)) => {
                    let Some(attempt) = self.attempts.last_mut() else { return Ok(None) };
                    let hangs = attempt.open().next().is_some() && domain == EVIDENCE;
                    let fact = match hangs {
                        true => "what the checks rest on was not accepted".to_owned(),
                        false => failure.to_string(),
                    };
                    attempt.standing.violations.push(fact);
                    // One refusal is enough.
                    return Ok(None);
                }
            }
        }
        Ok(left)
    }

    /// Returns whether the model can be expected to do without the changed evidence: what was to be mended was not, or a
    /// test is gone. Tests that follow the behaviour, and what has to be built, are for a person at once.
    fn may_mend(&self) -> bool {
        let mut attempts = self.attempts.last().into_iter();
        let at_once = [Hanging::Follows, Hanging::Built];
        attempts.any(|attempt| attempt.open().any(|one| !at_once.contains(&one.hanging)))
    }

    fn has_changed_evidence(&self) -> bool {
        self.attempts.last().is_some_and(|attempt| !attempt.evidence.is_empty())
    }

    /// Returns the changes that only a person can accept. Evidence that the run changed decides about the run itself;
    /// files that steer agents and tools outlive the task and act where no gate is.
    fn questions(&self) -> Vec<LoopAction> {
        let Some(attempt) = self.attempts.last() else { return Vec::new() };
        let control = attempt.control();
        let evidence = attempt.evidence_paths();
        let hanging: Vec<String> =
            attempt.open().map(|one| format!("{} {}", one.id(), one.why())).collect();
        let about = |name, domain, target, shown| LoopAction {
            name,
            effect: Effect::Send,
            domain,
            target,
            shown,
        };
        let of_control = unified::of_paths(&attempt.diff, &control);
        let of_evidence = unified::of_paths(&attempt.diff, &evidence);
        let name = match attempt.open().all(|one| one.hanging == Hanging::Built) {
            true => "accept what rests on ignored files",
            false => "accept changed tests",
        };
        let tests = about(name, EVIDENCE, shortened(&hanging), of_evidence);
        let control =
            about("accept changed control files", CONTROL, control.join("; "), of_control);
        let left = match attempt.accepted.contains(&RED) {
            true => Vec::new(),
            false => [self.left_red(), self.wanted_red()].concat(),
        };
        let red = about("accept red tests", RED, shortened(&left), String::new());
        [tests, red, control].into_iter().filter(|action| !action.target.is_empty()).collect()
    }

    /// Asks again what nobody was there to answer, once the work could not be accepted without it. Returns what is
    /// allowed now, as the model is told; nothing if nothing is.
    pub(super) async fn ask_what_was_left(&mut self, number: u32) -> Result<Option<String>, Halt> {
        let mut allowed = Vec::new();
        for (index, Unanswered { request, .. }) in
            std::mem::take(&mut self.unanswered).iter().enumerate()
        {
            match self.gate.pass_later(&format!("i{number}/q{index}"), request).await {
                Ok(()) => allowed.push(format!("- {} on {}", request.action, request.target)),
                Err(Refusal::Denied(_)) => {}
                Err(Refusal::NeedsApproval(request)) => {
                    return Err(Halt::Paused(Paused::Approval(request)));
                }
                Err(Refusal::Cancelled) => return Err(Halt::Paused(Paused::Cancelled)),
                Err(Refusal::Record(error)) => return Err(error.into()),
            }
        }
        Ok((!allowed.is_empty()).then(|| prompt::allowed_now(&allowed)))
    }

    /// Returns the reason why the work cannot be accepted, if there is one.
    pub(super) fn obstacle(&self, checks: &[Check], standing: &Standing) -> Option<String> {
        self.obstacle_of_the_work(checks, standing)
            .or_else(|| self.hangs().filter(|_| !standing.hanging.is_empty()))
            .or_else(|| self.stays_red())
    }

    /// Returns which test the work left red, unless a person accepted that.
    fn stays_red(&self) -> Option<String> {
        if self.attempts.last()?.accepted.contains(&RED) {
            return None;
        }
        if let Some(first) = self.wanted_red().first() {
            return Some(format!("{first} is new, and red"));
        }
        let first = self.left_red().into_iter().next()?;
        Some(format!("{first} is red as before, and the task speaks of tests"))
    }

    /// Returns the new red tests that the task may ask for: it speaks of tests that fail, and nothing but tests was
    /// changed. Whether they fail for the right reason a person says.
    fn wanted_red(&self) -> Vec<String> {
        let Some(attempt) = self.attempts.last() else { return Vec::new() };
        let evidence = attempt.evidence_paths();
        let is_test = |change: &Change| evidence.contains(&change.path.as_str());
        let alone = !attempt.changes.is_empty() && attempt.changes.iter().all(is_test);
        if !alone || !Words::of(&self.own_words()).speaks_of_red_tests() {
            return Vec::new();
        }
        let (tests, checks) = attempt.standing.new_red_by_name();
        if tests.is_empty() { checks } else { tests }
    }

    /// The same but for what a person can accept: tests that hang on changed evidence, and those that are red as before.
    fn obstacle_of_the_work(&self, checks: &[Check], standing: &Standing) -> Option<String> {
        if let Some(Unanswered { request, .. }) =
            self.unanswered.first().filter(|_| self.is_left_to_a_person())
        {
            return Some(format!("nobody could allow {} on {:?}", request.action, request.target));
        }
        if let Some(violation) = standing.violations.first() {
            return Some(violation.clone());
        }
        if let Some(broken) = standing.broken.first() {
            return Some(format!("{broken} is red, and was not before"));
        }
        let (tests, whole) = standing.new_red_by_name();
        if let Some(red) = tests.first().or(whole.first()) {
            // Of red tests that were asked for a person says whether they are right, and nothing else can.
            return self.wanted_red().is_empty().then(|| format!("{red} is new, and red"));
        }
        if let Some(unseen) = standing.not_seen.first() {
            return Some(format!("{unseen} was red, and is not seen any more"));
        }
        // Nobody could say that it is a question, and the checks that it speaks of are red.
        let is_unknown = self.effort() == Effort::Open && !self.is_open();
        if let Some(red) = standing.red.first().filter(|_| is_unknown && self.changes.is_empty()) {
            return Some(format!("nothing was done, and {red} is red"));
        }
        if let Some(failure) = standing.not_evaluated.first() {
            return Some(format!("not evaluated by {failure}"));
        }
        let fails = |criterion: &&Criterion| self.bound(criterion, checks) == Bound::Fails;
        if let Some(criterion) = self.contract.criteria.iter().find(fails) {
            return Some(format!("criterion {} does not hold: {}", criterion.id, criterion.text));
        }
        if standing.critical > 0 {
            return Some(self.found_by_the_judge());
        }
        self.score_obstacle(checks, standing)
    }

    /// Returns whether nothing was done, because nobody was there to allow it.
    fn is_left_to_a_person(&self) -> bool {
        !self.unanswered.is_empty() && self.changes.is_empty()
    }

    fn score_obstacle(&self, checks: &[Check], standing: &Standing) -> Option<String> {
        let quality = self.task.settings.quality;
        match standing.score {
            Some(score) if score >= quality => None,
            Some(score) => {
                Some(format!("score {:.1} is under {:.1}", score * 10.0, quality * 10.0))
            }
            // Nobody judged: the project's checks decide, or nothing was to be judged.
            None if self.is_plain_answer() || self.is_checked(checks, standing) => None,
            None => Some(self.unjudged()),
        }
    }

    /// Returns whether the checks alone say enough: they ran, all are green, and every criterion that is bound to one
    /// holds.
    pub(super) fn is_checked(&self, checks: &[Check], standing: &Standing) -> bool {
        let holds = |criterion: &Criterion| {
            criterion.check.is_none() || self.bound(criterion, checks) == Bound::Holds
        };
        let red = [
            &standing.broken,
            &standing.new_red,
            &standing.red,
            &standing.unknown,
            &standing.hanging,
            &standing.not_seen,
        ];
        let none = checks.is_empty() || standing.green.is_empty();
        !none && red.iter().all(|list| list.is_empty()) && self.contract.criteria.iter().all(holds)
    }

    fn found_by_the_judge(&self) -> String {
        let judges = self.of_tier(Tier::Rubric);
        let is_judge = |name: &String| judges.iter().any(|card| card.name == *name);
        let attempt = self.attempts.last();
        let mut found = attempt.into_iter().flat_map(|attempt| &attempt.findings);
        let finding = found.find(|(name, finding)| is_judge(name) && is_blocking(finding));
        let found = match finding {
            Some((_, finding)) => {
                format!("the judge found: {} ({})", finding.message, finding.evidence)
            }
            None => "the judge found what forbids it".to_owned(),
        };
        match attempt.and_then(|attempt| attempt.unjudged.as_ref()) {
            Some(why) => format!("{found}, and did not look again ({why})"),
            None => found,
        }
    }

    fn unjudged(&self) -> String {
        let why = self.attempts.last().and_then(|attempt| attempt.unjudged.clone());
        match why {
            Some(why) => format!("the work could not be judged ({why})"),
            None => "the work could not be judged".to_owned(),
        }
    }

    /// Returns the ground for accepting work, in one sentence.
    fn ground(&self, standing: &Standing) -> String {
        let ground = match standing.score {
            _ if self.is_plain_answer() => "an answer; nothing was changed",
            Some(_) => "every criterion holds",
            None => "the project's checks are green; nobody judged the work",
        };
        ground.to_owned()
    }

    fn is_plain_answer(&self) -> bool {
        let nothing_changed = self.attempts.last().is_some_and(|a| a.set.is_empty());
        self.is_open() && nothing_changed
    }

    fn go_on(&self, number: u32, obstacle: &str) -> Result<NextStep, Halt> {
        // What the journal holds was decided when it was known who would go on; only the stop is decided anew.
        let decided = self.recorder.recall(&format!("i{number}"));
        match decided.as_ref().map(|fact::IterationDecided { decision }| decision.as_str()) {
            Some(REFINE) => return Ok(NextStep::Refine),
            Some(RESAMPLE) => return Ok(NextStep::Resample),
            _ => {}
        }
        let recent = self.attempts.get(self.before_resume()..).unwrap_or_default();
        if regressions(recent, self.task.settings.regression) >= 2 {
            return Err(Halt::Trip(Trip::Regression { detail: obstacle.to_owned() }));
        }
        // More of the same brings nothing where a person or a provider decides.
        let decided = self.withheld.is_some() || self.is_left_to_a_person();
        if number >= self.task.settings.max_iterations || decided {
            return Ok(NextStep::End(Ending::Exhausted));
        }
        // Whoever resumes a task wants it tried again, and more of the same brought nothing.
        if recent.is_empty() && (stalled(&self.attempts).is_some() || self.became_worse()) {
            return Ok(NextStep::Resample);
        }
        let Some(reason) = stalled(recent) else { return Ok(NextStep::Refine) };
        // A fresh start is tried once; another one would bring the same again.
        let before = (1..recent.len()).filter_map(|end| recent.get(..end));
        if before.into_iter().any(|attempts| stalled(attempts).is_some()) {
            return Ok(NextStep::End(Ending::Stalled { reason }));
        }
        Ok(NextStep::Resample)
    }

    /// Returns the number of attempts that were made before the run was resumed last.
    fn before_resume(&self) -> usize {
        let Some(resumed) = self.recorder.place::<fact::TaskResumed>(START) else { return 0 };
        let begun =
            |number: usize| self.recorder.place::<fact::IterationStarted>(&format!("i{number}"));
        (1..=self.attempts.len()).filter(|number| begun(*number) < Some(resumed)).count()
    }

    fn became_worse(&self) -> bool {
        regressions(&self.attempts, self.task.settings.regression) >= 2
    }
}

/// Returns the number of attempts that were worse than the one before, or the first one than the untouched tree. `drop` is
/// a fall of the score.
fn regressions(attempts: &[Attempt], drop: f64) -> usize {
    let worse = |pair: &[Attempt]| {
        let [before, after] = pair else { return false };
        let fell = match (before.standing.score, after.standing.score) {
            (Some(before), Some(after)) => before - after > drop,
            _ => false,
        };
        fell || after.standing.broken_checks() > before.standing.broken_checks()
    };
    let first = attempts.first().is_some_and(|a| !a.standing.broken.is_empty());
    usize::from(first) + attempts.windows(2).filter(|pair| worse(pair)).count()
}

/// The domain of changes to what decides about the work.
const EVIDENCE: &str = "tests";

/// The domain of tests that are red as before.
const RED: &str = "red tests";

/// The most tests that a question names.
const MOST_NAMED: usize = 12;

/// Returns a list for a person.
fn shortened(lines: &[String]) -> String {
    let more = lines.len().saturating_sub(MOST_NAMED);
    let shown = lines.iter().take(MOST_NAMED).cloned();
    let more = (more > 0).then(|| format!("and {more} more"));
    shown.chain(more).collect::<Vec<_>>().join("; ")
}

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

/// What the checks say of a criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// All checks of its category are green.
    Holds,
    /// A check of its category is red and was not before, or nobody knows how it was.
    Fails,
    /// What is red was red before in the same way, so it is not this task's.
    RedBefore,
    /// No check decides it: it is bound to none, none of its category ran, or one is flaky or hangs on changed evidence.
    Unknown,
}

impl Run {
    /// Returns what the checks say of a criterion, held against the untouched tree.
    pub(super) fn bound(&self, criterion: &Criterion, checks: &[Check]) -> Bound {
        let Some(category) = &criterion.check else { return Bound::Unknown };
        let of_category: Vec<&Check> =
            checks.iter().filter(|check| &check.category == category).collect();
        if !criterion.tests.is_empty() {
            return named(&criterion.tests, &of_category);
        }
        let errored = |check: &&Check| check.outcome == CheckOutcome::Errored;
        if of_category.iter().all(errored) {
            return Bound::Unknown;
        }
        let before = self.baseline.as_deref().unwrap_or(&[]);
        let same = |check: &&Check| {
            let known = before.iter().find(|one| one.id == check.id);
            known.is_some_and(|known| failures(known) == failures(check))
        };
        let red = of_category.iter().copied().filter(|check| is_red(check.outcome));
        let (old, new): (Vec<&Check>, Vec<&Check>) = red.partition(same);
        let is_open = |check: &&&Check| errored(check) || check.outcome == CheckOutcome::Flaky;
        let is_known_red = |check: &&&Check| old.iter().any(|one| one.id == check.id);
        match new.iter().any(|check| self.fails_anew(check)) {
            true => Bound::Fails,
            false if of_category.iter().filter(is_open).any(|check| !is_known_red(&check)) => {
                Bound::Unknown
            }
            false if of_category.iter().any(|check| self.misses_a_test(check)) => Bound::Unknown,
            false if old.is_empty() && new.is_empty() => Bound::Holds,
            false => Bound::RedBefore,
        }
    }

    /// Returns whether a check does not name a test that it named before, and that nobody let go.
    fn misses_a_test(&self, check: &Check) -> bool {
        let before = self.baseline.iter().flatten().find(|one| one.id == check.id);
        let through = self.attempts.iter().flat_map(|attempt| &attempt.differences);
        let may_go: Vec<&str> = through
            .filter(|one| one.check == check.id && one.through.is_some())
            .map(|one| one.test.as_str())
            .collect();
        let mut tests = before.iter().flat_map(|before| &before.tests);
        tests.any(|test| {
            let is_seen = check.tests.iter().any(|one| one.name == test.name);
            !is_seen && !may_go.contains(&test.name.as_str())
        })
    }

    /// Returns whether a check is red in another way than before: by a test that was not red, or by one of those that the
    /// work mended in part.
    fn fails_anew(&self, check: &Check) -> bool {
        if check.outcome != CheckOutcome::Failed {
            return false;
        }
        let before = self.baseline.as_deref().unwrap_or(&[]);
        let known = before.iter().find(|one| one.id == check.id);
        let (Some(known), false) = (known, check.tests.is_empty()) else { return true };
        let (_, was) = failures(known);
        let is_known = |name: &&str| was.contains(name);
        !failures(check).1.iter().all(is_known)
            || !still_red(&self.asked(), before, std::slice::from_ref(check)).is_empty()
    }

    /// Returns the tests that are red as before although the task speaks of tests and they are its own.
    fn left_red(&self) -> Vec<String> {
        let (Some(attempt), Some(before)) = (self.attempts.last(), &self.baseline) else {
            return Vec::new();
        };
        let task = self.asked();
        let named = self.contract.criteria.iter().filter(|one| !one.tests.is_empty());
        let mut named =
            named.map(|one| self.bound(one, &attempt.checks) == Bound::Holds).peekable();
        let is_done = named.peek().is_some() && named.all(|holds| holds);
        if is_done || attempt.set.is_empty() {
            return Vec::new();
        }
        let mut red = still_red(&task, before, &attempt.checks);
        // Text that was piped or put in speaks of a test only by its name: that of a file is in every listing.
        let own = Words::of(&self.own_words());
        if !own.speaks_of_tests() {
            let all = Words::of(&task);
            let is_named = |test: &str| all.names_test(test) && !own.names_test(test);
            red.retain(|id| id.split_once(' ').is_some_and(|(_, test)| is_named(test)));
        }
        red
    }
}

/// Returns what the checks say of tests by name. One that is not seen does not hold: it is gone, renamed or left out.
fn named(names: &[String], checks: &[&Check]) -> Bound {
    if checks.iter().all(|check| check.outcome == CheckOutcome::Errored) {
        return Bound::Unknown;
    }
    let ended = |name: &String| {
        let mut tests = checks.iter().flat_map(|check| &check.tests);
        tests.find(|test| is_called(&test.name, name)).map(|test| test.outcome)
    };
    let open = [Some(CheckOutcome::Errored), Some(CheckOutcome::Flaky)];
    let mut ends = names.iter().map(ended).collect::<Vec<_>>();
    ends.retain(|end| *end != Some(CheckOutcome::Passed));
    match ends.is_empty() {
        true => Bound::Holds,
        false if ends.iter().all(|end| open.contains(end)) => Bound::Unknown,
        false => Bound::Fails,
    }
}

/// Returns whether a runner's name of a test is, or ends with, the name that a model knows it by.
fn is_called(full: &str, name: &str) -> bool {
    let edge =
        |rest: &str| rest.is_empty() || rest.ends_with(|c: char| !c.is_alphanumeric() && c != '_');
    full.strip_suffix(name).is_some_and(edge)
}

fn is_red(outcome: CheckOutcome) -> bool {
    matches!(outcome, CheckOutcome::Failed | CheckOutcome::Errored)
}

/// Returns what is red of a check: its outcome and the tests that fail.
fn failures(check: &Check) -> (CheckOutcome, Vec<&str>) {
    let failing = check.tests.iter().filter(|test| is_red(test.outcome));
    let mut names: Vec<&str> = failing.map(|test| test.name.as_str()).collect();
    names.sort_unstable();
    (check.outcome, names)
}
