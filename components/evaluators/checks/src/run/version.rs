//! What the program that runs a check says of its version. It is a part of the evidence: outcomes of another version do
//! not show that the work is what made the difference.

use std::collections::BTreeMap;

use openkoi_sdk::{Failure, Result};

use crate::plan::Plan;
use crate::runner::Manner;
use crate::world::{Invocation, World};

/// The longest that a program may take to say it, in milliseconds.
const PATIENCE_MS: u64 = 5_000;

/// The most characters of it.
const LONGEST: usize = 80;

/// Modules of Python that say no version of their own.
const SILENT: [&str; 1] = ["unittest"];

/// The versions that were asked for, by directory and words.
#[derive(Default)]
pub(super) struct Versions(BTreeMap<(String, Vec<String>), String>);

impl Versions {
    /// Returns the version of what runs `plan`; empty where nothing says it.
    pub(super) fn of(&mut self, world: &dyn World, plan: &Plan) -> Result<String> {
        let Some(arguments) = question(plan) else { return Ok(String::new()) };
        let key = (plan.directory.clone(), arguments);
        if let Some(known) = self.0.get(&key) {
            return Ok(known.clone());
        }
        let invocation = Invocation {
            script: Manner::Plain.script(),
            arguments: key.1.clone(),
            directory: key.0.clone(),
            timeout_ms: PATIENCE_MS,
        };
        let said = match world.run(&invocation) {
            Ok(run) if run.code == Some(0) => said(&run.output),
            Err(Failure::Cancelled) => return Err(Failure::Cancelled),
            _ => String::new(),
        };
        self.0.insert(key, said.clone());
        Ok(said)
    }
}

/// The words that ask for it. Shells and the project's own scripts are not asked: nobody knows what they would do.
fn question(plan: &Plan) -> Option<Vec<String>> {
    let program = plan.arguments.first()?;
    let name = program.rsplit('/').next().unwrap_or(program);
    let is_own =
        program.starts_with('.') && !program.contains("/bin/") && !program.contains("/.bin/");
    if is_own || plan.runner.name == "script" || matches!(name, "sh" | "bash" | "env" | "make") {
        return None;
    }
    if name == "go" {
        return Some(vec![program.clone(), "version".to_owned()]);
    }
    let module = plan.arguments.iter().skip_while(|word| *word != "-m").nth(1);
    let module = module.filter(|module| !SILENT.contains(&module.as_str()));
    let module = module.map(|module| ["-m".to_owned(), module.clone()]);
    let words = [program.clone()].into_iter().chain(module.into_iter().flatten());
    Some(words.chain(["--version".to_owned()]).collect())
}

/// The first line that names a number.
fn said(output: &str) -> String {
    let line = output.lines().find(|line| line.contains(|c: char| c.is_ascii_digit()));
    line.unwrap_or_default().trim().chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner;

    fn asked(row: &str, command: &str) -> Option<String> {
        question(&Plan::new(runner::named(row), "", command)).map(|words| words.join(" "))
    }

    #[test]
    fn the_program_that_runs_the_check_is_asked() {
        for (row, command, expected) in [
            ("cargo", "cargo test --offline", Some("cargo --version")),
            ("go", "go test ./...", Some("go version")),
            (
                "pytest",
                ".venv/bin/python -m pytest -rA",
                Some(".venv/bin/python -m pytest --version"),
            ),
            ("unittest", "python3 -m unittest -v", Some("python3 --version")),
            ("jest", "node_modules/.bin/jest --json", Some("node_modules/.bin/jest --version")),
            ("named", "./ci/test.sh --fast", None),
            ("named", "sh ci/test.sh", None),
            ("script", "python3 run_tests.py", None),
        ] {
            assert_eq!(asked(row, command).as_deref(), expected, "{command}");
        }
    }

    #[test]
    fn a_version_is_the_first_line_with_a_number() {
        assert_eq!(said("\nApache Maven 3.9.6 (x)\nJava 21\n"), "Apache Maven 3.9.6 (x)");
        assert_eq!(said("no idea\n"), "");
    }
}
