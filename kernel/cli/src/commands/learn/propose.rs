//! What was proposed, and what a person makes of it.

use std::sync::Arc;

use clap::Subcommand;
use openkoi_app::learn::proposals::{self, ProposalSeen};
use openkoi_core::{id, learning::Proposal};
use openkoi_storage::{
    Storage, StorageError,
    proposals::{KeptProposal, ProposalState},
};

use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    ids::{self, Identified},
    output::{Choice, Format},
    reply::Reply,
};

use super::proposed::{ProposalDetails, ProposalList, title};

/// The subcommands of `openkoi learn`, about what was proposed.
#[derive(Debug, Subcommand)]
pub(super) enum LearnCommand {
    /// List what was proposed from how your tasks went
    List {
        /// What was decided too
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a proposal: what it rests on, what differs, and the tasks that it would have been given to
    Show {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Accept a proposal: its skill is given to later tasks
    Accept {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
    },
    /// Change the skill of a proposal in your editor (VISUAL or EDITOR), and decide later
    Edit {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
    },
    /// Put a proposal off
    Later {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
    },
    /// Reject a proposal: it comes back with new evidence alone
    Never {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
    },
}

/// Runs a subcommand.
pub(super) fn run(command: LearnCommand, context: &Context) -> Result<Exit, CommandError> {
    match command {
        LearnCommand::List { all, json } => listed(all, context)?.reply(json).print(context),
        LearnCommand::Show { id, json } => shown(id, json, context)?.print(context),
        LearnCommand::Accept { id } => {
            let (storage, kept) = open(id, "openkoi learn accept", context)?;
            accept(&storage, &kept, context)
        }
        LearnCommand::Edit { id } => {
            let (storage, kept) = open(id, "openkoi learn edit", context)?;
            let edited = edit(&storage, &kept, context)?;
            let short = id::short(&edited.id);
            context.printer.notice(&format!("it is changed; openkoi learn accept {short}"));
            Ok(Exit::Accepted)
        }
        LearnCommand::Later { id } => {
            let (storage, kept) = open(id, "openkoi learn later", context)?;
            later(&storage, &kept, context)
        }
        LearnCommand::Never { id } => {
            let (storage, kept) = open(id, "openkoi learn never", context)?;
            never(&storage, &kept, context)
        }
    }
}

/// Returns the details of a proposal.
pub(crate) fn shown(
    id: Option<String>,
    json: bool,
    context: &Context,
) -> Result<Reply, CommandError> {
    let (storage, kept) = ids::chosen::<KeptProposal>(id, "openkoi learn show", context)?;
    let seen = proposals::seen(&context.app, &storage, kept)?;
    Ok(Reply::new(ProposalDetails(seen), json))
}

/// Lets a person at a terminal decide, one after another; elsewhere what there is to decide is listed.
pub(super) fn review(json: bool, context: &Context) -> Result<Exit, CommandError> {
    let list = listed(false, context)?;
    if json || list.0.is_empty() || !context.questions.is_interactive() {
        return list.reply(json).print(context);
    }
    loop {
        let (storage, kept) = match ids::chosen::<KeptProposal>(None, "openkoi learn show", context)
        {
            Ok(chosen) => chosen,
            // Nothing is left, or nothing was picked.
            Err(error) if error.kind == Exit::Usage => return Ok(Exit::Accepted),
            Err(error) => return Err(error),
        };
        decide(&storage, kept, context)?;
    }
}

/// Shows a proposal, and asks until it is decided or left.
///
/// # Errors
///
/// When it cannot be put into effect or kept.
pub(in crate::commands) fn decide(
    storage: &Storage,
    mut kept: KeptProposal,
    context: &Context,
) -> Result<(), CommandError> {
    loop {
        let seen: ProposalSeen = proposals::seen(&context.app, storage, kept.clone())?;
        let can_be_edited = matches!(kept.proposal, Proposal::Skill { .. });
        context.printer.result(&ProposalDetails(seen), Format::Text)?;
        let edits = if can_be_edited { " edit," } else { "" };
        let question =
            format!("accept,{edits} later or never (the first letter, or nothing to leave): ");
        let answer = context.questions.text(&question)?.unwrap_or_default().trim().to_lowercase();
        match answer.chars().next() {
            None => return Ok(()),
            Some('a') => return accept(storage, &kept, context).map(drop),
            Some('l') => return later(storage, &kept, context).map(drop),
            Some('n') => return never(storage, &kept, context).map(drop),
            Some('e') if can_be_edited => match edit(storage, &kept, context) {
                Ok(edited) => kept = edited,
                Err(error) => context.printer.error(&error, Format::Text),
            },
            Some(_) => {}
        }
    }
}

fn accept(storage: &Storage, kept: &KeptProposal, context: &Context) -> Result<Exit, CommandError> {
    let said = match proposals::accept(&context.app, storage, kept)? {
        Some(file) if matches!(kept.proposal, Proposal::Soul { .. }) => {
            format!("{} is changed; `openkoi soul undo` takes it back", file.display())
        }
        Some(file) => format!("it is given to later tasks: {}", file.display()),
        None => "it is done".to_owned(),
    };
    context.printer.notice(&said);
    Ok(Exit::Accepted)
}

fn later(storage: &Storage, kept: &KeptProposal, context: &Context) -> Result<Exit, CommandError> {
    proposals::decide(&context.app, storage, kept, ProposalState::Later)?;
    context.printer.notice("it is put off; `openkoi learn` shows it again");
    Ok(Exit::Accepted)
}

fn never(storage: &Storage, kept: &KeptProposal, context: &Context) -> Result<Exit, CommandError> {
    proposals::decide(&context.app, storage, kept, ProposalState::Rejected)?;
    context.printer.notice("it does not come back without new evidence");
    Ok(Exit::Accepted)
}

fn edit(
    storage: &Storage,
    kept: &KeptProposal,
    context: &Context,
) -> Result<KeptProposal, CommandError> {
    Ok(proposals::edit(&context.app, storage, kept)?)
}

/// What there is to decide, or all that was proposed.
pub(crate) struct Listed(Vec<KeptProposal>);

impl Listed {
    pub(crate) fn reply(self, json: bool) -> Reply {
        Reply::new(ProposalList(self.0), json)
    }
}

/// Returns what was proposed and is to be decided, or all of it.
pub(crate) fn listed(all: bool, context: &Context) -> Result<Listed, CommandError> {
    let storage = context.existing_storage()?;
    let kept = storage.map(|storage| storage.proposals(all)).transpose()?;
    Ok(Listed(kept.unwrap_or_default()))
}

impl Identified for KeptProposal {
    const WHAT: &'static str = "proposal";

    fn none() -> CommandError {
        CommandError::usage("nothing was proposed yet")
    }

    fn find(storage: &Storage, typed: &str) -> Result<Self, StorageError> {
        storage.find_proposal(typed)
    }

    fn newest(storage: &Storage) -> Result<Vec<Self>, StorageError> {
        storage.proposals(false)
    }

    fn choice(&self) -> Choice {
        Choice { argument: id::short(&self.id).to_owned(), description: title(self) }
    }
}

/// Returns a proposal that is still to be decided.
fn open(
    id: Option<String>,
    usage: &str,
    context: &Context,
) -> Result<(Arc<Storage>, KeptProposal), CommandError> {
    let (storage, kept) = ids::chosen::<KeptProposal>(id, usage, context)?;
    if kept.state.is_open() {
        return Ok((storage, kept));
    }
    let message = format!("`{}` is {} already", id::short(&kept.id), kept.state.word());
    Err(CommandError::usage(message).hint("openkoi learn list"))
}
