//! Programs in the sandbox of the operating system.
//!
//! A program is an argument vector, never a line for a shell. It starts in a session of its own, without a
//! terminal, with an environment made here, and on Linux under Landlock (files), in a network namespace, and
//! under seccomp (sockets and the calls that no build tool needs). If that cannot be set up nothing is started.
//!
//! # What is enforced
//!
//! | | |
//! |---|---|
//! | reads | system directories, toolchains and the workspace; never [`ProcessSettings::secret`] |
//! | writes | the workspace, a temporary directory of its own, [`Command::write`] |
//! | network | its own, with loopback and nothing else; where the system has no namespace for it, no sockets at all |
//! | network with [`Command::network`] | the host's: internet sockets, never local ones (a container daemon listens there) |
//! | other processes | signals and abstract sockets stay inside where the kernel can (Landlock ABI 6) |
//! | resources | file size, descriptors, core files; a deadline for the whole group |
//!
//! Landlock only adds rights: inside the workspace it cannot take `.git` or `.openkoi` away again, and rights
//! given entry by entry would not cover new files. So a program *can* change control files of the workspace. They
//! are therefore part of every snapshot ([`crate::snapshot`]), work that changes them waits for a person, and
//! undoing it takes the change away. What a program can never do is reach the control files of
//! another directory. A workspace that itself holds a secret place is granted entry by entry: there, a
//! program cannot make new entries at the top.
//!
//! | module | does |
//! |---|---|
//! | `find`, `environment` | the program on the path, and the variables it sees |
//! | `spawn` | everything prepared in the parent, then the session, limits and sandbox in the child |
//! | `sandbox/rules` | files: Landlock |
//! | `sandbox/namespace` | the network of its own, and what making one needs |
//! | `sandbox/calls` | system calls and kinds of sockets: seccomp |
//! | `follow`, `output`, `sweep` | what it says, its deadline, and the end of its whole group |

mod child;
mod environment;
mod find;
mod follow;
mod output;
#[cfg(target_os = "linux")]
mod sandbox;
#[cfg(target_os = "macos")]
#[path = "processes/sandbox_macos.rs"]
mod sandbox;
mod spawn;
mod sweep;

pub use child::Child;

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What to run.
#[derive(Debug, Clone)]
pub struct Command {
    /// The program's name, found on the path of [`ProcessSettings::environment`].
    pub program: String,
    /// Its arguments, never seen by a shell.
    pub arguments: Vec<String>,
    /// The directory it may write below, absolute.
    pub workspace: PathBuf,
    /// Where it starts, absolute and inside the workspace.
    pub directory: PathBuf,
    /// Variables on top of the allowed ones. Those that change how programs load code are refused.
    pub environment: Vec<(String, String)>,
    /// What it reads; absent, nothing.
    pub input: Option<Vec<u8>>,
    /// When the whole group is killed.
    pub deadline: Option<Duration>,
    /// Further places that it may read.
    pub read: Vec<PathBuf>,
    /// Further places that it may read and write.
    pub write: Vec<PathBuf>,
    /// Whether it gets the host's network. Without, it reaches nobody but itself.
    pub network: bool,
    /// How many bytes of output are delivered as they come, and how many of the newest at the end.
    pub keep: u64,
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
            deadline: None,
            read: Vec::new(),
            write: Vec::new(),
            network: false,
            keep: 256 * 1024,
        }
    }
}

/// Whether programs run in the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SandboxMode {
    /// They do, or they do not run.
    #[default]
    Required,
    /// The user said `sandbox = "off"`.
    Off,
}

/// What all programs have in common.
#[derive(Debug, Clone)]
pub struct ProcessSettings {
    /// A snapshot of the host's environment; of it, only an allow-list is passed on.
    pub environment: Arc<HashMap<OsString, OsString>>,
    /// Where each program gets a temporary directory of its own. Created closed to others.
    pub temporary: PathBuf,
    /// Where output is kept that was not delivered. Created closed to others.
    pub spool: PathBuf,
    /// Toolchains and caches that every program may read.
    pub read: Vec<PathBuf>,
    /// Places that no program may read, even below one that it may.
    pub secret: Vec<PathBuf>,
    /// Whether the sandbox is required.
    pub sandbox: SandboxMode,
}

