//! Errors of schedules.

use std::{io, path::PathBuf};

/// Why words are no plan, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlanError(pub(super) String);

/// Why a schedule does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// Its words are no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Its time zone is none.
    #[error(transparent)]
    Zone(PlanError),
    /// It was made by another version.
    #[error("what schedule {0} says cannot be read: another version of openkoi made it")]
    Unreadable(String),
    /// The files that it is to watch are not there.
    #[error("`{}` cannot be watched: {source}", path.display())]
    Unwatched {
        /// The path.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Its run before goes on.
    #[error("its run {0} still goes on")]
    Overlaps(String),
    /// The money of its day is spent.
    #[error("its runs of today cost ${spent:.2}, and ${limit:.2} is the most of a day")]
    Spent {
        /// What they cost, in US dollars.
        spent: f64,
        /// The limit.
        limit: f64,
    },
}
