//! Paths: from the caller's text to a place below one of the roots, and from an open descriptor back to a path.

use super::{FileError, Files, Root};
use crate::within::path_of;
use cap_std::fs::Dir;
use std::os::fd::AsFd;
use std::path::{Component, Path, PathBuf};

/// A place below a root, not yet looked at.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) root: &'a Root,
    /// Relative to the root, normal components only. Empty: the root itself.
    pub(super) path: PathBuf,
    /// The text as it was given, for messages.
    pub(super) given: &'a str,
}

impl Files {
    /// Parses a path. The disk is not looked at.
    pub(super) fn place<'a>(&'a self, given: &'a str) -> Result<Place<'a>, FileError> {
        let path = Path::new(given);
        let denied = |what: &str| FileError::Denied {
            what: format!("`{given}` ({what})"),
            hint: String::new(),
        };
        if given.contains('\0') || given.len() > 4096 {
            return Err(denied("not a path"));
        }
        if path.components().any(|part| part == Component::ParentDir) {
            return Err(denied("it goes up with `..`"));
        }
        let (root, rest) = if path.is_absolute() {
            self.root_of(path).ok_or_else(|| outside(given))?
        } else {
            (&self.roots[0], path)
        };
        let normal = |part: &Component<'_>| matches!(part, Component::Normal(_));
        let path = rest.components().filter(normal).collect();
        Ok(Place { root, path, given })
    }

    /// Returns the granted directory that holds `path`, the innermost of several, and the rest of the path.
    fn root_of<'a, 'p>(&'a self, path: &'p Path) -> Option<(&'a Root, &'p Path)> {
        self.roots
            .iter()
            .flat_map(|root| [(root, &root.path), (root, &root.given)])
            .filter_map(|(root, base)| path.strip_prefix(base).ok().map(|rest| (root, rest)))
            .min_by_key(|(_, rest)| rest.as_os_str().len())
    }
}

fn outside(given: &str) -> FileError {
    FileError::Denied {
        what: format!("`{given}` (it is outside the granted directories)"),
        hint: "grant its directory to the component".to_owned(),
    }
}

impl<'a> Place<'a> {
    /// Returns the path below the root, as the operating system takes it.
    pub(super) fn below(&self) -> &Path {
        if self.path.as_os_str().is_empty() { Path::new(".") } else { &self.path }
    }

    /// Returns a place with the same text and root, and another path.
    pub(super) fn at(&self, path: PathBuf) -> Self {
        Self { root: self.root, path, given: self.given }
    }

    pub(super) fn failed(&self, error: std::io::Error) -> FileError {
        FileError::new(self.given, error)
    }

    /// Returns the real place of the open `descriptor` below the root.
    ///
    /// The descriptor itself is asked: the path could lead elsewhere by now.
    pub(super) fn real(&self, descriptor: &impl AsFd) -> Result<Self, FileError> {
        let path = match (path_of(descriptor), path_of(&self.root.dir)) {
            (Some(path), Some(root)) => {
                path.strip_prefix(&root).map(Path::to_owned).map_err(|_| outside(self.given))?
            }
            _ => self.canonical(self.below())?,
        };
        Ok(self.at(path))
    }

    /// Returns the path below the root that `path` leads to, following links.
    pub(super) fn canonical(&self, path: &Path) -> Result<PathBuf, FileError> {
        self.root.dir.canonicalize(path).map_err(|error| self.failed(error))
    }

    /// Returns the directory of the last component, and that component.
    pub(super) fn split(&self) -> Result<(PathBuf, PathBuf), FileError> {
        let root = || FileError::Denied {
            what: format!("a change of `{}`, the directory itself,", self.given),
            hint: String::new(),
        };
        let name = self.path.file_name().map(PathBuf::from).ok_or_else(root)?;
        let parent = self.path.parent().map(Path::to_owned).unwrap_or_default();
        Ok((parent, name))
    }

    /// Opens a directory below the root.
    pub(super) fn open_dir(&self) -> Result<Dir, FileError> {
        self.root.dir.open_dir(self.below()).map_err(|error| self.failed(error))
    }
}
