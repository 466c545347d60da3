//! The runners of checks as data: one row of [`RUNNERS`] a runner, and what can be asked of a row.
//!
//! A *marker* says where a runner is meant, in words that [`Project::is_marked`](crate::detect) reads:
//!
//! | marker | holds where |
//! |---|---|
//! | `go.mod`, `*.csproj`, `bin/rails` | there is a file of that name |
//! | `spec/` | there is a folder of that name |
//! | `tox.ini~[pytest]` | the file holds that text |
//! | `^.pnp.cjs` | the directory or one above it holds the file |
//! | `%clippy` | what runs in continuous integration speaks of it |
//! | `!a`, `a + b` | not, and |
//!
//! A *pattern* of [`Runner::tests`] and [`Runner::settings`] names files below the project's directory: `*_test.go`
//! by name at any depth, `spec/` everything in a folder of that name, `src/test/` and `bin/*.sh` by the end of the path.

mod alone;
mod manner;
mod pattern;
mod row;
mod table;

pub(crate) use alone::Alone;
pub(crate) use manner::{Category, Manner};
pub(crate) use pattern::{is_like, matches};
pub(crate) use row::Runner;
pub(crate) use table::RUNNERS;

/// Returns the row of that name.
///
/// # Panics
///
/// There is none: the name is a typing error in this component.
#[expect(clippy::panic, reason = "names are constants of this component, and a test asks for each")]
pub(crate) fn named(name: &str) -> &'static Runner {
    let row = RUNNERS.iter().find(|runner| runner.name == name);
    row.unwrap_or_else(|| panic!("no runner `{name}`"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_can_be_used() {
        let names: BTreeSet<&str> = RUNNERS.iter().map(|runner| runner.name).collect();
        assert_eq!(names.len(), RUNNERS.len(), "a name stands twice");

        for runner in RUNNERS {
            assert!(runner.at.is_empty() || !runner.run.is_empty(), "{}", runner.name);
            let always = runner.run.last().is_none_or(|(marker, _)| marker.is_empty());
            assert!(always, "{} has a command for every case", runner.name);
            assert!(runner.check.contains(':'), "{}", runner.name);
            let found = runner.category != Category::Test || !runner.tests.is_empty();
            assert!(found, "{} says which files are tests", runner.name);
        }
    }

    #[test]
    fn every_name_that_is_asked_for_is_in_the_table() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/detect");
        let mut asked =
            BTreeSet::from(["vitest", "mocha", "ava", "playwright", "cypress"].map(str::to_owned));
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for call in ["project.plan(\"", "named(\""] {
                asked.extend(
                    text.split(call).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()),
                );
            }
        }

        assert!(asked.len() > 15, "{asked:?}");
        for name in asked {
            named(&name);
        }
    }

    #[test]
    fn the_manifest_grants_every_program_of_the_table() {
        let manifest = include_str!("../component.toml");
        let granted: BTreeSet<&str> = manifest.split('"').collect();

        for runner in RUNNERS {
            for (_, command) in runner.run {
                let first = command.split(' ').next().unwrap();
                let program = match first.strip_prefix('{') {
                    Some("python}") => "python3",
                    Some("bundle}") => "bundle",
                    Some(_) => command.split([' ', '}']).nth(1).unwrap(),
                    None => first,
                };
                assert!(granted.contains(program), "`{program}` of {}", runner.name);
            }
        }
    }

    #[test]
    fn tests_and_settings_are_told_from_code() {
        let kinds = |name: &str, path: &str| {
            let runner = named(name);
            (runner.is_test(path), runner.is_setting(path))
        };

        assert_eq!(kinds("pytest", "tests/test_a.py"), (true, false));
        assert_eq!(kinds("pytest", "tests/data/a.json"), (true, false));
        assert!(kinds("pytest", "a/conftest.py").1);
        assert_eq!(kinds("pytest", "app/views.py"), (false, false));
        assert_eq!(kinds("jest", "src/__snapshots__/a.snap"), (true, false));
        assert_eq!(kinds("jest", "jest.config.ts"), (false, true));
        assert_eq!(kinds("go", "a/testdata/x.golden"), (true, false));
        assert_eq!(kinds("maven", "core/src/test/java/ATest.java"), (true, false));
        assert_eq!(kinds("maven", "core/pom.xml"), (false, true));
        assert_eq!(kinds("rspec", ".rspec"), (false, true));
    }
}
