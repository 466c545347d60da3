//! Effects as a person or a model is shown them.

use super::repository::Inside;
use super::{SnapshotError, SnapshotStore};
use crate::places::is_control;
use openkoi_core::change_set::{PathEffect, PathState};
use openkoi_core::evaluation::{Change, ChangeKind};
use similar::TextDiff;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// Larger files are shown by their sizes only.
const LARGEST_COMPARED: u64 = 1 << 20;
/// The time to compare one file. After it the difference is right, but not the smallest.
const DEADLINE: Duration = Duration::from_millis(500);
/// Bytes of the names of what could not be shown.
const NAMED: usize = 2_000;
/// With less room than this, a file is named instead of being shown in part.
const LEAST_SHOWN: usize = 500;

/// Returns effects as files that changed. Of a repository's own directory the files that steer git are shown singly, and
/// the rest in one line; a directory is shown if nothing in it is.
#[must_use]
pub fn describe(effects: &[PathEffect]) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut repositories = BTreeMap::<&str, Vec<&PathEffect>>::new();
    for effect in effects {
        match Inside::of(&effect.path) {
            Some(inside) if inside.is_object() || is_directory(effect) => {}
            Some(inside) if !inside.is_steered_by(effect) => {
                repositories.entry(inside.repository).or_default().push(effect);
            }
            _ if is_directory(effect) && has_contents(effects, &effect.path) => {}
            _ => changes.push(change(effect)),
        }
    }
    for (repository, effects) in repositories {
        let kinds: Vec<ChangeKind> = effects.iter().map(|effect| kind(effect)).collect();
        let all = |kind: ChangeKind| kinds.iter().all(|one| *one == kind);
        let kind = match () {
            () if all(ChangeKind::Added) && has_head(&effects) => ChangeKind::Added,
            () if all(ChangeKind::Removed) && has_head(&effects) => ChangeKind::Removed,
            () => ChangeKind::Modified,
        };
        changes.push(Change { path: repository.to_owned(), kind, control: false });
    }
    changes.sort_by(|a, b| a.path.cmp(&b.path));
    changes
}

fn has_head(effects: &[&PathEffect]) -> bool {
    effects.iter().any(|effect| Inside::of(&effect.path).is_some_and(|at| at.rest == "HEAD"))
}

fn has_contents(effects: &[PathEffect], directory: &str) -> bool {
    let below = |path: &str| path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
    effects.iter().any(|effect| below(&effect.path))
}

fn is_directory(effect: &PathEffect) -> bool {
    let plain =
        |state: &PathState| matches!(state, PathState::Directory { .. } | PathState::Absent);
    plain(&effect.before) && plain(&effect.after)
}

fn change(effect: &PathEffect) -> Change {
    let slash = if is_directory(effect) { "/" } else { "" };
    Change {
        path: format!("{}{slash}", effect.path),
        kind: kind(effect),
        control: is_control(Path::new(&effect.path)),
    }
}

fn kind(effect: &PathEffect) -> ChangeKind {
    match (&effect.before, &effect.after) {
        (PathState::Absent, _) => ChangeKind::Added,
        (_, PathState::Absent) => ChangeKind::Removed,
        _ => ChangeKind::Modified,
    }
}

impl SnapshotStore {
    /// Returns effects as a unified diff of at most `max` bytes. Tests and settings come first, small files before large
    /// ones, and what could not be shown is named.
    ///
    /// # Errors
    ///
    /// Contents are damaged or cannot be read.
    pub fn effects_diff(
        &self,
        effects: &[PathEffect],
        max: usize,
    ) -> Result<String, SnapshotError> {
        let room = max.saturating_sub(NAMED.min(max / 4));
        let (mut text, mut left_out) = (String::new(), Vec::new());
        let mut shown: Vec<&PathEffect> = effects.iter().filter(|one| is_shown(one)).collect();
        shown.sort_by_key(|effect| (!is_evidence(&effect.path), bytes(effect)));
        for effect in shown {
            let one = self.one(effect)?;
            let free = room.saturating_sub(text.len());
            if one.len() <= free {
                text.push_str(&one);
                continue;
            }
            left_out.push(effect.path.as_str());
            if free > LEAST_SHOWN {
                let cut = one.floor_char_boundary(free);
                text.push_str(&one[..one[..cut].rfind('\n').map_or(0, |at| at + 1)]);
            }
        }
        text.push_str(&repositories(effects));
        text.push_str(&not_shown(&left_out, max.saturating_sub(text.len())));
        text.truncate(text.floor_char_boundary(max));
        Ok(text)
    }

    fn one(&self, effect: &PathEffect) -> Result<String, SnapshotError> {
        let PathEffect { path, before, after, .. } = effect;
        match (before, after) {
            (
                PathState::File { mode: a, hash: same, .. },
                PathState::File { mode: b, hash, .. },
            ) if same == hash => return Ok(format!("mode of {path}: {a:o} → {b:o}\n")),
            (PathState::Directory { .. } | PathState::Absent, PathState::Directory { .. }) => {
                return Ok(format!("directory {path}/\n"));
            }
            (PathState::Directory { .. }, PathState::Absent) => {
                return Ok(format!("directory {path}/ is removed\n"));
            }
            _ => {}
        }
        let (a, b) = (self.text(before)?, self.text(after)?);
        let (Some(a), Some(b)) = (a, b) else {
            let (a, b) = (size(before), size(after));
            return Ok(format!("binary or large file {path}: {a} → {b}\n"));
        };
        let name = |state: &PathState, side| match state {
            PathState::Absent => "/dev/null".to_owned(),
            _ => format!("{side}/{path}"),
        };
        let lines = TextDiff::configure().timeout(DEADLINE).diff_lines(&a, &b);
        let (a, b) = (name(before, 'a'), name(after, 'b'));
        let text = lines.unified_diff().context_radius(3).header(&a, &b).to_string();
        // An empty file has no lines that differ.
        Ok(if text.is_empty() { format!("--- {a}\n+++ {b}\n") } else { text })
    }

