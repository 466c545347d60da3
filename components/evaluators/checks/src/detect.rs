//! The checks that a workspace has. Only what the project itself declares is run: its manifests, its scripts, its
//! configured linters.
//!
//! | found | checks |
//! |---|---|
//! | `Cargo.toml` | `cargo:build`, `cargo:test`; `cargo:clippy` if it is configured or used |
//! | `go.mod` | `go:build`, `go:vet`, `go:test` |
//! | Python tests | `python:pytest` or `python:unittest`; `python:mypy`, `python:ruff` if configured |
//! | `package.json` | its scripts for build, test, types and lint; `node:tsc`; `node:test` |
//! | `Makefile` | `make:test` and others that nothing above covers |
//! | `test.sh` | `script:test` |
//!
//! They are looked for at the root; where the root has none, in its direct sub-projects; and in those
//! sub-projects that hold a changed file. What is found on the untouched tree must be found again later, or it
//! is taken for gone: so all of it depends on the project's own files and on nothing else.

mod cargo;
mod go;
mod make;
mod node;
mod project;
mod python;
mod script;

use std::collections::BTreeSet;

use openkoi_sdk::evaluator::Change;

use crate::plan::Plan;
use crate::world::World;
use project::Project;

/// The most sub-projects that are looked at.
const SUBPROJECTS: usize = 4;

/// Directories that hold no project of the user.
const FOREIGN: [&str; 9] = [
    "node_modules",
    "target",
    "vendor",
    "dist",
    "build",
    "venv",
    "third_party",
    "out",
    "__pycache__",
];

/// Returns the checks of the workspace, in the order in which they are run.
pub(crate) fn plans(world: &dyn World, changes: &[Change]) -> Vec<Plan> {
    let root = Project::at(world, "");
    let mut plans = of_project(&root);
    let sub = if plans.is_empty() { children(&root) } else { BTreeSet::new() };
    for directory in sub.into_iter().chain(touched(&root, changes)) {
        let known: BTreeSet<String> = plans.iter().map(|plan| plan.id.clone()).collect();
        let found = of_project(&Project::at(world, &directory));
        plans.extend(found.into_iter().filter(|plan| !known.contains(&plan.id)));
    }
    distinct(plans)
}

/// The checks of one directory.
fn of_project(project: &Project<'_>) -> Vec<Plan> {
    let mut plans = Vec::new();
    plans.extend(cargo::plans(project));
    plans.extend(go::plans(project));
    plans.extend(python::plans(project));
    plans.extend(node::plans(project));
    let covered = plans.iter().map(|plan| plan.category).collect();
    plans.extend(make::plans(project, &covered));
    plans.extend(script::plans(project));
    plans
}

/// The direct sub-directories that are projects.
fn children(root: &Project<'_>) -> BTreeSet<String> {
    let own = root.folders().filter(|name| is_own(name));
    own.filter(|name| is_project(root, name)).take(SUBPROJECTS).map(str::to_owned).collect()
}

/// The direct sub-directories that are projects, hold a changed file, and are not covered from the root.
fn touched(root: &Project<'_>, changes: &[Change]) -> BTreeSet<String> {
    let folders: BTreeSet<&str> =
        changes.iter().filter_map(|change| Some(change.path.split_once('/')?.0)).collect();
    let own = folders.into_iter().filter(|name| is_own(name) && root.has_folder(name));
    own.filter(|name| is_project(root, name) && !is_covered(root, name))
        .take(SUBPROJECTS)
        .map(str::to_owned)
        .collect()
}

fn is_own(name: &str) -> bool {
    !name.starts_with('.') && !FOREIGN.contains(&name)
}

fn is_project(root: &Project<'_>, folder: &str) -> bool {
    let files = root.list(folder);
    let marker = |file: &str| {
        [
            "Cargo.toml",
            "go.mod",
            "package.json",
            "pyproject.toml",
            "setup.py",
            "Makefile",
            "test.sh",
        ]
        .contains(&file)
    };
    files.iter().any(|file| marker(file))
}

/// Returns whether the checks of the root run those of the folder, too.
fn is_covered(root: &Project<'_>, folder: &str) -> bool {
    let files = root.list(folder);
    let member = |file: &str, ground: bool| ground && files.iter().any(|name| name == file);
    let cargo = root.text("Cargo.toml").contains("[workspace]");
    let node =
        root.text("package.json").contains("\"workspaces\"") || root.has("pnpm-workspace.yaml");
    let python = root.has("pyproject.toml") || root.has("pytest.ini") || root.has_folder("tests");
    member("Cargo.toml", cargo) || member("package.json", node) || member("setup.py", python)
}

/// Leaves out a command that already runs in the same directory.
fn distinct(plans: Vec<Plan>) -> Vec<Plan> {
    let mut seen = BTreeSet::new();
    plans
        .into_iter()
        .filter(|plan| seen.insert((plan.directory.clone(), plan.arguments.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::tests::Fake;
    use openkoi_sdk::evaluator::ChangeKind;

    pub(crate) fn found(world: &Fake) -> Vec<String> {
        found_with(world, &[])
    }

    fn found_with(world: &Fake, changed: &[&str]) -> Vec<String> {
        let changes: Vec<Change> = changed
            .iter()
            .map(|path| Change { path: (*path).to_owned(), kind: ChangeKind::Modified })
            .collect();
        plans(world, &changes)
            .iter()
            .map(|plan| format!("{}: {}", plan.id, plan.command()))
            .collect()
    }

    #[test]
    fn a_workspace_without_a_project_has_no_checks() {
        let world = Fake::default().file("README.md", "hello").file("notes/a.txt", "x");

        assert_eq!(found(&world), Vec::<String>::new());
    }

    #[test]
    fn sub_projects_are_looked_at_where_the_root_has_none() {
        let world = Fake::default()
            .file("api/go.mod", "module m")
            .file("web/test.sh", "echo ok a")
            .file("node_modules/x/package.json", r#"{"scripts":{"test":"x"}}"#);

        let ids: Vec<String> = plans(&world, &[]).into_iter().map(|plan| plan.id).collect();

        assert_eq!(ids, ["go:build@api", "go:vet@api", "go:test@api", "script:test@web"]);
    }

    #[test]
    fn a_changed_sub_project_is_looked_at_unless_the_root_covers_it() {
        let world = Fake::default()
            .file("Cargo.toml", "[workspace]\nmembers = [\"crate\"]")
            .file("crate/Cargo.toml", "[package]")
            .file("tool/go.mod", "module m")
            .file("other/go.mod", "module o");

        let changed = plans(
            &world,
            &[
                Change { path: "crate/src/lib.rs".to_owned(), kind: ChangeKind::Modified },
                Change { path: "tool/main.go".to_owned(), kind: ChangeKind::Modified },
            ],
        );

        let ids: Vec<String> = changed.into_iter().map(|plan| plan.id).collect();
        assert_eq!(
            ids,
            ["cargo:build", "cargo:test", "go:build@tool", "go:vet@tool", "go:test@tool"]
        );
    }

    #[test]
    fn what_is_found_first_is_found_again_after_a_change() {
        let world = Fake::default().file("test.sh", "echo ok a").file("sub/go.mod", "module m");

        let before = found(&world);
        let after = found_with(&world, &["sub/main.go"]);

        assert!(after.starts_with(&before), "{before:?} {after:?}");
    }
}
