//! The files that a model has read, as they were then. One that somebody else changed since is not written over by a
//! model that does not know of it.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use openkoi_brokers::disk::{self, FileStatus};
use openkoi_core::failure::Failure;

/// The files that were read or written in the name of runs in one workspace.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<HashMap<PathBuf, FileStatus>>);

/// A file that somebody else changed since a model read it, by the name that the model has for it.
pub(crate) struct Stale<'p>(pub(crate) &'p str);

impl Stale<'_> {
    /// Returns the answer to a call that would write over the change.
    pub(crate) fn refused(&self) -> Failure {
        let advice = "read it again, and keep what they did";
        Failure::Conflict(format!(
            "`{}` was changed by somebody else since you read it; {advice}",
            self.0
        ))
    }

    /// Returns the note to a call that changes a part of the file as it is now.
    pub(crate) fn noted(&self) -> String {
        format!(
            "`{}` was changed by somebody else since you read it; the rest of it may be new",
            self.0
        )
    }
}

impl Seen {
    /// Notes that a model knows what is in a file now; what is no file is not noted.
    pub(crate) fn note(&self, path: &Path) {
        let Ok(path) = disk::canonical(path) else { return };
        let status = disk::status(&path).ok().filter(|status| status.kind == disk::FileKind::File);
        let mut seen = self.lock();
        match status {
            Some(status) => drop(seen.insert(path, status)),
            None => drop(seen.remove(&path)),
        }
    }

    /// Forgets paths that the run itself changed by a program: what a model knows of them is its own affair.
    pub(crate) fn forget<'p>(&self, root: &Path, paths: impl IntoIterator<Item = &'p Path>) {
        let mut seen = self.lock();
        for path in paths {
            seen.remove(&root.join(path));
        }
    }

    /// Returns whether somebody else changed a file since a model read it. A file that no model read is not stale.
    pub(crate) fn is_stale(&self, path: &Path) -> bool {
        let Ok(real) = disk::canonical(path) else { return false };
        let Some(then) = self.lock().get(&real).copied() else { return false };
        disk::status(&real).is_ok_and(|now| now != then)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, FileStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_changed_since_it_was_seen_is_stale_until_it_is_seen_again() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.txt");
        fs::write(&file, "one").unwrap();
        let seen = Seen::default();
        assert!(!seen.is_stale(&file), "nobody has read it");
        seen.note(&file);
        assert!(!seen.is_stale(&file));

        fs::write(&file, "theirs").unwrap();

        assert!(seen.is_stale(&file));
        seen.note(&file);
        assert!(!seen.is_stale(&file));
    }

    #[test]
    fn what_is_gone_or_was_changed_by_the_run_itself_is_not_stale() {
        let directory = tempfile::tempdir().unwrap();
        let root = disk::canonical(directory.path()).unwrap();
        let seen = Seen::default();
        for name in ["gone", "own"] {
            fs::write(root.join(name), "one").unwrap();
            seen.note(&root.join(name));
        }

        fs::remove_file(root.join("gone")).unwrap();
        fs::write(root.join("own"), "formatted").unwrap();
        seen.forget(&root, [Path::new("own")]);

        assert!(!seen.is_stale(&root.join("gone")));
        assert!(!seen.is_stale(&root.join("own")));
    }
}
