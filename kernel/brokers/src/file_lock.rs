//! Locks on files and directories, among processes and within one.

use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::{Errno, retry_on_intr};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// An open file that is locked until this is dropped, or until its process ends.
///
/// It is unlocked and not only closed: a child that another thread is just starting has a copy of every open file until
/// it becomes its program, and a lock lasts as long as one of its copies.
#[derive(Debug)]
pub struct FileLock(File);

impl FileLock {
    /// Locks a file for one alone; nothing if somebody else has it locked.
    ///
    /// # Errors
    ///
    /// Its file system has no locks.
    pub fn try_exclusive(file: impl Into<OwnedFd>) -> io::Result<Option<Self>> {
        let file = file.into();
        match retry_on_intr(|| flock(&file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(Some(Self(file.into()))),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// As [`FileLock::try_exclusive`], for a directory. A link in its place is not followed.
    ///
    /// # Errors
    ///
    /// As there, or it cannot be opened.
    pub fn try_directory(path: &Path) -> io::Result<Option<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Self::try_exclusive(rustix::fs::open(path, flags, Mode::empty())?)
    }

    /// Locks a file for one alone, and waits for those who have it.
    ///
    /// # Errors
    ///
    /// As [`FileLock::try_exclusive`].
    pub fn exclusive(file: impl Into<OwnedFd>) -> io::Result<Self> {
        Self::wait(file.into(), FlockOperation::LockExclusive)
    }

    /// Locks a file beside others who do the same, and waits for one who has it alone.
    ///
    /// # Errors
    ///
    /// As [`FileLock::try_exclusive`].
    pub fn shared(file: impl Into<OwnedFd>) -> io::Result<Self> {
        Self::wait(file.into(), FlockOperation::LockShared)
    }

    fn wait(file: OwnedFd, how: FlockOperation) -> io::Result<Self> {
        retry_on_intr(|| flock(&file, how))?;
        Ok(Self(file.into()))
    }

    /// Lets others in who lock it with [`FileLock::shared`]. There may be a moment in which it is not locked.
    ///
    /// # Errors
    ///
    /// As [`FileLock::try_exclusive`].
    pub fn share(&self) -> io::Result<()> {
        Ok(retry_on_intr(|| flock(&self.0, FlockOperation::LockShared))?)
    }

    /// Locks it for this one alone, if nobody else has it locked; returns whether it is so. If not, there may be a moment in
    /// which it is not locked.
    ///
    /// # Errors
    ///
    /// As [`FileLock::try_exclusive`].
    pub fn try_alone(&self) -> io::Result<bool> {
        match retry_on_intr(|| flock(&self.0, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(true),
            Err(Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.0
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        if let Err(error) = flock(&self.0, FlockOperation::Unlock) {
            tracing::debug!(%error, "a lock stays until its file is closed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_when_it_is_dropped_although_a_child_still_has_the_file_open() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || File::open(file.path()).unwrap();
        let lock = FileLock::try_exclusive(open()).unwrap().unwrap();
        let inherited = lock.file().try_clone().unwrap();
        assert!(FileLock::try_exclusive(open()).unwrap().is_none());
        drop(lock);
        let again = FileLock::try_exclusive(open()).unwrap().unwrap();
        again.share().unwrap();
        FileLock::shared(open()).unwrap();
        drop(inherited);
    }

    #[test]
    fn a_link_is_no_directory_to_lock() {
        let home = tempfile::tempdir().unwrap();
        let link = home.path().join("link");
        std::os::unix::fs::symlink(home.path(), &link).unwrap();
        assert!(FileLock::try_directory(&link).is_err());
        assert!(FileLock::try_directory(home.path()).unwrap().is_some());
    }
}
