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
        let is_own = lines.iter().take(BRIEF).any(|line| names(line, first)) || lines.is_empty();
        let what = if is_own { format!("`{first}` {how}") } else { format!("a program {how}") };
        let directory = first.contains('/').then(|| plan.directory.clone());
        let remedy = if is_own { plan.runner.remedy } else { "" };
        Self { what, remedy, program: is_own.then(|| first.to_owned()), directory }
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

/// `sh: 1: exec: cargo: not found`, `sh: cargo: command not found`, `env: 'cargo': No such file or directory`
fn names(line: &str, program: &str) -> bool {
    let mut parts = line.split(": ");
    parts.any(|part| part.trim_matches(['\'', '‘', '’', '`', ' ', ':']) == program)
}

fn unchosen(lines: &[&str]) -> Option<String> {
    let said = lines.join("\n").to_lowercase();
    let says = MANAGERS.iter().any(|sign| said.contains(sign));
    (lines.len() <= BRIEF && says).then(|| "its version manager has no version of it".to_owned())
}
