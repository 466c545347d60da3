//! Files that a surface writes for the user.

use std::path::Path;

use openkoi_brokers::durable;

pub use openkoi_brokers::durable::DurableError;

/// Replaces a file in one step: after a crash it has its old contents or these.
///
/// # Errors
///
/// The old contents are still there.
pub fn put(path: &Path, bytes: &[u8], mode: u32) -> Result<(), DurableError> {
    durable::put_atomic(path, bytes, mode)
}

/// Makes a directory, and those above it, for their owner alone.
///
/// # Errors
///
/// When it cannot be made.
pub fn create_private_directory(path: &Path) -> Result<(), DurableError> {
    durable::create_private_dir(path)
}
