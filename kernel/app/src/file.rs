//! Files that a surface reads and writes for the user.

use std::path::Path;

use openkoi_brokers::durable;

pub use openkoi_brokers::{disk::*, durable::DurableError};

/// Replaces a file in one step: after a crash it has either its old contents or the new ones.
///
/// # Errors
///
/// When the file cannot be written. It keeps its old contents then.
pub fn put(path: &Path, bytes: &[u8], mode: u32) -> Result<(), DurableError> {
    durable::put_atomic(path, bytes, mode)
}

/// Makes a directory, and those above it, for their owner alone.
///
/// # Errors
///
/// When the directory cannot be made.
pub fn create_private_directory(path: &Path) -> Result<(), DurableError> {
    durable::create_private_dir(path)
}
