//! What the program itself reads and makes in a directory that others write: a workspace.
//!
//! Links are followed inside of the directory. Whether a file lies in it is asked of the open file and not of its path: a
//! directory of the path may be a link by the time that it is opened, one that leads out.

use crate::disk;
use crate::snapshot::Beneath;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// Returns the contents of a regular file at a path in `root`; nothing if that leads out of `root`.
///
/// # Errors
///
/// As [`disk::read_text`].
pub fn read_text(root: &Path, path: &Path, most: u64) -> io::Result<Option<String>> {
    let Some(bytes) = read_start(root, path, most.saturating_add(1))? else { return Ok(None) };
    if bytes.len() as u64 > most {
        return Err(disk::too_large(most));
    }
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

/// Returns the first `most` bytes of a regular file at a path in `root`; nothing if that leads out of `root`.
///
/// # Errors
///
/// As [`disk::read_start`], but that a link at the end is followed.
pub fn read_start(root: &Path, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let found = find(&root.join(path))?;
    if !holds(root, &found)? {
        return Ok(None);
    }
    let file = open(found)?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Makes the directory at a path in `root`. No link of the path is followed, and the directories above it must be there.
///
/// # Errors
///
/// There is something, or it cannot be made.
pub fn make_directory(root: &Path, path: &Path) -> io::Result<()> {
    let name = Beneath::open(root)?.find(path)?.ok_or(io::ErrorKind::NotFound)?;
    Ok(rustix::fs::mkdirat(&name.directory, &name.name, rustix::fs::Mode::from(0o777))?)
}

/// Finds what a path leads to, without looking into it: what lies outside may be closed, or do something when it is opened.
#[cfg(target_os = "linux")]
fn find(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().read(true).custom_flags(libc::O_PATH).open(path)
}

/// Opens the regular file that was found.
#[cfg(target_os = "linux")]
fn open(found: File) -> io::Result<File> {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", found.as_raw_fd());
    Ok(disk::open_regular(Path::new(&path), 0)?.0)
}

#[cfg(not(target_os = "linux"))]
fn find(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(not(target_os = "linux"))]
fn open(found: File) -> io::Result<File> {
    match disk::status_of(&found)?.kind {
        disk::FileKind::File => Ok(found),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")),
    }
}

/// Tells whether an open file lies in a directory.
fn holds(root: &Path, file: &File) -> io::Result<bool> {
    let root = disk::open_directory(root)?;
    // Where the system does not say where an open file lies, nothing is known to lie inside.
    let (Some(root), Some(file)) = (path_of(&root), path_of(file)) else { return Ok(false) };
    Ok(file.starts_with(root))
}

/// Returns where an open file or directory lies now.
#[cfg(target_os = "linux")]
pub(crate) fn path_of(descriptor: &impl AsFd) -> Option<PathBuf> {
    use std::os::fd::AsRawFd;
    let raw = descriptor.as_fd().as_raw_fd();
    std::fs::read_link(format!("/proc/self/fd/{raw}")).ok().filter(|path| path.is_absolute())
}

/// Returns where an open file or directory lies now.
#[cfg(target_os = "macos")]
pub(crate) fn path_of(descriptor: &impl AsFd) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let path = rustix::fs::getpath(descriptor).ok()?;
    Some(PathBuf::from(std::ffi::OsString::from_vec(path.into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    /// A root with a file, and one beside it with the same names.
    fn places() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let (root, beside) = (directory.path().join("root"), directory.path().join("rootless"));
        for (place, text) in [(&root, "inside"), (&beside, "outside")] {
            fs::create_dir_all(place.join("d")).unwrap();
            fs::write(place.join("d/file"), text).unwrap();
        }
        (directory, root, beside)
    }

    #[test]
    fn a_file_is_read_by_its_path_and_by_links_inside() {
        let (_kept, root, _) = places();
        symlink("d", root.join("link")).unwrap();
        symlink(root.join("d/file"), root.join("other")).unwrap();

        for path in ["d/file", "link/file", "other"] {
            let text = read_text(&root, Path::new(path), 100).unwrap();
            assert_eq!(text.as_deref(), Some("inside"), "{path}");
        }
        let absolute = read_text(&root, &root.join("d/file"), 100).unwrap();
        assert_eq!(absolute.as_deref(), Some("inside"));
        assert!(read_text(&root, Path::new("d/file"), 3).is_err(), "too large");
        assert_eq!(read_start(&root, Path::new("d/file"), 3).unwrap().unwrap(), b"ins");
    }

    #[test]
    fn what_leads_out_is_not_read_whichever_part_of_the_path_does() {
        let (_kept, root, beside) = places();
        symlink(beside.join("d/file"), root.join("file")).unwrap();
        symlink(&beside, root.join("away")).unwrap();
        symlink("/", root.join("all")).unwrap();

        for path in ["file", "away/d/file", "../rootless/d/file", "away", "all", "all/etc"] {
            assert_eq!(read_text(&root, Path::new(path), 100).unwrap(), None, "{path}");
        }
    }

    #[test]
    fn a_directory_is_not_made_through_a_link() {
        let (_kept, root, beside) = places();
        symlink(&beside, root.join("away")).unwrap();

        assert!(make_directory(&root, Path::new("away/made")).is_err());
        make_directory(&root, Path::new("d/made")).unwrap();

        assert!(!beside.join("made").exists() && root.join("d/made").is_dir());
    }
}
