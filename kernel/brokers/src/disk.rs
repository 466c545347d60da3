//! Files that the program itself reads, by path: its home, its settings, what the user names.
//!
//! Paths are taken as they are; what a component may read goes through [`crate::files`] instead, and what has to
//! survive a crash is written by [`crate::durable`]. Every function says whether it follows a link at the end of
//! the path; links in the directories before are always followed. An open never waits: a pipe in place of a file
//! is refused at once.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The kind of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link that was not followed.
    Link,
    /// A pipe, socket or device.
    Other,
}

impl FileKind {
    fn of(kind: fs::FileType) -> Self {
        if kind.is_file() {
            Self::File
        } else if kind.is_dir() {
            Self::Directory
        } else if kind.is_symlink() {
            Self::Link
        } else {
            Self::Other
        }
    }
}

/// Tells one file from all others that exist at the same time: its device and its inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileId {
    device: u64,
    inode: u64,
}

/// The state of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStatus {
    /// Its kind.
    pub kind: FileKind,
    /// Its length in bytes.
    pub length: u64,
    /// Its permission bits, such as `0o600`.
    pub mode: u32,
    /// The time of its last change, in nanoseconds since 1970.
    pub modified_ns: i128,
    /// Its identity.
    pub id: FileId,
}

impl FileStatus {
    /// Returns when its contents last changed, in milliseconds since 1970.
    pub fn modified_ms(&self) -> u64 {
        u64::try_from(self.modified_ns / 1_000_000).unwrap_or_default()
    }

    fn of(meta: &Metadata) -> Self {
        Self {
            kind: FileKind::of(meta.file_type()),
            length: meta.len(),
            mode: meta.permissions().mode() & 0o7777,
            modified_ns: i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec()),
            id: FileId { device: meta.dev(), inode: meta.ino() },
        }
    }
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// Its name, without the directory.
    pub name: OsString,
    /// Its own kind: links are not followed.
    pub kind: FileKind,
}

/// Returns the contents of a regular file, following links.
///
/// # Errors
///
/// [`io::ErrorKind::FileTooLarge`] if there are more than `most` bytes, [`io::ErrorKind::IsADirectory`] for a
/// directory, [`io::ErrorKind::InvalidInput`] for a pipe or device, and what the system says.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (file, length) = open_regular(path, 0)?;
    if length > most {
        return Err(too_large(most));
    }
    // It may have grown since, and files of the kernel have no length.
    let bytes = read_up_to(file, length, most.saturating_add(1))?;
    if bytes.len() as u64 > most { Err(too_large(most)) } else { Ok(bytes) }
}

/// As [`read`], for a text in UTF-8.
///
/// # Errors
///
/// As [`read`], and [`io::ErrorKind::InvalidData`] if it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8")
    })
}

/// Returns the first `most` bytes of a regular file, all of it if it is shorter. A link is refused.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidInput`] for a link, otherwise as [`read`], but for the length.
pub fn read_start(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (file, length) =
        open_regular(path, libc::O_NOFOLLOW).map_err(|error| match error.raw_os_error() {
            Some(libc::ELOOP) => io::Error::new(io::ErrorKind::InvalidInput, "a symbolic link"),
            _ => error,
        })?;
    read_up_to(file, length, most)
}

/// Returns the last `most` bytes of a regular file, and how many bytes stand before them. Links are followed.
///
/// # Errors
///
/// As [`read`], but for the length.
pub fn read_end(path: &Path, most: u64) -> io::Result<(Vec<u8>, u64)> {
    let (mut file, length) = open_regular(path, 0)?;
    let skipped = length.saturating_sub(most);
    file.seek(SeekFrom::Start(skipped))?;
    Ok((read_up_to(file, length, most)?, skipped))
}

pub(crate) fn open_regular(path: &Path, flags: i32) -> io::Result<(File, u64)> {
    // A pipe opens without waiting for its other end, and is then seen for what it is. The standard library
    // closes every file on exec.
    let flags = flags | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let status = status_of(&file)?;
    match status.kind {
        FileKind::File => Ok((file, status.length)),
        FileKind::Directory => Err(io::ErrorKind::IsADirectory.into()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")),
    }
}

fn read_up_to(file: File, length: u64, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(most)).unwrap_or(0));
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn too_large(most: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {most} bytes"))
}

