//! A running program, as its caller holds it.

use super::Happening;
use super::sweep::Group;
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
    /// Returns the next event; nothing after [`Happening::Exited`].
    pub async fn next(&mut self) -> Option<Happening> {
        self.happenings.recv().await
    }

    /// Kills the whole group. [`Child::next`] then returns the rest of the output, and the exit.
    pub fn kill(&self) {
        self.kill.notify_one();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.group.kill();
    }
}
