//! Deliberation: a motion is put before the chamber, every agency is heard once, side by side, and what follows is concluded by
//! rules. What binds goes into the contract; what stops ends the run before anything was done.

use std::{sync::Arc, time::Duration};

use super::{
    halt::{Halt, Paused},
    prompt,
    state::Run,
    wait::{self, Waited},
};
use crate::{
    agencies::{AgencyCard, AgencyUse},
    contract::{Contract, Effort},
    deliberation::{
        assessment::{Assessment, Citation, UserQuestion},
        computed,
        forecast::Forecast,
        futures::Futures,
        motion::{Left, Motion, Power},
        names,
        plan::PlannedStep,
        powers::{held, readable},
        ruling::{Binding, Ruling, Seat, Stop},
    },
    effects::EffectLog,
    evaluation::Criterion,
    event::Event,
    fact,
    failure::Failure,
    ledger::Reservation,
    outcome::Ending,
    port::Pending,
    tool::{Effect, Tool},
};

/// Key of what the chamber does.
const CHAMBER: &str = "chamber";
/// Key of what is computed of a task that no chamber looks at.
const OBJECTIONS: &str = "objections";
/// How often an agency has to have been asked in vain before it is spared.
const IN_VAIN: u64 = 8;
/// Every so many deliberations nobody is spared: work changes, and so does what an agency is worth.
const ANEW: u64 = 10;

/// What one agency said.
type Heard = Result<Assessment, Failure>;

impl Run {
    /// Has the chamber look at the plan. Returns the end of the run, if it ends here.
    pub(super) async fn deliberate(&mut self) -> Result<Option<Ending>, Halt> {
        if !self.task.settings.think {
            return Ok(None);
        }
        let (motion, agencies) = self.put_motion()?;
        let heard = self.hear_all(&motion, &agencies).await?;
        let mut seats: Vec<Seat> = agencies
            .iter()
            .zip(&heard)
            .map(|(agency, said)| self.seat(agency, held(agency, said, &motion)))
            .collect();
        let ruling = Ruling::of(&motion, &self.task.workspace, &mut seats);
        let futures = Futures::of(&motion, &self.task.workspace, &seats, &ruling);
        let event = Event::DeliberationHeld {
            kind: motion.kind.clone(),
            seats,
            ruling: Box::new(ruling.clone()),
        };
        self.recorder.record(CHAMBER, event)?;
        if self.task.settings.simulate {
            let event = Event::FuturesDrawn { futures: Box::new(futures) };
            self.recorder.record(CHAMBER, event)?;
            return Ok(Some(Ending::Simulated));
        }
        if !ruling.stops.is_empty() {
            let stops = ruling.stops.clone();
            let Some(reason) = self.task.settings.overruled.clone() else {
                return Ok(Some(Ending::Vetoed { stops }));
            };
            self.recorder.record(CHAMBER, Event::RulingOverruled { reason, stops })?;
        }
        self.follow(ruling).await?;
        Ok(None)
    }

    /// Computes what speaks against a task that no chamber looks at, once, when its first effect is about to happen. It stops
    /// nothing.
    pub(super) fn compute_objections(&self) -> Result<(), Halt> {
        let is_known = self.recorder.recall::<fact::ObjectionsComputed>(OBJECTIONS).is_some();
        if self.task.settings.think || is_known || !self.recorder.is_live() {
            return Ok(());
        }
        let motion = self.motion();
        let stops = Ruling::told(&motion.observations);
        if !stops.is_empty() {
            self.recorder.record(OBJECTIONS, Event::ObjectionsComputed { stops })?;
        }
        Ok(())
    }

    /// Puts the motion before the chamber, or takes up the one that was. What is remembered and what was paid for before may
    /// have changed since.
    fn put_motion(&self) -> Result<(Motion, Vec<String>), Halt> {
        if let Some(fact::MotionPut { motion, agencies }) = self.recorder.recall(CHAMBER) {
            return Ok((*motion, agencies));
        }
        let motion = self.motion();
        let mut agencies: Vec<String> =
            self.ports.agencies.cards().into_iter().map(|card| card.name).collect();
        agencies.sort_by_key(|name| names::place(name));
        let spared = match self.task.settings.spares {
            true => spared(&self.ports.agencies.uses(&motion.kind)),
            false => Vec::new(),
        };
        let (spared, agencies): (Vec<String>, Vec<String>) =
            agencies.into_iter().partition(|name| spared.contains(name));
        let event = Event::MotionPut {
            motion: Box::new(motion.clone()),
            agencies: agencies.clone(),
            spared,
        };
        self.recorder.record(CHAMBER, event)?;
        Ok((motion, agencies))
    }

