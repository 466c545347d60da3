//! One task from beginning to end: plan, execute, evaluate, refine.
//!
//! The loop is a deterministic function of its journal. Every step asks the [`Recorder`] first whether it has
//! happened already, so a new run, a resumed one and a verified one take the same path through this module.

mod arrival;
mod attempt;
mod built;
mod call;
mod context;
mod conversation;
mod decide;
mod deliberate;
mod evaluate;
mod execute;
mod frozen;
mod halt;
mod learn;
mod meter;
pub(crate) mod offline;
mod plan;
mod ports;
mod programs;
mod prompt;
mod refine;
mod report;
mod score;
mod state;
mod trial;
mod wait;

use std::{sync::Arc, time::Duration};

use crate::{
    change_set::{Applied, PathEffect},
    event::{DirectiveSentence, Entry, Event, RULES},
    fact,
    gate::Policy,
    id::TaskId,
    learning::is_afterwards,
    memory::Note,
    message::{Message, Role},
    model::ModelCard,
    outcome::{Ending, Outcome, Pause, Trip},
    port::WorkspaceError,
    recorder::{Mode, RecordError, Recorder},
    skill::SkillUse,
    task::{Task, TaskSettings},
    tool::Tool,
};

use self::{
    decide::NextStep,
    halt::Halt,
    state::{END, Run, START, settings},
    wait::Waited,
};

pub use self::{halt::Paused, learn::Afterwards, plan::PLAN_TOOL, ports::Ports};

/// Key of a pause that is not the end of a segment.
const PAUSE: &str = "pause";

/// Facts about the workspace that a run is told besides the task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Briefing {
    /// The project's rules and the skills that apply, for the system prompt.
    pub instructions: String,
    /// What the model has to know of the machine and of what it may do there.
    pub surroundings: String,
    /// What is remembered that may be of use.
    pub notes: Vec<Note>,
    /// What the user wants the task to be held to.
    pub directive: Vec<DirectiveSentence>,
    /// The skills that the instructions hold whole.
    pub skills: Vec<SkillUse>,
}

/// Drives a new task to its end, or to a limit: an outcome whose ending is [`Ending::Tripped`] can be resumed.
///
/// # Errors
///
/// Only what stops a run before its end: the model is unreachable, a person has to answer, the user cancelled,
/// or the journal or the workspace cannot be written. A refused capability or a failed tool is part of the
/// conversation, not an error.
pub async fn drive(
    task: Task,
    briefing: Briefing,
    policy: Policy,
    ports: Ports,
) -> Result<Outcome, Paused> {
    let recorder = ports.recorder(&task.id, Mode::Live, Vec::new());
    let overview = ports.workspace.overview();
    let event = Event::TaskStarted {
        models: cards(&ports),
        overview: match briefing.surroundings.is_empty() {
            true => overview,
            false => format!("{}\n\n{overview}", briefing.surroundings),
        },
        instructions: briefing.instructions,
        notes: briefing.notes,
        skills: briefing.skills,
        tools: ports.toolbox.tools().into_iter().map(Tool::shown).collect(),
        evaluators: ports.evaluators.cards(),
        rules: RULES,
        task: Box::new(task),
    };
    recorder.record(START, event)?;
    if !briefing.directive.is_empty() {
        recorder.record(START, Event::DirectiveMade { sentences: briefing.directive })?;
    }
    Run::begin(Arc::new(recorder), policy, ports, None)?.finish().await
}

