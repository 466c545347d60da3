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

use rustix::process::{Pid, Signal, kill_process};

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

/// Asks a process of OpenKoi to end. That it is gone already is no error.
///
/// # Errors
///
/// When it belongs to somebody else.
pub fn end(process: u32, how: End) -> io::Result<()> {
    let Some(pid) = i32::try_from(process).ok().and_then(Pid::from_raw) else { return Ok(()) };
    let signal = match how {
        End::Interrupt => Signal::INT,
        End::Terminate => Signal::TERM,
        End::Kill => Signal::KILL,
    };
    match kill_process(pid, signal) {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        done => Ok(done?),
    }
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
