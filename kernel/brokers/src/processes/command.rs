//! One command.

use super::{Network, NetworkPlace, ProcessError};
use crate::layer::LayerMount;
use crate::scratch::ScratchCopy;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A program to run.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program's name. It is found on the path of the settings' environment.
    pub program: String,
    /// Its arguments. No shell sees them.
    pub arguments: Vec<String>,
    /// The directory it may write below, absolute.
    pub workspace: PathBuf,
    /// The directory it starts in, absolute and inside the workspace.
    pub directory: PathBuf,
    /// Variables on top of the allowed ones. Those that change how programs load code are refused.
    pub environment: Vec<(String, String)>,
    /// Its standard input; empty if absent.
    pub input: Option<Vec<u8>>,
    /// Whether both of its streams go into one pipe, so that all it says comes as standard output and in its order.
    pub one_stream: bool,
    /// The time after which the whole group is killed.
    pub deadline: Option<Duration>,
    /// Further paths that it may read.
    pub read: Vec<PathBuf>,
    /// Further paths that it may read and write.
    pub write: Vec<PathBuf>,
    /// What it reaches besides itself.
    pub network: Network,
    /// The number of bytes of output that are delivered as they come, and again of the newest at the end.
    pub keep: u64,
    /// The layer that it runs over, which is one over its workspace. Without one it writes in the workspace itself.
    pub layer: Option<LayerMount>,
    /// The copy that its workspace is. It does not see the workspace that this is a copy of.
    pub copy: Option<ScratchCopy>,
    /// Whether it goes on while others run: all of its output is delivered and kept in a file, and [`Child::view`] is
    /// there.
    ///
    /// [`Child::view`]: super::Child::view
    pub background: bool,
    /// Its place in a network that it shares.
    pub share: Option<NetworkPlace>,
}

impl Command {
    /// Makes a command with nothing but a program and its workspace.
    #[must_use]
    pub fn new(program: impl Into<String>, workspace: impl Into<PathBuf>) -> Self {
        let workspace = workspace.into();
        Self {
            program: program.into(),
            arguments: Vec::new(),
            directory: workspace.clone(),
            workspace,
            environment: Vec::new(),
            input: None,
            one_stream: false,
            deadline: None,
            read: Vec::new(),
            write: Vec::new(),
            network: Network::Closed,
            keep: 256 * 1024,
            layer: None,
            copy: None,
            background: false,
            share: None,
        }
    }

    /// Moves the command into a copy of its workspace.
    ///
    /// # Errors
    ///
    /// It does not start in the workspace.
    pub fn move_into(&mut self, copy: ScratchCopy) -> Result<(), ProcessError> {
        let below = self.directory.strip_prefix(&self.workspace).map(|below| copy.root.join(below));
        let outside = |_| ProcessError::Denied { what: "a start outside the workspace".to_owned() };
        self.directory = below.map_err(outside)?;
        self.workspace.clone_from(&copy.root);
        self.copy = Some(copy);
        Ok(())
    }

    /// Returns the workspace that the command is about, which it may run in a copy of.
    pub(super) fn original(&self) -> &Path {
        self.copy.as_ref().map_or(&self.workspace, |copy| &copy.original)
    }
}
