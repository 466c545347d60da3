//! What a file is, told by its path.

use openkoi_sdk::evaluator::Check;

use super::manifest::Parts;
use crate::runner::{RUNNERS, Runner};

/// What a changed file is to the checks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
    /// It is judged.
    Product,
    /// It judges.
    Evidence,
    /// It may be either.
    Both,
    /// It is product in these parts, and steers the checks in all others.
    Manifest(Parts),
}

/// Directories that hold tests and what belongs to them, whatever the runner.
const TEST_FOLDERS: [&str; 14] = [
    "test",
    "tests",
    "__tests__",
    "__mocks__",
    "__snapshots__",
    "__fixtures__",
    "testdata",
    "test-data",
    "test_data",
    "fixtures",
    "e2e",
    "golden",
    "goldens",
    "unittests",
];

/// Names of tests, snapshots and fixtures beside those in the table of runners, in which `*` stands for anything.
const TESTS: [&str; 14] = [
    "test.py",
    "test.sh",
    "tests.sh",
    "test_*.sh",
    "test-*.sh",
    "*_test.sh",
    "*-test.sh",
    "test_*.c",
    "test_*.cc",
    "test_*.cpp",
    "*_test.c",
    "*.golden",
    "*.approved.*",
    "test_*.js",
];

/// What a package manager writes down: it follows the manifests, and what is installed does not change with it.
const LOCKS: [&str; 10] = [
    "*.lock",
    "*.lockb",
    "*-lock.json",
    "*-lock.yaml",
    "go.sum",
    "go.work.sum",
    "*.lock.json",
    "requirements*.txt",
    "Package.resolved",
    ".python-version",
];

/// Ends of the names of types in which tests of the JVM, .NET, PHP, Swift and Scala stand.
const TEST_TYPES: [&str; 6] = ["Test", "Tests", "Spec", "Specs", "IT", "TestCase"];
const TYPED: [&str; 9] = ["java", "kt", "kts", "scala", "groovy", "cs", "fs", "php", "swift"];

/// Files that steer runners, linters, type checkers and what they load.
const STEERING: [&str; 62] = [
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    ".coveragerc",
    "noxfile.py",
    "sitecustomize.py",
    "usercustomize.py",
    "*.pth",
    "*.pyc",
    "mypy.ini",
    ".mypy.ini",
    "ruff.toml",
    ".ruff.toml",
    ".flake8",
    ".pylintrc",
    "pyrightconfig.json",
    "jest.config.*",
    "jest.setup.*",
    "jest-*.*",
    "vitest.config.*",
    "vitest.setup.*",
    "vitest.workspace.*",
    ".mocharc*",
    "mocha.opts",
    "karma.conf.*",
    "playwright.config.*",
    "cypress.config.*",
    "ava.config.*",
    ".taprc",
    ".nycrc*",
    ".c8rc*",
    ".eslintrc*",
    "eslint.config.*",
    ".eslintignore",
    "biome.json*",
    ".npmrc",
    ".yarnrc*",
    "bunfig.toml",
    ".babelrc*",
    "babel.config.*",
    "phpunit.xml*",
    "Pest.php",
    ".rspec",
    ".rspec-local",
    "spec_helper.rb",
    "test_helper.rb",
    "rails_helper.rb",
    ".rubocop.yml",
    ".simplecov",
    "phpstan.neon*",
    ".golangci.*",
    "clippy.toml",
    ".clippy.toml",
    "rustfmt.toml",
    ".rustfmt.toml",
    "rust-toolchain*",
    "CTestConfig.cmake",
    "CTestTestfile.cmake",
    ".proverc",
    ".bats",
    "NuGet.config",
    "global.json",
];

/// The same by the end of the path.
const STEERING_PATHS: [&str; 4] =
    [".cargo/config.toml", ".cargo/config", ".config/nextest.toml", ".mvn/maven.config"];