/// Returns the entries of a directory, sorted by name. A link to a directory is followed, its entries are not.
///
/// # Errors
///
/// The directory cannot be read, or one of its entries cannot be looked at.
pub fn list(directory: &Path) -> io::Result<Vec<DirectoryEntry>> {
    let entries = fs::read_dir(directory)?.map(|entry| {
        let entry = entry?;
        Ok(DirectoryEntry { name: entry.file_name(), kind: FileKind::of(entry.file_type()?) })
    });
    let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
    entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

/// Opens a directory to see that it can be listed, following links.
///
/// # Errors
///
/// The directory cannot be listed.
pub fn check_listable(directory: &Path) -> io::Result<()> {
    fs::read_dir(directory).map(drop)
}

/// Opens a directory, for its handle. Links are followed.
///
/// # Errors
///
/// It is not a directory, or cannot be opened.
pub fn open_directory(directory: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(directory)
}

/// Opens a file to read and write, following links. Its contents stay. If there is none, it is created with `mode`, less
/// the umask.
///
/// # Errors
///
/// The file cannot be opened or made.
pub fn open_or_create(path: &Path, mode: u32) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(mode).open(path)
}

/// Returns the state of what a path leads to, following links.
///
/// # Errors
///
/// There is nothing, or it cannot be looked at.
pub fn status(path: &Path) -> io::Result<FileStatus> {
    fs::metadata(path).map(|meta| FileStatus::of(&meta))
}

/// As [`status`], of the link itself where the path ends in one.
///
/// # Errors
///
/// As [`status`].
pub fn link_status(path: &Path) -> io::Result<FileStatus> {
    fs::symlink_metadata(path).map(|meta| FileStatus::of(&meta))
}

/// Returns the state of an open file.
///
/// # Errors
///
/// The system could not look at it.
pub fn status_of(file: &File) -> io::Result<FileStatus> {
    file.metadata().map(|meta| FileStatus::of(&meta))
}

/// Returns the kind of what a path leads to, following links; nothing if it cannot be looked at.
#[must_use]
pub fn kind(path: &Path) -> Option<FileKind> {
    status(path).ok().map(|status| status.kind)
}

/// Tells whether a path leads to something, following links; false if it cannot be looked at.
#[must_use]
pub fn exists(path: &Path) -> bool {
    kind(path).is_some()
}

/// Tells whether a path leads to a regular file, following links.
#[must_use]
pub fn is_file(path: &Path) -> bool {
    kind(path) == Some(FileKind::File)
}

/// Tells whether a path leads to a directory, following links.
#[must_use]
pub fn is_directory(path: &Path) -> bool {
    kind(path) == Some(FileKind::Directory)
}

/// Returns the absolute path of what a path leads to, without a link in it.
///
/// # Errors
///
/// There is nothing, or a directory on the way cannot be entered.
pub fn canonical(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

/// Sets the permission bits of a file, whatever the umask is. Links are followed.
///
/// # Errors
///
/// There is no such file, or it belongs to another user.
pub fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Returns the device that a path is on, following links; nothing if it cannot be looked at. Of what is not there yet it is
/// the device of the directory that will hold it.
#[must_use]
pub fn device(path: &Path) -> Option<u64> {
    path.ancestors().find_map(|path| fs::metadata(path).ok()).map(|meta| meta.dev())
}

/// Makes a directory in one that is there.
///
/// # Errors
///
/// There is something, or it cannot be made.
pub fn make_directory(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

/// Returns the permission bits that new files do not get. Where the system does not say, the usual ones.
#[must_use]
pub fn umask() -> u32 {
    let status = read_text(Path::new("/proc/self/status"), 1 << 16).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|bits| u32::from_str_radix(bits.trim(), 8).ok()).unwrap_or(0o022)
}

/// Gives a file another name, replacing a file of that name. A link is renamed itself.
///
/// # Errors
///
/// Both names are as they were.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Lets two things of one directory change places, in one step where the file system can do that.
///
/// # Errors
///
/// Both are where they were, unless the system fails twice in a row: then what was at `other` is at `one`, and nothing is at
/// `other`.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            let aside = one.with_extension("aside");
            fs::rename(other, &aside)?;
            fs::rename(one, other)?;
            fs::rename(aside, one)
        }
        done => Ok(done?),
    }
}

