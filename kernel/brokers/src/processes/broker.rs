//! The process broker.

use super::find::find;
use super::settings::Probe;
use super::spawn::spawn;
use super::{Child, Command, ProcessError, ProcessSettings, SandboxPart, SandboxReport, sandbox};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// The process broker. Clones share its settings.
#[derive(Debug, Clone)]
pub struct Processes {
    settings: Arc<ProcessSettings>,
    probe: Probe,
}

impl Processes {
    /// Makes a broker. Nothing is created or started.
    #[must_use]
    pub fn new(settings: ProcessSettings) -> Self {
        Self::with_probe(settings, |_| Ok(()))
    }

    /// As [`Processes::new`], with a check that must succeed before each part of the sandbox is set up. A test makes it
    /// fail to have a system that lacks the part.
    #[must_use]
    pub fn with_probe(settings: ProcessSettings, probe: fn(SandboxPart) -> io::Result<()>) -> Self {
        Self { settings: Arc::new(settings), probe }
    }

    /// Starts a program.
    ///
    /// # Errors
    ///
    /// Nothing was started.
    pub async fn spawn(&self, command: Command) -> Result<Child, ProcessError> {
        spawn(&self.settings, self.probe, command).await
    }

    /// Tells whether a program of this name is on the path, outside of `workspace`. Runs nothing.
    #[must_use]
    pub fn exists(&self, program: &str, workspace: &Path) -> bool {
        find(program, &self.settings, workspace).is_some()
    }

    /// Returns the abilities of the sandbox on this machine. Nothing is started.
    #[must_use]
    pub fn sandbox_level(&self) -> SandboxReport {
        sandbox::report(self.probe)
    }

    /// Finds out whether a program without the host's network gets one with loopback of its own, by making one in a
    /// process that then ends.
    ///
    /// # Errors
    ///
    /// The reason why not, in one sentence. Programs have no sockets at all then.
    pub fn loopback(&self) -> Result<(), String> {
        sandbox::loopback(self.probe)
    }
}
