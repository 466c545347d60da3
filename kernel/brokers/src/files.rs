//! The workspace and other granted directories.
//!
//! Paths are those of the component: relative to the workspace with `/` between the parts, or absolute inside
//! another granted directory. Every step is taken below an open directory (cap-std), so that a link or a
//! rename cannot lead out, and the *resolved* path is held against the rules too, so that a link inside does
//! not lead around them.
//!
//! # Files with a rule of their own
//!
//! | files | without being named in [`FileRules::named`] |
//! |---|---|
//! | `.git/**`, `.openkoi/**`, `AGENTS.md`, `.mcp.json`, in any directory | may be read, not changed |
//! | `.env`, `.env.*`, `*.pem`, `*.key`, `id_rsa*` and the like, `.netrc`, `.aws/**`, `.ssh/**`, browser and keychain stores | refused |
//! | OpenKoi's own home and other [`FileRules::private`] places | refused, whatever is named |
//!
//! Names are compared without case, for the disks that do so. A hard link has no other name to compare: for
//! one (`nlink > 1`) the secret-looking files of the same directory, its parents and the root are compared by
//! inode, which finds the usual ones and cannot find all.

mod change;
mod guard;
mod look;
mod path;

pub use guard::is_control;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, MetadataExt};
use openkoi_core::pattern::PathGlob;
use std::io;
use std::path::{Path, PathBuf};

/// The most bytes one [`Files::read`] returns.
pub const READ_LIMIT: u32 = 4 << 20;
/// The most entries one [`Files::list`] returns.
pub const LIST_LIMIT: usize = 10_000;
/// The largest contents that [`Files::write`] takes.
pub const WRITE_LIMIT: usize = 64 << 20;

/// What may be done below a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Look only.
    Read,
    /// Look and change.
    Write,
}

/// A granted directory beside the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Its absolute path.
    pub path: PathBuf,
    /// What may be done there.
    pub access: Access,
}

/// What a component may do with files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileRules {
    /// Paths of the workspace that may be read; `**` for all. Empty: none.
    pub read: Vec<PathGlob>,
    /// Paths of the workspace that may be changed. Empty: none.
    pub write: Vec<PathGlob>,
    /// Granted directories beside the workspace.
    pub directories: Vec<Directory>,
    /// Control and secret files that are granted after all, each by its exact path as the component gives it.
    pub named: Vec<String>,
    /// Places that stay closed whatever else is said, such as OpenKoi's own home. Absolute.
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

/// Why a file operation did not happen.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The rules do not allow it. Nothing happened.
    #[error("{what} is not allowed")]
    Denied {
        /// What was refused, for example `read of .env`.
        what: String,
        /// What a person can do to allow it. Empty if nothing can.
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
        /// What is different.
        reason: &'static str,
    },
    /// More than one call takes or gives.
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
        /// What it is.
        found: &'static str,
    },
    /// The system could not.
    #[error("`{path}`: {source}")]
    Io {
        /// The path as it was given.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link, where it is listed and not followed.
    Link,
    /// Anything else; it cannot be opened.
    Other,
}

/// What is known of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// Size in bytes.
    pub size: u64,
    /// Last change, milliseconds since 1970.
    pub modified_ms: u64,
    /// Whether its owner may execute it.
    pub executable: bool,
}

/// One entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, without the directory.
    pub name: String,
    /// What it is.
    pub stat: Stat,
}

/// One directory that may be worked in.
#[derive(Debug)]
struct Root {
    /// Where it really is, links resolved.
    path: PathBuf,
    /// The same, as it was granted.
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
            Kind::File
        } else if meta.is_dir() {
            Kind::Directory
        } else if meta.is_symlink() {
            Kind::Link
        } else {
            Kind::Other
        };
        let modified_ms =
            meta.mtime().saturating_mul(1000).saturating_add(meta.mtime_nsec() / 1_000_000);
        Self {
            kind,
            size: meta.size(),
            modified_ms: u64::try_from(modified_ms).unwrap_or(0),
            executable: kind == Kind::File && meta.mode() & 0o100 != 0,
        }
    }
}
