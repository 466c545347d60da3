//! `openkoi soul`: what work is held to, what choices show, and how both change.

use clap::Subcommand;
use openkoi_app::soul::changes::{self, SoulCommit};
use openkoi_core::{
    document::{Block, Document, Pairs, Value},
    id,
};

use super::{learn::propose, report};
use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Output, plural},
    reply::Reply,
};

/// The view that has the reports.
const VIEW: &str = "soul";

/// Arguments of `openkoi soul`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it, all of it is shown
    #[command(subcommand)]
    command: Option<SoulCommand>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum SoulCommand {
    /// Show SOUL.md, what your choices show that you value, and what is changing
    Show,
    /// Look what you said and chose, propose changes of SOUL.md, and decide about them one by one
    Evolve,
    /// Show what is proposed, with what it rests on
    Diff,
    /// Show the changes that were made
    History,
    /// Take a change back
    Undo {
        /// The beginning of its id; without it, the last one
        id: Option<String>,
    },
}

/// Shows the report, or changes SOUL.md.
///
/// # Errors
///
/// When a file or what is kept cannot be read, or a change cannot be made.
pub fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let json = args.json;
    let name = match args.command.unwrap_or(SoulCommand::Show) {
        SoulCommand::Show => "show",
        SoulCommand::Diff => "diff",
        SoulCommand::History => "history",
        SoulCommand::Evolve => return evolve(json, context),
        SoulCommand::Undo { id } => {
            let undone = changes::undo(&context.app, id.as_deref())?;
            return Reply::new(Undone(undone), json).print(context);
        }
    };
    report::reply(VIEW, name, &[], json, context)?.print(context)
}

/// Makes proposals, shows them, and asks about each where somebody is there.
fn evolve(json: bool, context: &Context) -> Result<Exit, CommandError> {
    let Some(storage) = context.existing_storage()? else {
        return report::reply(VIEW, "diff", &[], json, context)?.print(context);
    };
    let new = changes::evolve(&context.app, &storage)?;
    if !json {
        context
            .printer
            .notice(&format!("{} from what you said and chose", plural(new, "new proposal")));
    }
    if json || !context.questions.is_interactive() {
        return report::reply(VIEW, "diff", &[], json, context)?.print(context);
    }
    for kept in changes::proposed(&storage)? {
        propose::decide(&storage, kept, context)?;
    }
    Ok(Exit::Accepted)
}

struct Undone(SoulCommit);

impl Output for Undone {
    fn document(&self) -> Document {
        let SoulCommit { id, reason, before, after, .. } = &self.0;
        let words = format!("change {} of SOUL.md is taken back: {reason}", id::short(id));
        Document::new("Soul").with(Block::paragraph(words)).with(
            Pairs::new("")
                .for_programs("undone", Value::id(id))
                .for_programs("before", before)
                .for_programs("after", after),
        )
    }
}
