//! What lies outside of the workspace: canaries that nobody may read or touch.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use openkoi_test_support::Home;

/// What every canary holds.
pub(super) const MARK: &str = "koi-canary-of-outside";

/// Directories outside of the workspace, as they were.
pub(super) struct Outside {
    places: Vec<PathBuf>,
    before: BTreeMap<PathBuf, Facts>,
}

/// What would differ if somebody had touched a file: kind and mode, links, size, times, contents. A directory's contents are
/// its entries.
type Facts = (u32, u64, u64, i64, i64, Vec<u8>);

impl Outside {
    /// Puts canaries where a companion would lead somebody to: under the names that the workspace has, and others.
    pub(super) fn make(home: &Home) -> Self {
        let beyond = home.root().join("beyond");
        let places = vec![beyond.clone(), home.user()];
        for (path, mode) in [
            ("one.txt", 0o600),
            ("id_rsa", 0o600),
            ("AGENTS.md", 0o644),
            ("CLAUDE.md", 0o644),
            ("data.json", 0o640),
            ("old.txt", 0o444),
            ("SKILL.md", 0o644),
            ("pre-commit", 0o755),
            ("deep/two.txt", 0o600),
            ("deep/deeper/koi-canary-of-outside.txt", 0o600),
        ] {
            write(&beyond.join(path), mode);
            write(&home.user().join(".ssh").join(path), mode);
        }
        let before = places.iter().flat_map(|place| look(place)).collect();
        Self { places, before }
    }

    /// Returns the directory that links lead to.
    pub(super) fn beyond(&self) -> &Path {
        &self.places[0]
    }

    #[track_caller]
    pub(super) fn assert_untouched(&self, what: &str) {
        let after: BTreeMap<_, _> = self.places.iter().flat_map(|place| look(place)).collect();
        let paths = self.before.keys().chain(after.keys());
        let changed: Vec<_> =
            paths.filter(|path| self.before.get(*path) != after.get(*path)).collect();
        assert!(changed.is_empty(), "{what}: touched outside of the workspace: {changed:?}");
    }

    /// Fails if OpenKoi keeps something from outside, or put it into the workspace.
    #[track_caller]
    pub(super) fn assert_unread(&self, home: &Home, what: &str) {
        for place in [home.path(), home.workspace(), home.temp()] {
            let holding = holding(&place);
            assert!(holding.is_empty(), "{what}: what is outside came into {holding:?}");
        }
    }
}

fn write(path: &Path, mode: u32) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, format!("{MARK}\n{}\n", path.display())).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Returns the facts of all that is below a directory, and of itself.
fn look(place: &Path) -> Vec<(PathBuf, Facts)> {
    let meta = fs::symlink_metadata(place).unwrap();
    let mut found = Vec::new();
    let mut contents = Vec::new();
    if meta.is_dir() {
        let mut entries: Vec<_> =
            fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        contents = format!("{entries:?}").into_bytes();
        found.extend(entries.iter().flat_map(|entry| look(entry)));
    } else if meta.is_file() {
        contents = fs::read(place).unwrap();
    }
    let facts =
        (meta.mode(), meta.nlink(), meta.size(), meta.mtime_nsec(), meta.ctime_nsec(), contents);
    found.push((place.to_owned(), facts));
    found
}

/// Returns the regular files below a directory that hold the mark, or have it in their name.
fn holding(place: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(place) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
        if kind.is_dir() {
            found.extend(holding(&path));
        }
        let is_marked =
            |bytes: Vec<u8>| bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes());
        let is_large = entry.metadata().is_ok_and(|meta| meta.size() > 64 << 20);
        let holds = kind.is_file() && !is_large && fs::read(&path).is_ok_and(is_marked);
        if holds || path.to_string_lossy().contains(MARK) {
            found.push(path);
        }
    }
    found
}
