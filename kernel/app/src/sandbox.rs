//! The settings of programs that tools start: their environment, the files they may read, the place
//! of their output.

use std::path::PathBuf;

use openkoi_brokers::processes::{ProcessSettings, Processes, SandboxMode};

use crate::{
    app::App,
    environment::{Environment, HOME},
    error::AppError,
    settings::Settings,
};

pub use openkoi_brokers::processes::SandboxReport;

/// Directories of toolchains, relative to the user's home. Programs may read them.
const TOOLCHAINS: [&str; 13] = [
    ".cargo",
    ".rustup",
    ".pyenv",
    ".local/bin",
    ".local/lib",
    ".local/share/mise",
    ".asdf",
    ".nvm",
    ".volta",
    ".bun",
    ".deno",
    "go",
    ".nix-profile",
];

/// Variables that name other directories of toolchains.
const TOOLCHAIN_VARIABLES: [&str; 7] =
    ["CARGO_HOME", "RUSTUP_HOME", "PYENV_ROOT", "NVM_DIR", "VOLTA_HOME", "GOPATH", "GOROOT"];

/// Paths of secrets, relative to the user's home. No program may read them.
const SECRET: [&str; 12] = [
    ".ssh",
    ".aws",
    ".gnupg",
    ".netrc",
    ".docker",
    ".kube",
    ".config/gh",
    ".config/gcloud",
    ".azure",
    ".npmrc",
    ".cargo/credentials.toml",
    ".cargo/credentials",
];

/// Returns the broker that starts programs, with the sandbox that tasks get.
///
/// # Errors
///
/// When there is no home.
pub fn processes(app: &App, settings: &Settings) -> Result<Processes, AppError> {
    let paths = app.paths()?;
    let mut read = settings.sandbox.read.clone();
    read.extend(toolchains(app.environment()));
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
    secret.extend(below_home(app.environment(), &SECRET));
    Ok(secret)
}

fn toolchains(environment: &Environment) -> Vec<PathBuf> {
    let snapshot = environment.snapshot();
    let named = TOOLCHAIN_VARIABLES
        .iter()
        .filter_map(|name| snapshot.get(std::ffi::OsStr::new(name)).map(PathBuf::from))
        .filter(|path| path.is_absolute());
    named.chain(below_home(environment, &TOOLCHAINS)).collect()
}

fn below_home(environment: &Environment, names: &[&str]) -> Vec<PathBuf> {
    let Some(home) = environment.path(&HOME) else { return Vec::new() };
    names.iter().map(|name| home.join(name)).collect()
}
