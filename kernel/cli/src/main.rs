//! The `openkoi` program. Everything it does is in the library beside it.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

use std::process::ExitCode;

fn main() -> ExitCode {
    openkoi::start(std::env::args_os().skip(1).collect())
}
