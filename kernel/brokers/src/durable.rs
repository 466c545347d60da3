//! Files that are whole or absent after a crash.
//!
//! [`put_atomic`] replaces a file in one step: the new contents are on the disk before they have the name,
//! and the name is on the disk before it returns. [`put_whole`] does the same for readers and does not wait for
//! the disk. [`append_line`] adds one line under a lock of the file.

use crate::failpoint::{Point, hit};
use crate::random::Random;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why something could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum DurableError {
    /// The file system is mounted read-only.
    #[error("cannot write `{}`: the file system is read-only", path.display())]
    ReadOnly {
        /// Where.
        path: PathBuf,
    },
    /// The disk or the quota is used up.
    #[error("cannot write `{}`: the disk is full", path.display())]
    Full {
        /// Where.
        path: PathBuf,
    },
    /// Owner or mode forbid it.
    #[error("cannot write `{}`: permission denied, check its owner and mode", path.display())]
    Permission {
        /// Where.
        path: PathBuf,
    },
    /// Part of the path is not there, or is no directory.
    #[error("cannot write `{}`: its directory does not exist", path.display())]
    Missing {
        /// Where.
        path: PathBuf,
    },
    /// A line that would be two.
    #[error("a line for `{}` has a line break in it", path.display())]
    Line {
        /// Where.
        path: PathBuf,
    },
    /// Anything else.
    #[error("cannot write `{}`", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl DurableError {
    fn new(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            io::ErrorKind::PermissionDenied => Self::Permission { path },
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing { path },
            _ => Self::Io { path, source },
        }
    }
}

/// Replaces `path` by a file of these bytes and this mode, in one step and durably.
///
/// # Errors
///
/// The old file, or none, is still there, whole.
pub fn put_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<(), DurableError> {
    let synced = |file: &File| file.sync_all();
    replace(path, bytes, mode, synced)
        .and_then(|()| File::open(parent(path))?.sync_all())
        .map_err(|source| DurableError::new(path, source))
}

/// As [`put_atomic`], for a file that is written often and can be made again: a reader sees the old one or the
/// new one, and after a power failure it may be either, or empty.
///
/// # Errors
///
/// As [`put_atomic`].
pub fn put_whole(path: &Path, bytes: &[u8], mode: u32) -> Result<(), DurableError> {
    replace(path, bytes, mode, |_| Ok(())).map_err(|source| DurableError::new(path, source))
}

fn replace(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    settle: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<()> {
    let temp = temp_beside(path)?;
    let written = write_temp(&temp, bytes, mode).and_then(|file| {
        settle(&file)?;
        hit(Point::DurableTempWritten)?;
        fs::rename(&temp, path)
    });
    if let Err(error) = written {
        // The temporary file may hold a credential. If it cannot be removed either, the first error says why.
        drop(fs::remove_file(&temp));
        return Err(error);
    }
    hit(Point::DurableRenamed)
}

fn write_temp(temp: &Path, bytes: &[u8], mode: u32) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temp)?;
    file.write_all(bytes)?;
    // Set, not asked for at creation: the umask must not have a say.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    Ok(file)
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn temp_beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
    let tail = Random::default().bytes::<8>().map_err(io::Error::other)?;
    let mut temp = std::ffi::OsString::from(".");
    temp.push(name);
    temp.push(format!(".{:016x}.tmp", u64::from_ne_bytes(tail)));
    Ok(parent(path).join(temp))
}

/// Creates `path` and its parents as directories that only their owner may enter. An existing directory is
/// closed to others.
///
/// # Errors
///
/// The directory may be there in part; trying again is safe.
pub fn create_private_dir(path: &Path) -> Result<(), DurableError> {
    let create = || {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let mode = fs::metadata(path)?.permissions().mode();
        if mode & 0o077 != 0 || mode & 0o700 != 0o700 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    };
    create().map_err(|source| DurableError::new(path, source))
}

/// Appends `line` and a line break to `path`, creating it with `mode`, in one write under a lock.
///
/// A line that a crash tore is ended first, so that the new one is not glued to it.
///
/// # Errors
///
/// The line may be there in part, without its end; the next append ends it.
pub fn append_line(path: &Path, line: &[u8], mode: u32) -> Result<(), DurableError> {
    if line.contains(&b'\n') {
        return Err(DurableError::Line { path: path.to_owned() });
    }
    append(path, line, mode).map_err(|source| DurableError::new(path, source))
}

fn append(path: &Path, line: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(mode).open(path)?;
    file.lock()?;
    let mut record = Vec::with_capacity(line.len() + 2);
    if is_torn(&file)? {
        record.push(b'\n');
    }
    record.extend_from_slice(line);
    record.push(b'\n');
    file.write_all(&record)?;
    file.sync_data()
}

fn is_torn(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::FileExt;
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    Ok(last != [b'\n'])
}
