//! `openkoi completions`: a script with which a shell completes lines.

use clap_complete::Shell;

use crate::{context::Context, error::CommandError, exit::Exit};

/// Arguments of `openkoi completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    pub shell: Shell,
}

/// Prints the completions of the whole command line.
///
/// # Errors
///
/// When stdout cannot be written.
pub fn run(args: &Args, mut line: clap::Command, context: &Context) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut line, "openkoi", &mut script);
    context.printer.raw(&script)?;
    Ok(Exit::Accepted)
}
