//! The plan of a check: its command, and the reader of its output.

use crate::report::{Case, Reporter};
use crate::runner::{Alone, Runner};
use crate::world::Invocation;

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
    fn script(self) -> String {
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

/// Whether a check of a directory above stands for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The table says.
    Usual,
    /// None does.
    Apart,
    /// One does, and it is not run.
    Covered,
}

/// One check to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// A stable id without spaces.
    pub id: String,
    /// Its row in the table.
    pub runner: &'static Runner,
    /// Its subject.
    pub category: Category,
    /// Its directory, relative to the workspace; empty for the workspace itself.
    pub directory: String,
    /// The program and its arguments.
    pub arguments: Vec<String>,
    /// The same in other words, tried when the machine lacks what the first needs.
    pub instead: Option<Vec<String>>,
    /// The shell around it.
    pub manner: Manner,
    /// The reader of its output.
    pub reporter: Reporter,
    /// The way to run single tests.
    pub alone: Alone,
    /// The check without which this one cannot pass.
    pub needs: Option<String>,
    /// Whether a check of a directory above stands for it.
    pub standing: Standing,
    /// The time after which it is killed, in milliseconds.
    pub timeout_ms: u64,
}

impl Plan {
    /// Plans `command`, words parted by spaces, in `directory`.
    pub(crate) fn new(runner: &'static Runner, directory: &str, command: &str) -> Self {
        let needs = (!runner.needs.is_empty()).then(|| id(runner.needs, directory));
        Self {
            id: id(runner.check, directory),
            runner,
            category: runner.category,
            directory: directory.to_owned(),
            arguments: words(command),
            instead: None,
            manner: runner.manner,
            reporter: runner.reporter,
            alone: runner.alone,
            needs,
            standing: Standing::Usual,
            timeout_ms: timeout_ms(runner.category),
        }
    }

    /// Gives it another name and subject than its row has. Only a test is asked for tests.
    pub(crate) fn called(mut self, check: &str, category: Category) -> Self {
        self.id = id(check, &self.directory);
        self.category = category;
        self.timeout_ms = timeout_ms(category);
        if category != Category::Test {
            self.reporter = Reporter::Nothing;
        }
        self
    }

    /// Runs in this manner.
    pub(crate) fn run_in(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    /// Runs `command` instead where the first lacks something.
    pub(crate) fn or(mut self, command: &str) -> Self {
        self.instead = Some(words(command));
        self
    }

    /// The whole run.
    pub(crate) fn whole(&self, timeout_ms: u64) -> Invocation {
        self.invocation(self.arguments.clone(), timeout_ms)
    }

    /// The run of those tests alone, where the runner can.
    pub(crate) fn only(&self, failing: &[&Case], timeout_ms: u64) -> Invocation {
        self.invocation(self.alone.narrow(&self.arguments, failing), timeout_ms)
    }

    fn invocation(&self, arguments: Vec<String>, timeout_ms: u64) -> Invocation {
        Invocation {
            script: self.manner.script(),
            arguments,
            directory: self.directory.clone(),
            timeout_ms: timeout_ms.min(self.timeout_ms),
        }
    }

    /// The command as one would type it.
    pub(crate) fn command(&self) -> String {
        typed(&self.arguments)
    }
}

fn timeout_ms(category: Category) -> u64 {
    match category {
        Category::Build | Category::Test => 240_000,
        Category::Types | Category::Lint => 120_000,
    }
}

/// `cargo:test`, or `cargo:test@sub/project`. The kernel takes a space for the end of an id.
pub(crate) fn id(name: &str, directory: &str) -> String {
    if directory.is_empty() {
        return name.to_owned();
    }
    format!("{name}@{}", directory.replace(' ', "%20"))
}

fn words(command: &str) -> Vec<String> {
    command.split_whitespace().map(str::to_owned).collect()
}

/// Writes arguments as one would type them.
pub(crate) fn typed(arguments: &[String]) -> String {
    let quoted: Vec<String> = arguments.iter().map(|argument| quote(argument)).collect();
    quoted.join(" ")
}

fn quote(argument: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@+%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_written_as_one_would_type_it() {
        let arguments = ["go", "test", "-run", "^(A|B)$", "it's", ""].map(str::to_owned);

        assert_eq!(typed(&arguments), r"go test -run '^(A|B)$' 'it'\''s' ''");
    }

    #[test]
    fn an_id_has_no_spaces() {
        let plan = Plan::new(Runner::named("cargo"), "my crate", "cargo test");

        assert_eq!(plan.id, "cargo:test@my%20crate");
        assert_eq!(plan.needs.as_deref(), Some("cargo:build@my%20crate"));
    }
}
