//! The process broker.

use super::find::find;
use super::output_room::OutputRoom;
use super::settings::Probe;
use super::spawn::spawn;
use super::tried::Tried;
use super::{
    Child, Command, Escape, ProcessError, ProcessSettings, SandboxMode, SandboxPart, SandboxReport,
    attempts, left, sandbox,
};
use crate::layer::{Layer, LayerError};
use crate::scratch::{Scratch, ScratchError, ScratchLimits};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The process broker. Clones share its settings.
#[derive(Debug, Clone)]
pub struct Processes {
    settings: Arc<ProcessSettings>,
    probe: Probe,
    tried: Option<Tried>,
    /// What of outputs is kept, once a program runs.
    room: Arc<OnceLock<OutputRoom>>,
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
        Self { settings: Arc::new(settings), probe, tried: None, room: Arc::default() }
    }

    /// Has what is forbidden tried from inside of the sandbox before the first program is started, and remembered in `file`
    /// for as long as this kernel runs. What could be done has its [`Consequence`](super::Consequence).
    #[must_use]
    pub fn trying_out(self, file: PathBuf) -> Self {
        Self { tried: Some(Tried::new(file)), ..self }
    }

    /// Starts a program.
    ///
    /// # Errors
    ///
    /// Nothing was started.
    pub async fn spawn(&self, command: Command) -> Result<Child, ProcessError> {
        let probe = match (&self.tried, self.settings.sandbox) {
            (Some(tried), SandboxMode::Required) => tried.probe(&self.settings, self.probe)?,
            _ => self.probe,
        };
        let room = self.room.get_or_init(|| {
            let limits = self.settings.limits;
            OutputRoom::beside(limits.output, limits.outputs, &self.settings.spool)
        });
        spawn(&self.settings, probe, command, room.clone()).await
    }

    /// Ends what processes that are gone have left behind: programs that outlived them, and temporary directories.
    pub fn end_left(&self) {
        left::end(&self.settings.temporary);
    }

    /// Tells whether a program of this name is on the path, outside of `workspace`. Runs nothing.
    #[must_use]
    pub fn exists(&self, program: &str, workspace: &Path) -> bool {
        find(program, &self.settings, workspace).is_some()
    }

    /// Makes a layer over `workspace`, in a directory of its own below `base`, for [`Command::layer`]. `base` should be on
    /// the same file system. `through` are directories of the workspace that stay the real ones. Blocks for some
    /// milliseconds, in which the layer is tried.
    ///
    /// # Errors
    ///
    /// [`LayerError::Unavailable`] if there can be none here. A walk of the workspace has to do then.
    pub fn layer(
        &self,
        base: &Path,
        workspace: &Path,
        through: Vec<PathBuf>,
    ) -> Result<Layer, LayerError> {
        sandbox::layer(&self.settings, self.probe, base, workspace, through)
    }

    /// Copies `workspace` into a directory of its own below `base`, for [`Command::move_into`]. Blocks for as long as that
    /// takes.
    ///
    /// # Errors
    ///
    /// There can be no copy, or it would cost more than `limits`. Without a sandbox there is none: nothing would keep
    /// programs in it from the workspace itself.
    pub fn copy(
        &self,
        base: &Path,
        workspace: &Path,
        limits: ScratchLimits,
    ) -> Result<Scratch, ScratchError> {
        if self.settings.sandbox == SandboxMode::Off {
            let reason = "without a sandbox nothing keeps programs from the files as they are";
            return Err(ScratchError::Unavailable { reason: reason.to_owned() });
        }
        Scratch::create(base, workspace, &self.settings.secret, limits)
    }

    /// Finds out whether programs can run over a layer here, by mounting one in a process that then ends, once.
    ///
    /// # Errors
    ///
    /// The reason why not, in one sentence.
    pub fn layers(&self) -> Result<(), String> {
        sandbox::layers(&self.settings, self.probe)
    }

    /// Returns the abilities of the sandbox on this machine, as far as no process has to be started to know them: not
    /// [`Processes::layers`] nor [`Processes::loopback`].
    #[must_use]
    pub fn sandbox_level(&self) -> SandboxReport {
        sandbox::report(self.probe)
    }

    /// Finds out whether a program has processes of its own here, which end with it, and sees no others.
    ///
    /// # Errors
    ///
    /// The reason why not, in one sentence.
    pub fn own_processes(&self) -> Result<(), String> {
        sandbox::own_processes(self.probe)
    }

    /// Tries from inside of the sandbox what is forbidden, in a process that then ends, and returns what could be done. Blocks
    /// for some ten milliseconds.
    ///
    /// # Errors
    ///
    /// The reason why it could not be tried.
    pub fn escapes(&self) -> Result<Vec<Escape>, String> {
        match &self.tried {
            Some(tried) => tried.anew(&self.settings, self.probe),
            None => attempts::escapes(&self.settings, self.probe),
        }
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
