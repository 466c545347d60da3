//! `openkoi mind`: how work is deliberated and judged, and who was right.

use clap::Subcommand;

use super::report;
use crate::{context::Context, error::CommandError, reply::Reply};

/// The view that has the reports.
const VIEW: &str = "mind";

/// Arguments of `openkoi mind`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it, the beginning of each
    #[command(subcommand)]
    command: Option<MindCommand>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum MindCommand {
    /// Show the last deliberation
    Parliament,
    /// List the agencies with what they said, changed and cost
    Agencies,
    /// Show where agencies disagreed, and who was right
    Dissent,
    /// Compare what agencies foretold and judges said with what became of the work
    Calibrate,
}

/// Shows the report.
///
/// # Errors
///
/// When what is kept cannot be read.
pub fn run(args: &Args, context: &Context) -> Result<Reply, CommandError> {
    let name = match args.command {
        None => "overview",
        Some(MindCommand::Parliament) => "parliament",
        Some(MindCommand::Agencies) => "agencies",
        Some(MindCommand::Dissent) => "dissent",
        Some(MindCommand::Calibrate) => "calibrate",
    };
    report::reply(VIEW, name, &[], args.json, context)
}
