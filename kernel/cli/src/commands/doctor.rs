//! `openkoi doctor`: a check of everything that a task needs. It looks at this machine alone and
//! changes no settings.

mod checkpoint;
mod look;

use openkoi_core::document::{Column, ColumnKind, Document, Pairs, Table, Value};

use self::checkpoint::{Checkpoint, Health};
use crate::{context::Context, error::CommandError, exit::Exit, output::Output, reply::Reply};

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
    fn document(&self) -> Document {
        let keys = ["area", "status", "message"];
        let columns = keys.map(|key| Column::for_programs(key, ColumnKind::Text));
        let hints = Column::for_programs("hints", ColumnKind::Data);
        let findings = Table::new("findings", columns.into_iter().chain([hints]));
        let row = |one: &Checkpoint| {
            let words = [one.area, one.health.word(), &one.words].map(Value::from);
            words.into_iter().chain([Value::list(&one.hints)])
        };
        Document::new("Checkup")
            .with_all(self.0.iter().map(Checkpoint::notice))
            .with(Pairs::new("").for_programs("ok", self.is_well()))
            .with(findings.rows(self.0.iter().map(row)))
    }
}

#[cfg(test)]
mod tests;
