//! Bringing paths from one state to another, each for itself.
//!
//! A path is touched only where it still is in the state that the step begins with; otherwise somebody else changed it, and
//! it stays. What has to go goes first, contents before their directory; what has to come comes after, a directory before
//! its contents. Files are placed in one step under a name that depends on the path alone, so that an interrupted run
//! leaves nothing behind once it was run again.
//!
//! The files of a repository's own directory are brought back all or not at all, and its objects stay.

use super::beneath::{Name, kind_of, mode_bits, mode_of};
use super::repository::{Inside, same_index};
use super::states::{Look, state_of};
use super::store::hex;
use super::{SnapshotError, SnapshotStore};
use crate::exchange;
use crate::failpoint::{Point, hit};
use crate::places::is_by_product;
use cap_std::fs::Dir;
use openkoi_core::change_set::{Applied, PathEffect, PathState, name_of_text};
use rustix::fs::{FileType, OFlags, RenameFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Up to this many steps each file is written to the disk at once; beyond it all are at the end.
const FEW: usize = 500;

impl SnapshotStore {
    /// Brings each path below `root` from the state before to the state after. A path that is in neither stays, and so
    /// does one that is not covered; a path that is in the state after already is done. An interrupted run can be run
    /// again.
    ///
    /// # Errors
    ///
    /// A file cannot be written or removed. Some paths may be done.
    pub fn apply(&self, root: &Path, steps: &[PathEffect]) -> Result<Applied, SnapshotError> {
        let failed = |error| SnapshotError::io("restore", root, error);
        hit(Point::RestoreBefore).map_err(failed)?;
        let look = Look::new(root)?;
        let mut work = Work { store: self, look, left: BTreeSet::new(), few: steps.len() <= FEW };
        let mut order: Vec<&PathEffect> = steps.iter().collect();
        order
            .sort_by_key(|step| (!is_object(&step.path), step.path.split('/').collect::<Vec<_>>()));
        let mut ready = Vec::new();
        for step in order {
            match work.stand(step)? {
                Stand::Ready => ready.push(step),
                Stand::Done => work.clear(step),
                Stand::Other => work.leave(step),
            }
        }
        work.leave_whole_repositories(&ready);
        ready.retain(|step| !work.left.contains(step.path.as_str()));
        work.open_directories(&ready)?;
        work.take_away(&ready)?;
        work.put(&ready)?;
        work.close_directories(&ready)?;
        if !work.few {
            sync_all(work.look.beneath.root()).map_err(failed)?;
        }
        let (conflicts, done) =
            steps.iter().partition::<Vec<_>, _>(|step| work.left.contains(step.path.as_str()));
        let paths = |steps: Vec<&PathEffect>| steps.iter().map(|step| step.path.clone()).collect();
        Ok(Applied { done: paths(done), conflicts: paths(conflicts) })
    }
}

/// What [`SnapshotStore::apply`] would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApplyPlan {
    /// Steps that would be done, each from the state that its path is in now. Taking them back brings exactly that back.
    pub ready: Vec<PathEffect>,
    /// Steps whose paths would stay.
    pub conflicts: Vec<PathEffect>,
}

impl SnapshotStore {
    /// Looks what [`SnapshotStore::apply`] would do. Steps that are done already are in neither list. A directory that
    /// turns out not to be empty is found out only by doing it.
    ///
    /// # Errors
    ///
    /// The workspace cannot be looked at.
    pub fn plan(&self, root: &Path, steps: &[PathEffect]) -> Result<ApplyPlan, SnapshotError> {
        let look = Look::new(root)?;
        let mut work = Work { store: self, look, left: BTreeSet::new(), few: true };
        let mut ready = Vec::new();
        for step in steps {
            match work.stand(step)? {
                Stand::Ready => ready.push(step),
                Stand::Done => {}
                Stand::Other => work.leave(step),
            }
        }
        work.leave_whole_repositories(&ready);
        let mut plan = ApplyPlan::default();
        for step in steps {
            if work.left.contains(step.path.as_str()) {
                plan.conflicts.push(step.clone());
            } else if ready.iter().any(|one| std::ptr::eq(*one, step)) {
                let is_gone = work.look.state(&step.path)?.0 == PathState::Absent;
                let before = if is_gone { PathState::Absent } else { step.before.clone() };
                plan.ready.push(PathEffect { before, ..step.clone() });
            }
        }
        Ok(plan)
    }
}

