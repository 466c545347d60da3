//! Commands, and the programs that run them.

use std::time::Duration;

use super::capture::{Finished, collected};
use crate::{Failure, Result, bindings::host::openkoi::host::process, failure::hosted};

pub use process::{Exit, Glance, Happening};

/// What to run.
#[derive(Clone, Debug)]
pub struct Command(process::Command);

impl Command {
    /// Runs `program`, found on the host's path and granted by name.
    pub fn new(program: impl Into<String>) -> Self {
        Self(process::Command {
            program: program.into(),
            arguments: Vec::new(),
            directory: None,
            environment: Vec::new(),
            input: None,
            timeout_ms: None,
            one_stream: false,
        })
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.0.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.0.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Starts it in `directory`, relative to the workspace.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<String>) -> Self {
        self.0.directory = Some(directory.into());
        self
    }

    /// Sets a variable on top of the host's allow-list.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.environment.push((name.into(), value.into()));
        self
    }

    /// Gives it something to read.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.input = Some(bytes.into());
        self
    }

    /// Writes both of its streams into one: all comes as [`Happening::Stdout`], in the order in which it was written.
    #[must_use]
    pub fn one_stream(mut self) -> Self {
        self.0.one_stream = true;
        self
    }

    /// Kills it after `limit`.
    #[must_use]
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.0.timeout_ms = Some(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX));
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// [`Failure::NotFound`] if there is no such program, [`Failure::Denied`] if it is not granted.
    pub fn spawn(&self) -> Result<Child> {
        hosted(|| process::spawn(&self.0)).map(Child)
    }

    /// Starts it so that it goes on after the call, and returns its id for [`look`] and [`stop`].
    ///
    /// # Errors
    ///
    /// As [`Command::spawn`]; [`Failure::Unsupported`] where the host cannot hold back what it changes.
    pub fn spawn_in_background(&self) -> Result<String> {
        hosted(|| process::spawn_in_background(&self.0))
    }

    /// Runs it to its end and keeps up to `max` bytes of each stream; the rest is counted.
    ///
    /// # Errors
    ///
    /// What the host says. A program that fails is not a failure; see [`Finished::exit`].
    pub fn output(&self, max: usize) -> Result<Finished> {
        collected(max, |told| self.followed(told))
    }

    /// Runs it to its end, and tells what it writes as it comes.
    pub(super) fn followed(&self, told: &mut dyn FnMut(Happening)) -> Result<Exit> {
        for happening in self.spawn()? {
            match happening? {
                Happening::Exited(exit) => return Ok(exit),
                written => told(written),
            }
        }
        Err(Failure::failed("the program ended without saying how"))
    }

    /// The program and its arguments, parted by spaces.
    pub(super) fn line(&self) -> String {
        let words = [&self.0.program].into_iter().chain(&self.0.arguments);
        words.cloned().collect::<Vec<_>>().join(" ")
    }
}

/// Looks at a program in the background: what it wrote since the last look, and whether it has ended. Waits up to `wait` for
/// one of the two.
///
/// # Errors
///
/// [`Failure::NotFound`] if there is no such program.
pub fn look(id: &str, wait: Duration) -> Result<Glance> {
    let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    hosted(|| process::look(id, wait))
}

/// Stops a program in the background.
///
/// # Errors
///
/// As [`look`].
pub fn stop(id: &str) -> Result<Glance> {
    hosted(|| process::stop(id))
}

/// A running program: an iterator over what it does, ending after [`Happening::Exited`]. Dropping it kills
/// the process group.
#[derive(Debug)]
pub struct Child(process::Child);

impl Child {
    /// Kills the process group. [`Happening::Exited`] still follows.
    pub fn kill(&self) {
        self.0.kill();
    }
}

impl Iterator for Child {
    type Item = Result<Happening>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().transpose()
    }
}

/// Returns whether a program of this name is on the host's path. Runs nothing.
///
/// # Errors
///
/// What the host says.
pub fn exists(program: &str) -> Result<bool> {
    hosted(|| process::exists(program))
}
