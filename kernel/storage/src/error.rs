//! Why something could not be kept or read, told apart where a person does something different about it.

use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use openkoi_brokers::{disk, durable::DurableError};
use openkoi_core::{
    failure::{Failure, sentence},
    port::JournalError,
};
use rusqlite::ErrorCode;

/// The reason why something could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The file system is mounted read-only.
    #[error("cannot write `{}`: the file system is read-only", path.display())]
    ReadOnly {
        /// The file or directory.
        path: PathBuf,
    },
    /// The disk or the quota is used up.
    #[error("cannot write `{}`: the disk is full", path.display())]
    Full {
        /// The file or directory.
        path: PathBuf,
    },
    /// Owner or mode forbid it.
    #[error("cannot use `{}`: permission denied, check its owner and mode", path.display())]
    Permission {
        /// The file or directory.
        path: PathBuf,
    },
    /// This process or the machine has no file handles left.
    #[error("cannot open `{}`: too many open files", path.display())]
    Handles {
        /// The file or directory.
        path: PathBuf,
    },
    /// Somebody else keeps the database locked.
    #[error("`{}` is locked by another process; try again when it is done", path.display())]
    Locked {
        /// The file or directory.
        path: PathBuf,
    },
    /// The database is damaged, which was checked twice.
    #[error("the database `{}` is damaged ({detail}); restore it from a backup or move it aside", path.display())]
    Corrupt {
        /// The file or directory.
        path: PathBuf,
        /// The findings of the check.
        detail: String,
    },
    /// A newer openkoi made the database.
    #[error(
        "the database `{}` is of version {found} and this openkoi knows only {known}: update openkoi",
        path.display()
    )]
    Newer {
        /// The file or directory.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// The database holds something else than openkoi put there.
    #[error("the database `{}` was changed or made by another program and is not used", path.display())]
    Schema {
        /// The file or directory.
        path: PathBuf,
    },
    /// The database is not the file any more that was opened.
    #[error("the database `{}` was moved, removed or replaced while it was in use", path.display())]
    Replaced {
        /// The file or directory.
        path: PathBuf,
    },
    /// Another process works on it.
    #[error("another openkoi works on {what} {id}")]
    Owned {
        /// `task` or `session`.
        what: &'static str,
        /// Its short id.
        id: String,
    },
    /// A task works in the directory.
    #[error("another task{} works in `{}`", named(task), workspace.display())]
    Occupied {
        /// The directory.
        workspace: PathBuf,
        /// The short id of the task; empty if it is not known yet.
        task: String,
    },
    /// Nothing matches.
    #[error("there is no {what} `{text}`")]
    NoSuch {
        /// `task` or `session`.
        what: &'static str,
        /// The text as typed.
        text: String,
    },
    /// Nothing matches, but the text is the id of something else.
    #[error("`{text}` is the id of a {other}, not of a {what}")]
    OtherKind {
        /// What was looked for: `task` or `session`.
        what: &'static str,
        /// The text as typed.
        text: String,
        /// What has this id: `session` or `task`.
        other: &'static str,
        /// The short ids that may be meant: the tasks of the session, newest first, or the session of the task.
        meant: Vec<String>,
    },
    /// More than one matches.
    #[error("`{text}` is the beginning of more than one {what}:{}", listed(candidates))]
    Ambiguous {
        /// `task` or `session`.
        what: &'static str,
        /// The text as typed.
        text: String,
        /// The first of those that match.
        candidates: Vec<Candidate>,
    },
    /// A task or session of this id is there already.
    #[error("there is a {what} {id} already")]
    Exists {
        /// `task` or `session`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The text cannot be an id, nor the name of a file.
    #[error("`{0}` is not an id")]
    BadId(String),
    /// A recorded value is not what this program writes.
    #[error("{what} cannot be read")]
    Unreadable {
        /// The thing that this is about.
        what: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// A value that could not be read back was to be recorded.
    #[error("{what} cannot be recorded, because it could not be read back")]
    Unwritable {
        /// The thing that this is about.
        what: String,
        /// Why not.
        source: serde_json::Error,
    },
    /// A file beside the database could not be written.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// A file could not be used.
    #[error("cannot use `{}`", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// SQLite says something else.
    #[error("the database gave an error")]
    Sqlite(#[from] rusqlite::Error),
}

/// One of several things that a typed id may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The id as a person sees it.
    pub short: String,
    /// The whole id.
    pub id: String,
    /// Its text or title, cut.
    pub title: String,
}

fn listed(candidates: &[Candidate]) -> String {
    let mut text = String::new();
    for candidate in candidates {
        // The title is cut and has no line breaks; writing to a string cannot fail.
        if write!(text, " {} ({:?})", candidate.short, candidate.title).is_err() {
            break;
        }
    }
    text
}

fn named(task: &str) -> String {
    if task.is_empty() { String::new() } else { format!(" ({task})") }
}

impl StorageError {
    /// Tells what an error of the file system means for `path`.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        let too_many = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE];
        match source.kind() {
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            io::ErrorKind::PermissionDenied => Self::Permission { path },
            _ if too_many.iter().any(|e| Some(e.raw_os_error()) == source.raw_os_error()) => {
                Self::Handles { path }
            }
            _ => Self::Io { path, source },
        }
    }

    /// Tells what an error of the file system means for a file beside the database.
    pub fn from_io(path: &Path, source: io::Error) -> Self {
        Self::io(path, source)
    }

    /// Tells what an error of SQLite means for the database `path`; other errors stay what they are.
    pub(crate) fn explained(self, path: &Path) -> Self {
        let Self::Sqlite(source) = self else { return self };
        let owned = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Locked { path: owned }
            }
            Some(ErrorCode::DiskFull) => Self::Full { path: owned },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt { path: owned, detail: source.to_string() }
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
                obstacle(path).unwrap_or(Self::Sqlite(source))
            }
            Some(ErrorCode::SystemIoFailure) if is_full(path) => Self::Full { path: owned },
            _ => Self::Sqlite(source),
        }
    }

    /// Returns whether the connection must not be used any more after this error.
    pub(crate) fn spoils_connection(&self) -> bool {
        match self {
            Self::Corrupt { .. } | Self::Full { .. } | Self::Replaced { .. } => true,
            Self::Sqlite(source) => source.sqlite_error_code() == Some(ErrorCode::SystemIoFailure),
            _ => false,
        }
    }

    /// Returns whether this is about the connection that was used, so that another one may fare better.
    pub(crate) fn is_of_connection(&self) -> bool {
        match self {
            Self::ReadOnly { .. }
            | Self::Full { .. }
            | Self::Permission { .. }
            | Self::Handles { .. }
            | Self::Locked { .. }
            | Self::Corrupt { .. }
            | Self::Newer { .. }
            | Self::Schema { .. }
            | Self::Replaced { .. }
            | Self::Io { .. }
            | Self::Sqlite(_) => true,
            Self::Owned { .. }
            | Self::Occupied { .. }
            | Self::NoSuch { .. }
            | Self::OtherKind { .. }
            | Self::Ambiguous { .. }
            | Self::Exists { .. }
            | Self::BadId(_)
            | Self::Unreadable { .. }
            | Self::Unwritable { .. }
            | Self::Durable(_) => false,
        }
    }

    /// Returns the error and its causes as one line.
    pub fn line(&self) -> String {
        sentence(self)
    }
}

