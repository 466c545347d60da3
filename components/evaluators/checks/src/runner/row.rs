//! A row of the table.

use super::alone::Alone;
use super::manner::{Category, Manner};
use super::pattern::matches;
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
    /// A script before a run that builds anew, where the runner takes what is newer than its sources for built from them.
    pub anew: &'static str,
    /// Variables and names by which code can ask whether this runner runs it.
    pub tells: &'static [&'static str],
}

impl Runner {
    /// A row to build others on.
    pub(super) const BASE: Self = Self {
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
        anew: "",
        tells: &[],
    };

    /// Returns whether the file, by its path below the project's directory, is a test or belongs to one.
    pub(crate) fn is_test(&self, path: &str) -> bool {
        self.tests.iter().any(|pattern| matches(pattern, path))
    }

    /// Returns whether the file, by its path below the project's directory, steers the runner.
    pub(crate) fn is_setting(&self, path: &str) -> bool {
        self.settings.iter().any(|pattern| matches(pattern, path))
    }
}
