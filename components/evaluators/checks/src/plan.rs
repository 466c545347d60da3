//! The plan of a check: its command, and the reader of its output.

use crate::report::{Case, Reporter};
use crate::world::Invocation;

/// Runs `"$@"` with both streams in one, so that what belongs together stays together.
const MERGED: &str = "exec \"$@\" 2>&1";

/// The same with a report written to a file, which is printed after the end of everything else, behind
/// [`REPORT_MARK`](crate::report::REPORT_MARK).
const REPORTED: &str = concat!(
    "report=\"${TMPDIR:-/tmp}/openkoi-report.$$.xml\"; \"$@\" \"--junitxml=$report\" 2>&1; code=$?; ",
    "printf '\\n<<<openkoi-report\\n'; [ -f \"$report\" ] && cat \"$report\" && rm -f \"$report\"; exit $code"
);

/// For cargo: a lock file that was not there goes again, and so it is not a change of the task.
const UNLOCKED: &str = "[ -e Cargo.lock ] || trap 'rm -f Cargo.lock' EXIT; \"$@\" 2>&1";

/// The same with what is compiled outside of the workspace, where nothing tells that it is to be ignored.
const APART: &str = concat!(
    "export CARGO_TARGET_DIR=\"${CARGO_TARGET_DIR:-${TMPDIR:-/tmp}/target}\"; ",
    "[ -e Cargo.lock ] || trap 'rm -f Cargo.lock' EXIT; \"$@\" 2>&1"
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
    /// A report is asked for and printed at the end.
    Reported,
    /// No lock file of cargo stays behind.
    Unlocked,
    /// Nothing that cargo makes stays behind.
    Apart,
}

impl Manner {
    fn script(self) -> &'static str {
        match self {
            Self::Plain => MERGED,
            Self::Reported => REPORTED,
            Self::Unlocked => UNLOCKED,
            Self::Apart => APART,
        }
    }
}

/// One check to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// A stable id without spaces.
    pub id: String,
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
    /// The check without which this one cannot pass.
    pub needs: Option<String>,
    /// The time after which it is killed, in milliseconds.
    pub timeout_ms: u64,
}

impl Plan {
    /// Plans `command`, words parted by spaces, in `directory`.
    pub(crate) fn new(name: &str, category: Category, directory: &str, command: &str) -> Self {
        let timeout_ms = match category {
            Category::Build | Category::Test => 240_000,
            Category::Types | Category::Lint => 120_000,
        };
        Self {
            id: id(name, directory),
            category,
            directory: directory.to_owned(),
            arguments: words(command),
            instead: None,
            manner: Manner::Plain,
            reporter: Reporter::Nothing,
            needs: None,
            timeout_ms,
        }
    }

    /// Reads the output with `reporter`.
    pub(crate) fn read_by(mut self, reporter: Reporter) -> Self {
        self.reporter = reporter;
        self
    }

    /// Runs in this manner.
    pub(crate) fn run_in(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    /// Does not run when the check `name` of the same directory failed.
    pub(crate) fn after(mut self, name: &str) -> Self {
        self.needs = Some(id(name, &self.directory));
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
        self.invocation(self.reporter.narrowed(&self.arguments, failing), timeout_ms)
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

/// `cargo:test`, or `cargo:test@sub/project`. The kernel takes a space for the end of an id.
fn id(name: &str, directory: &str) -> String {
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
        let plan =
            Plan::new("cargo:test", Category::Test, "my crate", "cargo test").after("cargo:build");

        assert_eq!(plan.id, "cargo:test@my%20crate");
        assert_eq!(plan.needs.as_deref(), Some("cargo:build@my%20crate"));
    }
}
