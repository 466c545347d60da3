//! Copying a tree.

use super::error::ScratchError;
use super::limits::ScratchLimits;
use super::rebased;
use crate::snapshot::{kind_of, mode_bits, mode_of};
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps, fchmod, fstatvfs, mkdirat,
    openat, readlinkat, statat, symlinkat, utimensat,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The deepest nesting of directories that is copied: each takes two descriptors.
const DEEPEST: usize = 200;
/// What is copied of a file before the time is looked at again.
const PIECE: u64 = 64 << 20;
/// The file by which a directory of CMake says that it was made for its place.
const BOUND: &str = "CMakeCache.txt";
/// The file by which a directory says that it is an environment of Python.
const ENVIRONMENT: &str = "pyvenv.cfg";

/// A directory that is being copied.
struct Level<'a> {
    /// Relative to the workspace.
    path: &'a Path,
    from: OwnedFd,
    to: OwnedFd,
    depth: usize,
    /// Whether it is in an environment of Python.
    is_environment: bool,
}

/// A copy at work.
pub(super) struct Copying<'a> {
    original: &'a Path,
    copy: &'a Path,
    /// Places that are left out, relative to the workspace.
    closed: Vec<PathBuf>,
    limits: ScratchLimits,
    begun: Instant,
    bytes: u64,
    files: u64,
    shared: Vec<PathBuf>,
}

impl<'a> Copying<'a> {
    pub(super) fn new(
        original: &'a Path,
        copy: &'a Path,
        closed: &[PathBuf],
        limits: ScratchLimits,
    ) -> Result<Self, ScratchError> {
        let inside = |place: &PathBuf| {
            let real = place.canonicalize().unwrap_or_else(|_| place.clone());
            real.strip_prefix(original).map(Path::to_owned).ok()
        };
        let closed: Vec<PathBuf> = closed.iter().filter_map(inside).collect();
        if closed.iter().any(|place| place.as_os_str().is_empty()) {
            return Err(ScratchError::none("it is closed to programs"));
        }
        let begun = Instant::now();
        let (bytes, files, shared) = (0, 0, Vec::new());
        Ok(Self { original, copy, closed, limits, begun, bytes, files, shared })
    }

    /// Copies everything, and returns the directories that are not copied and have to be read where they are.
    pub(super) fn all(mut self) -> Result<Vec<PathBuf>, ScratchError> {
        let failed = |error: Errno| ScratchError::io("copy", self.original, error);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let from = rustix::fs::open(self.original, flags, Mode::empty()).map_err(failed)?;
        let stat = rustix::fs::fstat(&from).map_err(failed)?;
        rustix::fs::mkdir(self.copy, Mode::RWXU).map_err(failed)?;
        let to = rustix::fs::open(self.copy, flags, Mode::empty()).map_err(failed)?;
        // Nobody's disk is filled for a copy.
        let disk = fstatvfs(&to).map_err(failed)?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        self.limits.bytes = self.limits.bytes.min(free / 2);
        if has(&from, OsStr::new(BOUND)) {
            return Err(ScratchError::none(format!("`{BOUND}` binds its build to its place")));
        }
        let level = Level { path: Path::new(""), from, to, depth: 0, is_environment: false };
        self.entries(&level)?;
        finish(&level.to, &stat).map_err(failed)?;
        Ok(self.shared)
    }