/// How a path stands to its step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// It is as the step leaves it.
    Done,
    /// It is as the step finds it.
    Ready,
    /// It is neither, or cannot be told or brought back.
    Other,
}

struct Work<'a> {
    store: &'a SnapshotStore,
    look: Look,
    /// The paths that stay.
    left: BTreeSet<&'a str>,
    few: bool,
}

impl<'a> Work<'a> {
    fn leave(&mut self, step: &'a PathEffect) {
        self.left.insert(&step.path);
    }

    /// Removes what an interrupted run left beside a path that it had done.
    fn clear(&self, step: &PathEffect) {
        let path = name_of_text(&step.path);
        if let Ok(Some(name)) = self.look.beneath.find(Path::new(&path)) {
            let temp = temporary(Path::new(&path));
            // There is none after a run that was not interrupted.
            _ = rustix::fs::unlinkat(&name.directory, &temp, rustix::fs::AtFlags::empty());
        }
    }

    fn stand(&self, step: &PathEffect) -> Result<Stand, SnapshotError> {
        let (present, contents) = self.look.state(&step.path)?;
        if is_object(&step.path) {
            // Nothing names an object any more that is too many; one that is there is the right one.
            let is_done = step.after == PathState::Absent || present != PathState::Absent;
            return Ok(if is_done { Stand::Done } else { Stand::Ready });
        }
        if !step.before.is_kept() || !step.after.is_kept() {
            return Ok(Stand::Other);
        }
        if present == step.after {
            return Ok(Stand::Done);
        }
        let is_same = |wanted| self.is_same(&step.path, &present, contents.as_deref(), wanted);
        let is_directory = matches!(present, PathState::Directory { .. });
        Ok(if is_same(&step.after) && !is_directory {
            Stand::Done
        } else if is_same(&step.before)
            || is_same(&step.after)
            || (present == PathState::Absent && is_exchange(step))
        {
            Stand::Ready
        } else {
            Stand::Other
        })
    }

    fn is_same(
        &self,
        path: &str,
        present: &PathState,
        contents: Option<&[u8]>,
        wanted: &PathState,
    ) -> bool {
        match (present, wanted) {
            // What the owner may do in a directory changes while its contents are brought back.
            (PathState::Directory { mode: a }, PathState::Directory { mode: b }) => {
                a | 0o700 == b | 0o700
            }
            (
                PathState::File { mode: a, hash: present, .. },
                PathState::File { mode: b, hash, .. },
            ) if a == b && present != hash => {
                Inside::of(path).is_some_and(|inside| inside.is_index())
                    && contents
                        .zip(self.store.get(hash).ok())
                        .is_some_and(|(present, wanted)| same_index(present, &wanted))
            }
            (present, wanted) => present == wanted,
        }
    }

