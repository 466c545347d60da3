//! Files that a surface reads and writes for the user.

use std::path::Path;

use openkoi_brokers::{disk, durable};
use rustix::fs::{Access, access};

pub use openkoi_brokers::{disk::*, durable::DurableError, within::read_text as read_text_within};

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

/// Returns why [`put`] would not be able to write `path`, in a few words. Nothing is written.
///
/// # Errors
///
/// When there is no such directory, it may not be written, or there is something else than a file in the place.
pub fn check_writable(path: &Path) -> Result<(), String> {
    match disk::kind(path) {
        Some(disk::FileKind::Directory) => return Err("it is a directory".to_owned()),
        Some(disk::FileKind::File) | None => {}
        Some(_) => return Err("it is not a regular file".to_owned()),
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or_else(|| Path::new("."));
    if !disk::is_directory(directory) {
        return Err(format!("there is no directory `{}`", directory.display()));
    }
    access(directory, Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
        format!("the directory cannot be written ({})", std::io::Error::from(error))
    })
}
