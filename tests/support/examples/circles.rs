//! Lists the circles of source files in a checkout, with the names that tie them.
//!
//! ```text
//! cargo run -p openkoi-test-support --example circles [checkout] [path below which a circle must have a file]
//! ```
#![expect(clippy::print_stdout, reason = "a program for people")]

use std::{env, io, path::Path, process::ExitCode};

use openkoi_test_support::circles;

fn main() -> io::Result<ExitCode> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").display().to_string();
    let root = env::args().nth(1).unwrap_or(here);
    let below = env::args().nth(2).unwrap_or_default();
    let graph = circles::read(Path::new(&root))?;
    let mut found = graph.circles();
    found.retain(|circle| circle.files.iter().any(|file| file.starts_with(&below)));
    for circle in &found {
        println!("{circle}");
    }
    let tied: usize = found.iter().map(|circle| circle.files.len()).sum();
    println!("{} circles, {tied} of {} files in them", found.len(), graph.len());
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
