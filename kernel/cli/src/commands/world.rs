//! `openkoi world`: what earlier tasks tell of tools, fields of work and the user.

use clap::Subcommand;

use super::{
    memory::{self, MemoryCommand},
    report,
};
use crate::{context::Context, error::CommandError, exit::Exit};

/// The view that has the reports.
const VIEW: &str = "world";

/// Arguments of `openkoi world`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it, the whole map
    #[command(subcommand)]
    command: Option<WorldCommand>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum WorldCommand {
    /// Show all of it, each part in a few lines
    Map,
    /// Show how reliable tools and programs are here, how they fail and how long they take
    Tools {
        /// The tool that is shown alone, with its last calls
        name: Option<String>,
    },
    /// Show fields of work: how much was accepted and left so, and what was learnt
    Domains,
    /// Show what you said for good and what you do with the work; correct and forget it
    Human {
        /// What is changed of it
        #[command(subcommand)]
        change: Option<HumanCommand>,
    },
}

#[derive(Debug, Subcommand)]
enum HumanCommand {
    /// Give one of your sentences other words
    Correct {
        /// The beginning of its id
        id: String,
        /// The new words
        #[arg(required = true, num_args = 1..)]
        text: Vec<String>,
    },
    /// Forget one of your sentences
    Forget {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// Shows the report, or changes what is known of the user.
///
/// # Errors
///
/// When there is no such tool or sentence, or the storage cannot be used.
pub fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let json = args.json;
    let (name, arguments) = match args.command.unwrap_or(WorldCommand::Map) {
        WorldCommand::Map => ("map", None),
        WorldCommand::Tools { name: None } => ("tools", None),
        WorldCommand::Tools { name } => ("tool", name),
        WorldCommand::Domains => ("domains", None),
        WorldCommand::Human { change: None } => ("human", None),
        WorldCommand::Human { change: Some(change) } => return self::change(change, json, context),
    };
    let arguments: Vec<(&str, &str)> =
        arguments.iter().map(|name| ("name", name.as_str())).collect();
    let reply = report::reply(VIEW, name, &arguments, json, context);
    reply
        .map_err(|error| if name == "tool" { error.hint("openkoi world tools") } else { error })?
        .print(context)
}

/// What the user said is remembered like everything else.
fn change(change: HumanCommand, json: bool, context: &Context) -> Result<Exit, CommandError> {
    let command = match change {
        HumanCommand::Correct { id, text } => MemoryCommand::Edit { id: Some(id), text, json },
        HumanCommand::Forget { id, yes } => MemoryCommand::Forget { id, yes },
    };
    memory::run(memory::Args { command: Some(command) }, context)
}
