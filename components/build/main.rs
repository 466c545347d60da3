//! Builds every component of this folder for WebAssembly, compiles it ahead of time and writes the index that
//! `src/lib.rs` includes.
//!
//! In order: [`guests`] finds the packages and runs one nested cargo, [`manifest`] reads what each component
//! says of itself, [`native`] compiles the bytes (or finds them compiled) and [`symbols`] takes out what only tools
//! read, [`index`] writes the result.

#![expect(clippy::print_stdout, reason = "a build script talks to cargo by printing")]

#[path = "../../kernel/host/src/engine/config.rs"]
mod config;
mod guests;
mod index;
mod manifest;
mod native;
mod symbols;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Why the components were not built.
#[derive(Debug, thiserror::Error)]
enum BuildError {
    #[error("the target wasm32-wasip2 is not installed; run `rustup target add wasm32-wasip2`")]
    NoTarget,
    #[error("the components did not build; cargo's messages are above")]
    Guests,
    #[error("cannot read or write {path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{package}: {problem}")]
    Manifest { package: String, problem: String },
    #[error("{0} and {1} are both called `{2}`; a component's name is unique")]
    Duplicate(String, String, String),
    #[error("cannot compile {package}: {problem}")]
    Compile { package: String, problem: String },
    #[error("cargo did not set {0} for the build script")]
    Environment(&'static str),
}

/// A component that is ready to be embedded.
struct Component {
    name: String,
    kind: String,
    digest: String,
    /// The manifest as compact JSON.
    manifest: String,
    wasm_length: usize,
    native_length: usize,
    /// Whether the code is packed. One component's is not.
    packed: bool,
    /// The compiled code.
    native: PathBuf,
}

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The only form in which cargo shows a build script's sentence without its whole output.
            println!("cargo::error={error}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), BuildError> {
    let layout = guests::Layout::find()?;
    layout.watch();
    let guests = guests::build(&layout)?;
    let mut components = native::compile(&layout, &guests)?;
    components.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    index::write(&layout, &components)
}

/// Adds the path to what went wrong with it.
fn at<T>(path: &Path, result: std::io::Result<T>) -> Result<T, BuildError> {
    result.map_err(|source| BuildError::Io { path: path.to_owned(), source })
}
