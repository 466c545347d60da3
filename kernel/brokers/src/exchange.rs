//! Replacing and removing a file that somebody else may save in the same instant.
//!
//! To look at a file and to replace it are two steps, and a save between them would be lost. So the two files change places
//! in one step, what came out is looked at, and if it is not what was expected they change back. Where a file system cannot
//! do that, the look before is all there is.

use rustix::fs::{AtFlags, RenameFlags, Stat, renameat, renameat_with, statat, unlinkat};
use rustix::io::Errno;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

/// A name in an open directory.
pub(crate) struct At<'a, D> {
    pub(crate) directory: &'a D,
    pub(crate) name: &'a Path,
}

impl<D: AsFd> At<'_, D> {
    fn stat(&self) -> io::Result<Stat> {
        Ok(statat(self.directory, self.name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    fn is(&self, other: &Stat) -> bool {
        self.stat().is_ok_and(|own| (own.st_dev, own.st_ino) == (other.st_dev, other.st_ino))
    }

    fn unlink(&self) -> io::Result<()> {
        Ok(unlinkat(self.directory, self.name, AtFlags::empty())?)
    }

    fn rename<E: AsFd>(&self, to: &At<'_, E>, flags: RenameFlags) -> Result<(), Errno> {
        renameat_with(self.directory, self.name, to.directory, to.name, flags)
    }
}

/// Gives the file at `new` the name of the one at `old`, if that is there and `is_expected` says so of it; it is at `new` then.
/// Returns whether it is done. If not, what is at `new` is nobody's.
pub(crate) fn replace<D: AsFd, E: AsFd>(
    new: &At<'_, D>,
    old: &At<'_, E>,
    is_expected: impl FnOnce() -> io::Result<bool>,
) -> io::Result<bool> {
    let ours = new.stat()?;
    match new.rename(old, RenameFlags::EXCHANGE) {
        Ok(()) => {}
        Err(Errno::NOENT) => return Ok(false),
        Err(Errno::INVAL | Errno::NOSYS) => {
            renameat(new.directory, new.name, old.directory, old.name)?;
            return Ok(true);
        }
        Err(error) => return Err(error.into()),
    }
    match is_expected() {
        Ok(true) => new.unlink().map(|()| true),
        other => {
            put_back(new, old, &ours)?;
            other
        }
    }
}

/// Lets the two change places again. Who saved over ours meanwhile has replaced what came out himself.
fn put_back<D: AsFd, E: AsFd>(new: &At<'_, D>, old: &At<'_, E>, ours: &Stat) -> io::Result<()> {
    if !old.is(ours) {
        return Ok(());
    }
    new.rename(old, RenameFlags::EXCHANGE)?;
    if !new.is(ours) {
        // He did it in the instant between: the later save belongs there.
        new.rename(old, RenameFlags::EXCHANGE)?;
    }
    Ok(())
}

/// Removes the file at `old`, if `is_expected` says so of it; it is at `aside` then. Returns whether it is gone.
pub(crate) fn remove<D: AsFd>(
    old: &At<'_, D>,
    aside: &At<'_, D>,
    is_expected: impl FnOnce() -> io::Result<bool>,
) -> io::Result<bool> {
    let away = || old.rename(aside, RenameFlags::NOREPLACE);
    let moved = match away() {
        // A crash left it over.
        Err(Errno::EXIST) => aside.unlink().map_or(Err(Errno::EXIST), |()| away()),
        moved => moved,
    };
    match moved {
        Ok(()) => {}
        Err(Errno::NOENT) => return Ok(true),
        Err(Errno::INVAL | Errno::NOSYS) => return old.unlink().map(|()| true),
        Err(error) => return Err(error.into()),
    }
    match is_expected() {
        Ok(true) => aside.unlink().map(|()| true),
        other => match aside.rename(old, RenameFlags::NOREPLACE) {
            // A later save stands in its place.
            Err(Errno::EXIST) => aside.unlink().and(other),
            Err(error) => Err(error.into()),
            Ok(()) => other,
        },
    }
}
