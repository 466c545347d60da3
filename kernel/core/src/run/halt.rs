//! The two ways in which the loop leaves its normal path: a breaker trips, or the run pauses.

use crate::{
    approval::ApprovalRequest,
    model::ModelError,
    outcome::{Pause, Trip},
    port::{JournalError, WorkspaceError},
    recorder::RecordError,
};

/// Reason why a run stopped before its end. It can be resumed, unless the journal itself is the trouble.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Paused {
    /// The user cancelled the run.
    #[error("cancelled")]
    Cancelled,
    /// A person has to answer a question, and nobody was there.
    #[error("`{}` on {:?} needs an approval", .0.action, .0.target)]
    Approval(Box<ApprovalRequest>),
    /// A model could not answer.
    #[error("{0}")]
    Model(ModelError),
    /// The workspace cannot be read or written.
    #[error("the workspace: {0}")]
    Workspace(#[from] WorkspaceError),
    /// The journal cannot be read or written, or a replay differs from it.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl From<JournalError> for Paused {
    fn from(error: JournalError) -> Self {
        Self::Record(error.into())
    }
}

impl Paused {
    /// Returns the reason as data, for the journal.
    pub(super) fn cause(&self) -> Pause {
        match self {
            Self::Cancelled => Pause::Cancelled,
            Self::Approval(request) => Pause::Question { request: request.clone() },
            // What had arrived stands in the journal already.
            Self::Model(error) => {
                Pause::Model { error: ModelError { received: None, ..error.clone() } }
            }
            Self::Workspace(_) | Self::Record(_) => Pause::Fault { message: self.to_string() },
        }
    }
}

/// Reason why the loop left its normal path.
pub(super) enum Halt {
    Trip(Trip),
    Paused(Paused),
}

impl<E: Into<Paused>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Paused(error.into())
    }
}