/// Removes a file; a link is removed itself.
///
/// # Errors
///
/// The file is still there, or there was none.
pub fn remove_file(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Removes a directory with all that is in it. Links in it are removed themselves; `directory` must not be one.
///
/// # Errors
///
/// Part of it may be gone.
pub fn remove_tree(directory: &Path) -> io::Result<()> {
    fs::remove_dir_all(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn world() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        (directory, path)
    }

    fn pipe(path: &Path) {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn a_file_of_exactly_the_limit_is_read_and_a_larger_one_is_refused() {
        let (_directory, path) = world();
        fs::write(&path, "12345").unwrap();

        assert_eq!(read(&path, 5).unwrap(), b"12345");
        let error = read(&path, 4).unwrap_err();

        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "larger than 4 bytes");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_that_says_it_is_empty_is_held_to_the_limit_too() {
        let status = Path::new("/proc/self/status");

        assert_eq!(status_of(&File::open(status).unwrap()).unwrap().length, 0);
        assert_eq!(read(status, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_start(status, 5).unwrap(), b"Name:");
    }

    #[test]
    fn a_pipe_without_a_writer_is_refused_at_once() {
        let (_directory, path) = world();
        pipe(&path);

        for error in [
            read(&path, 9).unwrap_err(),
            read_text(&path, 9).unwrap_err(),
            read_start(&path, 9).unwrap_err(),
            read_end(&path, 9).unwrap_err(),
        ] {
            assert_eq!(error.to_string(), "not a regular file");
        }
    }

    #[test]
    fn directories_and_devices_are_not_read() {
        let (directory, _) = world();

        let of_directory = read(directory.path(), 9).unwrap_err();
        let of_device = read(Path::new("/dev/zero"), 9).unwrap_err();

        assert_eq!(of_directory.kind(), io::ErrorKind::IsADirectory);
        assert_eq!(of_device.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_text_that_is_not_utf_8_is_refused() {
        let (_directory, path) = world();
        fs::write(&path, [b'a', 0xff]).unwrap();

        assert_eq!(read_text(&path, 9).unwrap_err().kind(), io::ErrorKind::InvalidData);
        fs::write(&path, "ä").unwrap();
        assert_eq!(read_text(&path, 9).unwrap(), "ä");
    }

    #[test]
    fn a_link_is_followed_by_read_and_refused_by_read_start() {
        let (directory, path) = world();
        let link = directory.path().join("link");
        fs::write(&path, "12345").unwrap();
        symlink(&path, &link).unwrap();

        assert_eq!(read(&link, 5).unwrap(), b"12345");
        assert_eq!(read_start(&path, 3).unwrap(), b"123");
        assert_eq!(read_start(&link, 3).unwrap_err().to_string(), "a symbolic link");
    }

    #[test]
    fn the_end_of_a_file_comes_with_the_length_of_what_is_before_it() {
        let (_directory, path) = world();
        fs::write(&path, "12345").unwrap();

        assert_eq!(read_end(&path, 2).unwrap(), (b"45".to_vec(), 3));
        assert_eq!(read_end(&path, 9).unwrap(), (b"12345".to_vec(), 0));
    }

    #[test]
    fn a_directory_is_listed_by_name_and_links_in_it_stay_links() {
        let (directory, path) = world();
        fs::write(&path, "").unwrap();
        fs::create_dir(directory.path().join("directory")).unwrap();
        symlink(&path, directory.path().join("link")).unwrap();
        pipe(&directory.path().join("pipe"));

        let entries = list(directory.path()).unwrap();

        let entries: Vec<_> =
            entries.iter().map(|entry| (entry.name.to_str().unwrap(), entry.kind)).collect();
        let expected = [
            ("directory", FileKind::Directory),
            ("file", FileKind::File),
            ("link", FileKind::Link),
            ("pipe", FileKind::Other),
        ];
        assert_eq!(entries, expected);
        assert_eq!(list(&path).unwrap_err().kind(), io::ErrorKind::NotADirectory);
    }

    #[test]
    fn the_state_of_a_link_is_its_own_or_that_of_its_target() {
        let (directory, path) = world();
        let link = directory.path().join("link");
        fs::write(&path, "12345").unwrap();
        set_mode(&path, 0o640).unwrap();
        symlink(&path, &link).unwrap();

        let followed = status(&link).unwrap();

        assert_eq!((followed.kind, followed.length, followed.mode), (FileKind::File, 5, 0o640));
        assert_eq!(followed, link_status(&path).unwrap());
        assert_eq!(link_status(&link).unwrap().kind, FileKind::Link);
        assert!(is_file(&link) && exists(&link) && !is_directory(&link));
        remove_file(&path).unwrap();
        assert!(!exists(&link) && link_status(&link).is_ok());
    }

    #[test]
    fn a_file_that_was_replaced_has_another_identity() {
        let (_directory, path) = world();
        let file = open_or_create(&path, 0o600).unwrap();
        let opened = status_of(&file).unwrap();

        assert_eq!((opened.id, opened.mode), (status(&path).unwrap().id, 0o600));
        let beside = path.with_extension("new");
        fs::write(&beside, "new").unwrap();
        rename(&beside, &path).unwrap();
        assert_ne!(opened.id, status(&path).unwrap().id);
    }

    #[test]
    fn opening_to_write_keeps_what_a_file_holds() {
        let (_directory, path) = world();
        fs::write(&path, "12345").unwrap();

        drop(open_or_create(&path, 0o600).unwrap());

        assert_eq!(read(&path, 9).unwrap(), b"12345");
    }
}
