//! The rules for paths: what is granted, control files, secrets, and private places.

use super::path::Place;
use super::{FileError, Files};
use crate::places::{is_closed, is_secret};
use crate::sabotage::{Guard, off};
use cap_std::fs::{Dir, File, MetadataExt};
use openkoi_core::capability::Access;
use std::path::Path;

/// An act that is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Read,
    Change,
}

/// The class of a path, by its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    Control,
    Secret,
}

/// The most entries of a directory that are compared with a hard link.
const MOST_COMPARED: usize = 2000;

fn classify(path: &Path) -> Class {
    match (is_secret(path), is_closed(path)) {
        (true, _) => Class::Secret,
        (false, true) => Class::Control,
        (false, false) => Class::Plain,
    }
}

impl Files {
    /// Checks a place against the rules, by its names.
    pub(super) fn check(&self, place: &Place<'_>, act: Act) -> Result<(), FileError> {
        self.check_rules(place, act)?;
        // A directory that was granted itself is open even inside of a private place.
        let granted = !place.root.is_workspace && self.is_private(&place.root.path);
        if !granted && self.is_private(&place.root.path.join(&place.path)) {
            return Err(refused(act, place, "it is closed to every component"));
        }
        let guard = match classify(&place.path) {
            Class::Secret => Guard::FileSecret,
            Class::Control if act == Act::Change => Guard::FileControl,
            Class::Control | Class::Plain => return Ok(()),
        };
        if self.is_named(place) || off(guard) {
            return Ok(());
        }
        Err(refused(act, place, "name it exactly in the grant to allow it"))
    }

    fn check_rules(&self, place: &Place<'_>, act: Act) -> Result<(), FileError> {
        if act == Act::Change && place.root.access == Access::Read {
            return Err(refused(act, place, "grant write access to its directory"));
        }
        if !place.root.is_workspace || off(Guard::FileRule) {
            return Ok(());
        }
        let globs = if act == Act::Read { &self.rules.read } else { &self.rules.write };
        let path = place.path.to_string_lossy();
        if globs.iter().any(|glob| glob.matches(&path)) {
            return Ok(());
        }
        Err(refused(act, place, "grant the path to the component"))
    }

    fn is_private(&self, path: &Path) -> bool {
        let path = path.to_string_lossy().to_lowercase();
        let path = Path::new(&path);
        self.private.iter().any(|closed| path.starts_with(closed.to_string_lossy().to_lowercase()))
    }

    fn is_named(&self, place: &Place<'_>) -> bool {
        self.rules.named.iter().any(|named| {
            self.place(named)
                .is_ok_and(|named| named.path == place.path && named.root.path == place.root.path)
        })
    }

    /// Checks the real path of an open file against the rules: a link has another name than its target.
    pub(super) fn check_real(&self, real: &Place<'_>, act: Act) -> Result<(), FileError> {
        if off(Guard::FileLink) { Ok(()) } else { self.check(real, act) }
    }

    /// Refuses a file that has the name of a secret too, in its directory or one above.
    pub(super) fn check_hard_links(&self, real: &Place<'_>, file: &File) -> Result<(), FileError> {
        let meta = file.metadata().map_err(|error| real.failed(error))?;
        if meta.nlink() < 2 || off(Guard::FileLink) {
            return Ok(());
        }
        let id = (meta.dev(), meta.ino());
        let mut directory = Some(real.path.as_path());
        while let Some(parent) = directory.and_then(Path::parent) {
            let open = real.at(parent.to_owned()).open_dir();
            if open.is_ok_and(|dir| holds_as_secret(&dir, parent, id)) {
                return Err(refused(Act::Read, real, "it is a secret file under another name"));
            }
            directory = Some(parent);
        }
        Ok(())
    }
}

fn holds_as_secret(dir: &Dir, path: &Path, id: (u64, u64)) -> bool {
    let Ok(entries) = dir.entries() else { return false };
    entries
        .take(MOST_COMPARED)
        .filter_map(Result::ok)
        .filter(|entry| is_secret(&path.join(entry.file_name())))
        .filter_map(|entry| entry.metadata().ok())
        .any(|meta| (meta.dev(), meta.ino()) == id)
}

fn refused(act: Act, place: &Place<'_>, hint: &str) -> FileError {
    let verb = match act {
        Act::Read => "read",
        Act::Change => "change",
    };
    let path = place.path.display().to_string();
    let through = if place.given.trim_end_matches('/') == path || place.given.starts_with('/') {
        String::new()
    } else {
        format!(" (through {})", place.given)
    };
    FileError::Denied { what: format!("{verb} of {path}{through}"), hint: hint.to_owned() }
}
