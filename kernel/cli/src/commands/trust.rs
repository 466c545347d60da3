//! `openkoi trust`: how far the agent may go in each domain, and what it did unasked.

mod grant;
mod rules;

use clap::Subcommand;

use super::report;
use crate::{context::Context, error::CommandError, reply::Reply};

/// The view that has the reports.
const VIEW: &str = "trust";

/// Arguments of `openkoi trust`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it, the levels are shown
    #[command(subcommand)]
    command: Option<TrustCommand>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum TrustCommand {
    /// Show the level of each domain, what it rests on, and what outcomes say about it
    Show,
    /// Let the agent act in a domain: ask, suggest, act or autonomous
    ///
    /// At `ask` every change is a question. At `suggest` files are changed unasked, at `act` programs run too, and at
    /// `autonomous` messages are sent and things removed. A level in `trust.domains` of the configuration is the most that a grant
    /// can reach. A grant of `autonomous` ends at once when work that was done because of it is undone.
    Grant(grant::GrantFlags),
    /// Take a grant back, or a rule of your "always" answers
    Revoke {
        /// A domain, or the number of a rule; without it, pick one
        #[arg(value_name = "DOMAIN|RULE")]
        what: Option<String>,
    },
    /// Show every action that nobody was asked about, with its receipt and whether it can be undone
    Audit {
        /// Only those of this domain
        domain: Option<String>,
    },
    /// List the rules that your "always" answers left, with where they hold
    Rules,
}

/// Runs the subcommand, or shows the levels.
///
/// # Errors
///
/// When there is no such domain, grant or rule, or the storage cannot be used.
pub fn run(args: Args, context: &Context) -> Result<Reply, CommandError> {
    let json = args.json;
    match args.command.unwrap_or(TrustCommand::Show) {
        TrustCommand::Show => report::reply(VIEW, "show", &[], json, context),
        TrustCommand::Grant(flags) => grant::grant(flags, json, context),
        TrustCommand::Revoke { what } => grant::revoke(what, json, context),
        TrustCommand::Audit { domain } => {
            let arguments: Vec<(&str, &str)> =
                domain.iter().map(|domain| ("domain", domain.as_str())).collect();
            report::reply(VIEW, "audit", &arguments, json, context)
        }
        TrustCommand::Rules => rules::list(json, context),
    }
}

#[cfg(test)]
mod tests;
