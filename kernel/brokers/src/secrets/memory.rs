//! The memory of this process, closed to others before it holds the first secret.

use std::io;

/// Closes the memory of this process to others of the same user, and keeps it out of core files. To be called
/// once, before the first secret is read.
///
/// # Errors
///
/// The system refused, and the memory can be read like that of any other process.
#[cfg(target_os = "linux")]
pub fn close_memory() -> io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Keeps the memory of this process out of core files. To be called once, before the first secret is read.
///
/// # Errors
///
/// The system refused.
#[cfg(not(target_os = "linux"))]
pub fn close_memory() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    Ok(setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?)
}
