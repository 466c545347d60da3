//! `openkoi reflect`: what was done, how it went, and where it was wrong.

use clap::Subcommand;

use super::report;
use crate::{context::Context, error::CommandError, reply::Reply};

/// The view that has the reports.
const VIEW: &str = "reflect";

/// Arguments of `openkoi reflect`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it, the beginning of each
    #[command(subcommand)]
    command: Option<ReflectCommand>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum ReflectCommand {
    /// Show today's tasks, decisions and outcomes
    Today,
    /// Show the last seven days, compared with the seven before
    Week,
    /// Show how far the work has come, and what the next stage takes
    Growth,
    /// Show where it was wrong, what was learnt, and whether that has helped since
    Honest,
}

/// Shows the report.
///
/// # Errors
///
/// When what is kept cannot be read.
pub fn run(args: &Args, context: &Context) -> Result<Reply, CommandError> {
    let name = match args.command {
        None => "overview",
        Some(ReflectCommand::Today) => "today",
        Some(ReflectCommand::Week) => "week",
        Some(ReflectCommand::Growth) => "growth",
        Some(ReflectCommand::Honest) => "honest",
    };
    report::reply(VIEW, name, &[], args.json, context)
}
