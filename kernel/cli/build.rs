//! What the linker is told about the program on Linux.
//!
//! - Relocations are packed, a twentieth of its size and much of its start, where the C library of this machine can read
//!   that: glibc since 2.36.
//! - Functions that compile to the same are one in a release build, where rustc's own linker (lld) does it.
//! - What commands and tasks run lies side by side in it (`kernel/order.ld`).
//! - A release build has no tables for unwinding (`kernel/without_tables.ld`): nothing unwinds in it.

use std::{env, path::Path, process::Command};

/// The target for which rustc brings a linker of its own.
const LLD: &str = "x86_64-unknown-linux-gnu";
/// Puts what is run side by side, and leaves the tables for unwinding out.
const SCRIPTS: [&str; 2] = ["../order.ld", "../without_tables.ld"];

#[expect(clippy::disallowed_methods, reason = "cargo talks to a build script by variables")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for script in SCRIPTS {
        println!("cargo::rerun-if-changed={script}");
    }
    let is = |name: &str, wanted: &str| env::var(name).is_ok_and(|value| value == wanted);
    let native = env::var("HOST") == env::var("TARGET");
    let gnu = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    if native && gnu && glibc().is_some_and(|version| version >= (2, 36)) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    if gnu && is("PROFILE", "release") {
        if is("TARGET", LLD) && !is_other_linker() {
            println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
        }
        for script in SCRIPTS {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
            println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
        }
    }
}

/// Returns true if somebody chose a linker, which may not know what rustc's own does.
#[expect(clippy::disallowed_methods, reason = "cargo talks to a build script by variables")]
fn is_other_linker() -> bool {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    env::var_os("RUSTC_LINKER").is_some() || flags.contains("link")
}

/// Returns the version of the C library, as `getconf` prints it: `glibc 2.36`.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}
