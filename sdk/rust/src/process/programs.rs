//! What programs are to code that does not mind who runs them.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use super::{
    capture::{Finished, collected},
    command::{Command, Exit, Happening, exists},
};
use crate::{Failure, Result};

/// Programs, the host's or a test's.
pub trait Programs {
    /// Runs a command to its end, and tells what it writes as it comes.
    ///
    /// # Errors
    ///
    /// [`Failure::NotFound`] if there is no such program, [`Failure::Denied`] if it is not granted. A program that fails is
    /// not a failure.
    fn run(&self, command: &Command, told: &mut dyn FnMut(Happening)) -> Result<Exit>;

    /// Returns whether a program of this name is on the path. Runs nothing.
    ///
    /// # Errors
    ///
    /// What the host says.
    fn exists(&self, program: &str) -> Result<bool>;

    /// Runs a command to its end and keeps up to `max` bytes of each stream; the rest is counted.
    ///
    /// # Errors
    ///
    /// As [`Programs::run`].
    fn output(&self, command: &Command, max: usize) -> Result<Finished> {
        collected(max, |told| self.run(command, told))
    }
}

/// The programs of the host.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host;

impl Programs for Host {
    fn run(&self, command: &Command, told: &mut dyn FnMut(Happening)) -> Result<Exit> {
        command.followed(told)
    }

    fn exists(&self, program: &str) -> Result<bool> {
        exists(program)
    }
}

/// An exit code, and what is written to the standard output.
type Answer = (i32, Vec<u8>);

/// Programs of a test: each command has the answers that it was given, one after the other, and every run is remembered.
///
/// ```
/// use openkoi_sdk::process::{Command, Programs, Scripted};
///
/// let programs = Scripted::default().answers("git status", 0, "clean\n");
/// let finished = programs.output(&Command::new("git").arg("status"), 1_000).unwrap();
/// assert_eq!(finished.stdout, b"clean\n");
/// assert!(programs.output(&Command::new("git").arg("push"), 1_000).is_err());
/// assert_eq!(programs.ran(), ["git status", "git push"]);
/// ```
#[derive(Debug, Default)]
pub struct Scripted {
    answers: RefCell<BTreeMap<String, VecDeque<Answer>>>,
    programs: BTreeSet<String>,
    ran: RefCell<Vec<String>>,
}

impl Scripted {
    /// Answers a command, its words parted by spaces, with an exit code and what it writes to its standard output.
    #[must_use]
    pub fn answers(mut self, command: &str, code: i32, stdout: impl AsRef<[u8]>) -> Self {
        let program = command.split(' ').next().unwrap_or(command);
        self.programs.insert(program.to_owned());
        let answers = self.answers.get_mut().entry(command.to_owned()).or_default();
        answers.push_back((code, stdout.as_ref().to_vec()));
        self
    }

    /// Returns the commands that were run, in their order.
    pub fn ran(&self) -> Vec<String> {
        self.ran.borrow().clone()
    }
}

impl Programs for Scripted {
    fn run(&self, command: &Command, told: &mut dyn FnMut(Happening)) -> Result<Exit> {
        let line = command.line();
        self.ran.borrow_mut().push(line.clone());
        let answer = self.answers.borrow_mut().get_mut(&line).and_then(VecDeque::pop_front);
        let (code, stdout) =
            answer.ok_or_else(|| Failure::not_found(format!("an answer for `{line}`")))?;
        told(Happening::Stdout(stdout));
        let receipt = format!("receipt of {line}");
        Ok(Exit {
            code: Some(code),
            signal: None,
            timed_out: false,
            duration_ms: 0,
            omitted: 0,
            saved: None,
            receipt,
        })
    }

    fn exists(&self, program: &str) -> Result<bool> {
        Ok(self.programs.contains(program))
    }
}
