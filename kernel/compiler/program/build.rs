//! Leaves the tables for unwinding out of the program on Linux: nothing unwinds in it.

use std::{env, path::Path};

const SCRIPT: &str = "../../without_tables.ld";

#[expect(clippy::disallowed_methods, reason = "cargo talks to a build script by variables")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={SCRIPT}");
    let is = |name: &str, wanted: &str| env::var(name).is_ok_and(|value| value == wanted);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("PROFILE", "release") {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(SCRIPT);
        println!("cargo::rustc-link-arg-bins=-Wl,-T,{}", script.display());
    }
}
