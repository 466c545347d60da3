//! The state that the phases of a run share.

use std::{collections::HashMap, sync::Arc};

use super::{attempt::Attempt, halt::Paused, meter::TurnMeter, ports::Ports};
use crate::{
    contract::{Contract, Repair},
    evaluation::{Check, EvaluatorCard, Rubric},
    event::Event,
    gate::{Gate, Policy},
    id::TreeId,
    port::JournalError,
    recorder::{RecordError, Recorder},
    task::Task,
    tool::Tool,
};

/// Key of the first facts of a run.
pub(super) const START: &str = "start";

/// Key of the last facts of a run.
pub(super) const END: &str = "end";

/// A run under way.
pub(super) struct Run {
    pub(super) task: Task,
    pub(super) tools: Vec<Tool>,
    pub(super) evaluators: Vec<EvaluatorCard>,
    pub(super) overview: String,
    pub(super) instructions: String,
    pub(super) ports: Ports,
    pub(super) recorder: Arc<Recorder>,
    pub(super) gate: Arc<Gate>,
    pub(super) meter: Arc<TurnMeter>,
    pub(super) contract: Contract,
    pub(super) rubric: Option<Rubric>,
    /// The untouched tree, once something was about to change.
    pub(super) first_tree: Option<TreeId>,
    pub(super) baseline: Vec<Check>,
    pub(super) attempts: Vec<Attempt>,
    /// Steps that evaluations added to the plan.
    pub(super) repairs: Vec<Repair>,
    pub(super) repeats: HashMap<(String, String), u32>,
}

impl Run {
    /// Begins with the first fact of the journal.
    pub(super) fn begin(
        recorder: Arc<Recorder>,
        policy: Policy,
        ports: Ports,
    ) -> Result<Self, Paused> {
        let Some(Event::TaskStarted { task, models, overview, instructions, tools, evaluators }) =
            recorder.recall(START, "task.started")
        else {
            return Err(Paused::Record(RecordError::Journal(JournalError(
                "it does not begin with a task".to_owned(),
            ))));
        };
        let (workspace, session) = (task.workspace.clone(), task.session.to_string());
        let policy = Policy { workspace, session, ..policy };
        let (approver, cancellation) = (ports.approver.clone(), ports.cancellation.clone());
        let gate = Arc::new(Gate::new(policy, approver, recorder.clone(), cancellation));
        let meter = Arc::new(TurnMeter::new(&task, models, recorder.clone(), &ports));
        Ok(Self {
            task: *task,
            tools,
            evaluators,
            overview,
            instructions,
            ports,
            recorder,
            gate,
            meter,
            contract: Contract::none(),
            rubric: None,
            first_tree: None,
            baseline: Vec::new(),
            attempts: Vec::new(),
            repairs: Vec::new(),
            repeats: HashMap::new(),
        })
    }
}
