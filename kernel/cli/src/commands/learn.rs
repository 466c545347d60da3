//! `openkoi learn`: skills that learners propose, and skills of others.

mod install;
pub(crate) mod propose;
mod proposed;
mod shown;

use crate::{context::Context, error::CommandError, exit::Exit};

/// Arguments of `openkoi learn`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// The subcommand; without it, decide about what was proposed
    #[command(subcommand)]
    command: Option<propose::LearnCommand>,
    #[command(flatten)]
    managed: ManagedFlags,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is done to an installed skill: at most one of them.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct ManagedFlags {
    /// Install a skill: a folder, an archive, an https address, or owner/repo/path of a public repository
    ///
    /// What is in it is shown first: its files, scripts, addresses, hidden characters and doubts. `#path` behind an archive names
    /// the folder in it, and `@ref` behind a repository a version.
    #[arg(long, value_name = "SOURCE", num_args = 0..=1, default_missing_value = "")]
    install: Option<String>,
    /// Fetch an installed skill again, or all of them, and show what would change
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    update: Option<String>,
    /// Remove an installed skill
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "")]
    uninstall: Option<String>,
}

/// Does what the line says.
///
/// # Errors
///
/// When a skill cannot be fetched, is none, or is not to be installed; when there is no such proposal.
pub fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let Args { command, managed, yes, json } = args;
    let how = install::How { yes, json };
    match (command, managed) {
        (Some(command), _) => propose::run(command, context),
        (_, ManagedFlags { install: Some(source), .. }) => install::install(&source, how, context),
        (_, ManagedFlags { update: Some(name), .. }) => install::update(&name, how, context),
        (_, ManagedFlags { uninstall: Some(name), .. }) => install::uninstall(&name, how, context),
        _ => propose::review(json, context),
    }
}
