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
    context.printer.raw(&script(args.shell, &mut line))?;
    Ok(Exit::Accepted)
}

fn script(shell: Shell, line: &mut clap::Command) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, line, "openkoi", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn the_script_of_every_shell_knows_every_command_and_the_flags_of_a_task() {
        for shell in Shell::value_variants() {
            let script = script(*shell, &mut crate::args::command());
            let script = String::from_utf8(script).unwrap();

            for known in crate::args::command().get_subcommands() {
                assert!(script.contains(known.get_name()), "{shell}: {}", known.get_name());
            }
            for flag in ["max-cost", "output-format", "continue"] {
                assert!(script.contains(flag), "{shell}: {flag}");
            }
        }
    }
}
