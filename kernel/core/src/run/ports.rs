//! The ports of one run.

use std::sync::Arc;

use crate::{
    evaluators::Evaluators,
    port::{Approver, Cancellation, Clock, Journal, Listener, Model, Workspace},
    toolbox::Toolbox,
};

/// Everything that a run needs.
#[derive(Clone)]
pub struct Ports {
    /// Models.
    pub model: Arc<dyn Model>,
    /// Tools.
    pub toolbox: Arc<dyn Toolbox>,
    /// Evaluators.
    pub evaluators: Arc<dyn Evaluators>,
    /// The directory.
    pub workspace: Arc<dyn Workspace>,
    /// The record.
    pub journal: Arc<dyn Journal>,
    /// The person to ask.
    pub approver: Arc<dyn Approver>,
    /// Whoever watches.
    pub listener: Arc<dyn Listener>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The user's wish to stop.
    pub cancellation: Arc<dyn Cancellation>,
}
