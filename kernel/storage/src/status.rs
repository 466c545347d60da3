//! The status of a task, as the journal's events make it.

use openkoi_core::outcome::{Ending, Pause};
use serde::{Deserialize, Serialize};

/// The reason of a pause that means, in a journal of version 0.1: the user cancelled. With any other reason the task
/// waits for a person.
const CANCELLED: &str = "cancelled";

/// The event that, right before such a pause, means: no model answered.
const FAILED: &str = "turn.failed";

/// The status of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It waits for the daemon. The database says what was before; that it is in the queue tells.
    Queued,
    /// Somebody works on it.
    Running,
    /// Its process died. It can be resumed. The database says that it runs; that nobody has its lease tells.
    Interrupted,
    /// Its work was accepted.
    Accepted,
    /// It ended without being accepted.
    Stopped,
    /// The user ended it. It can be resumed.
    Cancelled,
    /// It waits for a person: for an answer, or for a limit to be raised. It can be resumed.
    Paused,
    /// The model could not answer. It can be resumed.
    Failed,
}

impl TaskStatus {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Running,
        Self::Interrupted,
        Self::Accepted,
        Self::Stopped,
        Self::Cancelled,
        Self::Paused,
        Self::Failed,
    ];

    /// Returns the word for the status.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Accepted => "accepted",
            Self::Stopped => "stopped",
            Self::Cancelled => "cancelled",
            Self::Paused => "paused",
            Self::Failed => "failed",
        }
    }

    /// Returns whether nothing can follow.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Accepted | Self::Stopped)
    }

    /// Returns the status of a run that ended so.
    pub fn of(ending: &Ending) -> Self {
        match ending {
            Ending::Accepted => Self::Accepted,
            Ending::Exhausted
            | Ending::Stalled { .. }
            | Ending::Vetoed { .. }
            | Ending::Simulated
            | Ending::Tripped { .. } => Self::Stopped,
        }
    }

    /// Returns the status of a run that paused. Journals of version 0.1 have no cause: there the reason in words and
    /// the name of the event before it tell.
    pub fn of_pause(cause: Option<&Pause>, reason: &str, last: &str) -> Self {
        match (cause, reason, last) {
            (Some(Pause::Cancelled), ..) | (None, CANCELLED, _) => Self::Cancelled,
            (Some(Pause::Model { .. }), ..) | (None, _, FAILED) => Self::Failed,
            _ => Self::Paused,
        }
    }

    pub(crate) fn from_column(word: &str) -> rusqlite::Result<Self> {
        let found = Self::ALL.into_iter().find(|status| status.word() == word);
        found.ok_or_else(|| unknown_word(word))
    }
}

pub(crate) fn unknown_word(word: &str) -> rusqlite::Error {
    let message = format!("the word `{word}` is not known");
    let kind = rusqlite::types::Type::Text;
    rusqlite::Error::FromSqlConversionFailure(0, kind, message.into())
}
