//! Files in the directories that the user granted. A path is relative to the workspace, with `/` between its
//! parts, or absolute inside another granted directory.
//!
//! The functions of this module ask the host. Code that should run in unit tests takes a [`FileSystem`]:
//! [`Host`] in the component, [`Memory`] in the test.

#[cfg(not(target_family = "wasm"))]
mod memory;
mod system;

use crate::{Result, bindings::host::openkoi::host::files, failure::hosted};

#[cfg(not(target_family = "wasm"))]
pub use memory::Memory;
pub use system::{CHUNK, Entry, FileSystem, Kind, Stat};

/// The host's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host;

impl FileSystem for Host {
    fn stat(&self, path: &str) -> Result<Stat> {
        hosted(|| files::stat(path))
    }

    fn read_range(&self, path: &str, offset: u64, length: u32) -> Result<Vec<u8>> {
        hosted(|| files::read(path, offset, length))
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>> {
        hosted(|| files::list(path))
    }

    fn write(&self, path: &str, contents: &[u8], expected: Option<&[u8]>) -> Result<()> {
        hosted(|| files::write(path, contents, expected))
    }

    fn create_directory(&self, path: &str) -> Result<()> {
        hosted(|| files::create_directory(path))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        hosted(|| files::rename(from, to))
    }

    fn remove(&self, path: &str) -> Result<()> {
        hosted(|| files::remove(path))
    }

    fn encoding(&self) -> Result<Option<String>> {
        hosted(files::encoding)
    }
}

/// As [`FileSystem::stat`] of the host.
///
/// # Errors
///
/// The host's failure.
pub fn stat(path: &str) -> Result<Stat> {
    Host.stat(path)
}

/// As [`FileSystem::stat_if_exists`] of the host.
///
/// # Errors
///
/// The host's failure, unless nothing is there.
pub fn stat_if_exists(path: &str) -> Result<Option<Stat>> {
    Host.stat_if_exists(path)
}

/// As [`FileSystem::read_range`] of the host.
///
/// # Errors
///
/// The host's failure.
pub fn read_range(path: &str, offset: u64, length: u32) -> Result<Vec<u8>> {
    Host.read_range(path, offset, length)
}

/// As [`FileSystem::read_to_end`] of the host.
///
/// # Errors
///
/// [`Failure::Limited`](crate::Failure::Limited) for a file of more than `max` bytes.
pub fn read_to_end(path: &str, max: u64) -> Result<Vec<u8>> {
    Host.read_to_end(path, max)
}

/// As [`FileSystem::list`] of the host.
///
/// # Errors
///
/// The host's failure.
pub fn list(path: &str) -> Result<Vec<Entry>> {
    Host.list(path)
}

/// Replaces the contents of a file, whatever they are.
///
/// # Errors
///
/// The host's failure.
pub fn write(path: &str, contents: &[u8]) -> Result<()> {
    Host.write(path, contents, None)
}

/// Replaces a file that still holds `expected`.
///
/// # Errors
///
/// [`Failure::Conflict`](crate::Failure::Conflict) if somebody changed it meanwhile; nothing is written then.
pub fn replace(path: &str, contents: &[u8], expected: &[u8]) -> Result<()> {
    Host.write(path, contents, Some(expected))
}

/// As [`FileSystem::create_directory`] of the host.
///
/// # Errors
///
/// The host's failure.
pub fn create_directory(path: &str) -> Result<()> {
    Host.create_directory(path)
}

/// As [`FileSystem::rename`] of the host.
///
/// # Errors
///
/// [`Failure::Conflict`](crate::Failure::Conflict) if `to` exists.
pub fn rename(from: &str, to: &str) -> Result<()> {
    Host.rename(from, to)
}

/// As [`FileSystem::remove`] of the host.
///
/// # Errors
///
/// The host's failure.
pub fn remove(path: &str) -> Result<()> {
    Host.remove(path)
}