/// Files in which the product is built and the checks are steered, and nobody can tell one from the other.
const BOTH: [&str; 48] = [
    "Makefile",
    "makefile",
    "GNUmakefile",
    "*.mk",
    "justfile",
    "Justfile",
    "Taskfile.y*ml",
    "build.rs",
    "setup.py",
    "vite.config.*",
    "webpack.config.*",
    "rollup.config.*",
    "tsconfig*.json",
    "pom.xml",
    "build.gradle*",
    "settings.gradle*",
    "gradle.properties",
    "CMakeLists.txt",
    "*.cmake",
    "meson.build",
    "meson.options",
    "BUILD",
    "BUILD.bazel",
    "WORKSPACE*",
    "MODULE.bazel",
    ".bazelrc",
    "Rakefile",
    "Gemfile",
    "mix.exs",
    "Package.swift",
    "*.csproj",
    "*.fsproj",
    "*.sln",
    "Directory.Build.*",
    "deno.json*",
    "build.zig",
    "build.sbt",
    "go.mod",
    "go.work",
    "composer.json",
    "Pipfile",
    "dune",
    "dune-project",
    "rebar.config",
    "project.clj",
    "deps.edn",
    "shard.yml",
    "gleam.toml",
];

/// Parts of a name by which a file may belong to the tests.
const HINTS: [&str; 2] = ["test", "tests"];

/// The same for data: what code of these names does is product.
const DATA_HINTS: [&str; 7] =
    ["golden", "expected", "fixture", "fixtures", "snapshot", "snapshots", "cassette"];

/// Ends of the names of data.
const DATA: [&str; 14] = [
    "txt", "json", "jsonl", "yaml", "yml", "csv", "tsv", "xml", "html", "out", "log", "dat", "bin",
    "md",
];

/// Modules that a new file of the same name would stand in for: those that Python's runners load.
const LOADED: [&str; 64] = [
    "unittest",
    "pytest",
    "_pytest",
    "pluggy",
    "iniconfig",
    "packaging",
    "coverage",
    "mypy",
    "ruff",
    "django",
    "nose",
    "hypothesis",
    "abc",
    "argparse",
    "ast",
    "asyncio",
    "atexit",
    "bdb",
    "builtins",
    "codecs",
    "collections",
    "configparser",
    "contextlib",
    "copy",
    "dataclasses",
    "datetime",
    "difflib",
    "doctest",
    "enum",
    "errno",
    "faulthandler",
    "fnmatch",
    "functools",
    "gc",
    "getpass",
    "glob",
    "hashlib",
    "importlib",
    "inspect",
    "io",
    "itertools",
    "json",
    "linecache",
    "locale",
    "logging",
    "math",
    "operator",
    "os",
    "pathlib",
    "pdb",
    "platform",
    "pprint",
    "random",
    "re",
    "shlex",
    "shutil",
    "signal",
    "string",
    "subprocess",
    "sys",
    "tempfile",
    "time",
    "traceback",
    "types",
];

/// Packages and headers of others that a new file of the same path would stand in for.
const LOADED_PATHS: [&str; 12] = [
    ".venv/",
    "venv/",
    ".tox/",
    "Test/More.pm",
    "Test/Simple.pm",
    "Test/Builder.pm",
    "Test2/",
    "org/junit/",
    "org/testng/",
    "assert.h",
    "node_modules/",
    "site-packages/",
];

/// The runners of the checks of the untouched tree: what is a test to one of them is product to others.
pub(crate) fn runners(baseline: &[Check]) -> Vec<&'static Runner> {
    let runs = |runner: &&Runner| {
        baseline.iter().any(|check| {
            let rest = check.id.strip_prefix(runner.check);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['@', ':']))
        })
    };
    RUNNERS.iter().filter(runs).collect()
}

/// Returns what a file is to these runners.
pub(super) fn role(path: &str, is_new: bool, runners: &[&Runner]) -> Role {
    let name = path.rsplit('/').next().unwrap_or(path);
    if let Some(parts) = Parts::of(name) {
        return if is_new { Role::Both } else { Role::Manifest(parts) };
    }
    if is_new && stands_in(path, name) {
        return Role::Evidence;
    }
    let any = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, name));
    let ends = |end: &str| path == end || path.ends_with(&format!("/{end}"));
    if is_test(path, runners) || any(&STEERING) {
        return Role::Evidence;
    }
    if STEERING_PATHS.iter().any(|end| ends(end)) {
        return Role::Evidence;
    }
    if any(&LOCKS) {
        return Role::Product;
    }
    let stem = name.split('.').next().unwrap_or(name).to_lowercase();
    let is_data = name.rsplit_once('.').is_none_or(|(_, end)| DATA.contains(&end));
    let is_hint = stem
        .split(['_', '-', ' '])
        .any(|part| HINTS.contains(&part) || (is_data && DATA_HINTS.contains(&part)));
    if any(&BOTH) || is_hint || runners.iter().any(|runner| runner.is_setting(path)) {
        Role::Both
    } else {
        Role::Product
    }
}

