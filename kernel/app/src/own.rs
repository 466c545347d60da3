//! Processes of OpenKoi itself: the daemon in the background, and its workers.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

pub use openkoi_brokers::own::{Detached, End, Process, leave_terminal, succeeds};
use openkoi_brokers::{
    changes::Changes,
    clock::SystemClock,
    disk, durable,
    own::{self, Start},
};
use openkoi_core::id::TaskId;
use serde::{Deserialize, Serialize};
pub use tokio::process::Child;

use crate::{
    app::App,
    environment::{Environment, NOTIFY_SOCKET, WATCHDOG_USEC},
    error::AppError,
};

/// The most bytes of a log before it is put aside.
const LARGEST_LOG: u64 = 10 << 20;

/// Starts a worker for a task.
///
/// # Errors
///
/// When the process cannot be started.
pub fn worker(app: &App, program: &Path, task: &TaskId) -> io::Result<Child> {
    let arguments = ["daemon", "work", task.as_str()].map(OsString::from);
    start(app, program, &arguments).worker()
}

/// Starts the daemon in the background. It logs to [`log_file`].
///
/// # Errors
///
/// When the home cannot be used, or the process cannot be started.
pub fn daemon(app: &App, program: &Path) -> Result<Detached, AppError> {
    let log = log_file(app)?;
    app.paths()?.prepare()?;
    let started = own::rotate(&log, LARGEST_LOG).and_then(|()| {
        let arguments = ["daemon", "run", "--detached"].map(OsString::from);
        start(app, program, &arguments).detached(&log)
    });
    started.map_err(AppError::Thread)
}

/// Returns the file to which a daemon in the background logs.
///
/// # Errors
///
/// When there is no home.
pub fn log_file(app: &App) -> Result<PathBuf, AppError> {
    Ok(app.paths()?.data().join("daemon.log"))
}

/// The most bytes of the end of a log that are looked at.
const LOG_END: u64 = 1 << 20;

/// Returns the last lines of the log, if there is one.
///
/// # Errors
///
/// When it cannot be read.
pub fn log_end(app: &App, lines: usize) -> Result<Vec<String>, AppError> {
    let bytes = match disk::read_end(&log_file(app)?, LOG_END) {
        Ok((bytes, _)) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(AppError::Thread(error)),
    };
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    Ok(all.iter().skip(all.len().saturating_sub(lines)).map(|line| (*line).to_owned()).collect())
}

/// Follows the log from its end.
pub struct LogTail {
    path: PathBuf,
    changes: Changes,
    seen: u64,
}

impl LogTail {
    /// Begins at what is the end now.
    ///
    /// # Errors
    ///
    /// When the home cannot be used, or the system tells of no changes.
    pub fn at_end(app: &App) -> Result<Self, AppError> {
        app.paths()?.prepare()?;
        let path = log_file(app)?;
        let changes = Changes::of_file(&path).map_err(AppError::Thread)?;
        let seen = disk::status(&path).map_or(0, |status| status.length);
        Ok(Self { path, changes, seen })
    }

    /// Waits for what is logged next.
    pub async fn next(&mut self) -> String {
        loop {
            self.changes.next().await;
            let Ok((bytes, dropped)) = disk::read_end(&self.path, LOG_END) else { continue };
            let length = dropped + bytes.len() as u64;
            // A log that was put aside begins anew.
            let seen = if length < self.seen { 0 } else { self.seen };
            self.seen = length;
            let from = usize::try_from(seen.saturating_sub(dropped)).unwrap_or(usize::MAX);
            if let Some(new) = bytes.get(from..).filter(|new| !new.is_empty()) {
                return String::from_utf8_lossy(new).into_owned();
            }
        }
    }
}

/// Opens an address in the user's browser. Returns false where there is none.
pub fn open_in_browser(address: &str) -> bool {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    succeeds(opener, &[address])
}

/// Who manages this process as a service, if anybody does.
#[derive(Clone, Debug)]
pub struct Manager {
    socket: Option<OsString>,
    /// How often it wants to hear that the process lives.
    watchdog: Option<Duration>,
}

impl Manager {
    /// Returns the manager that the environment names.
    pub fn of(environment: &Environment) -> Self {
        let socket = environment.get(&NOTIFY_SOCKET).map(ToOwned::to_owned);
        let micros = environment.text(&WATCHDOG_USEC).and_then(|text| text.parse().ok());
        Self { socket, watchdog: micros.map(Duration::from_micros) }
    }

    /// Says that the process is ready.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// Says that the process ends.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// Says, as often as is wanted, that the process lives. Never returns.
    pub async fn stay_alive(&self) {
        let (Some(_), Some(every)) = (&self.socket, self.watchdog) else {
            return std::future::pending().await;
        };
        loop {
            SystemClock.sleep(every / 2).await;
            self.tell("WATCHDOG=1");
        }
    }

    fn tell(&self, state: &str) {
        if let Some(socket) = &self.socket
            && let Err(error) = own::notify(socket, state)
        {
            tracing::warn!(%error, "the manager of services does not hear");
        }
    }
}

/// What a running daemon says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonState {
    /// Its process.
    pub pid: u32,
    /// Where it is reached, such as `http://127.0.0.1:9742`, if it is.
    pub url: Option<String>,
    /// Its version.
    pub version: String,
    /// When it began, in milliseconds since 1970.
    pub started_ms: u64,
}

impl DaemonState {
    /// Writes it for other processes of the user.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, app: &App) -> Result<(), AppError> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        Ok(durable::put_whole(&state_file(app)?, &text, 0o600)?)
    }
}

/// Returns the daemon of this home, if one runs.
///
/// # Errors
///
/// When the home cannot be read.
pub fn running(app: &App) -> Result<Option<DaemonState>, AppError> {
    let Some(storage) = app.existing_storage()? else { return Ok(None) };
    let Some(Process { id: pid, .. }) = storage.daemon()? else { return Ok(None) };
    let text = disk::read_text(&state_file(app)?, 64 << 10).unwrap_or_default();
    let written = serde_json::from_str(&text).ok();
    // One that has just begun has not said anything yet.
    let silent = || DaemonState { pid, url: None, version: String::new(), started_ms: 0 };
    Ok(Some(written.filter(|state: &DaemonState| state.pid == pid).unwrap_or_else(silent)))
}

fn state_file(app: &App) -> Result<PathBuf, AppError> {
    Ok(app.paths()?.data().join("daemon.json"))
}

fn start<'a>(app: &'a App, program: &'a Path, arguments: &'a [OsString]) -> Start<'a> {
    let environment = app.environment();
    Start {
        program,
        arguments,
        variables: environment.variables(),
        directory: environment.directory(),
    }
}
