//! The files that a model has read, as they were then. One that somebody else changed since is not written over by a
//! model that does not know of it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use openkoi_brokers::disk::{self, FileStatus};
use openkoi_core::failure::Failure;

/// The files that were read or written in the name of runs in one workspace.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<BTreeMap<PathBuf, Sight>>);

/// What a model saw of a file, and when.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// In this state.
    State(FileStatus),
    /// At this time, in milliseconds since 1970, by a process that is gone.
    Time(u64),
}

#[derive(Clone, Copy, Debug)]
struct Sight {
    then: Then,
    /// The state of which a model was told that somebody else left it so; nothing inside if the file was gone.
    told: Option<Option<FileStatus>>,
}

impl Sight {
    fn is_stale(&self, now: Option<&FileStatus>) -> bool {
        match (self.then, now) {
            (Then::State(then), Some(now)) => then != *now,
            (Then::Time(then), Some(now)) => now.modified_ms() > then,
            (_, None) => true,
        }
    }
}

/// Most files that are named as changed by somebody else in one note.
const NAMED: usize = 10;

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
            Some(status) => {
                seen.insert(path, Sight { then: Then::State(status), told: None });
            }
            None => drop(seen.remove(&path)),
        }
    }

    /// Notes that a process which is gone knew what was in a file at a time, in milliseconds since 1970.
    pub(crate) fn note_at(&self, path: &Path, at_ms: u64) {
        if let Ok(path) = disk::canonical(path)
            && disk::is_file(&path)
        {
            self.lock().insert(path, Sight { then: Then::Time(at_ms), told: None });
        }
    }

    /// Returns a note on the files that somebody else changed or removed since a model saw them, each once.
    pub(crate) fn news(&self, root: &Path) -> Option<String> {
        let Ok(root) = disk::canonical(root) else { return None };
        let mut seen = self.lock();
        let mut changed = Vec::new();
        for (path, sight) in seen.iter_mut() {
            let now = disk::status(path).ok();
            if sight.is_stale(now.as_ref()) && sight.told != Some(now) {
                sight.told = Some(now);
                changed.push(path.strip_prefix(&root).unwrap_or(path).display().to_string());
            }
        }
        let more = match changed.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        changed.truncate(NAMED);
        let named = changed.join("`, `");
        (!named.is_empty()).then(|| {
            format!("changed or removed by somebody else since you read it: `{named}`{more}")
        })
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
        let Some(sight) = self.lock().get(&real).copied() else { return false };
        disk::status(&real).is_ok_and(|now| sight.is_stale(Some(&now)))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Sight>> {
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
    fn what_others_did_is_told_once_for_each_change() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        let seen = Seen::default();
        for name in ["a", "b", "c"] {
            fs::write(root.join(name), "one").unwrap();
            seen.note(&root.join(name));
        }
        assert_eq!(seen.news(root), None);

        fs::write(root.join("a"), "theirs").unwrap();
        fs::remove_file(root.join("b")).unwrap();

        let words = "changed or removed by somebody else since you read it: `a`, `b`";
        assert_eq!(seen.news(root).as_deref(), Some(words));
        assert_eq!(seen.news(root), None);
        fs::write(root.join("a"), "theirs, again").unwrap();
        assert!(seen.news(root).is_some());
    }

    #[test]
    fn what_a_process_that_is_gone_has_seen_is_known_by_its_time() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a");
        fs::write(&file, "one").unwrap();
        let written = disk::status(&file).unwrap().modified_ms();
        let seen = Seen::default();

        seen.note_at(&file, written + 1);
        assert!(!seen.is_stale(&file));
        seen.note_at(&file, written - 1);
        assert!(seen.is_stale(&file));
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
