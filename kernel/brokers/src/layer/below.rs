//! Files and directories by descriptor, without following a link: programs write in these trees.

use crate::exchange::{self, At};
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, Timespec, Timestamps, openat2, statat,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Returns a time as nanoseconds since the epoch.
pub(super) fn nanoseconds(seconds: i64, nanoseconds: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
}

/// What lies at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) kind: FileType,
    /// Permission bits, with the set-id and sticky ones.
    pub(super) mode: u32,
    pub(super) size: u64,
    pub(super) inode: u64,
    pub(super) device: u64,
    pub(super) special: u64,
    pub(super) links: u64,
    /// Time of the last change of anything, in nanoseconds.
    pub(super) changed: i128,
    /// Time of the last change of the contents.
    pub(super) modified: i128,
}

impl Status {
    #[expect(
        clippy::unnecessary_cast,
        clippy::useless_conversion,
        reason = "the fields have other types on other architectures"
    )]
    fn of(stat: &Stat) -> Self {
        Self {
            kind: FileType::from_raw_mode(stat.st_mode),
            mode: stat.st_mode as u32 & 0o7777,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            inode: u64::from(stat.st_ino),
            device: stat.st_dev as u64,
            special: stat.st_rdev as u64,
            links: u64::from(stat.st_nlink),
            changed: nanoseconds(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            modified: nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        }
    }

    pub(super) fn is_dir(&self) -> bool {
        self.kind == FileType::Directory
    }
}

/// Returns a path to what is open, for calls that take no descriptor.
fn magic(opened: &OwnedFd) -> PathBuf {
    Path::new("/proc/self/fd").join(opened.as_raw_fd().to_string())
}

/// A directory that is open.
#[derive(Debug)]
pub(super) struct Parent(OwnedFd);

impl Parent {
    /// Opens a directory by a path that is trusted.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// Opens the directory at a relative path below; the empty path is this one. No part of it may be a link.
    pub(super) fn beneath(&self, path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        Ok(Self(openat2(&self.0, path, flags, Mode::empty(), resolve)?))
    }

