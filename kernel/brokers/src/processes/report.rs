//! The abilities of the sandbox on this machine.

/// The abilities of the sandbox on this machine, for `doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxReport {
    /// True if programs are started at all where a sandbox is required.
    pub available: bool,
    /// The part that confines files, with its version.
    pub files: Option<String>,
    /// Whether the network can be closed.
    pub network: bool,
    /// Whether signals and abstract sockets stay inside.
    pub scopes: bool,
    /// For each part that is missing, a sentence on why and what to do.
    pub notes: Vec<String>,
}
