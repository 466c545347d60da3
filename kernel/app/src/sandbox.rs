//! The settings of programs that tools start: their environment, the files they may read, the place
//! of their output.

use std::path::PathBuf;

use openkoi_brokers::{
    places,
    processes::{ProcessSettings, Processes, SandboxMode},
};

use crate::{app::App, environment::HOME, error::AppError, settings::Settings};

pub use openkoi_brokers::processes::SandboxReport;

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
