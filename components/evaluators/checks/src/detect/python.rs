//! Python projects: which runner their tests are written for, and where it has to begin.

use std::collections::{BTreeSet, VecDeque};

use super::project::{Project, below, parent};
use super::reach;
use crate::plan::{Category, Plan, Standing};

const PYTEST: &str =
    "pytest -rA -p no:cacheprovider --continue-on-collection-errors -o junit_family=xunit1";

/// Files that make a directory a project of its own.
const MANIFESTS: [&str; 9] = [
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements*.txt",
    "tox.ini",
    "pytest.ini",
    "conftest.py",
    "Pipfile",
    "manage.py",
];

/// Settings by which pytest is meant.
const CONFIGURED: [&str; 8] = [
    "pytest.ini",
    ".pytest.ini",
    "conftest.py",
    "tests/conftest.py",
    "test/conftest.py",
    "pyproject.toml~[tool.pytest",
    "setup.cfg~[tool:pytest]",
    "tox.ini~[pytest]",
];

/// Places that only speak of it: it is meant if there are tests, too.
const SPOKEN_OF: [&str; 9] = [
    "pyproject.toml~pytest",
    "setup.py~pytest",
    "setup.cfg~pytest",
    "tox.ini~pytest",
    "noxfile.py~pytest",
    "Pipfile~pytest",
    "requirements.txt~pytest",
    "requirements-dev.txt~pytest",
    "dev-requirements.txt~pytest",
];

/// The most directories and levels in which tests are looked for.
const DIRECTORIES: usize = 60;
const DEPTH: usize = 4;

/// Returns the checks of a Python project.
pub(crate) fn plans(project: &Project<'_>) -> Vec<Plan> {
    if !project.is_root() && !project.is_any(&MANIFESTS) {
        return Vec::new();
    }
    let mut plans = tests(project);
    if is_typed(project) {
        let files = if names_files(project) { "" } else { " ." };
        let mypy = reach::python_tool(project, "mypy");
        let command = format!("{mypy} --no-color-output --cache-dir=/dev/null{files}");
        plans.push(project.plan("mypy", &command));
    }
    plans
}

fn tests(project: &Project<'_>) -> Vec<Plan> {
    let tests = Tests::of(project);
    if project.is_any(&CONFIGURED) || (!tests.files.is_empty() && tests.are_for_pytest(project)) {
        return vec![pytest(project)];
    }
    if project.text("manage.py").contains("django") {
        let command = reach::spelled(project, "{python} manage.py test --noinput -v 2");
        return vec![project.plan("django", &command)];
    }
    tests.starts().iter().map(|start| unittest(project, start)).collect()
}

fn pytest(project: &Project<'_>) -> Plan {
    let python = reach::python(project);
    let mut plan = project.plan("pytest", &format!("{python} -m {PYTEST}")).or(PYTEST);
    // Where a run from above only looks into folders that it names, a package below has to be looked at itself.
    if project.is_any(&["pyproject.toml", "setup.py"])
        && project.upwards().skip(1).any(|above| names_paths(project, above))
    {
        plan.standing = Standing::Apart;
    }
    plan
}

fn names_paths(project: &Project<'_>, directory: &str) -> bool {
    let text = |file: &str| project.world.read(&below(directory, file)).unwrap_or_default();
    let files = ["pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini"];
    files.iter().any(|file| text(file).contains("testpaths"))
}

/// Discovery only enters packages: it has to begin in the directory above the outermost of them. It is told no other top,
/// which would have to be a package itself.
fn unittest(project: &Project<'_>, start: &str) -> Plan {
    let python = reach::python(project);
    let source = start != "src"
        && project.has_folder("src")
        && !project.list("src").iter().any(|file| file == "__init__.py");
    let path = if source { "env PYTHONPATH=src " } else { "" };
    if start.is_empty() {
        return project.plan("unittest", &format!("{path}{python} -m unittest discover -v"));
    }
    let command = format!("{path}{python} -m unittest discover -v -s {start}");
    let name = format!("python:unittest:{}", start.replace(' ', "%20"));
    project.plan("unittest", &command).called(&name, Category::Test)
}

/// The test files of a project, and its packages.
struct Tests {
    files: Vec<String>,
    texts: Vec<String>,
    packages: BTreeSet<String>,
}