    /// Leaves all of a repository where one of its paths has to stay, or where git is at work in it.
    fn leave_whole_repositories(&mut self, ready: &[&'a PathEffect]) {
        let mut repositories = BTreeMap::<&str, Vec<&'a PathEffect>>::new();
        for step in ready {
            if let Some(inside) = Inside::of(&step.path) {
                repositories.entry(inside.repository).or_default().push(step);
            }
        }
        for (repository, steps) in repositories {
            let is_inside =
                |path: &&str| Inside::of(path).is_some_and(|at| at.repository == repository);
            let is_busy = ["index.lock", "HEAD.lock"].iter().any(|lock| {
                let lock = format!("{repository}/{lock}");
                let looked = self.look.state(&lock).ok();
                let is_ours = steps.iter().any(|step| step.path == lock);
                !is_ours && looked.is_some_and(|(state, _)| state != PathState::Absent)
            });
            if is_busy || self.left.iter().any(is_inside) {
                self.left.extend(steps.iter().map(|step| step.path.as_str()));
            }
        }
    }

    /// Lets the owner change directories whose contents are about to change.
    fn open_directories(&self, ready: &[&PathEffect]) -> Result<(), SnapshotError> {
        for step in ready {
            if let PathState::Directory { mode } = step.before
                && mode & 0o300 != 0o300
                && let Some(name) = self.find(&step.path)?
            {
                let failed = |error| self.look.failed("open", &step.path, error);
                name.set_directory_mode(mode | 0o700).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn close_directories(&mut self, ready: &[&'a PathEffect]) -> Result<(), SnapshotError> {
        for step in ready.iter().rev() {
            if self.left.contains(step.path.as_str()) {
                continue;
            }
            let failed = |error| self.look.failed("set the mode of", &step.path, error);
            let Some(name) = self.find(&step.path)? else { continue };
            let Some(stat) = name.stat().map_err(failed)? else { continue };
            match step.after {
                PathState::Directory { mode } if mode_of(&stat) != mode => {
                    name.set_directory_mode(mode).map_err(failed)?;
                }
                // It is there again for something of others that came back into it.
                PathState::Absent if !may_keep_objects(step) => self.leave(step),
                _ => {}
            }
        }
        Ok(())
    }

    fn find(&self, path: &str) -> Result<Option<Name>, SnapshotError> {
        let found = self.look.beneath.find(Path::new(&name_of_text(path)));
        found.map_err(|error| self.look.failed("look at", path, error))
    }

    /// Removes what is not wanted any more, and what stands where another kind of file belongs.
    fn take_away(&mut self, ready: &[&'a PathEffect]) -> Result<(), SnapshotError> {
        for step in ready.iter().rev() {
            if step.after != PathState::Absent && !is_exchange(step) {
                continue;
            }
            let Some(name) = self.find(&step.path)? else { continue };
            // It was looked at before; only now it is certain.
            let gone = match self.stand(step)? {
                Stand::Done => true,
                Stand::Other => false,
                Stand::Ready => self
                    .remove(step, &name)
                    .map_err(|error| self.look.failed("remove", &step.path, error))?,
            };
            if !gone && !may_keep_objects(step) {
                self.leave(step);
            }
            self.passed(&step.path)?;
        }
        Ok(())
    }

    /// Places what is wanted.
    fn put(&mut self, ready: &[&'a PathEffect]) -> Result<(), SnapshotError> {
        for step in ready {
            if step.after == PathState::Absent || self.left.contains(step.path.as_str()) {
                continue;
            }
            let failed = |error| self.look.failed("restore", &step.path, error);
            let path = PathBuf::from(name_of_text(&step.path));
            let placed = match self.look.beneath.make(&path).map_err(failed)? {
                Some(name) => self.place(step, &name)?,
                None => false,
            };
            if !placed {
                self.leave(step);
            }
            self.passed(&step.path)?;
        }
        Ok(())
    }

    fn place(&self, step: &PathEffect, name: &Name) -> Result<bool, SnapshotError> {
        let failed = |error| self.look.failed("restore", &step.path, error);
        let temp = temporary(Path::new(&name_of_text(&step.path)));
        let made = match &step.after {
            PathState::Directory { mode } => return make_directory(name, *mode).map_err(failed),
            PathState::File { mode, hash, .. } => {
                if let PathState::File { hash: same, .. } = &step.before
                    && same == hash
                    && self.stand(step)? == Stand::Ready
                {
                    return set_mode(name, *mode).map(|()| true).map_err(failed);
                }
                let contents = match self.store.get(hash) {
                    Ok(contents) => contents,
                    Err(SnapshotError::Unknown { .. }) => {
                        tracing::warn!(path = step.path, "the contents are not kept any more");
                        return Ok(false);
                    }
                    Err(error) => return Err(error),
                };
                write(name, &temp, &contents, *mode, self.few)
            }
            PathState::Link { target } => link(name, &temp, target),
            PathState::Absent | PathState::Uncovered => return Ok(false),
        };
        let placed = made.map_err(failed).and_then(|()| self.rename(step, name, &temp));
        if !matches!(placed, Ok(true)) {
            // The first error is the one that counts.
            _ = rustix::fs::unlinkat(&name.directory, &temp, rustix::fs::AtFlags::empty());
        }
        placed
    }

    /// Gives the temporary file its name, if the path is still as the step finds it.
    fn rename(&self, step: &PathEffect, name: &Name, temp: &Path) -> Result<bool, SnapshotError> {
        let failed = |error: Errno| self.look.failed("restore", &step.path, error.into());
        match self.stand(step)? {
            Stand::Other => return Ok(false),
            // Somebody placed the very same.
            Stand::Done => {
                let flags = rustix::fs::AtFlags::empty();
                rustix::fs::unlinkat(&name.directory, temp, flags).map_err(failed)?;
                return Ok(true);
            }
            Stand::Ready => {}
        }
        let is_there =
            name.stat().map_err(|error| self.look.failed("restore", &step.path, error))?;
        if is_there.is_some() {
            let (new, old) = (name.at(temp), name.at(&name.name));
            let placed = exchange::replace(&new, &old, || self.is_ready_at(step, name, temp));
            return placed.map_err(|error| self.look.failed("restore", &step.path, error));
        }
        let flags = RenameFlags::NOREPLACE;
        let (from, to) = (&name.directory, &name.directory);
        match rustix::fs::renameat_with(from, temp, to, &name.name, flags) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            // Not every file system can.
            Err(Errno::INVAL | Errno::NOSYS) => {
                let renamed = rustix::fs::renameat(from, temp, to, &name.name);
                renamed.map(|()| true).map_err(failed)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Tells whether what was at the path of a step, and is at another name now, is what the step finds or leaves there.
    fn is_ready_at(&self, step: &PathEffect, name: &Name, temp: &Path) -> io::Result<bool> {
        let directory = name.directory.try_clone()?;
        let (present, contents) = state_of(&Name { directory, name: temp.to_owned() });
        let is_same = |wanted| self.is_same(&step.path, &present, contents.as_deref(), wanted);
        Ok(is_same(&step.before) || is_same(&step.after))
    }

    /// Removes what stands at a name; returns whether it is gone. A directory that holds something of others stays.
    fn remove(&self, step: &PathEffect, name: &Name) -> io::Result<bool> {
        let Some(stat) = name.stat()? else { return Ok(true) };
        if kind_of(&stat) == FileType::Directory {
            return remove_directory(name);
        }
        let aside = temporary(Path::new(&name_of_text(&step.path)));
        exchange::remove(&name.at(&name.name), &name.at(&aside), || {
            self.is_ready_at(step, name, &aside)
        })
    }

    fn passed(&self, path: &str) -> Result<(), SnapshotError> {
        hit(Point::RestoreMid).map_err(|error| self.look.failed("restore", path, error))
    }
}

fn is_object(path: &str) -> bool {
    Inside::of(path).is_some_and(|inside| inside.is_object())
}

/// Tells whether a directory takes the place of something else, or the other way round: then there is nothing for a
/// moment.
fn is_exchange(step: &PathEffect) -> bool {
    let is_directory = |state: &PathState| matches!(state, PathState::Directory { .. });
    let is_there = |state: &PathState| *state != PathState::Absent;
    is_there(&step.before)
        && is_there(&step.after)
        && is_directory(&step.before) != is_directory(&step.after)
}

/// Tells whether a directory belongs to a repository. Its objects stay, and the directory with them, which is nothing
/// without the repository's other files.
fn may_keep_objects(step: &PathEffect) -> bool {
    matches!(step.before, PathState::Directory { .. }) && Inside::of(&step.path).is_some()
}

/// Returns the name under which the contents of a path are written. A file that a crash left over is found again by it.
pub(crate) fn temporary(path: &Path) -> PathBuf {
    let hash = hex(&Sha256::digest(path.as_os_str().as_bytes()));
    PathBuf::from(format!(".openkoi-{}.tmp", &hash[..16]))
}

/// Removes a directory; returns whether it is gone. One that holds something of others stays.
fn remove_directory(name: &Name) -> io::Result<bool> {
    let is_kept = |error: &io::Error| {
        matches!(error.raw_os_error(), Some(libc::ENOTEMPTY | libc::EEXIST | libc::EBUSY))
    };
    match name.remove_directory() {
        Err(error) if is_kept(&error) => {}
        done => return done.map(|()| true),
    }
    remove_by_products(name)?;
    match name.remove_directory() {
        Err(error) if is_kept(&error) => Ok(false),
        done => done.map(|()| true),
    }
}

/// Removes what interpreters left in a directory, if there is nothing else in it.
fn remove_by_products(name: &Name) -> io::Result<()> {
    let directory = Dir::from_std_file(File::from(name.open_directory()?));
    let entries = directory.entries()?.collect::<io::Result<Vec<_>>>()?;
    if !entries.iter().all(|entry| is_by_product(Path::new(&entry.file_name()))) {
        return Ok(());
    }
    for entry in entries {
        match entry.file_type()?.is_dir() {
            true => directory.remove_dir_all(entry.file_name())?,
            false => directory.remove_file(entry.file_name())?,
        }
    }
    Ok(())
}

fn make_directory(name: &Name, mode: u32) -> io::Result<bool> {
    match rustix::fs::mkdirat(&name.directory, &name.name, mode_bits(mode | 0o700)) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => {
            Ok(name.stat()?.is_some_and(|stat| kind_of(&stat) == FileType::Directory))
        }
        Err(error) => Err(error.into()),
    }
}

fn set_mode(name: &Name, mode: u32) -> io::Result<()> {
    Ok(rustix::fs::fchmod(name.open()?, mode_bits(mode))?)
}

/// Writes a temporary file. It gets the owner of the file that it will replace.
fn write(name: &Name, temp: &Path, contents: &[u8], mode: u32, sync: bool) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = || rustix::fs::openat(&name.directory, temp, flags, mode_bits(0o600));
    let mut file = File::from(again(name, temp, open)?);
    file.write_all(contents)?;
    if let Some(stat) = name.stat()? {
        use rustix::fs::{Gid, Uid, fchown};
        let (owner, group) = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
        // Who may not give files away owns what is restored.
        let given = fchown(&file, Some(owner), Some(group));
        given.or_else(|error| if error == Errno::PERM { Ok(()) } else { Err(error) })?;
    }
    rustix::fs::fchmod(&file, mode_bits(mode))?;
    if sync { file.sync_data() } else { Ok(()) }
}

fn link(name: &Name, temp: &Path, target: &str) -> io::Result<()> {
    let target = name_of_text(target);
    Ok(again(name, temp, || rustix::fs::symlinkat(&target, &name.directory, temp))?)
}

/// Makes a temporary file, once more where one was left over.
fn again<T>(
    name: &Name,
    temp: &Path,
    make: impl Fn() -> rustix::io::Result<T>,
) -> rustix::io::Result<T> {
    match make() {
        Err(Errno::EXIST) => {
            rustix::fs::unlinkat(&name.directory, temp, rustix::fs::AtFlags::empty())?;
            make()
        }
        made => made,
    }
}

fn sync_all(root: &std::os::fd::OwnedFd) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(root)?;
    #[cfg(not(target_os = "linux"))]
    {
        let _ = root;
        rustix::fs::sync();
    }
    Ok(())
}
