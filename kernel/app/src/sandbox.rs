//! The settings of programs that tools start: their environment, the files they may read, the place
//! of their output.

use std::path::{Path, PathBuf};

use openkoi_brokers::{
    places,
    processes::{Command, Happening, ProcessSettings, Processes, SandboxMode},
};

use crate::{app::App, environment::HOME, error::AppError, settings::Settings};

pub use openkoi_brokers::processes::{SandboxReport, kill_all};

/// Returns the broker that starts programs, with the sandbox that tasks get.
///
/// # Errors
///
/// When there is no home.
pub fn processes(app: &App, settings: &Settings) -> Result<Processes, AppError> {
    let paths = app.paths()?;
    let mut read = settings.sandbox.read.clone();
    let home = app.environment().path(&HOME);
    read.extend(places::toolchains(home.as_deref(), &app.environment().snapshot()));
    Ok(Processes::new(ProcessSettings {
        environment: app.environment().snapshot(),
        temporary: paths.data().join("tmp"),
        spool: paths.tool_output(),
        read,
        secret: secret(app)?,
        sandbox: if settings.sandbox.on { SandboxMode::Required } else { SandboxMode::Off },
    }))
}

/// How a command line ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineEnd {
    /// The exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// Number of bytes of output that were too many to be shown.
    pub omitted: u64,
}

/// Runs a command line that a person typed, in the sandbox that tasks get, and hands its output on as it comes.
/// Returns nothing if it was stopped, with everything that it had started.
///
/// # Errors
///
/// When it cannot be started.
pub async fn run_line(
    app: &App,
    settings: &Settings,
    workspace: &Path,
    line: &str,
    mut show: impl FnMut(&[u8]),
    stop: impl Future<Output = ()>,
) -> Result<Option<LineEnd>, AppError> {
    let command = Command {
        arguments: vec!["-c".to_owned(), line.to_owned()],
        network: settings.sandbox.network,
        write: settings.sandbox.write.clone(),
        ..Command::new("sh", workspace)
    };
    // The start is waited for: only what has a child can be ended.
    let mut child = processes(app, settings)?.spawn(command).await?;
    let mut stop = std::pin::pin!(stop);
    let mut end = LineEnd::default();
    loop {
        let happening = tokio::select! {
            () = &mut stop => return Ok(None),
            happening = child.next() => happening,
        };
        match happening {
            None => return Ok(Some(end)),
            Some(Happening::Stdout(bytes) | Happening::Stderr(bytes)) => show(&bytes),
            Some(Happening::Exited(exit)) => {
                end = LineEnd { code: exit.code, omitted: exit.omitted };
            }
        }
    }
}

/// Returns the paths that neither programs nor file tools may read.
///
/// # Errors
///
/// When there is no home.
pub(crate) fn secret(app: &App) -> Result<Vec<PathBuf>, AppError> {
    let paths = app.paths()?;
    let mut secret = vec![paths.home().to_owned(), paths.data().to_owned()];
    secret
        .extend(app.environment().path(&HOME).iter().flat_map(|home| places::secrets_below(home)));
    Ok(secret)
}
