//! `openkoi session`: lists, shows, resumes and deletes sessions.

use clap::Subcommand;
use openkoi_core::document::{Column, ColumnKind, Document, Heading, Pairs, Table, Value};
use openkoi_storage::{
    Storage, StorageError,
    sessions::{SessionQuery, SessionRecord},
    tasks::{TaskQuery, TaskRecord},
};

use super::task::row::{footnote, reasoned_cost, task_table};
use crate::{
    commands::{chat, doubt},
    context::Context,
    error::CommandError,
    exit::Exit,
    ids::{self, Identified},
    output::{Choice, Output, plural},
    reply::Reply,
    request::ChatRequest,
};

/// Arguments of `openkoi session`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The subcommand; without it the sessions are listed
    #[command(subcommand)]
    pub command: Option<SessionCommand>,
}

/// The subcommands of `openkoi session`.
#[derive(Debug, Subcommand)]
pub enum SessionCommand {
    /// List recent sessions
    List {
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a session and its tasks
    Show {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take up a session again
    Resume {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
    },
    /// Delete a session with its tasks, journals and outputs
    Delete {
        /// The beginning of its id; without it, pick one
        id: Option<String>,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

/// Runs the subcommand, or lists the sessions.
///
/// # Errors
///
/// When there is no such session, or the storage cannot be used.
pub fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let list = SessionCommand::List { limit: 20, json: false };
    match args.command.unwrap_or(list) {
        SessionCommand::List { limit, json } => list_of(limit, json, context)?.print(context),
        SessionCommand::Show { id, json } => show(id, json, context)?.print(context),
        SessionCommand::Resume { id } => {
            let (_, session) = ids::chosen::<SessionRecord>(id, "openkoi session resume", context)?;
            chat::run(ChatRequest::resume(session.id.as_str(), context)?, context)
        }
        SessionCommand::Delete { id, yes } => delete(id, yes, context),
    }
}

fn list_of(limit: u32, json: bool, context: &Context) -> Result<Reply, CommandError> {
    let query = SessionQuery { limit: Some(limit), ..SessionQuery::default() };
    let Some(storage) = context.existing_storage()? else {
        return Ok(Reply::new(SessionList::default(), json));
    };
    let sessions = storage.sessions(&query)?;
    let why = doubt::of_sessions(&storage, &sessions)?;
    Ok(Reply::new(SessionList { sessions, why }, json))
}

fn show(id: Option<String>, json: bool, context: &Context) -> Result<Reply, CommandError> {
    let (storage, session) = ids::chosen::<SessionRecord>(id, "openkoi session show", context)?;
    let query = TaskQuery { session: Some(session.id.clone()), ..TaskQuery::default() };
    let tasks = storage.tasks(&query)?;
    let why = doubt::of_sessions(&storage, std::slice::from_ref(&session))?;
    Ok(Reply::new(SessionDetails { session, tasks, why }, json))
}

fn delete(id: Option<String>, yes: bool, context: &Context) -> Result<Exit, CommandError> {
    let (_, session) = ids::chosen::<SessionRecord>(id, "openkoi session delete", context)?;
    let short = session.id.short().to_owned();
    let tasks = plural(usize::try_from(session.tasks).unwrap_or(usize::MAX), "task");
    let question = format!("delete session {short} with {tasks}?");
    if !yes
        && !context
            .questions
            .confirm(&question, &format!("openkoi session delete {short} --yes"))?
    {
        context.printer.notice("nothing was deleted");
        return Ok(Exit::NotAccepted);
    }
    openkoi_app::prune::forget_session(&context.app, &session.id)?;
    context.printer.notice(&format!("session {short} is deleted"));
    Ok(Exit::Accepted)
}

impl Identified for SessionRecord {
    const WHAT: &'static str = "session";

    fn none() -> CommandError {
        CommandError::usage("there is no session yet").hint("openkoi \"TASK\"")
    }

    fn find(storage: &Storage, typed: &str) -> Result<Self, StorageError> {
        storage.find_session(typed)
    }

    fn newest(storage: &Storage) -> Result<Vec<Self>, StorageError> {
        storage.sessions(&SessionQuery { limit: Some(ids::NEWEST), ..SessionQuery::default() })
    }

    fn choice(&self) -> Choice {
        Choice {
            argument: self.id.short().to_owned(),
            description: format!("{}, {}", self.status.word(), self.title),
        }
    }
}

#[derive(Default)]
struct SessionList {
    sessions: Vec<SessionRecord>,
    /// Why what some of them took is an upper limit.
    why: Option<String>,
}

impl Output for SessionList {
    fn document(&self) -> Document {
        let table = Table::new("sessions", columns()).or_else("no sessions yet");
        Document::new("Sessions")
            .with(table.rows(self.sessions.iter().map(row)))
            .with_all(footnote(self.why.as_deref()))
    }
}

struct SessionDetails {
    session: SessionRecord,
    tasks: Vec<TaskRecord>,
    /// Why what they took is an upper limit, if it is.
    why: Option<String>,
}

impl Output for SessionDetails {
    fn document(&self) -> Document {
        let session = &self.session;
        let spent = (session.cost_micros, session.at_most, session.tokens);
        let why = self.why.as_deref();
        let pairs = Pairs::new("")
            .pair("id", "session", Value::id(&session.id))
            .pair("title", "title", &session.title)
            .pair("kind", "kind", session.kind.word())
            .pair("status", "status", session.status.word())
            .pair("workspace", "workspace", &session.workspace)
            .pair("created_at", "begun", Value::Instant(session.created_ms))
            .pair("updated_at", "last news", Value::Instant(session.updated_ms))
            .for_people("cost", reasoned_cost(spent, why))
            .for_programs("tasks", Value::count(session.tasks))
            .for_programs("tokens", Value::Tokens(session.tokens))
            .for_programs("cost_usd", Value::money(session.cost_micros))
            .for_programs("cost_is_at_most", session.at_most)
            .for_programs("cost_is_at_most_because", why);
        Document::new("Session")
            .with(pairs)
            .with(Heading::new("", "Tasks"))
            .with(task_table("task_list", &self.tasks).or_else("none yet"))
    }
}

/// Returns the columns of the list of sessions. A program gets all of a session.
fn columns() -> [Column; 11] {
    [
        Column::new("id", "ID", ColumnKind::Id),
        Column::new("kind", "KIND", ColumnKind::Text),
        Column::new("status", "STATUS", ColumnKind::Text),
        Column::new("tasks", "TASKS", ColumnKind::Count),
        Column::new("cost_usd", "COST", ColumnKind::Money),
        Column::new("updated_at", "LAST NEWS", ColumnKind::Instant),
        Column::new("title", "TITLE", ColumnKind::Text),
        Column::for_programs("workspace", ColumnKind::Text),
        Column::for_programs("created_at", ColumnKind::Instant),
        Column::for_programs("tokens", ColumnKind::Tokens),
        Column::for_programs("cost_is_at_most", ColumnKind::Flag),
    ]
}

fn row(session: &SessionRecord) -> [Value; 11] {
    [
        Value::id(&session.id),
        session.kind.word().into(),
        session.status.word().into(),
        Value::count(session.tasks),
        Value::money_at_most(session.cost_micros, session.at_most),
        Value::Instant(session.updated_ms),
        (&session.title).into(),
        (&session.workspace).into(),
        Value::Instant(session.created_ms),
        Value::Tokens(session.tokens),
        session.at_most.into(),
    ]
}

#[cfg(test)]
mod tests;