impl Tests {
    /// Looks at the project's directories but for those that are projects of their own.
    fn of(project: &Project<'_>) -> Self {
        let mut found = Self { files: Vec::new(), texts: Vec::new(), packages: BTreeSet::new() };
        let mut queue = VecDeque::from([(String::new(), 0)]);
        for _ in 0..DIRECTORIES {
            let Some((directory, depth)) = queue.pop_front() else { break };
            let inner = Project::at(project.world, &below(&project.directory, &directory));
            let path = inner.directory.clone();
            let own = path.strip_prefix(&project.directory).unwrap_or(&path);
            let own = own.trim_start_matches('/');
            if !own.is_empty() && is_other(&inner) {
                continue;
            }
            found.look_at(&inner, own);
            if depth < DEPTH {
                let folders = inner.folders().filter(|name| super::walk::is_own(name));
                let path = |name| below(own, name);
                queue.extend(folders.map(|name: &str| (path(name), depth + 1)));
            }
        }
        found
    }

    fn look_at(&mut self, directory: &Project<'_>, own: &str) {
        if directory.has("__init__.py") {
            self.packages.insert(own.to_owned());
        }
        let plain = ["", "tests", "test"].contains(&own);
        for file in directory.files().filter(|file| is_test(file)) {
            let text = directory.text(file);
            // Elsewhere a name alone does not make a file a test.
            let says = ["unittest", "pytest", "def test"].iter().any(|word| text.contains(word));
            if plain || says {
                self.files.push(if own.is_empty() {
                    file.to_owned()
                } else {
                    format!("{own}/{file}")
                });
                self.texts.push(text);
            }
        }
    }

    fn are_for_pytest(&self, project: &Project<'_>) -> bool {
        let any = |word: &str| self.texts.iter().any(|text| text.contains(word));
        let imported = any("import pytest") || any("from pytest");
        let functions = any("\ndef test_") && !any("unittest");
        imported
            || functions
            || project.is_any(&SPOKEN_OF)
            // That pytest is there does not make it the project's: it would leave out what this function of unittest adds.
            || (!any("def load_tests") && has_pytest(project))
    }

    /// The directories in which discovery has to begin to find all of them; the project itself is empty.
    fn starts(&self) -> BTreeSet<String> {
        self.files.iter().map(|file| self.start(file)).collect()
    }

    fn start(&self, file: &str) -> String {
        let mut directory = parent(file);
        while !directory.is_empty() && self.packages.contains(directory) {
            directory = parent(directory);
        }
        directory.to_owned()
    }
}

fn has_pytest(project: &Project<'_>) -> bool {
    project.world.installed("pytest") || reach::has_python_tool(project, "pytest")
}

/// Returns whether a directory inside of a project is another one.
fn is_other(directory: &Project<'_>) -> bool {
    directory.is_any(&[
        "pyproject.toml",
        "setup.py",
        "manage.py",
        "Pipfile",
        "package.json",
        "go.mod",
        "Cargo.toml",
    ])
}

fn is_test(file: &str) -> bool {
    file.strip_suffix(".py")
        .is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test"))
}

