//! Python projects.

use super::project::{Project, below};
use crate::plan::{Category, Manner, Plan};
use crate::report::Reporter;

const PYTEST: &str = "-m pytest -rA -p no:cacheprovider -o junit_family=xunit1";

/// Returns the checks of a Python project.
pub(crate) fn plans(project: &Project<'_>) -> Vec<Plan> {
    let python = interpreter(project);
    let mut plans = Vec::new();
    plans.extend(tests(project, &python));
    if configured(project, "mypy", &["mypy.ini", ".mypy.ini"]) && project.world.installed("mypy") {
        let files = if names_files(project) { "" } else { " ." };
        let command = format!("mypy --no-color-output --cache-dir=/dev/null{files}");
        plans.push(project.plan("python:mypy", Category::Types, &command));
    }
    if configured(project, "ruff", &["ruff.toml", ".ruff.toml"]) && project.world.installed("ruff")
    {
        plans.push(project.plan("python:ruff", Category::Lint, "ruff check --no-cache ."));
    }
    plans
}

/// The project's own interpreter where it brings one.
fn interpreter(project: &Project<'_>) -> String {
    for folder in [".venv", "venv"] {
        let programs = project.world.list(&below(&project.directory, &format!("{folder}/bin")));
        if programs.iter().any(|entry| entry.name == "python") {
            return format!("{folder}/bin/python");
        }
    }
    let python = if project.world.installed("python3") { "python3" } else { "python" };
    python.to_owned()
}

fn tests(project: &Project<'_>, python: &str) -> Option<Plan> {
    let files = test_files(project);
    let configured = configured(project, "pytest", &["pytest.ini", "conftest.py"])
        || project.text("tox.ini").contains("[pytest]")
        || project.text("setup.cfg").contains("[tool:pytest]");
    if files.is_empty() && !configured {
        return None;
    }
    let imported = files.iter().any(|file| project.text(file).contains("import pytest"));
    if configured || imported || project.world.installed("pytest") {
        let plan = project.plan("python:pytest", Category::Test, &format!("{python} {PYTEST}"));
        let other = PYTEST.replacen("-m pytest", "pytest", 1);
        return Some(plan.read_by(Reporter::Pytest).run_in(Manner::Reported).or(&other));
    }
    let command = match folder_without_package(project) {
        Some(folder) => format!("{python} -m unittest discover -v -s {folder}"),
        None => format!("{python} -m unittest discover -v"),
    };
    let plan = project.plan("python:unittest", Category::Test, &command);
    Some(plan.read_by(Reporter::Unittest))
}

/// Discovery from the root only enters packages: a folder of tests without `__init__.py` has to be named.
fn folder_without_package(project: &Project<'_>) -> Option<&'static str> {
    ["tests", "test"].into_iter().find(|folder| {
        let files = project.list(folder);
        let tests = files.iter().any(|file| is_test(file));
        tests && !files.iter().any(|file| file == "__init__.py")
    })
}

fn test_files(project: &Project<'_>) -> Vec<String> {
    let own = project.files().filter(|file| is_test(file)).map(str::to_owned);
    let nested = ["tests", "test"].into_iter().flat_map(|folder| {
        let files = project.list(folder).into_iter().filter(|file| is_test(file));
        files.map(move |file| format!("{folder}/{file}"))
    });
    own.chain(nested).take(50).collect()
}

fn is_test(file: &str) -> bool {
    file.strip_suffix(".py")
        .is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test"))
}

fn configured(project: &Project<'_>, tool: &str, files: &[&str]) -> bool {
    files.iter().any(|file| project.has(file))
        || project.text("pyproject.toml").contains(&format!("[tool.{tool}"))
        || (tool != "pytest" && project.text("setup.cfg").contains(&format!("[{tool}]")))
}

fn names_files(project: &Project<'_>) -> bool {
    ["mypy.ini", ".mypy.ini", "setup.cfg", "pyproject.toml"].iter().any(|file| {
        let text = project.text(file);
        let section = text.split_once("mypy").map_or("", |(_, rest)| rest);
        section.lines().any(|line| line.starts_with("files") || line.starts_with("packages"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use crate::world::tests::Fake;

    #[test]
    fn tests_run_with_unittest_unless_pytest_is_meant_or_there() {
        let plain = || Fake::default().file("test_a.py", "import unittest").program("python3");

        assert_eq!(found(&plain()), ["python:unittest: python3 -m unittest discover -v"]);
        let pytest =
            "python:pytest: python3 -m pytest -rA -p no:cacheprovider -o junit_family=xunit1";
        assert_eq!(found(&plain().program("pytest")), [pytest]);
        assert_eq!(found(&plain().file("pyproject.toml", "[tool.pytest.ini_options]")), [pytest]);
    }

    #[test]
    fn a_folder_of_tests_that_is_not_a_package_is_named() {
        let world = Fake::default().file("tests/test_a.py", "").program("python3");

        assert_eq!(found(&world), ["python:unittest: python3 -m unittest discover -v -s tests"]);
    }

    #[test]
    fn the_interpreter_of_the_project_is_taken() {
        let world = Fake::default().file("test_a.py", "").file(".venv/bin/python", "");

        assert_eq!(found(&world), ["python:unittest: .venv/bin/python -m unittest discover -v"]);
    }

    #[test]
    fn linters_run_where_they_are_configured_and_installed() {
        let world = Fake::default()
            .file("pyproject.toml", "[tool.ruff]\nline-length = 100\n[tool.mypy]\nfiles = ['a']\n")
            .program("ruff")
            .program("mypy");

        assert_eq!(
            found(&world),
            [
                "python:mypy: mypy --no-color-output --cache-dir=/dev/null",
                "python:ruff: ruff check --no-cache ."
            ]
        );
    }
}