    fn motion(&self) -> Motion {
        let settings = &self.task.settings;
        let (spent, ..) = self.meter.totals();
        let left = Left {
            tokens: settings.max_tokens.map(|most| most.saturating_sub(spent.tokens)),
            cost_micros: settings.max_cost_micros.saturating_sub(spent.cost_micros),
            duration_ms: settings.max_time_ms.map(|_| self.meter.time_left()),
        };
        let mut motion = Motion {
            task: self.task.id.clone(),
            text: self.task.text.clone(),
            kind: self.contract.kind.clone(),
            plan: PlannedStep::of(&self.contract.steps),
            criteria: self.contract.criteria.clone(),
            powers: self.powers(),
            forecast: Forecast::of(&self.task.text, &self.ports.agencies.past()),
            left,
            directive: self.directive.clone(),
            learnings: self.notes.clone(),
            observations: Vec::new(),
            attended: settings.attended,
            continues: !self.task.history.is_empty(),
        };
        motion.observations = computed::observations(&motion, &self.task.workspace);
        motion
    }

    /// Returns the powers that the plan would use: those that change something, and of those that reach somebody outside the
    /// ones that it names.
    fn powers(&self) -> Vec<Power> {
        let planned = self.contract.steps.join("\n");
        let is_used = |tool: &&Tool| match tool.effect {
            Effect::Read => false,
            Effect::Write => self.contract.effort != Effort::Answer,
            Effect::Execute => true,
            Effect::Send | Effect::Destructive => planned.contains(&tool.name),
        };
        let power = |tool: &Tool| Power {
            tool: tool.name.clone(),
            effect: tool.effect,
            target: String::new(),
            granted: self.gate.allows_unasked(tool),
        };
        self.tools.iter().filter(is_used).map(power).collect()
    }

    async fn hear_all(&self, motion: &Motion, agencies: &[String]) -> Result<Vec<Heard>, Halt> {
        let cards = self.ports.agencies.cards();
        let works = agencies.iter().map(|agency| -> Pending<'_, Result<Heard, Halt>> {
            let deadline = deadline(&cards, agency);
            Box::pin(self.hear(agency, deadline, motion))
        });
        wait::all(works.collect()).await.into_iter().collect()
    }

    /// Hears one agency, unless the journal has what it said.
    async fn hear(&self, agency: &str, deadline: Duration, motion: &Motion) -> Result<Heard, Halt> {
        let key = key(agency);
        self.meter.check_time(&key)?;
        if let Some(fact::AgencyHeard { result }) = self.recorder.recall(&key) {
            self.meter.replay_component(&key);
            return Ok(result);
        }
        if let Some(trip) = self.meter.tripped_below(&key) {
            self.meter.replay_component(&key);
            return Err(Halt::Trip(trip));
        }
        let log = Arc::new(EffectLog::new(self.recorder.clone(), &key));
        let scope = self.scope(&key, deadline, &log);
        let work = self.ports.agencies.assess(agency, motion, scope);
        let result = match self.meter.within(deadline, work).await {
            Waited::Done(result) => result,
            Waited::Cancelled => return Err(Halt::Paused(Paused::Cancelled)),
            Waited::TimeOver if self.meter.time_left() == 0 => {
                return Err(self.meter.time_over(&key));
            }
            Waited::TimeOver => Err(Failure::Limited {
                name: "wall-ms".to_owned(),
                value: u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX),
                knob: format!("[component.{agency}.limits] wall-ms"),
            }),
        };
        match self.meter.halted(&key) {
            // A provider that is not there is no opinion. The guardian is asked again when there is one: its silence would
            // stop the work for good.
            Some(Halt::Paused(Paused::Model(_))) if agency != names::GUARDIAN => {}
            Some(halt) => return Err(halt),
            None => {}
        }
        let result = result.and_then(readable);
        let event = Event::AgencyHeard { agency: agency.to_owned(), result: result.clone() };
        self.recorder.record(&key, event)?;
        Ok(result)
    }

    /// Returns the seat of an agency, with what it took.
    fn seat(&self, agency: &str, assessment: Assessment) -> Seat {
        let prefix = format!("{}/m", key(agency));
        let finished = self.recorder.recall_below::<fact::TurnFinished>(&prefix);
        let failed = self.recorder.recall_below::<fact::TurnFailed>(&prefix);
        let requests = u32::try_from(finished.len() + failed.len()).unwrap_or(u32::MAX);
        let spent =
            finished.iter().map(|turn| turn.spent).chain(failed.iter().map(|turn| turn.spent));
        let spent = spent.fold(Reservation::default(), Reservation::plus);
        Seat { agency: agency.to_owned(), assessment, requests, spent, changed: false }
    }

    /// Makes the conclusion that of the run: the other plan, the answer of the user, what binds.
    async fn follow(&mut self, ruling: Ruling) -> Result<(), Halt> {
        let before = self.contract.clone();
        if let Some(other) = &ruling.taken {
            self.contract.steps = other.plan.iter().map(|step| step.text.clone()).collect();
        }
        let answered = match &ruling.question {
            Some(question) => Some((question.clone(), self.put_question(question).await?)),
            None => None,
        };
        bind(&mut self.contract, &ruling.bindings);
        self.told.push_str(&prompt::ruling(&ruling.bindings, answered.as_ref()));
        match self.contract == before {
            true => Ok(()),
            false => self.make_plan(CHAMBER),
        }
    }

    /// Puts the chamber's question to the user, once. Where nobody is there, nobody answers.
    async fn put_question(&self, question: &UserQuestion) -> Result<Option<String>, Halt> {
        if let Some(fact::QuestionAnswered { answer }) = self.recorder.recall(CHAMBER) {
            return Ok(answer);
        }
        let answer = match self.task.settings.attended && self.recorder.is_live() {
            true => self.answered(question).await?,
            false => None,
        };
        let event = Event::QuestionAnswered { question: question.clone(), answer: answer.clone() };
        self.recorder.record(CHAMBER, event)?;
        Ok(answer)
    }

    async fn answered(&self, question: &UserQuestion) -> Result<Option<String>, Halt> {
        let _hold = self.recorder.hold_clock();
        let (clock, cancellation) = (&*self.ports.clock, &*self.ports.cancellation);
        let asked = self.ports.approver.answer(question);
        match wait::bounded(clock, cancellation, Duration::MAX, asked).await {
            Waited::Done(answer) => Ok(answer.filter(|answer| !answer.trim().is_empty())),
            Waited::TimeOver => Ok(None),
            Waited::Cancelled => Err(Halt::Paused(Paused::Cancelled)),
        }
    }
}

