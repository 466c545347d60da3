//! Rust projects.

use super::project::Project;
use crate::plan::{Category, Manner, Plan};
use crate::report::Reporter;

/// Returns the checks of a Cargo project.
pub(crate) fn plans(project: &Project<'_>) -> Vec<Plan> {
    let Some(manifest) = project.read("Cargo.toml") else { return Vec::new() };
    // Without it only the default members of a workspace are meant.
    let all = if manifest.contains("[workspace]") { " --workspace" } else { "" };
    let build = format!("cargo test --no-run --offline{all}");
    let test = format!("cargo test --no-fail-fast --offline{all}");
    let mut plans = vec![
        project.plan("cargo:build", Category::Build, &build),
        project
            .plan("cargo:test", Category::Test, &test)
            .read_by(Reporter::Libtest)
            .after("cargo:build"),
    ];
    if wants_clippy(project, &manifest) {
        let strict = if project.uses("-D warnings") { " -- -D warnings" } else { "" };
        let clippy = format!("cargo clippy --all-targets --offline{all}{strict}");
        plans.push(project.plan("cargo:clippy", Category::Lint, &clippy).after("cargo:build"));
    }
    let manner = if ignores_target(project) { Manner::Unlocked } else { Manner::Apart };
    plans.into_iter().map(|plan| plan.run_in(manner)).collect()
}

/// Returns whether what cargo makes is kept out of the project. If it were made all the same, it would be taken for a
/// change of the task.
fn ignores_target(project: &Project<'_>) -> bool {
    let own = [".gitignore", ".ignore"].map(|file| project.text(file));
    let root = project.world.read(".gitignore").unwrap_or_default();
    own.iter().chain([&root]).any(|text| text.lines().any(|line| line.contains("target")))
}

fn wants_clippy(project: &Project<'_>, manifest: &str) -> bool {
    let configured = project.has("clippy.toml")
        || project.has(".clippy.toml")
        || manifest.contains("[lints.clippy]")
        || manifest.contains("[workspace.lints.clippy]");
    (configured || project.uses("clippy")) && project.world.installed("cargo-clippy")
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use crate::plan::Manner;
    use crate::world::tests::Fake;

    #[test]
    fn a_crate_is_built_and_tested_offline() {
        let world = Fake::default().file("Cargo.toml", "[package]").program("cargo-clippy");

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
            .file(".github/workflows/ci.yml", "run: cargo clippy -- -D warnings")
            .program("cargo-clippy");

        assert_eq!(
            found(&world)[2],
            "cargo:clippy: cargo clippy --all-targets --offline --workspace -- -D warnings"
        );
    }
}
