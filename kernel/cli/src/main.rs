//! The `openkoi` program: it passes the arguments to the library beside it.
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

use std::process::ExitCode;

#[expect(clippy::disallowed_methods, reason = "arguments are read here and handed down")]
fn main() -> ExitCode {
    openkoi::start(std::env::args_os().skip(1).collect())
}
