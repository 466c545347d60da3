//! What the machine lacks to run a check at all. That is told by kinds of ends and by the first lines of a run: what a
//! runner says when it cannot begin is in its row of the table, and what comes later is the project's own.

use crate::excerpt;
use crate::plan::Plan;
use crate::world::Run;

/// The first lines of an output that are looked at.
const FIRST: usize = 40;

/// The lines of an output that is nothing but the complaint of a program in another one's place.
const BRIEF: usize = 6;

/// What version managers say, which stand in a program's place and end with the exit code of a failure.
const MANAGERS: [&str; 6] = [
    "rustup could not choose a version",
    "no toolchain",
    "no default toolchain",
    "no version is set",
    "no version set",
    "is not installed (set by",
];

/// A thing without which a check cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lack {
    /// The thing, in a sentence.
    pub what: String,
    /// What is to be done about it; may be empty.
    remedy: &'static str,
    /// The program that cannot be run, or nothing if it is only about this check.
    program: Option<String>,
    /// The directory in which that program is one of the project's own.
    directory: Option<String>,
}

impl Lack {
    /// Returns what kept a run from beginning.
    pub(super) fn of(plan: &Plan, run: &Run) -> Option<Self> {
        let code = run.code.filter(|code| *code != 0)?;
        let output = excerpt::plain(&run.output);
        let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
        match code {
            126 => return Some(Self::about(plan, &lines, "may not be executed")),
            127 => return Some(Self::about(plan, &lines, "is not installed")),
            _ => {}
        }
        let first = &lines[..lines.len().min(FIRST)];
        let says = |sign: &str| first.iter().any(|line| line.contains(sign));
        let of_row = plan.runner.lacks.iter().find(|(sign, _)| says(sign));
        let what = of_row.map(|(_, what)| (*what).to_owned()).or_else(|| unchosen(&lines))?;
        Some(Self { what, remedy: plan.runner.remedy, program: None, directory: None })
    }

    /// The shell names what it does not find. Where it is what the check begins with, no other check has it either.
    fn about(plan: &Plan, lines: &[&str], how: &str) -> Self {
        let first = plan.arguments.first().map_or("", String::as_str);
        let told = lines.iter().rev().find_map(|line| unfound(line));
        let name = told.or_else(|| lines.is_empty().then_some(first));
        let what = match name {
            Some(name) if name.contains('/') && how.ends_with("installed") => {
                format!("`{name}` is not there")
            }
            Some(name) => format!("`{name}` {how}"),
            None => format!("a program {how}"),
        };
        let program = name.filter(|name| *name == first).map(str::to_owned);
        let directory = first.contains('/').then(|| plan.directory.clone());
        Self { what, remedy: plan.runner.remedy, program, directory }
    }

    /// Returns whether another check cannot be run for the same reason.
    pub(super) fn stops(&self, plan: &Plan) -> bool {
        self.program.is_some()
            && self.program.as_ref() == plan.arguments.first()
            && self.directory.as_ref().is_none_or(|directory| *directory == plan.directory)
            && plan.instead.is_none()
    }

    /// The thing and what is to be done.
    pub(super) fn told(&self) -> String {
        match self.remedy {
            "" => self.what.clone(),
            remedy => format!("{}; {remedy}", self.what),
        }
    }
}

/// The program in `sh: 1: exec: cargo: not found`, `sh: cargo: command not found`, `sh: 1: ./x: Permission denied`,
/// `env: ‘cargo’: No such file or directory`.
fn unfound(line: &str) -> Option<&str> {
    let (before, how) = line.trim().rsplit_once(": ")?;
    let ends = ["not found", "command not found", "Permission denied", "No such file or directory"];
    if !ends.contains(&how) {
        return None;
    }
    let name = before.rsplit(": ").next()?.trim_matches(['\'', '‘', '’', '`', '"']);
    (!name.is_empty() && !name.contains(' ')).then_some(name)
}

fn unchosen(lines: &[&str]) -> Option<String> {
    let said = lines.join("\n").to_lowercase();
    let says = MANAGERS.iter().any(|sign| said.contains(sign));
    (lines.len() <= BRIEF && says).then(|| "its version manager has no version of it".to_owned())
}