/// Resumes a run where its journal ends, with other `settings` if there are any. A run that is finished returns its
/// outcome again, unless more iterations than it had are allowed now.
///
/// # Errors
///
/// As [`drive`].
pub async fn resume(
    task: &TaskId,
    policy: Policy,
    ports: Ports,
    change: impl FnOnce(TaskSettings) -> TaskSettings,
) -> Result<Outcome, Paused> {
    let entries = ports.journal.load(task)?;
    let before = settings(&entries).unwrap_or(TaskSettings::STANDARD);
    let after = change(before.clone());
    let recorder = ports.recorder(task, Mode::Live, entries);
    if let Some(fact::TaskFinished { outcome }) = recorder.recall(END) {
        let unused = after.max_iterations > outcome.iterations;
        let is_over = matches!(outcome.ending, Ending::Accepted | Ending::Simulated);
        let is_stopped = matches!(outcome.ending, Ending::Vetoed { .. });
        if is_over || !unused || is_stopped && after.overruled.is_none() {
            return Ok(*outcome);
        }
        let (clock, cancellation) = (&*ports.clock, &*ports.cancellation);
        let occupy = ports.workspace.occupy();
        match wait::bounded(clock, cancellation, Duration::MAX, occupy).await {
            Waited::Done(occupied) => occupied?,
            Waited::Cancelled | Waited::TimeOver => return Err(Paused::Cancelled),
        }
        put_forth_again(&recorder, &ports).await?;
    }
    recorder.resume(START, (after != before).then(|| after.clone()))?;
    Run::begin(Arc::new(recorder), policy, ports, Some(after))?.finish().await
}

/// Brings forth again what the end of a run took back, so that the run goes on where it was.
async fn put_forth_again(recorder: &Recorder, ports: &Ports) -> Result<(), Paused> {
    let Some(fact::TreeRestored { steps, done, .. }) = recorder.recall(END) else {
        return Ok(());
    };
    let made = steps.iter().filter(|step| done.contains(&step.path));
    let steps: Vec<PathEffect> = made.map(PathEffect::inverse).collect();
    let Applied { done, conflicts } = ports.workspace.apply(&steps).await?;
    let changes = ports.workspace.describe(&steps);
    let restored = Event::TreeRestored { tree: None, steps, done, conflicts, changes };
    Ok(recorder.note("again", restored)?)
}

/// Replays a run from its journal, with no model, no tool and no workspace, and checks that it comes to the same
/// end. Of a run that paused for another reason than a limit, all that is recorded is checked.
///
/// # Errors
///
/// [`Diverged`](crate::recorder::RecordError::Diverged) where the replay differs from the journal.
pub async fn verify(task: &TaskId, mut entries: Vec<Entry>) -> Result<Verified, Paused> {
    let ports = offline::ports();
    let rules = entries.iter().find_map(|entry| match &entry.event {
        Event::TaskStarted { rules, .. } => Some(*rules),
        _ => None,
    });
    let rules = rules.filter(|rules| *rules != RULES);
    if rules.is_some() {
        entries.iter_mut().for_each(|entry| entry.event.forget_request());
    }
    // What learners did after the end is no part of the run.
    entries.retain(|entry| !is_afterwards(&entry.key));
    let settings = settings(&entries);
    let open = match entries.last().map(|entry| &entry.event) {
        Some(Event::TaskPaused { cause: Some(Pause::Limit { .. }), .. }) => None,
        Some(Event::TaskPaused { reason, .. }) => Some(reason.clone()),
        _ => None,
    };
    let recorder = ports.recorder(task, Mode::Verify, entries);
    let run = Run::begin(Arc::new(recorder), Policy::default(), ports, settings)?;
    match (run.finish().await, open) {
        (Ok(outcome), _) => Ok(Verified::Outcome(Box::new(outcome))),
        (Err(Paused::Record(RecordError::Missing { .. })), Some(reason)) => {
            Ok(Verified::Open { reason })
        }
        (Err(Paused::Record(RecordError::Missing { .. } | RecordError::Diverged { .. })), _)
            if let Some(rules) = rules =>
        {
            Ok(Verified::OtherRules { rules })
        }
        (Err(paused), _) => Err(paused),
    }
}

/// Result of a replay that agrees with its journal.
#[derive(Clone, Debug, PartialEq)]
pub enum Verified {
    /// The run came to this outcome.
    Outcome(Box<Outcome>),
    /// The run has not come to an end.
    Open {
        /// Reason for which it paused.
        reason: String,
    },
    /// The journal was written under other rules, by which this program does not come to what it holds.
    OtherRules {
        /// Version of those rules.
        rules: u32,
    },
}

