//! The records and the memory of somebody who has done nothing yet, for who opens no storage.

use crate::{
    failure::Failure,
    memory::Learning,
    port::{Recall, Records},
    records::{
        PastAssessment, PastCall, PastCheck, PastCommand, PastDecision, PastFile, PastIteration,
        PastReaction, PastSpending, PastTask, PastVerdict, RecordQuery, ShownLearning,
    },
};

/// Records and memory in which there is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unrecorded;

impl Recall for Unrecorded {
    fn recall(&self, _: &str, _: &str, _: usize) -> Result<Vec<(Learning, f64)>, Failure> {
        Ok(Vec::new())
    }
}

/// Implements functions of [`Records`] that return nothing.
macro_rules! nothing {
    ($($function:ident -> $record:ident),* $(,)?) => {$(
        fn $function(&self, _: &RecordQuery) -> Result<Vec<$record>, Failure> {
            Ok(Vec::new())
        }
    )*};
}

impl Records for Unrecorded {
    nothing! {
        tasks -> PastTask,
        iterations -> PastIteration,
        calls -> PastCall,
        decisions -> PastDecision,
        verdicts -> PastVerdict,
        spendings -> PastSpending,
        commands -> PastCommand,
        checks -> PastCheck,
        changed_files -> PastFile,
        reactions -> PastReaction,
        shown_learnings -> ShownLearning,
        assessments -> PastAssessment,
    }
}
