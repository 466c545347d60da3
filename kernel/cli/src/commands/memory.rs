//! `openkoi memory`: what is remembered for later tasks.

pub(super) mod meaning;
pub(crate) mod shown;
mod transfer;

use std::sync::Arc;

use clap::Subcommand;
use openkoi_app::{editing, memory, thread};
use openkoi_core::memory::Learning;
use openkoi_storage::{Storage, StorageError, memory::LearningQuery};

use crate::{
    context::Context,
    error::CommandError,
    exit::Exit,
    ids::{self, Identified},
    output::{Choice, plural},
    reply::Reply,
};

use shown::{History, MemoryDetails, MemoryList};

/// The most bytes of a sentence that comes from an editor.
const EDITED_BYTES: u64 = 64 << 10;

/// Arguments of `openkoi memory`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it everything that holds here is listed
    #[command(subcommand)]
    pub command: Option<MemoryCommand>,
}

/// The subcommands of `openkoi memory`.
#[derive(Debug, Subcommand)]
pub enum MemoryCommand {
    /// List what is remembered here, the newest first
    List {
        /// Of all directories, and what holds no more
        #[arg(long)]
        all: bool,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Find the twenty that fit best by words and meaning, the best first
    Search {
        /// The words
        #[arg(required = true, num_args = 1..)]
        words: Vec<String>,
        /// Of all directories
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one of them
    Show {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what became of one of them since it was learnt
    History {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remember a sentence, which later tasks here are told
    ///
    /// A task is told those that fit it in words or meaning, then what you said last: at most 24, and of 1 to 4 KB together, as
    /// its model has room.
    Add {
        /// The sentence
        #[arg(required = true, num_args = 1..)]
        text: Vec<String>,
        /// In every directory, not in this one alone
        #[arg(long)]
        everywhere: bool,
        /// A word for what it is about; may be given more than once
        #[arg(long, value_name = "WORD")]
        category: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give one of them other words
    Edit {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
        /// The new words; without them, an editor is started (VISUAL or EDITOR)
        text: Vec<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Forget one of them: it is removed, and masked where a task quotes it
    Forget {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Write everything that is remembered as JSON lines
    Export {
        /// The file; stdout without it
        file: Option<std::path::PathBuf>,
    },
    /// Remember what an export holds and is not here
    Import {
        /// The file; `-` is stdin
        file: std::path::PathBuf,
    },
}

/// Runs the subcommand, or lists what is remembered here.
///
/// # Errors
///
/// When there is no such memory, the text is not one to be remembered, or the storage cannot be used.
pub fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let list = MemoryCommand::List { all: false, limit: 50, json: false };
    match args.command.unwrap_or(list) {
        MemoryCommand::List { all, limit, json } => {
            listed(all, limit, json, context)?.print(context)
        }
        MemoryCommand::Search { words, all, json } => {
            found(words.join(" "), all, json, context)?.print(context)
        }
        MemoryCommand::Show { id, json } => {
            let (_, learning) = chosen(id, "openkoi memory show", context)?;
            detailed(learning, json, context).print(context)
        }
        MemoryCommand::History { id, json } => {
            let (storage, learning) = chosen(id, "openkoi memory history", context)?;
            let moments = storage.learning_history(&learning.id)?;
            Reply::new(History { learning, moments }, json).print(context)
        }
        MemoryCommand::Add { text, everywhere, category, json } => {
            add(&text.join(" "), everywhere, category, json, context)?.print(context)
        }
        MemoryCommand::Edit { id, text, json } => {
            edit(id, &text.join(" "), json, context)?.print(context)
        }
        MemoryCommand::Forget { id, yes } => forget(id, yes, context),
        MemoryCommand::Export { file } => transfer::export(file.as_deref(), context),
        MemoryCommand::Import { file } => transfer::import(&file, context),
    }
}

/// The place of the workspace in memory, unless all directories are meant.
fn place(all: bool, context: &Context) -> Result<Option<String>, CommandError> {
    let place = memory::place(&context.workspace()?);
    Ok((!all).then(|| place.to_string_lossy().into_owned()))
}

/// Returns what is remembered.
pub(crate) fn listed(
    all: bool,
    limit: u32,
    json: bool,
    context: &Context,
) -> Result<Reply, CommandError> {
    let workspace = place(all, context)?;
    let Some(storage) = context.existing_storage()? else {
        return Ok(Reply::new(MemoryList::none(None), json));
    };
    memory::credit(&context.app, &storage);
    let workspace = workspace.as_deref();
    let query = LearningQuery { workspace, said: false, past: all, limit: Some(limit) };
    let learnings = storage.learnings(&query)?;
    let now_ms = context.app.now_ms();
    Ok(Reply::new(MemoryList { learnings, words: None, now_ms }, json))
}

/// Who looks for something waits until its meaning is known too.
fn found(words: String, all: bool, json: bool, context: &Context) -> Result<Reply, CommandError> {
    let workspace = place(all, context)?;
    let Some(storage) = context.existing_storage()? else {
        return Ok(Reply::new(MemoryList::none(Some(words)), json));
    };
    memory::credit(&context.app, &storage);
    let meaning = meaning::of(context);
    let now_ms = context.app.now_ms();
    let learnings = thread::block(async {
        if let Some(meaning) = &meaning {
            meaning::embed(meaning, &storage).await;
        }
        memory::search(&storage, meaning.as_ref(), workspace.as_deref(), &words, now_ms).await
    })?;
    Ok(Reply::new(MemoryList { learnings, words: Some(words), now_ms }, json))
}

fn add(
    text: &str,
    everywhere: bool,
    categories: Vec<String>,
    json: bool,
    context: &Context,
) -> Result<Reply, CommandError> {
    for category in &categories {
        memory::checked(category).map_err(not_remembered)?;
    }
    let workspace = context.workspace()?;
    let workspace = (!everywhere).then_some(workspace.as_path());
    memory::checked(text).map_err(not_remembered)?;
    let learning = memory::remember(&context.app, text, categories, workspace)?;
    meaning::embed_new(&*context.app.storage()?, context)?;
    Ok(detailed(learning, json, context))
}

fn edit(
    id: Option<String>,
    text: &str,
    json: bool,
    context: &Context,
) -> Result<Reply, CommandError> {
    let (storage, learning) = chosen(id, "openkoi memory edit", context)?;
    if text.is_empty() {
        edit_in_editor(&storage, &learning, context)?;
    } else {
        let text = memory::checked(text).map_err(not_remembered)?;
        storage.reword(&learning.id, text, context.app.now_ms())?;
    }
    meaning::embed_new(&storage, context)?;
    let learning = storage.find_learning(&learning.id)?;
    Ok(detailed(learning, json, context))
}

fn edit_in_editor(
    storage: &Storage,
    learning: &Learning,
    context: &Context,
) -> Result<(), CommandError> {
    let app = &context.app;
    let draft = editing::edit(app, &learning.id, "memory.txt", &learning.text, EDITED_BYTES)?;
    // An editor ends a file with a line break, and the words of a sentence may stand on several lines.
    let words = draft.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = memory::checked(&words).map_err(|error| draft.unfit(error))?;
    if text != learning.text {
        storage.reword(&learning.id, text, app.now_ms())?;
    }
    Ok(draft.kept()?)
}

fn forget(id: Option<String>, yes: bool, context: &Context) -> Result<Exit, CommandError> {
    let (storage, learning) = chosen(id, "openkoi memory forget", context)?;
    let short = openkoi_core::id::short(&learning.id);
    let question = format!("forget \"{}\"? it cannot be brought back", learning.text);
    let instead = format!("openkoi memory forget {short} --yes");
    if !yes && !context.questions.confirm(&question, &instead)? {
        context.printer.notice("nothing was forgotten");
        return Ok(Exit::NotAccepted);
    }
    let forgotten = storage.forget_learning(&learning.id)?;
    let quoted = match forgotten.tasks {
        0 => String::new(),
        tasks => format!(", and masked in {}", plural(tasks, "task")),
    };
    context.printer.notice(&format!("{short} is forgotten{quoted}"));
    Ok(Exit::Accepted)
}

fn detailed(learning: Learning, json: bool, context: &Context) -> Reply {
    Reply::new(MemoryDetails { learning, now_ms: context.app.now_ms() }, json)
}

fn not_remembered(error: memory::MemoryError) -> CommandError {
    CommandError::usage(error.to_string())
}

/// Returns the memory whose id begins with `id`, or the one that the person picks, with what became of the tasks that were told it.
fn chosen(
    id: Option<String>,
    usage: &str,
    context: &Context,
) -> Result<(Arc<Storage>, Learning), CommandError> {
    if let Some(storage) = context.existing_storage()? {
        memory::credit(&context.app, &storage);
    }
    ids::chosen(id, usage, context)
}

impl Identified for Learning {
    const WHAT: &'static str = "memory";

    fn none() -> CommandError {
        CommandError::usage("nothing is remembered yet").hint("openkoi memory add \"SENTENCE\"")
    }

    fn find(storage: &Storage, typed: &str) -> Result<Self, StorageError> {
        storage.find_learning(typed)
    }

    fn newest(storage: &Storage) -> Result<Vec<Self>, StorageError> {
        storage.learnings(&LearningQuery { limit: Some(ids::NEWEST), ..LearningQuery::default() })
    }

    fn choice(&self) -> Choice {
        Choice {
            argument: openkoi_core::id::short(&self.id).to_owned(),
            description: self.text.clone(),
        }
    }
}
