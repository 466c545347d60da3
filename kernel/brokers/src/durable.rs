//! Files that are whole or absent after a crash.
//!
//! [`put_atomic`] replaces a file in one step: the new contents are on the disk before they have the name, and the name is
//! on the disk before the function returns. [`put_whole`] replaces it in one step for readers, without waiting for the
//! disk. [`append_line`] adds one line under a lock of the file, and [`add_line`] does without waiting for the disk. Files are read with [`crate::disk`].

use crate::failpoint::{Point, hit};
use crate::random::Random;
use crate::sabotage::{Guard, off};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DurableError {
    /// The file system is mounted read-only.
    #[error("cannot write `{}`: the file system is read-only", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The disk or the quota is used up.
    #[error("cannot write `{}`: the disk is full", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// The owner or the mode of the file or its directory forbids it.
    #[error("cannot write `{}`: permission denied, check its owner and mode", path.display())]
    Permission {
        /// The file.
        path: PathBuf,
    },
    /// A directory of the path does not exist, or is not a directory.
    #[error("cannot write `{}`: its directory does not exist", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The line has a line break in it.
    #[error("a line for `{}` has a line break in it", path.display())]
    Line {
        /// The file.
        path: PathBuf,
    },
    /// Another error.
    #[error("cannot write `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
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

/// As [`put_atomic`], for a file that is written often and can be made again. A reader sees the old file or the new one;
/// after a power failure it may be either of them, or empty.
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
    // Set after creation, so that the umask does not change it.
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

/// Creates the directory `path` and its parents, open to their owner only. If `path` exists already, it is closed to
/// others.
///
/// # Errors
///
/// Some of the directories may have been created; trying again is safe.
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

/// Returns a directory of this user's own in one of `parents`, outside of `place`; it is made if it is not there. Nothing
/// if there can be none: all of them lie in `place`, or somebody else has what is there.
pub fn private_outside(
    place: &Path,
    parents: impl IntoIterator<Item = PathBuf>,
) -> Option<PathBuf> {
    let name = outside_name();
    parents.into_iter().find_map(|parent| own_outside(place, &parent.join(&name)).ok())
}

/// Returns the directories of this user's own that [`private_outside`] has made in `parents`, each once.
pub fn private_there(parents: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    let name = outside_name();
    let there = parents.into_iter().filter_map(|parent| {
        let path = parent.canonicalize().ok()?.join(&name);
        is_own(&path).is_ok_and(|is_own| is_own).then_some(path)
    });
    let mut there: Vec<PathBuf> = there.collect();
    there.sort_unstable();
    there.dedup();
    there
}

fn outside_name() -> String {
    format!("openkoi-{}", rustix::process::geteuid().as_raw())
}

/// Returns whether a directory is this user's own and closed to others. Others can write to the directory above: it may be
/// theirs, or a link.
fn is_own(path: &Path) -> io::Result<bool> {
    let meta = fs::symlink_metadata(path)?;
    let user = rustix::process::geteuid().as_raw();
    Ok(meta.is_dir() && meta.uid() == user && meta.mode() & 0o077 == 0)
}

fn own_outside(place: &Path, path: &Path) -> io::Result<PathBuf> {
    let refused = || io::Error::from(io::ErrorKind::PermissionDenied);
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(refused());
    };
    let path = parent.canonicalize()?.join(name);
    if path.starts_with(place) {
        return Err(refused());
    }
    match DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    if is_own(&path)? || off(Guard::PrivateOwn) { Ok(path) } else { Err(refused()) }
}

/// Appends `line` and a line break to `path`, creating it with `mode`, in one write under a lock.
///
/// If the last line has no line break because of a crash, it gets one first, so that the two lines do not become one.
///
/// # Errors
///
/// Part of the line may have been written, without its line break; the next append adds that.
pub fn append_line(path: &Path, line: &[u8], mode: u32) -> Result<(), DurableError> {
    if line.contains(&b'\n') {
        return Err(DurableError::Line { path: path.to_owned() });
    }
    append(path, line, mode)
        .and_then(|file| file.sync_data())
        .map_err(|source| DurableError::new(path, source))
}

/// As [`append_line`], for a line that can be made again: it may be lost at a power failure.
///
/// # Errors
///
/// As [`append_line`].
pub fn add_line(path: &Path, line: &[u8], mode: u32) -> Result<(), DurableError> {
    if line.contains(&b'\n') {
        return Err(DurableError::Line { path: path.to_owned() });
    }
    append(path, line, mode).map(drop).map_err(|source| DurableError::new(path, source))
}

fn append(path: &Path, line: &[u8], mode: u32) -> io::Result<File> {
    let mut file = open_locked(path, OpenOptions::new().create(true).mode(mode))?;
    let mut record = Vec::with_capacity(line.len() + 2);
    if is_torn(&file)? {
        record.push(b'\n');
    }
    record.extend_from_slice(line);
    record.push(b'\n');
    file.write_all(&record)?;
    Ok(file)
}

/// Opens a file and waits for its lock. Whoever had it may have put another file in its place.
fn open_locked(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    loop {
        let file = options.read(true).append(true).open(path)?;
        file.lock()?;
        let (ours, now) = (file.metadata()?, fs::metadata(path));
        if now.is_ok_and(|now| (now.dev(), now.ino()) == (ours.dev(), ours.ino())) {
            return Ok(file);
        }
    }
}

/// Removes lines from a file that [`append_line`] writes: `stays` says which remain. A crash leaves the file as it was
/// or as it is to be, and nothing that is appended meanwhile is lost.
///
/// # Errors
///
/// When the file cannot be read or written. It is as it was then.
pub fn retain_lines(
    path: &Path,
    mode: u32,
    stays: impl Fn(&[u8]) -> bool,
) -> Result<(), DurableError> {
    let failed = |source| DurableError::new(path, source);
    let mut file = open_locked(path, &mut OpenOptions::new()).map_err(failed)?;
    let mut all = Vec::new();
    file.read_to_end(&mut all).map_err(failed)?;
    let left: Vec<&[u8]> =
        all.split_inclusive(|byte| *byte == b'\n').filter(|line| stays(line)).collect();
    let left = left.concat();
    if left.len() == all.len() {
        return Ok(());
    }
    put_atomic(path, &left, mode)
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
