//! A quick look at files that were just written: what the project's own type checkers, linters and formatters say of them,
//! as far as they answer at once. Nothing is judged by it; whoever wrote the file hears of a fault before a run of the
//! tests does.

mod rows;

use openkoi_sdk::evaluator::{Change, ChangeKind, Check, Outcome, QuickLook, Subject, Verdict};
use openkoi_sdk::{Failure, Result};

use crate::detect::project::{Project, is_in, parent};
use crate::detect::{cargo, reach, walk};
use crate::excerpt;
use crate::plan::typed;
use crate::runner::{Manner, matches};
use crate::world::{Invocation, Run, World};
use rows::{LOOKS, Look, Says};

/// The most files that are looked at.
const FILES: usize = 4;

/// The most lines of faults that one look tells.
const LINES: usize = 8;

/// The most bytes of such a line.
const LINE_BYTES: usize = 300;

/// Looks at the changed files within the time that there is. A look that comes to no end in it says nothing.
pub(crate) fn at(subject: &Subject, quick: &QuickLook, world: &dyn World) -> Result<Verdict> {
    let mut left = u64::from(quick.milliseconds);
    let mut verdict = Verdict::new("a quick look");
    for asked in asked(world, &subject.changes) {
        if left == 0 || quick.without.contains(&asked.id) {
            continue;
        }
        let invocation = Invocation {
            script: asked.manner.script(),
            arguments: asked.arguments.clone(),
            directory: asked.directory.clone(),
            timeout_ms: left,
        };
        let run = match world.run(&invocation) {
            Ok(run) => run,
            Err(Failure::Cancelled) => return Err(Failure::Cancelled),
            Err(_) => Run::default(),
        };
        left = left.saturating_sub(run.duration_ms);
        verdict.checks.push(asked.check(&run));
    }
    Ok(verdict)
}

/// A look with its command.
struct Asked {
    id: String,
    look: &'static Look,
    directory: String,
    /// The file that it is about, from its directory.
    file: String,
    arguments: Vec<String>,
    manner: Manner,
}

impl Asked {
    fn check(&self, run: &Run) -> Check {
        let (outcome, excerpt) = self.said(run);
        Check {
            id: self.id.clone(),
            category: self.look.category.to_owned(),
            command: typed(&self.arguments),
            outcome,
            exit_code: run.code,
            tests: Vec::new(),
            test_count: None,
            excerpt,
            receipts: Vec::new(),
            duration_ms: run.duration_ms,
            runner: String::new(),
        }
    }

    /// What a run says of the files. One that names no place in a file could not look at it.
    fn said(&self, run: &Run) -> (Outcome, String) {
        let unknown = (Outcome::Errored, String::new());
        let Some(code) = run.code.filter(|_| !run.timed_out) else { return unknown };
        let unformatted = |mend: &str| {
            let mend = typed(&words(mend, &self.file));
            (
                Outcome::Failed,
                format!("{}: not formatted as the project's files are: {mend}", self.file),
            )
        };
        match self.look.says {
            Says::Places if code == 0 => (Outcome::Passed, String::new()),
            Says::Places => match places(&run.output) {
                faults if faults.is_empty() => unknown,
                faults => (Outcome::Failed, faults),
            },
            Says::Listed(mend) if code == 0 && !run.output.trim().is_empty() => unformatted(mend),
            Says::Code(mend) if code == 1 => unformatted(mend),
            _ if code == 0 => (Outcome::Passed, String::new()),
            _ => unknown,
        }
    }
}

/// Returns the looks at these files: each of the table whose markers hold at or above one of them, in the nearest such
/// directory.
fn asked(world: &dyn World, changes: &[Change]) -> Vec<Asked> {
    let mut all: Vec<Asked> = Vec::new();
    let written = changes.iter().filter(|change| change.kind != ChangeKind::Removed);
    for change in written.take(FILES) {
        let above = above(world, &change.path);
        for look in LOOKS.iter().filter(|look| look.of.iter().any(|of| matches(of, &change.path))) {
            let Some(project) = above.iter().find(|project| project.is_any(look.at)) else {
                continue;
            };
            let one = asked_of(look, project, &change.path);
            let known = |other: &Asked| {
                (&other.directory, &other.arguments) == (&one.directory, &one.arguments)
            };
            if !all.iter().any(known) {
                all.push(one);
            }
        }
    }
    all
}

fn asked_of(look: &'static Look, project: &Project<'_>, path: &str) -> Asked {
    let directory = project.directory.clone();
    let file = path.strip_prefix(&directory).unwrap_or(path).trim_start_matches('/').to_owned();
    let arguments = words(&reach::spelled(project, look.run), &file);
    let manner = match look.manner {
        Manner::Unlocked if !cargo::ignores_target(project) => Manner::Apart,
        manner => manner,
    };
    Asked { id: crate::plan::id(look.name, &directory), look, directory, file, arguments, manner }
}

/// The words of a command, with the file in its places: a name may have spaces.
fn words(command: &str, file: &str) -> Vec<String> {
    let folder = match parent(file) {
        "" => ".".to_owned(),
        folder => format!("./{folder}"),
    };
    // A name that begins with a dash would be read as a flag.
    let file = if file.starts_with('-') { format!("./{file}") } else { file.to_owned() };
    let word = |word: &str| word.replace("{file}", &file).replace("{folder}", &folder);
    command.split_whitespace().map(word).collect()
}

/// The directory of a file and those above it, the nearest first; none of a place that is not the user's.
fn above<'a>(world: &'a dyn World, path: &str) -> Vec<Project<'a>> {
    let mut directory = parent(path);
    if !directory.split('/').all(|part| part.is_empty() || walk::is_own(part)) {
        return Vec::new();
    }
    let mut projects = Vec::new();
    loop {
        projects.push(Project::at(world, directory));
        if directory.is_empty() {
            return projects;
        }
        directory = parent(directory);
        debug_assert!(is_in(path, directory));
    }
}

/// The lines of an output that name a place in a file: `a.rs:3:5`, `a.ts(3,5)`, `3:5`.
fn places(output: &str) -> String {
    let text = excerpt::plain(output);
    let named = text.lines().filter(|line| names_a_place(line));
    let named: Vec<&str> = named.collect();
    // Where some are errors, the rest is what one may read later.
    let errors: Vec<&str> = named.iter().copied().filter(|line| line.contains("error")).collect();
    let told = if errors.is_empty() { named } else { errors };
    let more = told.len().saturating_sub(LINES);
    let mut lines: Vec<&str> = told.iter().take(LINES).map(|line| short(line.trim())).collect();
    let rest = format!("… and {more} more");
    if more > 0 {
        lines.push(&rest);
    }
    lines.join("\n")
}

fn short(line: &str) -> &str {
    &line[..line.floor_char_boundary(LINE_BYTES)]
}

/// Returns whether two numbers stand beside each other as those of a line and a column do, or one between colons.
fn names_a_place(line: &str) -> bool {
    let bytes = line.as_bytes();
    let ends = |at: usize| bytes.get(at).copied();
    bytes.iter().enumerate().any(|(at, byte)| {
        let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let after = ends(at + 1 + digits);
        match byte {
            b':' => {
                let before = at > 0 && bytes[at - 1].is_ascii_digit();
                digits > 0 && (before || matches!(after, Some(b':' | b' ') | None))
            }
            b'(' => digits > 0 && after == Some(b','),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests;
