//! The `openkoi` program: it passes the arguments to the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    openkoi::start(std::env::args_os().skip(1).collect())
}
