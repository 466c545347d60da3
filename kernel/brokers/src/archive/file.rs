//! The files of archives, and what they are refused for.

use std::io;

/// The bounds of what is read.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveLimits {
    /// The most entries.
    pub entries: usize,
    /// The most files that are wanted of them.
    pub files: usize,
    /// The most bytes of all wanted files together.
    pub bytes: u64,
    /// The most bytes that are unpacked for each byte of the archive, beyond a first megabyte.
    pub ratio: u64,
}

/// A file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveFile {
    /// Its path: names with `/` between them, and none of them `.` or `..`.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// True if it may be run.
    pub is_program: bool,
}

/// Why an archive is not read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It is none, or one of another kind.
    #[error("it is no archive that can be read: .zip, .tar and .tar.gz can")]
    Unknown,
    /// The folder cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// It ends early, or is not what its sums say.
    #[error("the archive is damaged: {0}")]
    Damaged(String),
    /// It is encrypted.
    #[error("the archive is encrypted")]
    Encrypted,
    /// A path leads out of the archive, or could be read in two ways.
    #[error("it has a path that does not lie below it on every system: `{0}`")]
    Path(String),
    /// A link leads out of the archive, or to nothing.
    #[error("it has a link that leads out of it or to nothing: `{0}`")]
    Link(String),
    /// A folder has a link to another folder in it.
    #[error("it has a link to a folder in it: `{0}`")]
    FolderLink(String),
    /// It has a device or a pipe in it.
    #[error("it has something in it that is neither a file nor a folder: `{0}`")]
    Special(String),
    /// Two entries would be one file.
    #[error("it has two files with one name: `{0}`")]
    Twice(String),
    /// It has more entries than are read.
    #[error("it has more than {0} entries")]
    Entries(usize),
    /// More files are wanted than may be.
    #[error("it has more than {0} files")]
    Files(usize),
    /// It unpacks to more than may be.
    #[error("it unpacks to more than {} MiB", .0 >> 20)]
    Large(u64),
    /// It unpacks to so much more than its own size that it is made for that.
    #[error("it unpacks to more than {0} times its size")]
    Bomb(u64),
}

/// Returns whether a path has nothing but names in it that are the same on every system.
pub(super) fn is_below(path: &str) -> bool {
    const LONGEST: usize = 1_024;
    const LONGEST_NAME: usize = 255;
    let is_name =
        |name: &str| !name.is_empty() && name != "." && name != ".." && name.len() <= LONGEST_NAME;
    let is_odd = |c: char| c.is_control() || c == '\\';
    let has_drive = path.as_bytes().get(1) == Some(&b':');
    path.len() <= LONGEST && !path.contains(is_odd) && !has_drive && path.split('/').all(is_name)
}
