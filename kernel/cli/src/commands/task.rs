//! `openkoi task`: lists and shows tasks, prints their output, and verifies their journals by a
//! replay.

mod diff;
pub(crate) mod row;
pub(crate) mod shown;
mod verify;

use clap::Subcommand;
use openkoi_app::changes::last_changed;
use openkoi_core::{document::Document, event::Event};
use openkoi_storage::{
    Storage, StorageError,
    sessions::SessionRecord,
    tasks::{TaskQuery, TaskRecord},
};

use self::row::{first_line, footnote, task_table, task_table_for_people};
use crate::{
    commands::doubt,
    context::Context,
    error::CommandError,
    exit::Exit,
    ids::{self, Identified},
    output::{Choice, Output},
    reply::Reply,
};

/// Arguments of `openkoi task`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it the tasks are listed
    #[command(subcommand)]
    pub command: Option<TaskCommand>,
}

/// The subcommands of `openkoi task`.
#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    /// List recent tasks of all sessions
    List {
        /// Only those of this session
        #[arg(long, value_name = "ID")]
        session: Option<String>,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a task: its changed files, the programs that ran, the beginning of its output
    Show {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what a task changed as a unified diff, without what others changed
    Diff {
        /// The beginning of its id; without it, the last task of this directory that changed something
        id: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the whole output of a task
    Replay {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
    },
    /// Prove from its journal that a task comes to the same outcome, without model and network
    Verify {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs the subcommand, or lists the tasks.
///
/// # Errors
///
/// When there is no such task, or the storage cannot be used.
pub fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let list = TaskCommand::List { session: None, limit: 20, json: false };
    match args.command.unwrap_or(list) {
        TaskCommand::List { session, limit, json } => {
            list_of(session, limit, json, context)?.print(context)
        }
        TaskCommand::Show { id, json } => show(id, json, context)?.print(context),
        TaskCommand::Diff { id, json } => {
            let task = changed(id, "openkoi task diff", context)?;
            diff::run(&task, json, context)?.print(context)
        }
        TaskCommand::Replay { id } => {
            let (storage, task) = ids::chosen::<TaskRecord>(id, "openkoi task replay", context)?;
            replay(&storage, &task, context)
        }
        TaskCommand::Verify { id, json } => {
            let (storage, task) = ids::chosen::<TaskRecord>(id, "openkoi task verify", context)?;
            verify::run(&storage, task, json)?.print(context)
        }
    }
}

fn list_of(
    session: Option<String>,
    limit: u32,
    json: bool,
    context: &Context,
) -> Result<Reply, CommandError> {
    let Some(storage) = context.existing_storage()? else {
        return Ok(Reply::new(TaskList::default(), json));
    };
    let usage = "openkoi task list --session";
    let session =
        session.map(|id| ids::named::<SessionRecord>(&storage, &id, usage)).transpose()?;
    let session = session.map(|session| session.id);
    let query = TaskQuery { session, limit: Some(limit), ..TaskQuery::default() };
    table(&storage, storage.tasks(&query)?, json)
}

/// Returns tasks as a list.
pub(crate) fn table(
    storage: &Storage,
    tasks: Vec<TaskRecord>,
    json: bool,
) -> Result<Reply, CommandError> {
    let why = doubt::of_tasks(storage, &tasks)?;
    Ok(Reply::new(TaskList { tasks, why }, json))
}

fn show(id: Option<String>, json: bool, context: &Context) -> Result<Reply, CommandError> {
    let (storage, task) = ids::chosen::<TaskRecord>(id, "openkoi task show", context)?;
    let (output, journal) = (output_of(&storage, &task)?, storage.entries(&task.id)?);
    Ok(Reply::new(shown::TaskDetails::of(task, output, journal), json))
}

fn replay(storage: &Storage, task: &TaskRecord, context: &Context) -> Result<Exit, CommandError> {
    let Some(text) = output_of(storage, task)? else {
        let message =
            format!("task {} has no output, it is {}", task.id.short(), task.status.word());
        return Err(CommandError::failed(message));
    };
    context.printer.verbatim(&text)?;
    if !text.ends_with('\n') && context.printer.out().terminal {
        context.printer.raw(b"\n")?;
    }
    Ok(Exit::Accepted)
}

/// Returns the answer of a task: the file that was written of it, or else what its journal says.
fn output_of(storage: &Storage, task: &TaskRecord) -> Result<Option<String>, CommandError> {
    if let Some(text) = storage.read_output(&task.session, &task.id)? {
        return Ok(Some(text));
    }
    let finished =
        storage.entries(&task.id)?.into_iter().rev().find_map(|entry| match entry.event {
            Event::TaskFinished { outcome } => Some(outcome.text),
            _ => None,
        });
    Ok(finished)
}

/// Returns the task whose id begins with `id`, or the last one of this directory that changed something.
pub(crate) fn changed(
    id: Option<String>,
    usage: &str,
    context: &Context,
) -> Result<TaskRecord, CommandError> {
    match id {
        Some(id) => Ok(ids::chosen(Some(id), usage, context)?.1),
        None => Ok(last_changed(&context.app, &context.workspace()?)?),
    }
}

impl Identified for TaskRecord {
    const WHAT: &'static str = "task";

    fn none() -> CommandError {
        CommandError::usage("there is no task yet").hint("openkoi \"TASK\"")
    }

    fn find(storage: &Storage, typed: &str) -> Result<Self, StorageError> {
        storage.find_task(typed)
    }

    fn newest(storage: &Storage) -> Result<Vec<Self>, StorageError> {
        storage.tasks(&TaskQuery { limit: Some(ids::NEWEST), ..TaskQuery::default() })
    }

    fn choice(&self) -> Choice {
        Choice {
            argument: self.id.short().to_owned(),
            description: format!("{}, {}", self.status.word(), first_line(&self.text)),
        }
    }
}

#[derive(Default)]
struct TaskList {
    tasks: Vec<TaskRecord>,
    /// Why what some of them took is an upper limit.
    why: Option<String>,
}

impl Output for TaskList {
    fn document(&self) -> Document {
        Document::new("Tasks")
            .with(task_table("tasks", &self.tasks).or_else("no tasks yet"))
            .with_all(footnote(self.why.as_deref()))
    }

    fn for_people(&self) -> Document {
        Document::new("Tasks")
            .with(task_table_for_people(&self.tasks).or_else("no tasks yet"))
            .with_all(footnote(self.why.as_deref()))
    }
}

#[cfg(test)]
mod tests;
