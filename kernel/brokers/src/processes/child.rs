//! A running program, as its caller holds it.

use super::sweep::Group;
use super::{Happening, ProgramView};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc};

/// A running program. Dropping it kills its whole group.
#[derive(Debug)]
pub struct Child {
    pub(super) happenings: mpsc::Receiver<Happening>,
    pub(super) kill: Arc<Notify>,
    pub(super) group: Arc<Group>,
    pub(super) view: Option<ProgramView>,
    pub(super) saved: Option<PathBuf>,
}

impl Child {
    /// Returns the next event; nothing after [`Happening::Exited`].
    pub async fn next(&mut self) -> Option<Happening> {
        self.happenings.recv().await
    }

    /// Returns the inside of a program in the background that runs over a layer, where there is one.
    #[must_use]
    pub fn view(&self) -> Option<&ProgramView> {
        self.view.as_ref()
    }

    /// Returns the file in which a program in the background finds all its output kept.
    #[must_use]
    pub fn saved(&self) -> Option<&Path> {
        self.saved.as_deref()
    }

    /// Returns what kills the program when it is called, wherever this value is then.
    #[must_use]
    pub fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.kill))
    }

    /// Kills the whole group. [`Child::next`] then returns the rest of the output, and the exit.
    pub fn kill(&self) {
        self.kill.notify_one();
    }
}

/// Kills a program from elsewhere.
#[derive(Debug, Clone)]
pub struct Killer(Arc<Notify>);

impl Killer {
    /// Kills the whole group. One in the background is asked to end first, for a moment.
    pub fn kill(&self) {
        self.0.notify_one();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.group.kill();
    }
}
