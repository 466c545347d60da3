//! Processes of OpenKoi itself: the daemon, and its workers. They are the same program with the same rights, so there is no
//! sandbox around them.

use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fs::{File, OpenOptions},
    io,
    os::unix::{fs::OpenOptionsExt as _, net::UnixDatagram, process::CommandExt as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process},
};

use crate::disk;

/// The mode of logs: they name files and tasks.
const PRIVATE: u32 = 0o600;

/// What is started, and in what surroundings.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The program: this one.
    pub program: &'a Path,
    /// Its arguments.
    pub arguments: &'a [OsString],
    /// All of its variables.
    pub variables: &'a HashMap<OsString, OsString>,
    /// The directory that it is started in.
    pub directory: &'a Path,
}

impl Start<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(self.program);
        command
            .args(self.arguments)
            .env_clear()
            .envs(self.variables)
            .current_dir(self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Starts a worker, in a process group of its own so that the keys of a terminal do not reach it. What it logs goes where
    /// this process logs.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn worker(&self) -> io::Result<tokio::process::Child> {
        let mut command = self.command();
        command.stderr(Stdio::inherit()).process_group(0);
        tokio::process::Command::from(command).spawn()
    }

    /// Starts a process that outlives this one, and appends what it logs to a file. It leaves the terminal
    /// itself, by [`leave_terminal`].
    ///
    /// # Errors
    ///
    /// When the file cannot be written, or the process cannot be started.
    pub fn detached(&self, log: &Path) -> io::Result<Detached> {
        let mut command = self.command();
        command.stderr(log_file(log)?);
        Ok(Detached(command.spawn()?))
    }
}

/// A process that outlives this one.
#[derive(Debug)]
pub struct Detached(Child);

impl Detached {
    /// Returns true if it has ended already.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().is_ok_and(|status| status.is_some())
    }
}

/// Runs a program of the user's system, and returns whether it says that it did what it was asked. What it prints is dropped.
#[must_use]
pub fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Tells the manager of services at the other end of a socket how this process stands, as `sd_notify` of systemd does.
///
/// # Errors
///
/// When nobody listens there.
pub fn notify(socket: &OsStr, state: &str) -> io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.as_encoded_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt as _;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        sender.send_to_addr(state.as_bytes(), &address)?;
        return Ok(());
    }
    sender.send_to(state.as_bytes(), socket)?;
    Ok(())
}

/// Leaves the terminal that this process was started at: neither its keys nor its end reach it any more.
///
/// # Errors
///
/// When the process leads a group already.
pub fn leave_terminal() -> io::Result<()> {
    rustix::process::setsid()?;
    Ok(())
}

fn log_file(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(PRIVATE).open(path)
}

/// How a process is asked to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As Ctrl-C: what it has in hand ends and can be resumed, and a conversation goes on.
    Interrupt,
    /// It ends, and what it has in hand can be resumed.
    Terminate,
    /// At once.
    Kill,
}

/// A process of OpenKoi. Its number is given to another one some time after it has ended; when it began tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub id: u32,
    /// When it began, by a clock of the system; nothing where that is not told.
    began: Option<u64>,
}

impl Process {
    /// Returns this process.
    #[must_use]
    pub fn this() -> Self {
        let id = std::process::id();
        Self { id, began: began(id) }
    }

    /// Returns a child that has not been waited for: its number is nobody else's.
    #[must_use]
    pub fn child(id: u32) -> Self {
        Self { id, began: None }
    }

    /// Reads what [`Process::text`] wrote. What wrote the number alone is of an earlier version.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let id = lines.next()?.parse().ok()?;
        Some(Self { id, began: lines.next().and_then(|line| line.parse().ok()) })
    }

    /// Returns the process as lines that others read.
    #[must_use]
    pub fn text(self) -> String {
        let began = self.began.map(|began| format!("{began}\n"));
        format!("{}\n{}", self.id, began.unwrap_or_default())
    }

    /// Asks the process to end. That it is gone already is no error, and whoever has its number by now hears nothing.
    ///
    /// # Errors
    ///
    /// When it belongs to somebody else.
    pub fn end(self, how: End) -> io::Result<()> {
        let Some(pid) = i32::try_from(self.id).ok().and_then(Pid::from_raw) else { return Ok(()) };
        let signal = match how {
            End::Interrupt => Signal::INT,
            End::Terminate => Signal::TERM,
            End::Kill => Signal::KILL,
        };
        match self.send(pid, signal) {
            Err(Errno::SRCH) => Ok(()),
            done => Ok(done?),
        }
    }

    /// Sends a signal to the process that has the number now, if it is this one. A file descriptor stands for it from before it is looked at
    /// on, so that no other can take its place in between.
    #[cfg(target_os = "linux")]
    fn send(self, pid: Pid, signal: Signal) -> rustix::io::Result<()> {
        use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

        let process = match pidfd_open(pid, PidfdFlags::empty()) {
            // Systems before 5.3 have none, and some containers forbid it.
            Err(Errno::NOSYS | Errno::PERM) => None,
            opened => Some(opened?),
        };
        if !self.is_still_there() {
            return Err(Errno::SRCH);
        }
        match process {
            Some(process) => pidfd_send_signal(process, signal),
            None => kill_process(pid, signal),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn send(self, pid: Pid, signal: Signal) -> rustix::io::Result<()> {
        kill_process(pid, signal)
    }

    #[cfg(target_os = "linux")]
    fn is_still_there(self) -> bool {
        self.began.is_none_or(|began_then| began(self.id) == Some(began_then))
    }
}

/// Returns when a process began, in ticks since the machine did, if the system tells.
#[cfg(target_os = "linux")]
fn began(process: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name of the program is in brackets and may have spaces and brackets in it. Of what follows, the twentieth is the time.
    let (_, rest) = text.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
fn began(_: u32) -> Option<u64> {
    None
}

/// Puts a log aside that has grown beyond `most` bytes, as `<log>.1`.
///
/// # Errors
///
/// When it cannot be moved.
pub fn rotate(log: &Path, most: u64) -> io::Result<()> {
    match disk::status(log) {
        Ok(status) if status.length > most => {
            let mut old = log.as_os_str().to_owned();
            old.push(".1");
            std::fs::rename(log, old)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn who_has_the_number_of_a_process_that_is_gone_hears_nothing() {
        use std::os::unix::process::ExitStatusExt as _;

        let mut sleeper = Command::new("sleep").arg("600").spawn().unwrap();
        let began = began(sleeper.id()).unwrap();
        let gone = Process { id: sleeper.id(), began: Some(began - 1) };

        gone.end(End::Kill).unwrap();
        assert!(sleeper.try_wait().unwrap().is_none());
        let there = Process::read(&Process { began: Some(began), ..gone }.text()).unwrap();
        there.end(End::Terminate).unwrap();

        assert_eq!(sleeper.wait().unwrap().signal(), Some(15));
        there.end(End::Kill).unwrap();
    }

    #[test]
    fn what_an_earlier_version_wrote_is_read() {
        assert_eq!(Process::read("42\n"), Some(Process { id: 42, began: None }));
        assert_eq!(Process::read(&Process::this().text()), Some(Process::this()));
        assert_eq!(Process::read(""), None);
    }
}
