//! Rust projects.

use super::project::{Project, below};
use crate::plan::{Manner, Plan};

/// Returns the checks of a Cargo project that no workspace above it covers.
pub(crate) fn plans(project: &Project<'_>) -> Vec<Plan> {
    let Some(manifest) = project.read("Cargo.toml") else { return Vec::new() };
    if is_member(project, &manifest) {
        return Vec::new();
    }
    // Without it only the default members of a workspace are meant.
    let all = if manifest.contains("[workspace]") { " --workspace" } else { "" };
    let build = format!("cargo test --no-run --offline{all}");
    let test = format!("cargo test --no-fail-fast --offline{all}");
    let mut plans = vec![project.plan("cargo-build", &build), project.plan("cargo", &test)];
    if wants_clippy(project, &manifest) {
        let strict = if project.uses("-D warnings") { " -- -D warnings" } else { "" };
        let clippy = format!("cargo clippy --all-targets --offline{all}{strict}");
        plans.push(project.plan("clippy", &clippy));
    }
    let manner = if ignores_target(project) { Manner::Unlocked } else { Manner::Apart };
    plans.into_iter().map(|plan| plan.run_in(manner)).collect()
}

/// Returns whether the nearest workspace above takes the crate in. Cargo refuses a crate below a workspace that is
/// neither a member nor excluded.
fn is_member(project: &Project<'_>, manifest: &str) -> bool {
    if manifest.contains("[workspace]") {
        return false;
    }
    let above = project.upwards().skip(1).find_map(|directory| {
        let text = project.world.read(&below(directory, "Cargo.toml"))?;
        text.contains("[workspace").then(|| (directory.to_owned(), text))
    });
    above.is_some_and(|(directory, text)| !is_excluded(project, &directory, &text))
}

/// `exclude = ["tools/x", "fuzz"]`
fn is_excluded(project: &Project<'_>, workspace: &str, manifest: &str) -> bool {
    let Some((_, rest)) = manifest.split_once("exclude") else { return false };
    let list = rest.split_once(']').map_or(rest, |(list, _)| list);
    let path = project.directory.strip_prefix(workspace).unwrap_or("").trim_start_matches('/');
    list.split('"').skip(1).step_by(2).any(|entry| {
        let entry = entry.trim_end_matches(['/', '*']);
        path.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Returns whether what cargo makes is kept out of the project. If it were made all the same, it would be taken for a
/// change of the task.
pub(crate) fn ignores_target(project: &Project<'_>) -> bool {
    let own = [".gitignore", ".ignore"].map(|file| project.text(file));
    let root = project.world.read(".gitignore").unwrap_or_default();
    own.iter().chain([&root]).any(|text| text.lines().any(|line| line.contains("target")))
}

fn wants_clippy(project: &Project<'_>, manifest: &str) -> bool {
    let tables = ["[lints.clippy", "[workspace.lints.clippy"];
    let configured = project.is_any(&["clippy.toml", ".clippy.toml"])
        || tables.iter().any(|table| manifest.contains(table));
    configured || project.uses("clippy")
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use crate::plan::Manner;
    use crate::world::tests::Fake;

    #[test]
    fn a_crate_is_built_and_tested_offline() {
        let world = Fake::default().file("Cargo.toml", "[package]");

        assert_eq!(
            found(&world),
            [
                "cargo:build: cargo test --no-run --offline",
                "cargo:test: cargo test --no-fail-fast --offline"
            ]
        );
    }

    #[test]
    fn nothing_stays_behind_in_a_project_that_does_not_ignore_it() {
        let manner = |world: Fake| crate::detect::plans(&world, &[])[0].manner;
        let bare = Fake::default().file("Cargo.toml", "");
        let ignoring = Fake::default().file("Cargo.toml", "").file(".gitignore", "/target\n");

        assert_eq!((manner(bare), manner(ignoring)), (Manner::Apart, Manner::Unlocked));
    }

    #[test]
    fn clippy_runs_as_continuous_integration_runs_it() {
        let world = Fake::default()
            .file("Cargo.toml", "[workspace]")
            .file(".github/workflows/ci.yml", "run: cargo clippy -- -D warnings");

        assert_eq!(
            found(&world)[2],
            "cargo:clippy: cargo clippy --all-targets --offline --workspace -- -D warnings"
        );
    }

    #[test]
    fn a_workspace_stands_for_its_members_and_not_for_what_it_excludes() {
        let world = Fake::default()
            .file("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\nexclude = [\"fuzz\"]\n")
            .file("crates/a/Cargo.toml", "[package]")
            .file("fuzz/Cargo.toml", "[package]")
            .file("tools/own/Cargo.toml", "[package]\n[workspace]\n");

        let ids: Vec<String> =
            found(&world).into_iter().filter(|line| line.starts_with("cargo:test")).collect();

        assert_eq!(
            ids,
            [
                "cargo:test: cargo test --no-fail-fast --offline --workspace",
                "cargo:test@fuzz: cargo test --no-fail-fast --offline",
                "cargo:test@tools/own: cargo test --no-fail-fast --offline --workspace",
            ]
        );
    }
}
