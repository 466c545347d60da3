//! The workspace and other granted directories.
//!
//! Paths are those of the component: relative to the workspace with `/` between the parts, or absolute inside
//! another granted directory. Every step is taken below an open directory (cap-std), so that a link or a
//! rename cannot lead out. The *resolved* path is checked against the rules too, so that a link inside does
//! not lead around them.
//!
//! # Files with a rule of their own
//!
//! | files | without being named in [`FileRules::named`] |
//! |---|---|
//! | control files that are closed: `.git/**`, `.openkoi/**`, `.agents/**`, `AGENTS.md` and more, in any directory | may be read, not changed |
//! | secrets: `.env`, `.env.*`, `*.pem`, `*.key`, `id_rsa*`, `.netrc`, `.aws/**`, `.ssh/**`, those of browsers, and more | refused |
//! | OpenKoi's own home and other [`FileRules::private`] places | refused, even if named |
//!
//! The names are listed in [`crate::places`] and compared without case, as some disks do. A hard link may have the name
//! of a secret in another directory: if a file has several links, the secret files of its directory and of those above
//! are compared by inode, which finds the usual ones and cannot find all.

pub mod change;
mod guard;
mod keep;
mod look;
mod path;
mod touch;

pub use keep::Remark;
pub use touch::{Touch, Wanted, Watch};

use crate::disk::FileKind;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, MetadataExt};
use openkoi_core::capability::Access;
use openkoi_core::pattern::PathGlob;
use std::io;
use std::path::{Path, PathBuf};

/// The most bytes one [`Files::read`] returns.
pub const READ_LIMIT: u32 = 4 << 20;
/// The most entries one [`Files::list`] returns.
pub const LIST_LIMIT: usize = 10_000;
/// The largest contents that [`Files::write`] takes.
pub const WRITE_LIMIT: usize = 64 << 20;

/// A granted directory beside the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantedDirectory {
    /// Its absolute path.
    pub path: PathBuf,
    /// The access to it.
    pub access: Access,
}

/// The rules for a component's access to files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileRules {
    /// Paths of the workspace that may be read; `**` for all. Empty: none.
    pub read: Vec<PathGlob>,
    /// Paths of the workspace that may be changed. Empty: none.
    pub write: Vec<PathGlob>,
    /// The granted directories beside the workspace.
    pub directories: Vec<GrantedDirectory>,
    /// Control and secret files that are granted, each by its exact path as the component gives it.
    pub named: Vec<String>,
    /// Absolute paths that are closed whatever else is granted, such as OpenKoi's own home.
    pub private: Vec<PathBuf>,
}

impl FileRules {
    /// Rules under which the whole workspace may be read and changed, control and secret files apart.
    #[must_use]
    pub fn workspace() -> Self {
        let all: Vec<PathGlob> = "**".parse().into_iter().collect();
        Self { read: all.clone(), write: all, ..Self::default() }
    }
}

/// Why a file operation failed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The rules do not allow it. Nothing was changed.
    #[error("{what} is not allowed")]
    Denied {
        /// The refused act, for example `read of .env`.
        what: String,
        /// What a person can do to allow it. Empty if they cannot.
        hint: String,
    },
    /// There is no such file or directory.
    #[error("`{path}` does not exist")]
    NotFound {
        /// The path as it was given.
        path: String,
    },
    /// The file is not what the caller expected, or is there already.
    #[error("`{path}` {reason}")]
    Conflict {
        /// The path as it was given.
        path: String,
        /// The difference, as the rest of a sentence.
        reason: &'static str,
    },
    /// The contents are larger than the limit of one call.
    #[error("`{path}` is larger than {limit} bytes")]
    TooLarge {
        /// The path as it was given.
        path: String,
        /// The limit.
        limit: u64,
    },
    /// A directory, device, pipe or socket where a regular file belongs, or the other way round.
    #[error("`{path}` is {found}")]
    NotAFile {
        /// The path as it was given.
        path: String,
        /// What it is instead.
        found: &'static str,
    },
    /// The system could not.
    #[error("`{path}`: {source}")]
    Io {
        /// The path as it was given.
        path: String,
        /// The error of the system.
        source: io::Error,
    },
}

/// The metadata of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Its kind.
    pub kind: FileKind,
    /// Its size in bytes.
    pub size: u64,
    /// The time of its last change, in milliseconds since 1970.
    pub modified_ms: u64,
    /// Whether its owner may execute it.
    pub executable: bool,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name, without the directory.
    pub name: String,
    /// Its metadata.
    pub stat: Stat,
}

/// The workspace, or a granted directory.
#[derive(Debug)]
struct Root {
    /// Its real path, links resolved.
    path: PathBuf,
    /// Its path as it was granted.
    given: PathBuf,
    dir: Dir,
    access: Access,
    is_workspace: bool,
}

/// The file broker of one task and one caller. Its methods block for as long as a disk does.
#[derive(Debug)]
pub struct Files {
    roots: Vec<Root>,
    rules: FileRules,
    private: Vec<PathBuf>,
}

impl Files {
    /// Opens the workspace at `root` and the granted directories.
    ///
    /// # Errors
    ///
    /// One of them does not exist or cannot be opened.
    pub fn open(root: &Path, rules: FileRules) -> Result<Self, FileError> {
        let access = if rules.write.is_empty() { Access::Read } else { Access::Write };
        let mut roots = vec![Root::open(root, access, true)?];
        for directory in &rules.directories {
            roots.push(Root::open(&directory.path, directory.access, false)?);
        }
        let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
        let private = rules.private.iter().map(real).collect();
        Ok(Self { roots, rules, private })
    }
}

impl Root {
    fn open(path: &Path, access: Access, is_workspace: bool) -> Result<Self, FileError> {
        let given = path.to_owned();
        let failed = |error| FileError::new(&given.display().to_string(), error);
        let path = path.canonicalize().map_err(failed)?;
        let dir = Dir::open_ambient_dir(&path, ambient_authority()).map_err(failed)?;
        Ok(Self { path, given, dir, access, is_workspace })
    }
}

impl FileError {
    fn new(path: &str, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.raw_os_error() {
            Some(libc::ENOENT) => return Self::NotFound { path },
            Some(libc::EISDIR) => return Self::NotAFile { path, found: "a directory" },
            Some(libc::ENOTDIR) => return Self::NotAFile { path, found: "not a directory" },
            Some(libc::ENXIO) => return Self::NotAFile { path, found: "a pipe, socket or device" },
            Some(libc::EEXIST) => return Self::Conflict { path, reason: "exists already" },
            Some(libc::ENOTEMPTY) => return Self::Conflict { path, reason: "is not empty" },
            _ => {}
        }
        // cap-std reports a path that leaves its directory without an error number.
        if source.kind() == io::ErrorKind::PermissionDenied && source.raw_os_error().is_none() {
            return Self::Denied {
                what: format!("`{path}`, which leads out of its directory,"),
                hint: String::new(),
            };
        }
        Self::Io { path, source }
    }
}

impl Stat {
    fn of(meta: &Metadata) -> Self {
        let kind = if meta.is_file() {
            FileKind::File
        } else if meta.is_dir() {
            FileKind::Directory
        } else if meta.is_symlink() {
            FileKind::Link
        } else {
            FileKind::Other
        };
        let modified_ms =
            meta.mtime().saturating_mul(1000).saturating_add(meta.mtime_nsec() / 1_000_000);
        Self {
            kind,
            size: meta.size(),
            modified_ms: u64::try_from(modified_ms).unwrap_or(0),
            executable: kind == FileKind::File && meta.mode() & 0o100 != 0,
        }
    }
}
