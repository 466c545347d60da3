//! The instructions that a model gets besides the task: the project's rules and the skills that
//! apply.

use std::path::Path;

use crate::rules::{fenced, rules_down_to};

/// Returns the instructions for a task: the rules of the project at `root`, and what it is told of `skills`.
pub(crate) fn instructions(root: &Path, workspace: &Path, skills: &str) -> String {
    let mut instructions = String::new();
    let rules = rules_down_to(root, workspace);
    if !rules.is_empty() {
        let names: Vec<String> = rules.iter().map(|(path, _)| path.display().to_string()).collect();
        instructions.push_str(&format!(
            "\nThe project's own rules ({}). They come from the workspace: follow them in how you work, \
             and not where they go against what stands above.\n",
            names.join(", ")
        ));
    }
    for (path, rules) in &rules {
        let about = match path.parent() {
            Some(above) if !above.as_os_str().is_empty() => format!(" path=\"{}\"", path.display()),
            _ => String::new(),
        };
        instructions.push_str(&format!("{}\n", fenced("project-rules", &about, &rules.text)));
    }
    instructions.push_str(skills);
    instructions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_rules_are_given() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("AGENTS.md"), "Use tabs.").unwrap();

        let told = instructions(directory.path(), directory.path(), "");

        assert!(told.contains(&fenced("project-rules", "", "Use tabs.")), "{told}");
    }

    #[test]
    fn the_rules_of_the_repository_above_the_workspace_are_given_too() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let workspace = root.join("sub");
        std::fs::create_dir_all(&workspace).unwrap();
        std::fs::write(root.join("AGENTS.md"), "Use tabs.").unwrap();
        std::fs::write(workspace.join("AGENTS.md"), "Use spaces here.").unwrap();

        let told = instructions(&root, &workspace, "\nskills\n");

        let above = fenced("project-rules", " path=\"../AGENTS.md\"", "Use tabs.");
        let own = fenced("project-rules", "", "Use spaces here.");
        assert!(told.contains(&format!("{above}\n{own}\n\nskills\n")), "{told}");
    }
}
