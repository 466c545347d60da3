//! A directory of the workspace in which checks are looked for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::plan::Plan;
use crate::runner::{self, is_like};
use crate::world::World;

/// A directory in which checks are looked for.
pub(crate) struct Project<'a> {
    /// The workspace.
    pub world: &'a dyn World,
    /// Relative to the workspace; empty for the workspace itself.
    pub directory: String,
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
    /// Texts that were read, by their path: many rows of the table ask for the same.
    texts: RefCell<BTreeMap<String, Option<String>>>,
}

impl<'a> Project<'a> {
    /// Looks at a directory of the workspace.
    pub(crate) fn at(world: &'a dyn World, directory: &str) -> Self {
        let mut files = BTreeSet::new();
        let mut folders = BTreeSet::new();
        for entry in world.list(directory) {
            if entry.directory {
                folders.insert(entry.name)
            } else {
                files.insert(entry.name)
            };
        }
        let texts = RefCell::default();
        Self { world, directory: directory.to_owned(), files, folders, texts }
    }

    /// Returns whether it is the workspace itself.
    pub(crate) fn is_root(&self) -> bool {
        self.directory.is_empty()
    }

    /// Returns whether the directory itself holds a file of that name.
    pub(crate) fn has(&self, file: &str) -> bool {
        self.files.contains(file)
    }

    /// Returns whether the directory itself holds a folder of that name.
    pub(crate) fn has_folder(&self, folder: &str) -> bool {
        self.folders.contains(folder)
    }

    /// The names of the folders in the directory.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &str> {
        self.folders.iter().map(String::as_str)
    }

    /// The names of the files in the directory.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(String::as_str)
    }

    /// The text of a file below the directory, or nothing.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        self.read_below(&self.directory, path)
    }

    fn read_below(&self, directory: &str, path: &str) -> Option<String> {
        let here = directory == self.directory;
        let first = path.split_once('/').map_or(path, |(first, _)| first);
        if here && !self.files.contains(first) && !self.folders.contains(first) {
            return None;
        }
        let path = below(directory, path);
        let mut texts = self.texts.borrow_mut();
        texts.entry(path.clone()).or_insert_with(|| self.world.read(&path)).clone()
    }

    /// The text of a file below the directory, or empty.
    pub(crate) fn text(&self, path: &str) -> String {
        self.read(path).unwrap_or_default()
    }

    /// The files of a folder below the directory, by name.
    pub(crate) fn list(&self, path: &str) -> Vec<String> {
        let first = path.split('/').next().unwrap_or(path);
        if !self.folders.contains(first) {
            return Vec::new();
        }
        let entries = self.world.list(&below(&self.directory, path));
        entries.into_iter().filter(|entry| !entry.directory).map(|entry| entry.name).collect()
    }

    /// The directory and those above it, the nearest first.
    pub(crate) fn upwards(&self) -> impl Iterator<Item = &str> {
        let mut next = Some(self.directory.as_str());
        std::iter::from_fn(move || {
            let here = next?;
            next = (!here.is_empty()).then(|| parent(here));
            Some(here)
        })
    }

    /// The way from the directory to one at or above it: empty, or `../` as often as it takes.
    pub(crate) fn way_to(&self, above: &str) -> String {
        let depth = |path: &str| path.split('/').filter(|part| !part.is_empty()).count();
        "../".repeat(depth(&self.directory) - depth(above))
    }

    /// The nearest directory at or above this one that holds the file.
    pub(crate) fn above(&self, file: &str) -> Option<&str> {
        self.upwards().find(|directory| {
            let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
            let folder = below(directory, folder);
            if folder == self.directory {
                return self.has(name);
            }
            self.world.list(&folder).iter().any(|entry| entry.name == name)
        })
    }

    /// Returns whether what runs in continuous integration, or `make`, speaks of `word`.
    pub(crate) fn uses(&self, word: &str) -> bool {
        let workflows = self.list(".github/workflows");
        let mut texts =
            workflows.iter().map(|file| self.text(&format!(".github/workflows/{file}")));
        texts.any(|text| text.contains(word))
            || ["Makefile", "justfile", ".gitlab-ci.yml", ".pre-commit-config.yaml"]
                .iter()
                .any(|file| self.text(file).contains(word))
    }

    /// Returns whether a marker of the table holds here. An empty one always does.
    pub(crate) fn is_marked(&self, marker: &str) -> bool {
        marker.split(" + ").all(|part| match part.strip_prefix('!') {
            Some(part) => !self.holds(part),
            None => self.holds(part),
        })
    }

    fn holds(&self, part: &str) -> bool {
        if let Some(word) = part.strip_prefix('%') {
            return self.uses(word);
        }
        if let Some(file) = part.strip_prefix('^') {
            return self.above(file).is_some();
        }
        if let Some((file, text)) = part.split_once('~') {
            return self.text(file).contains(text);
        }
        if let Some(folder) = part.strip_suffix('/') {
            return self.has_folder(folder);
        }
        match part.rsplit_once('/') {
            Some((folder, name)) => self.list(folder).iter().any(|file| is_like(file, name)),
            None => part.is_empty() || self.files().any(|file| is_like(file, part)),
        }
    }

    /// Returns whether one of the markers holds.
    pub(crate) fn is_any(&self, markers: &[&str]) -> bool {
        markers.iter().any(|marker| self.is_marked(marker))
    }

    /// Plans `command`, words parted by spaces, by the row `name` of the table.
    pub(crate) fn plan(&self, name: &str, command: &str) -> Plan {
        Plan::new(runner::named(name), &self.directory, command)
    }
}

/// Joins a directory, empty for the workspace itself, and a path below it, empty for the directory.
pub(crate) fn below(directory: &str, path: &str) -> String {
    match (directory, path) {
        ("", path) => path.to_owned(),
        (directory, "") => directory.to_owned(),
        (directory, path) => format!("{directory}/{path}"),
    }
}

/// The directory of a path; empty for the workspace itself.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Returns whether `path` lies in `directory`, or is it.
pub(crate) fn is_in(path: &str, directory: &str) -> bool {
    directory.is_empty()
        || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::tests::Fake;

    #[test]
    fn markers_hold_where_they_say() {
        let world = Fake::default()
            .file("yarn.lock", "")
            .file("web/package.json", "{\"devDependencies\":{\"jest\":\"1\"}}")
            .file("web/test/a.bats", "")
            .file("web/.github/workflows/ci.yml", "run: cargo clippy");
        let web = Project::at(&world, "web");

        for (marker, holds) in [
            ("", true),
            ("package.json", true),
            ("*.json", true),
            ("test/", true),
            ("test", false),
            ("test/*.bats", true),
            ("test/*.t", false),
            ("package.json~\"jest\"", true),
            ("package.json~\"vitest\"", false),
            ("yarn.lock", false),
            ("^yarn.lock", true),
            ("^pnpm-lock.yaml", false),
            ("%clippy", true),
            ("package.json + !tsconfig.json", true),
            ("package.json + tsconfig.json", false),
        ] {
            assert_eq!(web.is_marked(marker), holds, "{marker}");
        }
    }

    #[test]
    fn the_way_up_is_written_with_dots() {
        let world = Fake::default();
        let deep = Project::at(&world, "a/b");

        assert_eq!(deep.upwards().collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!([deep.way_to("a/b"), deep.way_to("a"), deep.way_to("")], ["", "../", "../../"]);
        assert!(is_in("a/b/c", "a/b") && is_in("x", "") && !is_in("a/bc", "a/b"));
    }
}
