//! What files are to code that does not mind whose they are.

use crate::{Failure, Result};

pub use crate::bindings::host::openkoi::host::files::{Entry, Kind, Metadata as Stat};

/// The most bytes that the host returns from one read.
pub const CHUNK: u32 = 4 * 1024 * 1024;

impl Stat {
    /// Whether this is a regular file.
    pub fn is_file(&self) -> bool {
        self.kind == Kind::File
    }

    /// Whether this is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == Kind::Directory
    }
}

/// Files, the host's or a test's.
pub trait FileSystem {
    /// Returns what `path` leads to, links followed.
    ///
    /// # Errors
    ///
    /// [`Failure::NotFound`] if there is nothing, [`Failure::Denied`] outside of the grant.
    fn stat(&self, path: &str) -> Result<Stat>;

    /// Returns up to `length` bytes (at most [`CHUNK`]) from `offset`; fewer at the file's end.
    ///
    /// # Errors
    ///
    /// What the host says.
    fn read_range(&self, path: &str, offset: u64, length: u32) -> Result<Vec<u8>>;

    /// Returns the entries of a directory, sorted by name, at most 10,000.
    ///
    /// # Errors
    ///
    /// What the host says.
    fn list(&self, path: &str) -> Result<Vec<Entry>>;

    /// Replaces the contents of a file in one step, creating it and its parents if need be.
    ///
    /// # Errors
    ///
    /// [`Failure::Conflict`] unless the file holds `expected`, where that is given; nothing is written then.
    fn write(&self, path: &str, contents: &[u8], expected: Option<&[u8]>) -> Result<()>;

    /// Creates a directory and its parents.
    ///
    /// # Errors
    ///
    /// What the host says.
    fn create_directory(&self, path: &str) -> Result<()>;

    /// Renames a file or directory.
    ///
    /// # Errors
    ///
    /// [`Failure::Conflict`] if `to` exists.
    fn rename(&self, from: &str, to: &str) -> Result<()>;

    /// Removes a file, or an empty directory.
    ///
    /// # Errors
    ///
    /// What the host says.
    fn remove(&self, path: &str) -> Result<()>;

    /// Returns the charset that the user's setting names for files whose bytes do not tell theirs.
    ///
    /// # Errors
    ///
    /// What the host says.
    fn encoding(&self) -> Result<Option<String>> {
        Ok(None)
    }

    /// Returns what `path` leads to, or nothing if there is nothing.
    ///
    /// # Errors
    ///
    /// What the host says, absence excepted.
    fn stat_if_exists(&self, path: &str) -> Result<Option<Stat>> {
        match self.stat(path) {
            Err(Failure::NotFound(_)) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Returns a whole file of at most `max` bytes.
    ///
    /// # Errors
    ///
    /// [`Failure::Limited`] for a larger file; its beginning can still be had from
    /// [`read_range`](Self::read_range).
    fn read_to_end(&self, path: &str, max: u64) -> Result<Vec<u8>> {
        let mut contents = Vec::new();
        loop {
            let at = contents.len() as u64;
            let wanted = (max + 1 - at).min(u64::from(CHUNK)) as u32;
            let chunk = self.read_range(path, at, wanted)?;
            let last = chunk.len() < wanted as usize;
            contents.extend(chunk);
            if contents.len() as u64 > max {
                return Err(Failure::limited("file-bytes", max));
            }
            if last {
                return Ok(contents);
            }
        }
    }
}
