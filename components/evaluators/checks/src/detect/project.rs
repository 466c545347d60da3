//! A directory of the workspace in which checks are looked for.

use std::collections::BTreeSet;

use crate::plan::{Category, Plan};
use crate::world::World;

/// A directory in which checks are looked for.
pub(crate) struct Project<'a> {
    /// The workspace.
    pub world: &'a dyn World,
    /// Relative to the workspace; empty for the workspace itself.
    pub directory: String,
    files: BTreeSet<String>,
    folders: BTreeSet<String>,
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
        Self { world, directory: directory.to_owned(), files, folders }
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
        self.world.read(&below(&self.directory, path))
    }

    /// The text of a file below the directory, or empty.
    pub(crate) fn text(&self, path: &str) -> String {
        self.read(path).unwrap_or_default()
    }

    /// The files of a folder below the directory, by name.
    pub(crate) fn list(&self, path: &str) -> Vec<String> {
        let entries = self.world.list(&below(&self.directory, path));
        entries.into_iter().filter(|entry| !entry.directory).map(|entry| entry.name).collect()
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

    /// Plans `command`, words parted by spaces.
    pub(crate) fn plan(&self, name: &str, category: Category, command: &str) -> Plan {
        Plan::new(name, category, &self.directory, command)
    }
}

/// Joins a directory, empty for the workspace itself, and a path below it.
pub(crate) fn below(directory: &str, path: &str) -> String {
    if directory.is_empty() { path.to_owned() } else { format!("{directory}/{path}") }
}