    fn entries(&mut self, level: &Level<'_>) -> Result<(), ScratchError> {
        let failed = |path: &Path| {
            let path = self.original.join(path);
            move |error: io::Error| ScratchError::io("copy", &path, error)
        };
        let names = names(&level.from).map_err(failed(level.path))?;
        for name in names {
            let path = level.path.join(&name);
            if self.closed.contains(&path) {
                continue;
            }
            self.count()?;
            let Ok(stat) = statat(&level.from, &name, AtFlags::SYMLINK_NOFOLLOW) else {
                // It is gone by now.
                continue;
            };
            let failed = failed(&path);
            match kind_of(&stat) {
                FileType::Directory => self.directory(level, &path, &name, &stat)?,
                FileType::RegularFile => self.file(level, &name, &stat, &failed)?,
                FileType::Symlink => self.link(level, &name, &stat).map_err(failed)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn directory(
        &mut self,
        level: &Level<'_>,
        path: &Path,
        name: &OsStr,
        stat: &Stat,
    ) -> Result<(), ScratchError> {
        let place = self.original.join(path);
        let failed = |error: Errno| ScratchError::io("copy", &place, error);
        if level.depth >= DEEPEST {
            return Err(ScratchError::none("its directories are nested too deeply"));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(&level.from, name, flags, Mode::empty());
        let from = match opened {
            Ok(from) => Some(from),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
            Err(Errno::ACCESS) => None,
            Err(error) => return Err(failed(error)),
        };
        if from.as_ref().is_some_and(|from| has(from, OsStr::new(BOUND))) {
            return Ok(());
        }
        mkdirat(&level.to, name, Mode::RWXU).map_err(failed)?;
        let to = openat(&level.to, name, flags, Mode::empty()).map_err(failed)?;
        if let Some(from) = from {
            let is_environment = level.is_environment || has(&from, OsStr::new(ENVIRONMENT));
            let inner = Level { path, from, to, depth: level.depth + 1, is_environment };
            match is_store(level, path) && self.share(&inner)? {
                true => {}
                false => self.entries(&inner)?,
            }
            return finish(&inner.to, stat).map_err(failed);
        }
        finish(&to, stat).map_err(failed)
    }

    /// Names the objects of a repository in place of copying them. They are not written again, and are the most of it.
    fn share(&mut self, level: &Level<'_>) -> Result<bool, ScratchError> {
        let place = self.original.join(level.path);
        let Some(mut lines) = rebased::alternate(&place) else { return Ok(false) };
        let failed = |error: io::Error| ScratchError::io("share", &place, error);
        // A store may name others in turn.
        let others = beneath(&level.from, Path::new("info"), OsStr::new("alternates"));
        let mut text = Vec::new();
        if let Some(mut file) = others {
            file.read_to_end(&mut text).map_err(failed)?;
        }
        lines.extend(
            text.split_inclusive(|byte| *byte == b'\n')
                .filter(|line| line.starts_with(b"/"))
                .flatten(),
        );
        let write = || -> io::Result<()> {
            mkdirat(&level.to, "info", Mode::RWXU)?;
            mkdirat(&level.to, "pack", Mode::RWXU)?;
            new_file(&level.to, OsStr::new("info/alternates"))?.write_all(&lines)
        };
        write().map_err(failed)?;
        self.shared.push(place);
        Ok(true)
    }

    fn file(
        &mut self,
        level: &Level<'_>,
        name: &OsStr,
        stat: &Stat,
        failed: &dyn Fn(io::Error) -> ScratchError,
    ) -> Result<(), ScratchError> {
        let mut from = match open(&level.from, name) {
            Ok(from) => Some(from),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
            // It is gone, or another kind of file by now.
            Err(_) => return Ok(()),
        };
        let mut to = new_file(&level.to, name).map_err(failed)?;
        if let Some(from) = &mut from {
            let size = u64::try_from(stat.st_size).unwrap_or(0);
            let names_places = level.is_environment
                && size <= rebased::LARGEST
                && rebased::names_places(level.path.file_name(), name);
            match names_places {
                true => self.rebase(from, &mut to).map_err(failed)?,
                false => self.contents(from, &mut to, size, failed)?,
            }
        }
        fchmod(&to, mode_bits(mode_of(stat) & 0o1777)).map_err(|e| failed(e.into()))?;
        set_time(&level.to, name, stat).map_err(|error| failed(error.into()))
    }

    fn rebase(&mut self, from: &mut File, to: &mut File) -> io::Result<()> {
        let mut bytes = Vec::new();
        from.take(rebased::LARGEST).read_to_end(&mut bytes)?;
        self.bytes += bytes.len() as u64;
        to.write_all(&rebased::text(&bytes, self.original, self.copy))
    }

    fn contents(
        &mut self,
        from: &mut File,
        to: &mut File,
        size: u64,
        failed: &dyn Fn(io::Error) -> ScratchError,
    ) -> Result<(), ScratchError> {
        if size == 0 || is_shared(from, to) {
            return Ok(());
        }
        self.bytes += size;
        loop {
            self.look()?;
            let copied = io::copy(&mut Read::by_ref(from).take(PIECE), to).map_err(failed)?;
            if copied < PIECE {
                return Ok(());
            }
        }
    }

    fn link(&self, level: &Level<'_>, name: &OsStr, stat: &Stat) -> io::Result<()> {
        let target = readlinkat(&level.from, name, Vec::new())?;
        let target = OsStr::from_bytes(target.as_bytes());
        let rebased = rebased::target(target, self.original, self.copy);
        symlinkat(rebased.as_deref().unwrap_or(target), &level.to, name)?;
        Ok(set_time(&level.to, name, stat)?)
    }

    fn count(&mut self) -> Result<(), ScratchError> {
        self.files += 1;
        self.look()
    }

    /// Looks whether the copy costs too much by now.
    fn look(&self) -> Result<(), ScratchError> {
        let ScratchLimits { bytes, files, time } = self.limits;
        let too = match () {
            () if self.files > files => format!("it has more than {files} files"),
            () if self.bytes > bytes => format!("it has more than {} MiB", bytes >> 20),
            () if self.begun.elapsed() > time => {
                format!("it takes longer than {} s", Duration::as_secs(&time))
            }
            () => return Ok(()),
        };
        Err(ScratchError::none(too))
    }
}

/// Tells whether a directory is the store of objects of a repository.
fn is_store(above: &Level<'_>, path: &Path) -> bool {
    let is_inside = || path.iter().any(|name| name.eq_ignore_ascii_case(".git"));
    path.file_name().is_some_and(|name| name == "objects")
        && is_inside()
        && ["HEAD", "refs"].iter().all(|name| has(&above.from, OsStr::new(name)))
}

fn has(directory: &OwnedFd, name: &OsStr) -> bool {
    statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
}

fn names(directory: &OwnedFd) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Opens a regular file for reading, without waiting and without following a link.
fn open(directory: &OwnedFd, name: &OsStr) -> io::Result<File> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(openat(directory, name, flags, Mode::empty())?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("no longer a regular file")),
    }
}

/// Opens a small file one directory further down, if it is there.
fn beneath(directory: &OwnedFd, child: &Path, name: &OsStr) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let child = openat(directory, child, flags, Mode::empty()).ok()?;
    open(&child, name).ok()
}

/// Makes a file that must not exist.
pub(super) fn new_file(directory: &OwnedFd, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    Ok(File::from(openat(directory, name, flags, Mode::RUSR | Mode::WUSR)?))
}

/// Gives a directory that is filled its mode and its time.
fn finish(to: &OwnedFd, stat: &Stat) -> Result<(), Errno> {
    fchmod(to, mode_bits(mode_of(stat) & 0o1777))?;
    rustix::fs::futimens(to, &times(stat))
}

fn set_time(to: &OwnedFd, name: &OsStr, stat: &Stat) -> Result<(), Errno> {
    utimensat(to, name, &times(stat), AtFlags::SYMLINK_NOFOLLOW)
}

/// Builds compare the times of sources with those of what they made.
#[cfg_attr(
    target_os = "linux",
    expect(clippy::useless_conversion, reason = "they differ elsewhere")
)]
fn times(stat: &Stat) -> Timestamps {
    let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
    Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        last_modification: Timespec { tv_sec: i64::from(stat.st_mtime), tv_nsec: nanoseconds },
    }
}

/// Lets both files share their contents, where the file system can.
#[cfg(target_os = "linux")]
fn is_shared(from: &File, to: &File) -> bool {
    rustix::fs::ioctl_ficlone(to, from).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn is_shared(_: &File, _: &File) -> bool {
    false
}
