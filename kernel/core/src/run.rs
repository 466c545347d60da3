//! One task from beginning to end: plan, execute, evaluate, refine.
//!
//! The loop is a deterministic function of its journal. Every step asks the [`Recorder`] first whether it has
//! happened already, so a new run, a resumed one and a verified one take the same path through this module.

mod arrival;
mod attempt;
mod call;
mod context;
mod decide;
mod evaluate;
mod execute;
mod halt;
mod meter;
pub(crate) mod offline;
mod plan;
mod ports;
mod prompt;
mod refine;
mod report;
mod state;

use std::sync::Arc;

use crate::{
    event::{Entry, Event},
    gate::Policy,
    id::TaskId,
    message::Role,
    model::ModelCard,
    outcome::{Ending, Outcome},
    recorder::{Mode, Recorder},
    task::Task,
};

use self::{
    decide::NextStep,
    halt::Halt,
    state::{END, Run, START},
};

pub use self::{halt::Paused, ports::Ports};

/// Facts about the workspace that a run is told besides the task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Briefing {
    /// The project's rules and the skills that apply, for the system prompt.
    pub instructions: String,
}

/// Drives a new task to its end.
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
    let recorder = recorder(&task.id, Mode::Live, Vec::new(), &ports);
    let event = Event::TaskStarted {
        models: cards(&ports),
        overview: ports.workspace.overview(),
        instructions: briefing.instructions,
        tools: ports.toolbox.tools(),
        evaluators: ports.evaluators.cards(),
        task: Box::new(task),
    };
    recorder.record(START, event)?;
    Run::begin(Arc::new(recorder), policy, ports)?.finish().await
}

/// Resumes a run where its journal ends. A finished run returns its outcome again.
///
/// # Errors
///
/// As [`drive`].
pub async fn resume(task: &TaskId, policy: Policy, ports: Ports) -> Result<Outcome, Paused> {
    let entries = ports.journal.load(task)?;
    let recorder = recorder(task, Mode::Live, entries, &ports);
    if let Some(Event::TaskFinished { outcome }) = recorder.recall(END, "task.finished") {
        return Ok(*outcome);
    }
    recorder.note(START, Event::TaskResumed)?;
    Run::begin(Arc::new(recorder), policy, ports)?.finish().await
}

/// Replays a finished run from its journal, with no model, no tool and no workspace, and checks that it comes to
/// the same outcome.
///
/// # Errors
///
/// [`Diverged`](crate::recorder::RecordError::Diverged) where the replay differs from the journal.
pub async fn verify(task: &TaskId, entries: Vec<Entry>) -> Result<Outcome, Paused> {
    let ports = offline::ports();
    let recorder = recorder(task, Mode::Verify, entries, &ports);
    Run::begin(Arc::new(recorder), Policy::default(), ports)?.finish().await
}

fn recorder(task: &TaskId, mode: Mode, entries: Vec<Entry>, ports: &Ports) -> Recorder {
    Recorder::new(
        task.clone(),
        mode,
        entries,
        ports.journal.clone(),
        ports.listener.clone(),
        ports.clock.clone(),
    )
}

fn cards(ports: &Ports) -> Vec<(String, ModelCard)> {
    let roles = [Role::PLANNER, Role::EXECUTOR, Role::EVALUATOR];
    let chain = |role: &str| ports.model.chain(&Role::new(role));
    roles
        .into_iter()
        .flat_map(|role| chain(role).into_iter().map(|card| (role.to_owned(), card)))
        .collect()
}

impl Run {
    /// Runs the loop and turns whatever ended it into an outcome or a pause.
    async fn finish(mut self) -> Result<Outcome, Paused> {
        let ending = match self.iterate().await {
            Ok(ending) => ending,
            Err(Halt::Trip(trip)) => {
                self.recorder.record(END, Event::BreakerTripped { trip: trip.clone() })?;
                Ending::Tripped { trip }
            }
            Err(Halt::Paused(Paused::Record(error))) => return Err(Paused::Record(error)),
            Err(Halt::Paused(paused)) => {
                self.recorder.note(END, Event::TaskPaused { reason: paused.to_string() })?;
                return Err(paused);
            }
        };
        let outcome = self.conclude(ending)?;
        self.recorder.record(END, Event::TaskFinished { outcome: Box::new(outcome.clone()) })?;
        Ok(outcome)
    }

    /// Runs iterations until one of them ends the run.
    async fn iterate(&mut self) -> Result<Ending, Halt> {
        self.plan().await?;
        let mut conversation = self.opening();
        let mut number = 1;
        loop {
            let key = format!("i{number}");
            self.recorder.record(&key, Event::IterationStarted { number })?;
            let text = self.execute(number, &mut conversation).await?;
            if self.task.settings.max_iterations == 0 {
                self.take_unjudged(number, text)?;
                return self.end_unjudged(number).await;
            }
            self.evaluate(number, text).await?;
            let next = self.decide(number).await?;
            self.edit_plan(number)?;
            match next {
                NextStep::End(ending) => return Ok(ending),
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