    /// Returns contents that can be compared by lines.
    fn text(&self, state: &PathState) -> Result<Option<String>, SnapshotError> {
        Ok(match state {
            PathState::Absent => Some(String::new()),
            PathState::Link { target } => Some(format!("link to {target}\n")),
            PathState::Directory { .. } => Some("directory\n".to_owned()),
            PathState::File { size, hash, .. } if *size <= LARGEST_COMPARED => {
                let bytes = self.get(hash)?;
                String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
            }
            PathState::File { .. } | PathState::Uncovered => None,
        })
    }
}

/// Tells whether the path itself is shown, and not in a line for its repository or its contents.
fn is_shown(effect: &PathEffect) -> bool {
    match Inside::of(&effect.path) {
        Some(inside) => inside.is_steered_by(effect) && !is_directory(effect),
        None => true,
    }
}

fn repositories(effects: &[PathEffect]) -> String {
    let lines = describe(effects)
        .into_iter()
        .filter(|change| Inside::of(&change.path).is_some_and(|inside| inside.rest.is_empty()));
    lines.map(|change| format!("history or index of {} changed\n", change.path)).collect()
}

/// Returns how many bytes there were and are.
fn bytes(effect: &PathEffect) -> u64 {
    let of = |state: &PathState| match state {
        PathState::File { size, .. } => *size,
        _ => 0,
    };
    of(&effect.before).saturating_add(of(&effect.after))
}

fn size(state: &PathState) -> String {
    match state {
        PathState::Absent => "nothing".to_owned(),
        PathState::File { size, .. } => format!("{size} bytes"),
        PathState::Link { .. } => "a link".to_owned(),
        PathState::Directory { .. } => "a directory".to_owned(),
        PathState::Uncovered => "not covered".to_owned(),
    }
}

/// Returns a line that names the files that could not be shown whole, in at most `room` bytes.
fn not_shown(paths: &[&str], room: usize) -> String {
    if paths.is_empty() {
        return String::new();
    }
    let more = |left: usize| if left > 0 { format!(" and {left} more") } else { String::new() };
    let mut line = "… not shown whole:".to_owned();
    for (index, path) in paths.iter().enumerate() {
        let left = paths.len() - index;
        if line.len() + path.len() + 20 > room {
            return format!("{line}{}\n", more(left));
        }
        line.push_str(&format!(" {path}"));
    }
    format!("{line}\n")
}

/// Tells whether a path says by its names that it is a test, or a setting of the tools that run them. It decides about the
/// order only.
fn is_evidence(path: &str) -> bool {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric());
    let is_test = words.map(str::to_ascii_lowercase).any(|word| {
        matches!(word.as_str(), "test" | "tests" | "spec" | "specs" | "testdata" | "conftest")
    });
    let path = Path::new(path);
    let is_setting = path.extension().is_some_and(|end| {
        ["toml", "json", "yaml", "yml", "ini", "cfg"].iter().any(|setting| end == *setting)
    });
    let is_hidden = path.iter().any(|name| name.as_encoded_bytes().starts_with(b"."));
    is_test || is_setting || is_hidden || is_control(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(hash: &str) -> PathState {
        PathState::File { mode: 0o644, size: 1, hash: hash.to_owned() }
    }

    fn added(path: &str) -> PathEffect {
        PathEffect::new(path, PathState::Absent, file("1"))
    }

    fn changed(path: &str) -> PathEffect {
        PathEffect::new(path, file("1"), file("2"))
    }

    fn made(path: &str) -> PathEffect {
        let after = PathState::Directory { mode: 0o755 };
        PathEffect::new(path, PathState::Absent, after)
    }

    fn said(effects: &[PathEffect]) -> Vec<String> {
        let one = |change: Change| {
            let control = if change.control { " control" } else { "" };
            format!("{:?} {}{control}", change.kind, change.path)
        };
        describe(effects).into_iter().map(one).collect()
    }

    #[test]
    fn a_commit_is_one_line_and_a_hook_is_a_line_of_its_own() {
        let effects = [
            changed(".git/refs/heads/main"),
            changed(".git/index"),
            added(".git/objects/ab/cdef"),
            added(".git/hooks/pre-commit"),
            changed("a.py"),
        ];
        assert_eq!(
            said(&effects),
            ["Modified .git", "Added .git/hooks/pre-commit control", "Modified a.py"]
        );
    }

    #[test]
    fn objects_that_nothing_names_are_no_change() {
        assert!(said(&[made(".git/objects/ab"), added(".git/objects/ab/cdef")]).is_empty());
    }

    #[test]
    fn a_new_repository_is_added() {
        let effects = [made("a/.git"), added("a/.git/HEAD"), added("a/.git/description")];
        assert_eq!(said(&effects), ["Added a/.git"]);
    }

    #[test]
    fn a_directory_is_shown_if_nothing_in_it_is() {
        assert_eq!(said(&[made("a"), added("a/b"), made("c")]), ["Added a/b", "Added c/"]);
    }

    #[test]
    fn tests_and_settings_are_evidence() {
        for path in
            ["tests/a.py", "src/a_test.go", "a.spec.ts", "Cargo.toml", ".github/x", "x/conftest.py"]
        {
            assert!(is_evidence(path), "{path}");
        }
        for path in ["src/contest.rs", "latest/a.py", "README.md"] {
            assert!(!is_evidence(path), "{path}");
        }
    }
}
