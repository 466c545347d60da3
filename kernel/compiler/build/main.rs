//! Builds `program` for the target of this build, and packs it.
//!
//! One profile of its own serves all builds, so that Cranelift is built once and not again for tests.

#![expect(clippy::print_stdout, reason = "a build script talks to cargo by printing")]

#[path = "../src/branches.rs"]
mod branches;
mod nested;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use nested::Nested;
use sha2::{Digest, Sha256};
use zstd_safe::CParameter;

const PACKAGE: &str = "openkoi-compiler-program";
const PROFILE: &str = "compiler";

/// The level that packs tightest. It takes seconds at build time, and unpacks as fast as any other.
const TIGHT: i32 = 22;

/// How far back the packed program may refer: over all of itself.
const WINDOW_LOG: u32 = 24;

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={error}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let nested = Nested::find(2)?;
    for path in ["Cargo.lock", "Cargo.toml", "kernel/compiler", "kernel/without_tables.ld"] {
        println!("cargo::rerun-if-changed={}", nested.root.join(path).display());
    }
    let target = env::var("TARGET").map_err(|_| "cargo did not name the target".to_owned())?;
    let directory = nested.target.join("compiler");
    nested.cargo(
        &["build", "--locked", "--package", PACKAGE, "--features", "cranelift", "--bin", PACKAGE]
            .map(str::to_owned),
        &[("--target", &target), ("--profile", PROFILE)],
        &directory,
    )?;
    let built = directory.join(&target).join(PROFILE).join(PACKAGE);
    let program = read(&built)?;
    let digest: String =
        Sha256::digest(&program).iter().map(|byte| format!("{byte:02x}")).collect();
    let is_branching = target.starts_with(branches::MACHINES);
    let form = if is_branching { "addresses" } else { "plain" };
    let packed = directory.join(format!("{digest}-{form}.zst"));
    if !packed.exists() {
        let mut form = program.clone();
        if is_branching {
            branches::to_addresses(&mut form);
        }
        put(&packed, &pack(&form)?)?;
    }
    // Should somebody empty the directory, this build is to be done again.
    println!("cargo::rerun-if-changed={}", packed.display());
    let source = format!(
        "Packed {{ bytes: include_bytes!({packed:?}), length: {}, digest: {digest:?}, target: {target:?} }}\n",
        program.len()
    );
    let path = nested.out.join("program.rs");
    if fs::read_to_string(&path).is_ok_and(|present| present == source) {
        return Ok(());
    }
    put(&path, source.as_bytes())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Written beside and renamed: builds of two profiles may be at it at once.
fn put(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let unfinished: PathBuf = path.with_added_extension(format!("{}.tmp", std::process::id()));
    fs::write(&unfinished, bytes)
        .and_then(|()| fs::rename(&unfinished, path))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}

fn pack(program: &[u8]) -> Result<Vec<u8>, String> {
    let mut packed = Vec::with_capacity(zstd_safe::compress_bound(program.len()));
    let mut context = zstd_safe::CCtx::create();
    let done = context
        .set_parameter(CParameter::CompressionLevel(TIGHT))
        .and_then(|_| context.set_parameter(CParameter::WindowLog(WINDOW_LOG)))
        .and_then(|_| context.compress2(&mut packed, program));
    done.map_err(|code| {
        format!("the compiler cannot be packed: {}", zstd_safe::get_error_name(code))
    })?;
    Ok(packed)
}
