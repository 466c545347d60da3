//! The plan of a check: its command, and the reader of its output.

use crate::report::{Case, Reporter};
use crate::runner::{Alone, Runner};
pub(crate) use crate::runner::{Category, Manner};
use crate::world::Invocation;

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
    /// Whether what was built before may not be used where nothing would notice that it is out of date.
    pub anew: bool,
}

/// Tells each `make` that a run starts to build everything. It compares times, so that neither another rule nor a source
/// that is gone makes what was built by them out of date. Others notice themselves.
const ANEW: &str = "MAKEFLAGS=B; export MAKEFLAGS; ";

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
            anew: false,
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
            script: format!("{}{}", self.before(), self.manner.script()),
            arguments,
            directory: self.directory.clone(),
            timeout_ms: timeout_ms.min(self.timeout_ms),
        }
    }

    /// What stands before the command in a run that builds anew.
    fn before(&self) -> String {
        if self.anew { format!("{ANEW}{}", self.runner.anew) } else { String::new() }
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
    use crate::runner;

    #[test]
    fn a_command_is_written_as_one_would_type_it() {
        let arguments = ["go", "test", "-run", "^(A|B)$", "it's", ""].map(str::to_owned);

        assert_eq!(typed(&arguments), r"go test -run '^(A|B)$' 'it'\''s' ''");
    }

    #[test]
    fn an_id_has_no_spaces() {
        let plan = Plan::new(runner::named("cargo"), "my crate", "cargo test");

        assert_eq!(plan.id, "cargo:test@my%20crate");
        assert_eq!(plan.needs.as_deref(), Some("cargo:build@my%20crate"));
    }
}
