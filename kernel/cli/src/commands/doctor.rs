//! `openkoi doctor`: a check of everything that a task needs. It looks at this machine alone and
//! changes no settings.

mod checkpoint;
mod look;

use serde_json::{Value, json};

use self::checkpoint::{Checkpoint, Health};
use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Output, Page},
    reply::Reply,
};

/// Arguments of `openkoi doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Checks everything.
///
/// # Errors
///
/// None: what cannot be checked is a point of the result.
pub fn run(args: &Args, context: &Context) -> Result<Reply, CommandError> {
    let checkup = Checkup(look::everything(context));
    let exit = if checkup.is_well() { Exit::Accepted } else { Exit::Configuration };
    Ok(Reply::new(checkup, args.json).ending(exit))
}

struct Checkup(Vec<Checkpoint>);

impl Checkup {
    fn is_well(&self) -> bool {
        self.0.iter().all(|finding| finding.health != Health::Ill)
    }
}

impl Output for Checkup {
    fn text(&self, page: &mut Page) {
        for finding in &self.0 {
            let word =
                page.painted(finding.health.style(), &format!("{:<5}", finding.health.word()));
            page.marked(&word, &format!("{:<11} {}", finding.area, finding.words));
            finding.hints.iter().for_each(|hint| page.line(format!("        hint: {hint}")));
        }
    }

    fn json(&self) -> Value {
        let findings = self.0.iter().map(|finding| {
            json!({
                "area": finding.area,
                "status": finding.health.word(),
                "message": finding.words,
                "hints": finding.hints,
            })
        });
        json!({ "ok": self.is_well(), "findings": findings.collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests;