fn cards(ports: &Ports) -> Vec<(String, ModelCard)> {
    let roles = [Role::PLANNER, Role::EXECUTOR, Role::EVALUATOR, Role::SMALL];
    let chain = |role: &str| ports.model.chain(&Role::new(role));
    roles
        .into_iter()
        .flat_map(|role| chain(role).into_iter().map(|card| (role.to_owned(), card)))
        .collect()
}

impl Run {
    /// Runs the loop and turns whatever ended it into an outcome or a pause.
    async fn finish(mut self) -> Result<Outcome, Paused> {
        let ended = match self.iterate().await {
            Err(Halt::Trip(trip)) => self.after_trip(trip).await,
            Ok(ending) => self.end(ending).await,
            Err(halt) => Err(halt),
        };
        match ended {
            Ok(outcome) => Ok(outcome),
            Err(Halt::Paused(Paused::Record(error))) => Err(Paused::Record(error)),
            Err(Halt::Paused(paused)) => {
                let (reason, cause) = (paused.to_string(), Some(paused.cause()));
                let event = Event::TaskPaused { reason, cause, outcome: None };
                self.recorder.note(PAUSE, event)?;
                Err(paused)
            }
            // Nothing after the end counts or waits.
            Err(Halt::Trip(trip)) => Err(Paused::Workspace(WorkspaceError(trip.to_string()))),
        }
    }

    async fn end(&mut self, ending: Ending) -> Result<Outcome, Halt> {
        let outcome = self.conclude(ending).await?;
        self.recorder.record(END, Event::TaskFinished { outcome: Box::new(outcome.clone()) })?;
        Ok(outcome)
    }

    /// A limit ends nothing: the work stays as it is, and the task can be resumed. Work that became worse twice is
    /// at its end.
    async fn after_trip(&mut self, trip: Trip) -> Result<Outcome, Halt> {
        self.recorder.record(END, Event::BreakerTripped { trip: trip.clone() })?;
        let ending = Ending::Tripped { trip: trip.clone() };
        if matches!(trip, Trip::Regression { .. }) {
            return self.end(ending).await;
        }
        let outcome = self.interim(ending).await?;
        let event = Event::TaskPaused {
            reason: trip.to_string(),
            cause: Some(Pause::Limit { trip }),
            outcome: Some(Box::new(outcome.clone())),
        };
        self.recorder.record(END, event)?;
        Ok(outcome)
    }

    /// Runs iterations until one of them ends the run.
    async fn iterate(&mut self) -> Result<Ending, Halt> {
        self.plan().await?;
        if let Some(ending) = self.deliberate().await? {
            return Ok(ending);
        }
        self.prepare_change().await?;
        let mut conversation = self.opening();
        let mut number = 1;
        loop {
            let key = format!("i{number}");
            self.recorder.record(&key, Event::IterationStarted { number })?;
            let worked = self.execute(number, &mut conversation).await;
            let text = self.end_programs(worked).await?;
            let next = if self.task.settings.max_iterations == 0 {
                self.take_unjudged(number, text).await?;
                NextStep::End(self.end_unjudged(number).await?)
            } else {
                self.evaluate(number, text).await?;
                let next = self.decide(number).await?;
                self.edit_plan(number)?;
                next
            };
            match next {
                NextStep::End(Ending::Accepted) => return Ok(Ending::Accepted),
                NextStep::End(ending) => match self.ask_what_was_left(number).await? {
                    Some(allowed) => conversation.push(Message::user(allowed)),
                    None => return Ok(ending),
                },
                NextStep::Refine => conversation.push(self.findings_message(number + 1)),
                NextStep::Resample => {
                    conversation = self.opening();
                    conversation.push(self.findings_message(number + 1));
                }
            }
            number += 1;
        }
    }
}
