//! The time after a run: learners look at what became of it. They are paid from what is left of the task's budget, and their
//! turns are in its journal, under keys of their own that no replay asks for.

use std::{sync::Arc, time::Duration};

use super::{
    halt::Paused,
    meter::{ComponentTurns, TurnMeter},
    ports::Ports,
    state::{START, settings},
};
use crate::{
    effects::EffectLog,
    event::{Entry, Event},
    fact,
    gate::{Gate, Policy},
    id::TaskId,
    learning::is_afterwards,
    ledger::Reservation,
    network::OpenPages,
    port::JournalError,
    recorder::{Mode, RecordError, Recorder},
    scope::Scope,
    task::TaskSettings,
};

/// The surroundings of those who look at a task after its end.
pub struct Afterwards {
    task: TaskId,
    recorder: Arc<Recorder>,
    gate: Arc<Gate>,
    meter: Arc<TurnMeter>,
}

impl Afterwards {
    /// Returns them for a task with this journal. What was spent is what the journal says.
    ///
    /// # Errors
    ///
    /// The journal does not begin with a task.
    pub fn new(
        task: &TaskId,
        entries: Vec<Entry>,
        policy: Policy,
        ports: &Ports,
    ) -> Result<Self, Paused> {
        let spent = spent(&entries);
        let limits = settings(&entries).unwrap_or(TaskSettings::STANDARD);
        let recorder = Arc::new(ports.recorder(task, Mode::Live, entries));
        let Some(fact::TaskStarted { task: mut begun, models, .. }) = recorder.recall(START) else {
            let what = "it does not begin with a task".to_owned();
            return Err(Paused::Record(RecordError::Journal(JournalError(what))));
        };
        begun.settings = limits;
        let (workspace, session) = (begun.workspace.clone(), begun.session.to_string());
        let policy = Policy { workspace, session, pages: OpenPages::default(), ..policy };
        let (approver, cancellation) = (ports.approver.clone(), ports.cancellation.clone());
        let gate = Arc::new(Gate::new(policy, approver, recorder.clone(), cancellation));
        let meter = Arc::new(TurnMeter::new(&begun, models, recorder.clone(), ports));
        meter.count(spent);
        Ok(Self { task: task.clone(), recorder, gate, meter })
    }

    /// Returns the scope of one look at the task.
    #[must_use]
    pub fn scope(&self, key: &str, deadline: Duration) -> Scope {
        Scope {
            task: self.task.clone(),
            key: key.to_owned(),
            deadline,
            gate: self.gate.clone(),
            turns: Arc::new(ComponentTurns::new(self.meter.clone(), key)),
            effects: Arc::new(EffectLog::new(self.recorder.clone(), key)),
            view: Arc::default(),
        }
    }

    /// Returns the number of turns that the look under this key has taken.
    #[must_use]
    pub fn turns(&self, key: &str) -> usize {
        self.recorder.recall_below::<fact::TurnStarted>(&format!("{key}/")).len()
    }

    /// Commits what was noted and waits.
    ///
    /// # Errors
    ///
    /// The journal cannot be written.
    pub fn close(&self) -> Result<(), RecordError> {
        self.recorder.commit_waiting()
    }
}

/// Returns what a task has taken: what its last end says, and what was taken after it.
fn spent(entries: &[Entry]) -> Reservation {
    entries.iter().fold(Reservation::default(), |spent, entry| match &entry.event {
        Event::TaskFinished { outcome } => outcome.spent,
        Event::TurnFinished { spent: turn, .. } | Event::TurnFailed { spent: turn, .. }
            if is_afterwards(&entry.key) =>
        {
            spent.plus(*turn)
        }
        _ => spent,
    })
}