    /// Opens the directory with this name.
    pub(super) fn child(&self, name: &OsStr) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::openat(&self.0, name, flags, Mode::empty())?))
    }

    /// Opens the regular file with this name for reading.
    pub(super) fn file(&self, name: &OsStr) -> io::Result<File> {
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.0, name, flags, Mode::empty())?;
        match FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) {
            FileType::RegularFile => Ok(file.into()),
            _ => Err(io::Error::other("no longer a regular file")),
        }
    }

    /// Makes a file that must not exist.
    pub(super) fn new_file(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR)?.into())
    }

    /// Returns what lies at `name`; nothing if there is nothing.
    pub(super) fn status(&self, name: &OsStr) -> io::Result<Option<Status>> {
        match statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Status::of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the status of the directory itself.
    pub(super) fn own_status(&self) -> io::Result<Status> {
        Ok(Status::of(&rustix::fs::fstat(&self.0)?))
    }

    /// Returns the names in it, sorted.
    pub(super) fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    pub(super) fn link_target(&self, name: &OsStr) -> io::Result<OsString> {
        let target = rustix::fs::readlinkat(&self.0, name, Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()))
    }

    pub(super) fn make_link(&self, target: &OsStr, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &self.0, name)?)
    }

    pub(super) fn make_dir(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(&self.0, name, Mode::RWXU)?)
    }

    /// Sets the mode of a file or directory. A link is refused.
    pub(super) fn set_mode(&self, name: &OsStr, mode: u32) -> io::Result<()> {
        // A descriptor of this kind can be had even of what is closed to its owner.
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.0, name, flags, Mode::empty())?;
        if FileType::from_raw_mode(rustix::fs::fstat(&opened)?.st_mode) == FileType::Symlink {
            return Err(Errno::LOOP.into());
        }
        Ok(rustix::fs::chmod(magic(&opened), Mode::from_raw_mode(mode))?)
    }

    pub(super) fn set_own_mode(&self, mode: u32) -> io::Result<()> {
        Ok(rustix::fs::fchmod(&self.0, Mode::from_raw_mode(mode))?)
    }

    /// Sets the time of the last change of the contents.
    pub(super) fn set_modified(&self, name: &OsStr, modified: i128) -> io::Result<()> {
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
            last_modification: Timespec {
                tv_sec: i64::try_from(modified.div_euclid(1_000_000_000)).unwrap_or(0),
                tv_nsec: i64::try_from(modified.rem_euclid(1_000_000_000)).unwrap_or(0),
            },
        };
        Ok(rustix::fs::utimensat(&self.0, name, &times, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    /// Removes a file, link or anything else that is not a directory.
    pub(super) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        self.opened(|| Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?))
    }

    /// Removes an empty directory.
    pub(super) fn remove_dir(&self, name: &OsStr) -> io::Result<()> {
        self.opened(|| Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)?))
    }

    /// Moves what is at `name` to `target` in `to`, where nothing may be if `new`.
    pub(super) fn rename(
        &self,
        name: &OsStr,
        to: &Self,
        target: &OsStr,
        new: bool,
    ) -> io::Result<()> {
        let flags = match new {
            true => rustix::fs::RenameFlags::NOREPLACE,
            false => rustix::fs::RenameFlags::empty(),
        };
        let rename = || Ok(rustix::fs::renameat_with(&self.0, name, &to.0, target, flags)?);
        self.opened(|| to.opened(rename))
    }

    /// Moves the file at `name` to `target` in `to`, in place of the file that was `there` when it was looked at. Returns
    /// false if it is another one by now, which stays; then the file is where it was, or nobody wants it any more.
    pub(super) fn replace(
        &self,
        name: &OsStr,
        to: &Self,
        target: &OsStr,
        there: &Status,
    ) -> io::Result<bool> {
        let (new, old) = (self.at(name), to.at(target));
        self.opened(|| to.opened(|| exchange::replace(&new, &old, || self.is_still(name, there))))
    }

    /// Removes the file at `name` if it is the one that was `there` when it was looked at; returns whether it is gone. It has
    /// the name `aside` for a moment.
    pub(super) fn remove_if(
        &self,
        name: &OsStr,
        aside: &OsStr,
        there: &Status,
    ) -> io::Result<bool> {
        let remove =
            || exchange::remove(&self.at(name), &self.at(aside), || self.is_still(aside, there));
        self.opened(remove)
    }

    fn at<'a>(&'a self, name: &'a OsStr) -> At<'a, OwnedFd> {
        At { directory: &self.0, name: Path::new(name) }
    }

    /// Tells whether the file at `name` is the one that was `there`, untouched but for its name.
    fn is_still(&self, name: &OsStr, there: &Status) -> io::Result<bool> {
        let facts = |status: &Status| {
            (status.kind, status.device, status.inode, status.size, status.modified)
        };
        Ok(self.status(name)?.is_some_and(|found| facts(&found) == facts(there)))
    }

    /// Does something that changes entries. A directory that its owner closed to writing is opened for that moment, as
    /// the program did it in its layer.
    fn opened<T>(&self, act: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match act() {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let mode = self.own_status()?.mode;
                if mode & 0o300 == 0o300 || self.set_own_mode(mode | 0o300).is_err() {
                    return Err(error);
                }
                let done = act();
                self.set_own_mode(mode)?;
                done
            }
            done => done,
        }
    }

    /// Removes `name` with all that is below it, whatever modes its directories have.
    pub(super) fn remove_tree(&self, name: &OsStr) -> io::Result<()> {
        let Some(status) = self.status(name)? else { return Ok(()) };
        if !status.is_dir() {
            return self.remove_file(name);
        }
        if status.mode & 0o700 != 0o700 {
            self.set_mode(name, 0o700)?;
        }
        let directory = self.child(name)?;
        for child in directory.names()? {
            directory.remove_tree(&child)?;
        }
        self.remove_dir(name)
    }

    /// Returns an extended attribute of a file or directory; nothing if it has none of this name.
    pub(super) fn attribute(&self, name: &OsStr, attribute: &str) -> io::Result<Option<Vec<u8>>> {
        let mut value = [0; 256];
        match rustix::fs::lgetxattr(magic(&self.0).join(name), attribute, &mut value[..]) {
            Ok(length) => Ok(value.get(..length).map(<[u8]>::to_vec)),
            Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the names of the extended attributes of a file or directory.
    pub(super) fn attributes(&self, name: &OsStr) -> io::Result<Vec<String>> {
        // The kernel has no longer list.
        let mut names = vec![0; 64 << 10];
        match rustix::fs::llistxattr(magic(&self.0).join(name), &mut names[..]) {
            Ok(length) => {
                let names = names.get(..length).unwrap_or_default().split(|byte| *byte == 0);
                let names = names.filter(|name| !name.is_empty());
                Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
            }
            Err(Errno::OPNOTSUPP) => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes an extended attribute; it is fine if there is none.
    pub(super) fn remove_attribute(&self, name: &OsStr, attribute: &str) -> io::Result<()> {
        match rustix::fs::lremovexattr(magic(&self.0).join(name), attribute) {
            Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the identity by which the file system knows the file, as an overlay notes it of a file that it copied
    /// up: its kind, and its bytes.
    pub(super) fn handle(&self, name: &OsStr) -> Option<(u8, Vec<u8>)> {
        #[repr(C)]
        struct Handle {
            bytes: u32,
            kind: i32,
            handle: [u8; libc::MAX_HANDLE_SZ as usize],
        }
        let mut handle = Handle {
            bytes: libc::MAX_HANDLE_SZ.unsigned_abs(),
            kind: 0,
            handle: [0; libc::MAX_HANDLE_SZ as usize],
        };
        let name = std::ffi::CString::new(name.as_bytes()).ok()?;
        let mut mount = 0;
        #[expect(unsafe_code, reason = "rustix does not have this call")]
        // SAFETY: the name ends with a nul; the kernel writes one handle of at most the size that it is told, and one
        // number.
        let done = unsafe {
            libc::name_to_handle_at(
                self.0.as_raw_fd(),
                name.as_ptr(),
                (&raw mut handle).cast(),
                &raw mut mount,
                0,
            )
        };
        let length = usize::try_from(handle.bytes).ok()?;
        let bytes = handle.handle.get(..length).filter(|_| done == 0)?;
        Some((u8::try_from(handle.kind).ok()?, bytes.to_vec()))
    }
}
