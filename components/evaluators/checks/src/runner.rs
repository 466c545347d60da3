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
mod table;

pub(crate) use alone::Alone;
pub(crate) use table::RUNNERS;

use crate::plan::{Category, Manner};
use crate::report::Reporter;

/// One runner of checks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Runner {
    /// Its name, unique in the table.
    pub name: &'static str,
    /// The id of its check, before the directory. Of several with one id a directory has the first.
    pub check: &'static str,
    /// The subject of its check.
    pub category: Category,
    /// Markers of which one is enough. Without any, [`detect`](crate::detect) looks for it in its own way.
    pub at: &'static [&'static str],
    /// Its command, by the first marker that holds; an empty marker always does.
    pub run: &'static [(&'static str, &'static str)],
    /// The shell around the command.
    pub manner: Manner,
    /// The reader of its report.
    pub reporter: Reporter,
    /// The way to run single tests.
    pub alone: Alone,
    /// The check of the same directory without which this one cannot pass.
    pub needs: &'static str,
    /// Markers with which a directory's check covers the directories below.
    pub covering: &'static [&'static str],
    /// Markers with which a directory below is not covered all the same.
    pub apart: &'static [&'static str],
    /// True if it only fills a gap: not run where the project itself names a check of the category.
    pub fills: bool,
    /// The first lines of a run that could not even begin, and what that means.
    pub lacks: &'static [(&'static str, &'static str)],
    /// The thing to do where it is missing.
    pub remedy: &'static str,
    /// Patterns of its tests, their fixtures, snapshots and helpers.
    pub tests: &'static [&'static str],
    /// Patterns of the files that steer it.
    pub settings: &'static [&'static str],
}

impl Runner {
    /// A row to build others on.
    const BASE: Self = Self {
        name: "",
        check: "",
        category: Category::Test,
        at: &[],
        run: &[],
        manner: Manner::Plain,
        reporter: Reporter::Nothing,
        alone: Alone::Whole,
        needs: "",
        covering: &[],
        apart: &[],
        fills: false,
        lacks: &[],
        remedy: "",
        tests: &[],
        settings: &[],
    };

    /// Returns the row of that name.
    ///
    /// # Panics
    ///
    /// There is none: the name is a typing error in this component.
    #[expect(
        clippy::panic,
        reason = "names are constants of this component, and a test asks for each"
    )]
    pub(crate) fn named(name: &str) -> &'static Self {
        let row = RUNNERS.iter().find(|runner| runner.name == name);
        row.unwrap_or_else(|| panic!("no runner `{name}`"))
    }

    /// Returns whether the file, by its path below the project's directory, is a test or belongs to one.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the table's second reader"))]
    pub(crate) fn is_test(&self, path: &str) -> bool {
        self.tests.iter().any(|pattern| matches(pattern, path))
    }

    /// Returns whether the file, by its path below the project's directory, steers the runner.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the table's second reader"))]
    pub(crate) fn is_setting(&self, path: &str) -> bool {
        self.settings.iter().any(|pattern| matches(pattern, path))
    }
}

/// Returns whether a path is meant by a pattern of the table.
pub(crate) fn matches(pattern: &str, path: &str) -> bool {
    let folder = pattern.ends_with('/');
    let wanted: Vec<&str> = pattern.trim_end_matches('/').split('/').collect();
    let parts: Vec<&str> = path.split('/').collect();
    let fits = |at: &[&str]| at.iter().zip(&wanted).all(|(part, one)| is_like(part, one));
    if folder {
        // The last part is the file: it lies in a folder, and is none.
        return parts[..parts.len() - 1].windows(wanted.len()).any(fits);
    }
    parts.len() >= wanted.len() && fits(&parts[parts.len() - wanted.len()..])
}

/// Returns whether a name is like a pattern in which `*` stands for anything.
pub(crate) fn is_like(name: &str, pattern: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return name == pattern };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    if !rest.contains('*') {
        return name.len() >= rest.len() && name.ends_with(rest);
    }
    loop {
        if is_like(name, rest) {
            return true;
        }
        let mut chars = name.chars();
        if chars.next().is_none() {
            return false;
        }
        name = chars.as_str();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_pattern_names_files_by_name_by_folder_and_by_the_end_of_their_path() {
        for (pattern, path, expected) in [
            ("*_test.go", "a/b/x_test.go", true),
            ("*_test.go", "a/x_test.go/y", false),
            ("test_*.py", "test_a.py", true),
            ("*.test.*", "src/a.test.tsx", true),
            ("*.test.*", "src/atest.tsx", false),
            ("spec/", "spec/a/b.rb", true),
            ("spec/", "engines/x/spec/b.rb", true),
            ("spec/", "spec", false),
            ("src/test/", "core/src/test/java/A.java", true),
            ("src/test/", "src/tests/A.java", false),
            ("bin/*.sh", "a/bin/b.sh", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

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
            let runner = Runner::named(name);
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
