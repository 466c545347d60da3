//! What was said, and what became of it.

use openkoi_figures::work::Work;
use openkoi_sdk::records::Assessment;

/// What was said, and what became of it.
pub(crate) struct Known {
    pub(crate) works: Vec<Work>,
    /// The newest first.
    pub(crate) assessments: Vec<Assessment>,
}