fn is_typed(project: &Project<'_>) -> bool {
    project.is_any(&["mypy.ini", ".mypy.ini", "pyproject.toml~[tool.mypy", "setup.cfg~[mypy]"])
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

    const PYTHON: &str = "python3 --check-hash-based-pycs always";
    const PYTEST: &str =
        "-m pytest -rA -p no:cacheprovider --continue-on-collection-errors -o junit_family=xunit1";

    fn world() -> Fake {
        Fake::default().program("python3")
    }

    #[test]
    fn tests_run_with_unittest_unless_pytest_is_meant_or_there() {
        let plain = || world().file("test_a.py", "import unittest");

        assert_eq!(found(&plain()), [format!("python:unittest: {PYTHON} -m unittest discover -v")]);
        let pytest = [format!("python:pytest: {PYTHON} {PYTEST}")];
        assert_eq!(found(&plain().program("pytest")), pytest);
        let adds = world().file("test_a.py", "import unittest\n\ndef load_tests(loader):");
        assert_eq!(found(&adds.program("pytest")), found(&plain()));
        assert_eq!(found(&plain().file("pyproject.toml", "[tool.pytest.ini_options]")), pytest);
        assert_eq!(found(&world().file("test_a.py", "import a\n\ndef test_a():\n")), pytest);
    }

    #[test]
    fn discovery_begins_above_the_outermost_package_of_the_tests() {
        let starts = |files: &[&str]| {
            let world =
                files.iter().fold(world(), |world, file| world.file(file, "import unittest"));
            let lines = found(&world);
            let start = |line: String| line.split_once("discover -v").unwrap().1.trim().to_owned();
            lines.into_iter().map(start).collect::<Vec<_>>()
        };

        assert_eq!(starts(&["tests/test_a.py"]), ["-s tests"]);
        assert_eq!(starts(&["tests/__init__.py", "tests/test_a.py"]), [""]);
        assert_eq!(
            starts(&["tests/unit/test_a.py", "tests/test_b.py"]),
            ["-s tests", "-s tests/unit"]
        );
        assert_eq!(starts(&["tests/unit/__init__.py", "tests/unit/test_a.py"]), ["-s tests"]);
        assert_eq!(
            starts(&["lib/a/__init__.py", "lib/a/tests/__init__.py", "lib/a/tests/test_a.py"]),
            ["-s lib"]
        );
        assert_eq!(starts(&["a/__init__.py", "a/test_a.py", "test_b.py"]), [""]);
    }

    #[test]
    fn a_source_folder_can_be_imported_from() {
        let world =
            world().file("src/pond/__init__.py", "").file("tests/test_a.py", "import unittest");

        assert_eq!(
            found(&world),
            [format!(
                "python:unittest:tests: env PYTHONPATH=src {PYTHON} -m unittest discover -v -s tests"
            )]
        );
    }

    #[test]
    fn the_environment_of_the_project_is_taken_wherever_it_is() {
        let python = |world: Fake| {
            let world = world.file("a/pytest.ini", "").file("a/test_a.py", "");
            let line =
                found(&world).into_iter().find(|line| line.starts_with("python:pytest@a")).unwrap();
            line.split(" --check").next().unwrap()["python:pytest@a: ".len()..].to_owned()
        };

        assert_eq!(python(world()), "python3");
        assert_eq!(python(world().file("a/.venv/bin/python", "")), ".venv/bin/python");
        assert_eq!(python(world().file(".venv/bin/python", "")), "../.venv/bin/python");
        assert_eq!(python(world().file("a/.tox/py312/bin/python", "")), ".tox/py312/bin/python");
        assert_eq!(python(world().file("a/.nox/tests/bin/python", "")), ".nox/tests/bin/python");
        let uv = "uv run --isolated --offline --frozen python";
        assert_eq!(python(world().program("uv").file("uv.lock", "")), uv);
        assert_eq!(python(world().file("uv.lock", "")), "python3");
        assert_eq!(
            python(world().program("poetry").file("a/poetry.lock", "")),
            "poetry run python"
        );
        assert_eq!(python(world().program("pipenv").file("a/Pipfile", "")), "pipenv run python");
        assert_eq!(python(world().program("pdm").file("a/pdm.lock", "")), "pdm run python");
        let hatch = world().program("hatch").file("a/pyproject.toml", "[tool.hatch.envs.default]");
        assert_eq!(python(hatch), "hatch run python");
    }

    #[test]
    fn linters_run_where_they_are_configured() {
        let world = world()
            .file("pyproject.toml", "[tool.ruff]\nline-length = 100\n[tool.mypy]\nfiles = ['a']\n")
            .file(".venv/bin/python", "")
            .file(".venv/bin/ruff", "");

        assert_eq!(
            found(&world),
            [
                "python:mypy: mypy --no-color-output --cache-dir=/dev/null",
                "python:ruff: .venv/bin/ruff check --no-cache ."
            ]
        );
    }

    #[test]
    fn a_package_below_is_covered_unless_the_run_above_leaves_it_out() {
        let ids = |root: &str| {
            let world = world()
                .file("pyproject.toml", root)
                .file("tests/conftest.py", "")
                .file("packages/a/pyproject.toml", "[project]")
                .file("packages/a/tests/test_a.py", "import pytest");
            let lines = found(&world);
            lines.iter().map(|line| line.split(": ").next().unwrap().to_owned()).collect::<Vec<_>>()
        };

        assert_eq!(ids("[tool.pytest.ini_options]"), ["python:pytest"]);
        let narrow = "[tool.pytest.ini_options]\ntestpaths = ['tests']";
        assert_eq!(ids(narrow), ["python:pytest", "python:pytest@packages/a"]);
    }
}
