//! Control files: captured even if they are ignored, and of `.git` the parts that make git run something.
//!
//! | of a repository | why |
//! |---|---|
//! | `config`, `config.worktree` | name programs: hooks elsewhere, filters, pagers, file monitors |
//! | `hooks/**` | are programs |
//! | `commondir`, `gitdir` | say where all of this is read from |
//! | `info/attributes`, `info/exclude` | apply filters; hide files, from snapshots too |
//! | the same in `modules/**` and `worktrees/*` | other working trees of the same person |
//!
//! Objects, references, the index and `HEAD` are the work itself, and what git keeps of an operation under way
//! belongs to them: a restore leaves both alone. Links are captured as links and not followed.

use super::SnapshotError;
use crate::places::is_control;
use std::fs::{self, FileType};
use std::path::Path;

/// More files than this are a mistake in what is ignored, and would take minutes.
pub(super) const MOST_FILES: usize = 200_000;

/// Files of a repository's directory.
const STEERING: [&str; 4] = ["config", "config.worktree", "commondir", "gitdir"];
/// Files of its `info`.
const INFORMING: [&str; 2] = ["attributes", "exclude"];

/// Collects the control files of a workspace.
pub(super) struct Control<'a> {
    root: &'a Path,
    store: &'a Path,
    found: Vec<String>,
    /// The number of entries of control directories so far.
    seen: usize,
}

/// The entries of a directory.
type Entries = Vec<(String, FileType)>;

impl<'a> Control<'a> {
    pub(super) fn new(root: &'a Path, store: &'a Path) -> Self {
        Self { root, store, found: Vec::new(), seen: 0 }
    }

    /// Returns the paths of the control files, relative to the workspace.
    pub(super) fn found(self) -> Vec<String> {
        self.found
    }

    /// Adds the control files in the directory at `path`, but not those of its other directories.
    pub(super) fn look(&mut self, path: &str) -> Result<(), SnapshotError> {
        for (name, kind) in self.list(path) {
            if !is_control(Path::new(&name)) {
                continue;
            }
            let path = joined(path, &name);
            match kind.is_dir() {
                true if is_git(&name) => self.repository(path)?,
                true => self.everything(path)?,
                false => self.found.push(path),
            }
        }
        Ok(())
    }

    /// Adds all files below `path`; of a repository among them only the files that steer git.
    fn everything(&mut self, path: String) -> Result<(), SnapshotError> {
        let mut waiting = vec![path];
        while let Some(path) = waiting.pop() {
            // OpenKoi's own data may lie in the workspace, and are not control files.
            if self.store.starts_with(self.root.join(&path)) {
                continue;
            }
            for (name, kind) in self.entries(&path)? {
                let path = joined(&path, &name);
                match kind.is_dir() {
                    true if is_git(&name) => self.repository(path)?,
                    true => waiting.push(path),
                    false => self.found.push(path),
                }
            }
        }
        Ok(())
    }

    /// Adds the files that steer git in the repository at `path`, and in those inside of it.
    fn repository(&mut self, path: String) -> Result<(), SnapshotError> {
        let mut waiting = vec![path];
        while let Some(path) = waiting.pop() {
            for (name, kind) in self.entries(&path)? {
                let path = joined(&path, &name);
                match (name.as_str(), kind.is_dir()) {
                    ("hooks", true) => self.everything(path)?,
                    ("info", true) => self.information(&path)?,
                    ("modules" | "worktrees", true) => waiting.extend(self.repositories(path)?),
                    ("hooks" | "info" | "modules" | "worktrees", false) => self.found.push(path),
                    (name, false) if STEERING.contains(&name) => self.found.push(path),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn information(&mut self, path: &str) -> Result<(), SnapshotError> {
        let entries = self.entries(path)?.into_iter();
        let informing = entries.filter(|(name, _)| INFORMING.contains(&name.as_str()));
        self.found.extend(informing.map(|(name, _)| joined(path, &name)));
        Ok(())
    }

    /// Returns the repositories below `path`: a submodule lies as deep as its name has slashes. Adds links that stand
    /// in place of one.
    fn repositories(&mut self, path: String) -> Result<Vec<String>, SnapshotError> {
        let (mut repositories, mut waiting) = (Vec::new(), vec![path]);
        while let Some(path) = waiting.pop() {
            let entries = self.entries(&path)?;
            if entries.iter().any(|(name, _)| name == "HEAD") {
                repositories.push(path);
                continue;
            }
            for (name, kind) in entries {
                match kind.is_dir() {
                    true => waiting.push(joined(&path, &name)),
                    false if kind.is_symlink() => self.found.push(joined(&path, &name)),
                    false => {}
                }
            }
        }
        Ok(repositories)
    }

    /// Lists a control directory. Too many entries are an error: one that is left out could steer.
    fn entries(&mut self, path: &str) -> Result<Entries, SnapshotError> {
        let entries = self.list(path);
        self.seen += entries.len();
        if self.seen > MOST_FILES {
            Err(SnapshotError::TooMany { limit: MOST_FILES })
        } else {
            Ok(entries)
        }
    }

    /// Lists a directory. One that cannot be read is not covered, nor is a name that is not UTF-8.
    fn list(&self, path: &str) -> Entries {
        let Ok(list) = fs::read_dir(self.root.join(path)) else { return Entries::new() };
        let read = |entry: fs::DirEntry| {
            Some((entry.file_name().into_string().ok()?, entry.file_type().ok()?))
        };
        list.filter_map(|entry| read(entry.ok()?)).collect()
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") }
}

fn is_git(name: &str) -> bool {
    name.eq_ignore_ascii_case(".git")
}
