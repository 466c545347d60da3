//! The help texts, with examples, exit codes and variables.

use clap::CommandFactory;

use super::line::Cli;
use crate::{env, exit::Exit};

const EXAMPLES: &str = "Examples:
  openkoi \"fix the failing test\"
  openkoi \"write the docs\" -i 5 --quality 0.9
  cargo test 2>&1 | openkoi \"why does this fail?\"
  openkoi -c \"now add a test for it\"
  openkoi undo";

/// Returns the whole command line as clap knows it, with the additions of the help text.
///
/// Completions, the manual page and the reference are generated from it, so each command is described.
pub fn command() -> clap::Command {
    let mut command = dress(Cli::command());
    command.build();
    command
}

/// Adds examples, exit codes and variables.
pub(super) fn dress(command: clap::Command) -> clap::Command {
    let short = format!("{EXAMPLES}\n\n`--help` also shows exit codes and environment variables.");
    let long = format!("{EXAMPLES}\n\n{}\n{}", exit_codes(), variables());
    command.after_help(short).after_long_help(long.trim_end().to_owned())
}

pub(super) fn long() -> String {
    dress(Cli::command()).render_long_help().to_string()
}

pub(super) fn short() -> String {
    dress(Cli::command()).render_help().to_string()
}

fn exit_codes() -> String {
    let mut text = String::from("Exit codes:\n");
    for exit in Exit::ALL {
        line(&mut text, &exit.code().to_string(), 4, exit.meaning());
    }
    text
}

fn variables() -> String {
    let mut text = String::from("Environment:\n");
    for variable in env::ALL {
        line(&mut text, variable.name, 18, variable.help);
    }
    text
}

fn line(text: &mut String, name: &str, width: usize, meaning: &str) {
    text.push_str(&format!("  {name:<width$} {meaning}\n"));
}
