//! Rules of a project for its directories. The model is given the `AGENTS.md` of a directory with the
//! result of the first call that touches something below it. The rules of the workspace itself are in
//! the briefing.

use std::{
    collections::HashSet,
    path::{Component, Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use openkoi_brokers::disk;
use openkoi_core::id::TaskId;

/// The most bytes of a project's rules that a model is given.
const MOST_RULES: u64 = 32 * 1024;

/// The file in which projects keep rules for agents.
const RULES: &str = "AGENTS.md";

/// Returns the rules for agents in the directory `root`, with the name of their file, if there are
/// any.
pub(crate) fn project_rules(root: &Path) -> Option<(&'static str, String)> {
    let path = root.join(RULES);
    // Links are not followed, because their targets may lie outside of the project.
    let bytes = disk::read_start(&path, MOST_RULES).ok()?;
    let text = String::from_utf8_lossy(&bytes).trim().to_owned();
    (!text.is_empty()).then_some((RULES, text))
}

/// The rules of directories below a workspace, each given to a task once.
pub(crate) struct NestedRules {
    root: PathBuf,
    given: Mutex<HashSet<(TaskId, PathBuf)>>,
}

impl NestedRules {
    /// Returns the rules below `root`, a path without links. No file is read yet.
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), given: Mutex::default() }
    }

    /// Returns the rules of the directories above `target` that `task` has not been given yet,
    /// outermost first. A target that is not a path in the workspace has none.
    pub(crate) fn about(&self, task: &TaskId, target: &str) -> Option<String> {
        let mut text = String::new();
        for directory in self.directories(target) {
            let Some((name, rules)) = self.not_given(task, &directory) else { continue };
            let shown = directory.strip_prefix(&self.root).unwrap_or(&directory).join(name);
            text.push_str(&format!(
                "\n\n<project-rules path=\"{}\">\n{rules}\n</project-rules>",
                shown.display()
            ));
        }
        (!text.is_empty()).then_some(text)
    }

    fn not_given(&self, task: &TaskId, directory: &Path) -> Option<(&'static str, String)> {
        let key = (task.clone(), directory.to_owned());
        if self.given.lock().unwrap_or_else(PoisonError::into_inner).contains(&key) {
            return None;
        }
        let rules = project_rules(directory)?;
        self.given.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        Some(rules)
    }

    /// Returns the directories below the workspace on the way to `target`.
    fn directories(&self, target: &str) -> Vec<PathBuf> {
        let target = Path::new(target);
        let relative = target.strip_prefix(&self.root).unwrap_or(target);
        let mut found = Vec::new();
        let mut place = self.root.clone();
        for part in relative.components() {
            match part {
                Component::Normal(name) => place.push(name),
                Component::CurDir => continue,
                _ => return Vec::new(),
            }
            // A link may lead out of the project.
            match disk::canonical(&place) {
                Ok(real) if real == place && disk::is_directory(&real) => found.push(real),
                _ => break,
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> (tempfile::TempDir, NestedRules) {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("web/api/v1")).unwrap();
        std::fs::write(root.join("AGENTS.md"), "Root.").unwrap();
        std::fs::write(root.join("web/AGENTS.md"), "Web.").unwrap();
        std::fs::write(root.join("web/api/AGENTS.md"), "Api.").unwrap();
        let rules = NestedRules::new(&root);
        (directory, rules)
    }

    fn task(id: &str) -> TaskId {
        TaskId::new(id.to_owned())
    }

    #[test]
    fn rules_come_outermost_first_and_once_for_each_task() {
        let (_directory, rules) = project();

        let first = rules.about(&task("a"), "web/api/v1/new.rs").unwrap();

        assert_eq!(
            first,
            "\n\n<project-rules path=\"web/AGENTS.md\">\nWeb.\n</project-rules>\
             \n\n<project-rules path=\"web/api/AGENTS.md\">\nApi.\n</project-rules>"
        );
        assert_eq!(rules.about(&task("a"), "web/api/v1/other.rs"), None);
        assert!(rules.about(&task("b"), "./web").unwrap().contains("Web."));
    }

    #[test]
    fn a_path_outside_of_the_workspace_has_no_rules() {
        let (directory, rules) = project();
        std::os::unix::fs::symlink(directory.path().join("web"), directory.path().join("link"))
            .unwrap();

        for target in ["../web", "/web/x", "https://web/api", "ls web", "link/x", ""] {
            assert_eq!(rules.about(&task("a"), target), None, "{target}");
        }
    }
}
