//! The ports of one run.

use std::sync::Arc;

use crate::{
    agencies::Agencies,
    evaluators::Evaluators,
    event::Entry,
    id::TaskId,
    port::{
        Approver, Cancellation, Clock, Journal, Listener, Model, ResultSchema, Steering, Workspace,
    },
    recorder::{Mode, Recorder},
    toolbox::Toolbox,
};

/// Everything that a run needs from outside.
#[derive(Clone)]
pub struct Ports {
    /// Models of all roles.
    pub model: Arc<dyn Model>,
    /// Tools that the run may use.
    pub toolbox: Arc<dyn Toolbox>,
    /// Evaluators that the run may ask.
    pub evaluators: Arc<dyn Evaluators>,
    /// Agencies that deliberate.
    pub agencies: Arc<dyn Agencies>,
    /// Directory that the task works on.
    pub workspace: Arc<dyn Workspace>,
    /// Record of the run.
    pub journal: Arc<dyn Journal>,
    /// Person who answers questions of policy.
    pub approver: Arc<dyn Approver>,
    /// Watcher of the run.
    pub listener: Arc<dyn Listener>,
    /// Clock of the run.
    pub clock: Arc<dyn Clock>,
    /// The user's wish to stop.
    pub cancellation: Arc<dyn Cancellation>,
    /// Person who may say something while the run goes on.
    pub steering: Option<Arc<dyn Steering>>,
    /// The form that the result has to have, if one was asked for.
    pub result: Option<Arc<dyn ResultSchema>>,
}

impl Ports {
    /// Returns a recorder for a task whose journal holds `entries` so far.
    pub(super) fn recorder(&self, task: &TaskId, mode: Mode, entries: Vec<Entry>) -> Recorder {
        let (journal, listener) = (self.journal.clone(), self.listener.clone());
        Recorder::new(task.clone(), mode, entries, journal, listener, self.clock.clone())
    }
}
