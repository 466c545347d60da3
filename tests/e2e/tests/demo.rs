//! `openkoi demo`: the whole loop, offline, with real tools and real checks.

use std::time::Duration;

use openkoi_test_support::{Home, Kind, skip::skip};

use crate::world::{assert_harmless, assert_nothing_runs};

/// Runs the demonstration of one flavour and looks at what it left.
fn demonstrates(kind: Kind, name: &str) {
    if !kind.is_available() {
        skip(&format!("the demonstration in {name}"), "there is no such toolchain");
        return;
    }
    let home = Home::new();

    let run = home.openkoi(["demo", name, "--keep"]).timeout(Duration::from_secs(240)).run();

    assert_eq!(run.code, 0, "{run}");
    assert_harmless(&run);
    assert!(run.stderr.contains("scripted"), "it says that the model is scripted: {run}");
    assert!(run.stderr.contains("[EXEC]") && run.stderr.contains("[EVAL]"), "{run}");
    assert!(run.stderr.contains("2 iterations"), "the first attempt is not enough: {run}");
    assert!(run.said().contains("verified"), "the report has what was verified: {run}");
    let project = kept_project(&run.said());
    let tests = std::process::Command::new("sh")
        .args(["-c", &kind.command().join(" ")])
        .current_dir(&project)
        .output()
        .unwrap();
    assert!(tests.status.success(), "the tests of {project} really pass: {tests:?}");
    std::fs::remove_dir_all(project).unwrap();
    let status = home.openkoi(["status", "--json"]).run().expect_code(0);
    let total = &status.json()["cost"]["total"];
    assert_eq!((&total["tokens"], &total["turns"]), (&0.into(), &0.into()), "{status}");
    assert_nothing_runs(&home);
}

/// Returns the directory that `--keep` names.
fn kept_project(said: &str) -> String {
    let words = said.split_whitespace().map(|word| word.trim_matches(['`', '"', '.', ',', ':']));
    // The directory is removed afterwards, and a comment that is shown may begin with slashes.
    let is_project = |path: &std::path::Path| path.is_dir() && path.components().count() > 2;
    let mut directories =
        words.filter(|word| word.starts_with('/') && is_project(std::path::Path::new(word)));
    directories.next_back().unwrap_or_else(|| panic!("no directory in {said}")).to_owned()
}

#[test]
fn the_demonstration_fixes_a_shell_project() {
    demonstrates(Kind::Shell, "shell");
}

#[test]
fn the_demonstration_fixes_a_python_project() {
    demonstrates(Kind::Python, "python");
}

#[test]
fn the_demonstration_fixes_a_node_project() {
    demonstrates(Kind::Node, "node");
}

#[test]
fn the_demonstration_fixes_a_rust_project() {
    demonstrates(Kind::Rust, "rust");
}

#[test]
fn a_demonstration_says_where_it_is_kept_or_that_it_is_removed() {
    let home = Home::new();

    let kept = home.openkoi(["demo", "shell", "--keep", "-q"]).run().expect_code(0);
    let removed = home.openkoi(["demo", "shell"]).run().expect_code(0);

    let project = kept.stderr.trim().strip_prefix("The project is kept in ");
    let project = project.unwrap_or_else(|| panic!("{kept}"));
    assert!(std::path::Path::new(project).join("test.sh").is_file(), "{kept}");
    assert!(removed.stderr.contains("(removed at the end; --keep keeps it)"), "{removed}");
    std::fs::remove_dir_all(project).unwrap();
}

#[test]
fn the_demonstration_needs_no_provider_no_network_and_no_choice() {
    let home = Home::new();

    let run = home.openkoi(["demo"]).timeout(Duration::from_secs(240)).run();

    assert_eq!(run.code, 0, "{run}");
    assert_eq!(
        std::fs::read_dir(home.workspace()).unwrap().count(),
        0,
        "the workspace is not touched"
    );
    assert_eq!(std::fs::read_dir(home.temp()).unwrap().count(), 0, "the project is gone: {run}");
}
