//! What no program may do, as a child that tries it from inside tells it.

use serde::{Deserialize, Serialize};

/// Something that a program in the sandbox was seen to do although it must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Escape {
    /// It changed, made or removed a file outside of its places.
    Write,
    /// It opened a place of secrets.
    Read,
    /// It looked into the memory or the environment of another process.
    Memory,
    /// A call went through that leads around the rules over files and processes.
    Kernel,
    /// It reached a port of this machine, or a socket of another program.
    Network,
    /// It changed the mode, the times or the attributes of a file outside of its places.
    Metadata,
    /// It could send a signal to another process.
    Signals,
    /// It could read or set limits, processors or the priority of another process.
    Limits,
    /// It saw the shared memory of other programs.
    Shared,
}

/// What follows from an escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// No program is started.
    NotStarted,
    /// Programs have no sockets.
    NoSockets,
    /// It is said.
    Said,
}

impl Escape {
    /// Every escape.
    pub const ALL: &[Self] = &[
        Self::Write,
        Self::Read,
        Self::Memory,
        Self::Kernel,
        Self::Network,
        Self::Metadata,
        Self::Signals,
        Self::Limits,
        Self::Shared,
    ];

    /// Says what a program can do, as the end of a sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Write => "write to files that are not its own",
            Self::Read => "read places of secrets",
            Self::Memory => "read the memory of other processes",
            Self::Kernel => "make calls that lead around the sandbox",
            Self::Network => "reach servers of this machine",
            Self::Metadata => "change modes and times of files that it may not write",
            Self::Signals => "send signals to other processes of yours",
            Self::Limits => "set limits and priorities of other processes of yours",
            Self::Shared => "see shared memory of other programs of yours",
        }
    }

    /// Returns what follows from it.
    #[must_use]
    pub const fn consequence(self) -> Consequence {
        match self {
            Self::Write | Self::Read | Self::Memory | Self::Kernel => Consequence::NotStarted,
            Self::Network => Consequence::NoSockets,
            Self::Metadata | Self::Signals | Self::Limits | Self::Shared => Consequence::Said,
        }
    }

    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing is tried here"))]
    pub(super) const fn bit(self) -> u32 {
        1 << self as u32
    }
}
