//! `openkoi completions`: what a shell needs to complete a line.

use clap_complete::Shell;

use crate::{args, context::Context, error::CommandError, exit::Exit};

/// Arguments of `openkoi completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    pub shell: Shell,
}

/// Prints the completions.
///
/// # Errors
///
/// When stdout cannot be written.
pub fn run(args: &Args, context: &Context) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::command(), "openkoi", &mut script);
    context.printer.raw(&script)?;
    Ok(Exit::Accepted)
}
