//! The learners that look at finished tasks.

use crate::{
    failure::Failure,
    learning::{Lesson, SeenTask},
    port::Pending,
    scope::Scope,
};

/// Those who look at a finished task and say what it taught. The loop does not ask them: it is over by then.
pub trait Learners: Send + Sync {
    /// Returns their names, sorted.
    fn names(&self) -> Vec<String>;

    /// Returns whether a learner can be asked at once. Otherwise the first call makes it ready, which takes up to a second.
    fn is_ready(&self, learner: &str) -> bool;

    /// Makes a learner ready.
    ///
    /// # Errors
    ///
    /// It cannot be used.
    fn prepare(&self, learner: &str) -> Result<(), Failure>;

    /// Has a learner look at a finished task.
    fn observe<'a>(
        &'a self,
        learner: &'a str,
        seen: &'a SeenTask,
        scope: Scope,
    ) -> Pending<'a, Result<Lesson, Failure>>;
}