/// Finds out why SQLite could not open or write its file: it does not say.
///
/// The file itself must not be opened for that. Closing it again would drop every lock that this process has on
/// it, those of other connections too: so it is with POSIX locks.
pub(crate) fn obstacle(path: &Path) -> Option<StorageError> {
    use rustix::fs::{Access, access};
    let directory = path.parent()?;
    let within = Access::WRITE_OK | Access::EXEC_OK;
    let wanted = [(path, Access::READ_OK | Access::WRITE_OK), (directory, within)];
    for (place, mode) in wanted {
        if let Err(denied) = access(place, mode) {
            return Some(StorageError::io(place, denied.into()));
        }
    }
    // Nothing forbids it; what is left is that no more files can be opened: the database, its log, the log's
    // index, and the directory to sync it.
    let handles: Result<Vec<_>, _> = (0..4).map(|_| disk::open_directory(directory)).collect();
    handles.err().map(|error| StorageError::io(path, error))
}

fn is_full(path: &Path) -> bool {
    let place = path.parent().unwrap_or(path);
    rustix::fs::statvfs(place).is_ok_and(|disk| disk.f_bavail == 0)
}

impl From<StorageError> for JournalError {
    fn from(error: StorageError) -> Self {
        Self(error.line())
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        // A component learns that it failed, not where the user's files are.
        tracing::warn!(error = error.line(), "storage failed for a component");
        let message = match error {
            StorageError::Full { .. } => "the disk is full",
            StorageError::ReadOnly { .. } => "the storage is read-only",
            StorageError::Locked { .. } => "the storage is busy",
            _ => "the storage gave an error",
        };
        Self::Unavailable { message: message.to_owned(), request_sent: false, retry_after_ms: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_sqlite(code: i32) -> String {
        let source = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        StorageError::from(source).explained(Path::new("/nowhere/db")).to_string()
    }

    #[test]
    fn sqlite_errors_become_sentences_that_tell_them_apart() {
        use rusqlite::ffi;
        assert!(of_sqlite(ffi::SQLITE_BUSY).contains("locked by another process"));
        assert!(of_sqlite(ffi::SQLITE_FULL).contains("the disk is full"));
        assert!(of_sqlite(ffi::SQLITE_CORRUPT).contains("is damaged"));
        assert!(of_sqlite(ffi::SQLITE_NOTADB).contains("is damaged"));
        // Why it cannot be opened is found out by trying; here there is no such directory.
        assert_eq!(of_sqlite(ffi::SQLITE_CANTOPEN), "cannot use `/nowhere/db`");
        assert_eq!(of_sqlite(ffi::SQLITE_MISUSE), "the database gave an error");
    }

    #[test]
    fn errors_of_the_file_system_become_sentences_that_tell_them_apart() {
        use rustix::io::Errno;
        let of = |errno: Errno| StorageError::io(Path::new("/h"), errno.into()).to_string();

        assert_eq!(of(Errno::ROFS), "cannot write `/h`: the file system is read-only");
        assert_eq!(of(Errno::NOSPC), "cannot write `/h`: the disk is full");
        assert_eq!(of(Errno::DQUOT), "cannot write `/h`: the disk is full");
        assert_eq!(
            of(Errno::ACCESS),
            "cannot use `/h`: permission denied, check its owner and mode"
        );
        assert_eq!(of(Errno::MFILE), "cannot open `/h`: too many open files");
        assert_eq!(of(Errno::NOENT), "cannot use `/h`");
    }

    #[test]
    fn a_line_has_the_causes() {
        let error = StorageError::io(Path::new("/h"), io::Error::other("the cause"));

        assert_eq!(error.line(), "cannot use `/h`: the cause");
        assert_eq!(JournalError::from(error).0, "cannot use `/h`: the cause");
    }

    #[test]
    fn a_component_is_not_told_where_the_files_are() {
        let failure = Failure::from(StorageError::Full { path: "/home/me".into() });

        assert_eq!(failure.to_string(), "unavailable: the disk is full");
    }
}
