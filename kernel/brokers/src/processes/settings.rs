//! The settings of all programs.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Whether programs run in the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SandboxMode {
    /// They do. If the sandbox cannot be set up, they are not started.
    #[default]
    Required,
    /// They do not, because the user set `sandbox = "off"`.
    Off,
}

/// The settings of all programs.
#[derive(Debug, Clone)]
pub struct ProcessSettings {
    /// A snapshot of the host's environment. The variables of an allow-list are passed on.
    pub environment: Arc<HashMap<OsString, OsString>>,
    /// The directory in which each program gets a temporary directory of its own. Created closed to others.
    pub temporary: PathBuf,
    /// The directory in which output is kept that was not delivered. Created closed to others.
    pub spool: PathBuf,
    /// Toolchains and caches that every program may read.
    pub read: Vec<PathBuf>,
    /// Paths that no program may read, even below one that it may.
    pub secret: Vec<PathBuf>,
    /// The directory for what programs write into caches of tools. Created closed to others. Without one, caches are
    /// as the rest of the system is.
    pub caches: Option<PathBuf>,
    /// The file of the certificates that programs trust, where the user named more than the system has. Every program may
    /// read it.
    pub certificates: Option<PathBuf>,
    /// The most that one program and what it starts may have, where that can be watched.
    pub limits: ProgramLimits,
    /// Whether the sandbox is required.
    pub sandbox: SandboxMode,
}

/// The most that one program may have, with everything that it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramLimits {
    /// Memory, in bytes.
    pub memory: u64,
    /// Processes at once.
    pub processes: u32,
    /// What it writes into its layer and its temporary directory, in bytes.
    pub disk: u64,
    /// What of its output is kept in a file, in bytes.
    pub output: u64,
    /// What is kept so of the outputs of all programs of one broker, in bytes; of all that is in the directory, four times that.
    pub outputs: u64,
}

impl Default for ProgramLimits {
    /// Three quarters of this machine's memory, and more processes, files and output than a build has.
    fn default() -> Self {
        Self {
            memory: memory() / 4 * 3,
            processes: 4096,
            disk: 20 << 30,
            output: 1 << 30,
            outputs: 4 << 30,
        }
    }
}

/// Returns how much memory this machine has, in bytes.
#[cfg(target_os = "linux")]
fn memory() -> u64 {
    let system = rustix::system::sysinfo();
    system.totalram.saturating_mul(u64::from(system.mem_unit))
}

/// Nobody watches over it here.
#[cfg(not(target_os = "linux"))]
fn memory() -> u64 {
    u64::MAX
}

/// A part of the sandbox that a system may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SandboxPart {
    /// The confinement of files. Without it nothing is started.
    Files,
    /// A network of the program's own. Without it a program has no network.
    Loopback,
    /// Processes of the program's own. Without them it sees others, and has no limit of memory.
    Pids,
    /// Layers over the workspace. Without them, what a program changed is found by a walk.
    Layers,
}

/// A check that must succeed before a part of the sandbox is set up. A test makes it fail to have a system that lacks
/// the part.
pub(super) type Probe = fn(SandboxPart) -> io::Result<()>;