/// Returns the key of what one agency does.
fn key(agency: &str) -> String {
    format!("{CHAMBER}/a/{agency}")
}

fn deadline(cards: &[AgencyCard], agency: &str) -> Duration {
    let card = cards.iter().find(|card| card.name == agency);
    Duration::from_millis(card.map_or(0, |card| card.deadline_ms))
}

/// Returns the agencies that are not asked: those that cost something and were asked in vain for work of this kind. The guardian
/// is always asked, and so is everybody now and then.
fn spared(uses: &[AgencyUse]) -> Vec<String> {
    let all = uses.iter().map(|one| one.asked).max().unwrap_or_default();
    if all % ANEW == 0 {
        return Vec::new();
    }
    let is_vain = |one: &&AgencyUse| {
        one.agency != names::GUARDIAN
            && one.asked >= IN_VAIN
            && one.changed == 0
            && one.requests > 0
    };
    uses.iter().filter(is_vain).map(|one| one.agency.clone()).collect()
}

/// Adds what binds to the contract, as criteria that are judged. What rests on figures alone is held by the ledger.
fn bind(contract: &mut Contract, bindings: &[Binding]) {
    let is_figure = |citation: &Citation| matches!(citation, Citation::Figure(_));
    let judged = bindings.iter().filter(|one| !one.caveat.citations.iter().all(is_figure));
    for Binding { caveat, .. } in judged {
        let is_known = contract.criteria.iter().any(|one| one.text == caveat.text);
        if is_known || contract.criteria.len() >= super::plan::MOST_CRITERIA {
            continue;
        }
        let id = format!("c{}", contract.criteria.len() + 1);
        let text = caveat.text.clone();
        contract.criteria.push(Criterion { id, text, check: None, tests: Vec::new() });
    }
}

/// Returns why a motion does not pass, in one sentence.
pub(super) fn because(stops: &[Stop]) -> String {
    let told = stops
        .iter()
        .map(|stop| format!("{} stops it: {}", names::shown(&stop.agency), stop.reason));
    told.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(agency: &str, asked: u64, changed: u64, requests: u64) -> AgencyUse {
        AgencyUse { agency: agency.to_owned(), asked, changed, cost_micros: 0, requests }
    }

    #[test]
    fn whoever_was_asked_in_vain_often_enough_is_spared_but_the_guardian_and_those_who_cost_nothing()
     {
        let uses = |asked| {
            [
                used("guardian", asked, 0, 5),
                used("economist", asked, 0, 0),
                used("scholar", asked, 0, 9),
                used("empath", asked, 1, 9),
                used("strategist", 7, 0, 7),
            ]
        };
        assert_eq!(spared(&uses(8)), ["scholar"]);
        assert_eq!(spared(&uses(10)), [""; 0], "now and then all are asked");
        assert_eq!(spared(&[]), [""; 0]);
    }
}
