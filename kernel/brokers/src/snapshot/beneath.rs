//! Steps below an open directory: a path is walked name by name, and no link in it is followed.
//!
//! A program may write the tree meanwhile. What was a directory when it was opened stays that directory, whatever its
//! path leads to by then.

use crate::exchange::At;
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, Stat, fchmod, mkdirat, openat, statat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// A directory only to go on from.
#[cfg(target_os = "linux")]
const PASSING: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const PASSING: OFlags = OFlags::RDONLY;

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The workspace, open.
#[derive(Debug)]
pub(crate) struct Beneath {
    root: OwnedFd,
}

/// A name in an open directory.
pub(crate) struct Name {
    pub(crate) directory: OwnedFd,
    pub(crate) name: PathBuf,
}

impl Beneath {
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { root: rustix::fs::open(root, flags, Mode::empty())? })
    }

    pub(crate) fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// Opens the directory that holds `path`. `None` if there is no such directory: one on the way is missing, is
    /// another kind of file, or is a link; or if the path is none below a directory.
    pub(crate) fn find(&self, path: &Path) -> io::Result<Option<Name>> {
        self.walk(path, &mut |_, _| Ok(false))
    }

    /// As [`Beneath::find`], and makes the directories that are missing.
    pub(crate) fn make(&self, path: &Path) -> io::Result<Option<Name>> {
        self.walk(path, &mut |directory, name| match mkdirat(directory, name, Mode::from(0o777)) {
            Ok(()) | Err(Errno::EXIST) => Ok(true),
            Err(error) => Err(error.into()),
        })
    }

    fn walk(
        &self,
        path: &Path,
        missing: &mut dyn FnMut(&OwnedFd, &Path) -> io::Result<bool>,
    ) -> io::Result<Option<Name>> {
        let names = |part| match part {
            Component::Normal(name) => Some(Path::new(name)),
            _ => None,
        };
        let Some(parts) = path.components().map(names).collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        let Some((last, parents)) = parts.split_last() else { return Ok(None) };
        let mut directory = openat(&self.root, ".", PASSING | DIRECTORY, Mode::empty())?;
        for name in parents {
            let mut next = openat(&directory, *name, PASSING | DIRECTORY, Mode::empty());
            if matches!(next, Err(Errno::NOENT)) && missing(&directory, name)? {
                next = openat(&directory, *name, PASSING | DIRECTORY, Mode::empty());
            }
            directory = match next {
                Ok(next) => next,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
        }
        Ok(Some(Name { directory, name: last.to_path_buf() }))
    }
}

impl Name {
    /// Returns what stands at the name, a link for itself; `None` if there is nothing.
    pub(crate) fn stat(&self) -> io::Result<Option<Stat>> {
        match statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the regular file at the name, without waiting and without following a link.
    pub(crate) fn open(&self) -> io::Result<File> {
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = File::from(openat(&self.directory, &self.name, flags, Mode::empty())?);
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "no longer a regular file"))
        }
    }

    /// Returns the contents of the regular file at the name.
    pub(crate) fn read(&self, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open()?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "grew while it was read"));
        }
        Ok(bytes)
    }

    /// Opens the directory at the name, to list it or to change its mode.
    pub(crate) fn open_directory(&self) -> io::Result<OwnedFd> {
        Ok(openat(&self.directory, &self.name, OFlags::RDONLY | DIRECTORY, Mode::empty())?)
    }

    /// Returns the names in the directory at the name.
    pub(crate) fn list(&self) -> io::Result<Vec<OsString>> {
        let names = Dir::read_from(self.open_directory()?)?.filter_map(|entry| match entry {
            Ok(entry) => {
                let name = OsStr::from_bytes(entry.file_name().to_bytes()).to_owned();
                (name != "." && name != "..").then_some(Ok(name))
            }
            Err(error) => Some(Err(error.into())),
        });
        names.collect()
    }

    pub(crate) fn set_directory_mode(&self, mode: u32) -> io::Result<()> {
        Ok(fchmod(self.open_directory()?, mode_bits(mode))?)
    }

    /// Returns another name in the same directory.
    pub(crate) fn at<'a>(&'a self, name: &'a Path) -> At<'a, OwnedFd> {
        At { directory: &self.directory, name }
    }

    /// Removes the file or link at the name.
    pub(crate) fn remove(&self) -> io::Result<()> {
        Ok(unlinkat(&self.directory, &self.name, AtFlags::empty())?)
    }

    /// Removes the empty directory at the name.
    pub(crate) fn remove_directory(&self) -> io::Result<()> {
        Ok(unlinkat(&self.directory, &self.name, AtFlags::REMOVEDIR)?)
    }
}

/// Returns the permission bits.
#[cfg_attr(
    target_os = "linux",
    expect(clippy::useless_conversion, reason = "they are narrower elsewhere")
)]
pub(crate) fn mode_of(stat: &Stat) -> u32 {
    u32::from(stat.st_mode) & 0o7777
}

/// Returns permission bits as the system takes them.
pub(crate) fn mode_bits(mode: u32) -> Mode {
    #[cfg(target_os = "macos")]
    let mode = u16::try_from(mode & 0o7777).unwrap_or_default();
    Mode::from_raw_mode(mode & 0o7777)
}

/// Returns the kind of file.
pub(crate) fn kind_of(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}