/// Why a program was not started, or could not be followed.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// There is no such program.
    #[error("there is no program `{program}` on the path")]
    NotFound {
        /// Its name.
        program: String,
    },
    /// Something about the command is refused. Nothing was started.
    #[error("{what} is not allowed")]
    Denied {
        /// What was refused.
        what: String,
    },
    /// The sandbox cannot be set up. Nothing was started.
    #[error(
        "the sandbox cannot be set up: {reason}; {fix}, or set `sandbox = \"off\"` to run programs without one"
    )]
    Sandbox {
        /// Which part, and why.
        reason: String,
        /// What a person can do about it.
        fix: &'static str,
    },
    /// The system could not.
    #[error("cannot {act} `{program}`")]
    Io {
        /// What was tried.
        act: &'static str,
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
}

/// What a program does, in the order in which it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// Bytes on its standard output, at most 64 KiB.
    Stdout(Vec<u8>),
    /// Bytes on its standard error, at most 64 KiB.
    Stderr(Vec<u8>),
    /// It ended; nothing follows.
    Exited(Exit),
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// The exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether it was killed at its deadline.
    pub timed_out: bool,
    /// How long it ran.
    pub duration: Duration,
    /// Where the complete output is kept, if more was written than was delivered.
    pub saved: Option<PathBuf>,
    /// Bytes of output that were not delivered.
    pub omitted: u64,
}

/// What the sandbox of this machine can do, for `doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxReport {
    /// Whether programs are started at all under [`SandboxMode::Required`].
    pub available: bool,
    /// The part that confines files, with its version.
    pub files: Option<String>,
    /// Whether the network can be closed.
    pub network: bool,
    /// Whether signals and abstract sockets stay inside.
    pub scopes: bool,
    /// Why something is missing, and what to do, one sentence each.
    pub notes: Vec<String>,
}

/// A part of the sandbox that a system may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What confines files. Without it nothing is started.
    Files,
    /// A network of the program's own. Without it a program has none.
    Loopback,
}

/// The process broker. Clones share its settings.
#[derive(Debug, Clone)]
pub struct Processes {
    settings: Arc<ProcessSettings>,
    probe: fn(Part) -> io::Result<()>,
}

impl Processes {
    /// Makes a broker. Nothing is created or started.
    #[must_use]
    pub fn new(settings: ProcessSettings) -> Self {
        Self::with_probe(settings, |_| Ok(()))
    }

    /// As [`Processes::new`], with a check that must succeed before each part of a sandbox is set up: how a
    /// test has a system that lacks it.
    #[must_use]
    pub fn with_probe(settings: ProcessSettings, probe: fn(Part) -> io::Result<()>) -> Self {
        Self { settings: Arc::new(settings), probe }
    }

    /// Starts a program.
    ///
    /// # Errors
    ///
    /// Nothing was started.
    pub async fn spawn(&self, command: Command) -> Result<Child, ProcessError> {
        spawn::spawn(self, command).await
    }

    /// Returns whether a program of this name is on the path, outside of `workspace`. Runs nothing.
    #[must_use]
    pub fn exists(&self, program: &str, workspace: &Path) -> bool {
        find::find(program, &self.settings, workspace).is_some()
    }

    /// Returns what the sandbox of this machine can do. Nothing is started.
    #[must_use]
    pub fn sandbox_level(&self) -> SandboxReport {
        sandbox::report(self)
    }

    /// Finds out whether a program has loopback of its own where the network is closed, by making one in a
    /// process that then ends.
    ///
    /// # Errors
    ///
    /// Why not, in one sentence. Programs have no sockets at all.
    pub fn loopback(&self) -> Result<(), String> {
        sandbox::loopback(self)
    }
}
