//! The subject of a check, and the shell around its command.

/// Runs `"$@"` with both streams in one, so that what belongs together stays together.
const MERGED: &str = "exec \"$@\" 2>&1";

/// For cargo: a lock file that was not there goes again, and so it is not a change of the task.
const UNLOCKED: &str = "[ -e Cargo.lock ] || trap 'rm -f Cargo.lock' EXIT; \"$@\" 2>&1";

/// The same with what is compiled outside of the workspace, where nothing tells that it is to be ignored.
const APART: &str = concat!(
    "export CARGO_TARGET_DIR=\"${CARGO_TARGET_DIR:-${TMPDIR:-/tmp}/target}\"; ",
    "[ -e Cargo.lock ] || trap 'rm -f Cargo.lock' EXIT; \"$@\" 2>&1"
);

/// Names the place of a report. What lies there from another run is no report of this one.
const BEGIN: &str = "exec 2>&1; report=\"${TMPDIR:-/tmp}/openkoi-report.$$\"; rm -rf \"$report\"; ";

/// Prints the report, a file or the files of a folder, after the end of everything else, behind
/// [`REPORT_MARK`](crate::report::REPORT_MARK).
const END: &str = concat!(
    "; code=$?; printf '\\n<<<openkoi-report\\n'; ",
    "[ -e \"$report\" ] && find \"$report\" -type f -exec cat {} +; rm -rf \"$report\"; exit $code"
);

/// The subject of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Category {
    /// Does it compile?
    Build,
    /// Do the tests pass?
    Test,
    /// Do the types fit?
    Types,
    /// Is the linter content?
    Lint,
}

impl Category {
    /// Returns the category of a word of the contract.
    pub(crate) fn of(word: &str) -> Option<Self> {
        [Self::Build, Self::Test, Self::Types, Self::Lint]
            .into_iter()
            .find(|one| one.word() == word)
    }

    /// Returns the word of the contract.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Test => "test",
            Self::Types => "types",
            Self::Lint => "lint",
        }
    }
}

/// The shell around a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Nothing but one stream for both.
    Plain,
    /// A report is asked for with these words, in which `$report` is its place, and printed at the end.
    File(&'static str),
    /// The runner writes reports by itself: files of the project that `find` finds so and that are new after the run.
    Files(&'static str),
    /// The same as [`Manner::File`], with something before the command.
    Before(&'static str, &'static str),
    /// No lock file of cargo stays behind.
    Unlocked,
    /// Nothing that cargo makes stays behind.
    Apart,
}

impl Manner {
    /// The script for `sh` that runs a command as `"$@"`.
    pub(crate) fn script(self) -> String {
        match self {
            Self::Plain => MERGED.to_owned(),
            Self::Unlocked => UNLOCKED.to_owned(),
            Self::Apart => APART.to_owned(),
            Self::File(words) => format!("{BEGIN}\"$@\" {words}{END}"),
            Self::Before(first, words) => format!("{BEGIN}{first}\"$@\" {words}{END}"),
            // A file of the same moment as the mark is not newer than it: the mark is made older.
            Self::Files(found) => format!(
                "{BEGIN}mark=\"$report.mark\"; : > \"$mark\"; sleep 0.02; \"$@\"; code=$?; \
                 mkdir -p \"$report\"; find . -name node_modules -prune -o -type f {found} -newer \"$mark\" -print | \
                 sort | while read -r file; do cat \"$file\"; echo; done > \"$report/all\"; rm -f \"$mark\"; \
                 (exit $code){END}"
            ),
        }
    }
}
