//! Builds every component of this folder for WebAssembly, compiles it ahead of time and writes the index that
//! `src/lib.rs` includes.
//!
//! In order: [`guests`] finds the packages and runs one nested cargo, [`manifest`] reads what each component
//! says of itself, [`native`] has the bytes compiled (or finds them compiled), [`index`] writes the result.

#![expect(clippy::print_stdout, reason = "a build script talks to cargo by printing")]

mod error;
mod guests;
mod index;
mod manifest;
mod native;
#[path = "../../kernel/compiler/build/nested.rs"]
mod nested;
#[path = "../../kernel/storage/src/skills/yaml.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "front matter is read here and written in another form"
)]
mod yaml;

use std::process::ExitCode;

use error::BuildError;

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
