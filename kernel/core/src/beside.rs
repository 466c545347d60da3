//! What was changed beside the task: files that it does not name, while it names others.

use std::collections::BTreeSet;

use crate::{
    change_set::{PathEffect, PathState},
    evaluation::{Change, ChangeKind},
};

/// The shortest name without its end that is taken for a name of a file when it stands in a task.
const SHORTEST: usize = 3;

/// Returns the changed files that the task does not name: those that are gone, and the others where it names one of the
/// changed files at all. What was only moved is not gone.
pub(crate) fn beside(task: &str, changes: &[Change], effects: &[PathEffect]) -> Vec<String> {
    let task = Named::of(task);
    let names_one = changes.iter().any(|change| task.names(&change.path));
    let is_counted =
        |change: &&Change| names_one || (is_gone(change) && !is_moved(&change.path, effects));
    let beside = changes.iter().filter(is_counted).filter(|change| !task.names(&change.path));
    beside.map(|change| change.path.clone()).collect()
}

fn is_gone(change: &Change) -> bool {
    change.kind == ChangeKind::Removed
}

fn is_moved(path: &str, effects: &[PathEffect]) -> bool {
    let before = effects.iter().find(|effect| effect.path == path).map(|effect| &effect.before);
    before.is_some_and(|before| {
        *before != PathState::Absent && effects.iter().any(|effect| effect.after == *before)
    })
}

/// The names in a task.
struct Named {
    text: String,
    words: BTreeSet<String>,
}

impl Named {
    fn of(task: &str) -> Self {
        let text = task.to_lowercase();
        let words = text.split(|c: char| !c.is_alphanumeric() && !"_-".contains(c));
        Self { words: words.map(str::to_owned).collect(), text }
    }

    /// Returns whether the task names a file, by its name with or without the end, or a directory that holds it.
    fn names(&self, path: &str) -> bool {
        let path = path.to_lowercase();
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or(name);
        let mut folders = folder.split('/').filter(|folder| !folder.is_empty());
        self.text.contains(name)
            || (stem.chars().count() >= SHORTEST && self.words.contains(stem))
            || folders.any(|folder| self.text.contains(&format!("{folder}/")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(path: &str, kind: ChangeKind) -> Change {
        Change { path: path.to_owned(), kind, control: false }
    }

    fn found(task: &str, changed: &[&str], removed: &[&str]) -> Vec<String> {
        let changed = changed.iter().map(|path| change(path, ChangeKind::Modified));
        let removed = removed.iter().map(|path| change(path, ChangeKind::Removed));
        beside(task, &changed.chain(removed).collect::<Vec<_>>(), &[])
    }

    #[test]
    fn files_are_named_by_their_name_its_stem_or_their_directory() {
        for task in ["fix src/slug.rs", "fix slug.rs", "the Slug is wrong", "tidy src/ up"] {
            let beside = found(task, &["src/slug.rs", "LICENSE"], &[]);
            assert_eq!(beside, ["LICENSE"], "{task}");
        }
    }

    #[test]
    fn where_no_file_is_named_only_what_is_gone_is_told() {
        assert_eq!(found("make it faster", &["a.rs", "b.rs"], &["notes.md"]), ["notes.md"]);
        assert_eq!(found("remove the notes", &[], &["notes.md"]), [""; 0]);
    }

    #[test]
    fn what_was_moved_is_not_gone() {
        let state = PathState::File { mode: 0o644, size: 1, hash: "h".to_owned() };
        let effect = |path: &str, before: &PathState, after: &PathState| {
            PathEffect::new(path, before.clone(), after.clone())
        };
        let effects = [
            effect("old.py", &state, &PathState::Absent),
            effect("new.py", &PathState::Absent, &state),
        ];
        let changes = [change("old.py", ChangeKind::Removed), change("new.py", ChangeKind::Added)];

        assert_eq!(beside("tidy up", &changes, &effects), [""; 0]);
        assert_eq!(beside("tidy up", &changes, &effects[..1]), ["old.py"]);
    }
}