/// Returns whether a file is a test, or belongs to tests.
pub(crate) fn is_test(path: &str, runners: &[&Runner]) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    folder.split('/').any(|part| TEST_FOLDERS.contains(&part))
        || TESTS.iter().any(|pattern| matches(pattern, name))
        || is_test_type(name)
        || runners.iter().any(|runner| runner.is_test(path))
}

/// Returns whether a new file would be loaded in place of a part of a runner.
fn stands_in(path: &str, name: &str) -> bool {
    let stem = name.strip_suffix(".py").or_else(|| name.strip_suffix(".pyi"));
    let first = path.split('/').find(|part| LOADED.contains(part));
    stem.is_some_and(|stem| LOADED.contains(&stem))
        || (first.is_some() && path.ends_with("__init__.py"))
        || LOADED_PATHS.iter().any(|place| match place.ends_with('/') {
            true => path.starts_with(place) || path.contains(&format!("/{place}")),
            false => path == *place || path.ends_with(&format!("/{place}")),
        })
}

fn is_test_type(name: &str) -> bool {
    let Some((stem, end)) = name.rsplit_once('.') else { return false };
    TYPED.contains(&end)
        && (TEST_TYPES.iter().any(|word| stem.ends_with(word) && stem.len() > word.len())
            || (stem.starts_with("Test") && stem[4..].starts_with(char::is_uppercase)))
}

/// Returns whether a name has the form of a pattern, in which `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return name.len() >= part.len() && name.ends_with(part);
        }
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of these checks.
    fn of(ids: &[&str]) -> Vec<&'static Runner> {
        let check = |id: &&str| Check {
            id: (*id).to_owned(),
            category: "test".to_owned(),
            command: String::new(),
            outcome: openkoi_sdk::evaluator::Outcome::Passed,
            exit_code: None,
            tests: Vec::new(),
            test_count: None,
            excerpt: String::new(),
            receipts: Vec::new(),
            duration_ms: 0,
            runner: String::new(),
        };
        runners(&ids.iter().map(check).collect::<Vec<_>>())
    }

    #[test]
    fn a_file_is_told_by_its_path_and_the_runners_that_are_there() {
        use Role::{Both, Evidence, Product};
        let (python, node) = (of(&["python:unittest:tests"]), of(&["node:test@web"]));
        for (path, runners, expected) in [
            ("percent.py", &python, Product),
            ("src/latest.rs", &python, Product),
            ("src/contest.js", &node, Product),
            ("src/features/cart.tsx", &node, Product),
            ("src/snapshot.py", &python, Product),
            ("config/app.py", &python, Product),
            ("project/models.py", &python, Product),
            ("spec/openapi.yaml", &python, Product),
            ("test_percent.py", &python, Evidence),
            ("tests/helpers/data.json", &python, Evidence),
            ("web/a.spec.tsx", &node, Evidence),
            ("conftest.py", &python, Evidence),
            ("jest.config.js", &node, Evidence),
            (".cargo/config.toml", &of(&["cargo:test"]), Evidence),
            ("src/test/java/a/FooTest.java", &of(&["maven:test"]), Evidence),
            ("a/FooTest.java", &python, Evidence),
            ("a/Testimony.java", &python, Product),
            ("pkg/a_test.go", &of(&["go:test"]), Evidence),
            ("Makefile", &python, Both),
            ("expected_output.txt", &python, Both),
        ] {
            assert_eq!(role(path, false, runners), expected, "{path}");
        }
    }

    #[test]
    fn a_new_file_that_stands_in_for_a_part_of_a_runner_is_evidence() {
        for (path, is_new, expected) in [
            ("unittest.py", true, Role::Evidence),
            ("unittest/__init__.py", true, Role::Evidence),
            ("unittest.py", false, Role::Product),
            ("lib/Test/More.pm", true, Role::Evidence),
            ("assert.h", true, Role::Evidence),
            ("json.py", true, Role::Evidence),
            ("parser.py", true, Role::Product),
        ] {
            assert_eq!(role(path, is_new, &of(&["python:unittest"])), expected, "{path}");
        }
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, expected) in [
            ("*.test.*", "a.test.js", true),
            ("*.test.*", "test.js", false),
            ("test_*.py", "test_.py", true),
            ("Taskfile.y*ml", "Taskfile.yaml", true),
            ("*.t", "a.t", true),
            ("*.t", "a.ts", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
