//! Builds a crate as a component with a nested cargo.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "guest";

/// A component could not be built.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// Cargo failed, and printed the reason on standard error.
    #[error(
        "`{package}` does not build for {TARGET}; is the target there? `rustup target add {TARGET}`"
    )]
    Build {
        /// The package.
        package: String,
    },
    /// The system reported an error.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or program.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
}

/// Builds `package`, whose folder is `folder`, for WebAssembly in a target directory of its own below the
/// present one, and returns the component's bytes. A build that is up to date costs a moment.
///
/// # Errors
///
/// It does not build.
pub fn build(folder: impl AsRef<Path>, package: &str) -> Result<Vec<u8>, GuestError> {
    let built = run_cargo(folder.as_ref(), package, "--lib")?;
    read(&built.join(format!("{}.wasm", package.replace('-', "_"))))
}

/// Builds an example of `package` that is a component, as [`build`] does its library.
///
/// # Errors
///
/// It does not build.
pub fn build_example(
    folder: impl AsRef<Path>,
    package: &str,
    example: &str,
) -> Result<Vec<u8>, GuestError> {
    let built = run_cargo(folder.as_ref(), package, "--examples")?;
    read(&built.join("examples").join(format!("{example}.wasm")))
}

/// Returns the directory of the build.
fn run_cargo(folder: &Path, package: &str, what: &str) -> Result<PathBuf, GuestError> {
    let guests = target_directory().join("guests");
    let cargo = env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut command = Command::new(&cargo);
    command
        .current_dir(folder)
        .args(["build", "--quiet", "--target", TARGET, "--profile", PROFILE, what])
        .args(["--package", package, "--target-dir"])
        .arg(&guests);
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(disturbs)) {
        command.env_remove(name);
    }
    let status = command.status().map_err(|source| GuestError::Io { path: cargo, source })?;
    if !status.success() {
        return Err(GuestError::Build { package: package.to_owned() });
    }
    Ok(guests.join(TARGET).join(PROFILE))
}

fn read(path: &Path) -> Result<Vec<u8>, GuestError> {
    fs::read(path).map_err(|source| GuestError::Io { path: path.to_owned(), source })
}

/// Returns the target directory of the running test: cargo marks it, and tests lie below it.
#[must_use]
pub fn target_directory() -> PathBuf {
    let own = env::current_exe().unwrap_or_default();
    let marked = own.ancestors().find(|path| path.join("CACHEDIR.TAG").exists());
    marked.map_or_else(|| PathBuf::from("target"), Path::to_owned)
}

/// Returns true for variables of the outer cargo that would change how a guest is built.
fn disturbs(name: &str) -> bool {
    const KEPT: [&str; 3] = ["CARGO_HOME", "CARGO_NET_", "CARGO_REGISTR"];
    const DROPPED: [&str; 6] = [
        "CLIPPY_ARGS",
        "RUSTFLAGS",
        "RUSTC",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTDOC",
    ];
    let cargo = name.starts_with("CARGO") && !KEPT.iter().any(|kept| name.starts_with(kept));
    cargo || DROPPED.contains(&name)
}
