//! A running program, as its caller holds it.

use super::sweep::Group;
use super::{Happening, ProcessError};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};

/// A running program. Dropping it kills its whole group.
#[derive(Debug)]
pub struct Child {
    pub(super) happenings: mpsc::Receiver<Happening>,
    pub(super) kill: Arc<Notify>,
    pub(super) group: Arc<Group>,
}

impl Child {
    /// Returns what happened next, or nothing after [`Happening::Exited`].
    ///
    /// # Errors
    ///
    /// None today; a program cannot be lost once it runs.
    pub async fn next(&mut self) -> Result<Option<Happening>, ProcessError> {
        Ok(self.happenings.recv().await)
    }

    /// Kills the whole group. [`Child::next`] then returns what was still written, and the exit.
    pub fn kill(&self) {
        self.kill.notify_one();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.group.kill();
    }
}
