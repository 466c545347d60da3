//! `openkoi session`: lists, shows, resumes and deletes sessions.

use std::sync::Arc;

use clap::Subcommand;
use openkoi_storage::{
    Storage,
    sessions::{SessionQuery, SessionRecord},
    tasks::{TaskQuery, TaskRecord},
};
use serde_json::{Value, json};

use super::task::row::{dollars, footnote, reasoned_cost, task_json, task_table};
use crate::{
    commands::{chat, doubt},
    context::Context,
    error::CommandError,
    exit::Exit,
    ids,
    output::{Align, Cell, Choice, Output, Page, Style, Table, money_at_most, plural, timestamp},
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
            let (_, session) = chosen(id, "openkoi session resume", context)?;
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
    let (storage, session) = chosen(id, "openkoi session show", context)?;
    let query = TaskQuery { session: Some(session.id.clone()), ..TaskQuery::default() };
    let tasks = storage.tasks(&query)?;
    let why = doubt::of_sessions(&storage, std::slice::from_ref(&session))?;
    Ok(Reply::new(SessionDetails { session, tasks, why }, json))
}

fn delete(id: Option<String>, yes: bool, context: &Context) -> Result<Exit, CommandError> {
    let (_, session) = chosen(id, "openkoi session delete", context)?;
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

/// Returns the session whose id begins with `id`, or the one that the person picks.
fn chosen(
    id: Option<String>,
    usage: &str,
    context: &Context,
) -> Result<(Arc<Storage>, SessionRecord), CommandError> {
    let none = || CommandError::usage("there is no session yet").hint("openkoi \"TASK\"");
    let storage = context.existing_storage()?.ok_or_else(none)?;
    let id = match id {
        Some(id) => id,
        None => context.questions.pick("session", usage, &choices(&storage)?)?,
    };
    let session = ids::session(&storage, &id, usage)?;
    Ok((storage, session))
}

/// Returns recent sessions to pick from.
fn choices(storage: &Storage) -> Result<Vec<Choice>, CommandError> {
    let query = SessionQuery { limit: Some(20), ..SessionQuery::default() };
    let choice = |session: SessionRecord| Choice {
        argument: session.id.short().to_owned(),
        description: format!("{}, {}", session.status.word(), session.title),
    };
    Ok(storage.sessions(&query)?.into_iter().map(choice).collect())
}

#[derive(Default)]
struct SessionList {
    sessions: Vec<SessionRecord>,
    /// Why what some of them took is an upper limit.
    why: Option<String>,
}

impl Output for SessionList {
    fn text(&self, page: &mut Page) {
        if self.sessions.is_empty() {
            page.line("no sessions yet");
            return;
        }
        let left = Align::Left;
        let mut table = Table::new([
            ("ID", left),
            ("KIND", left),
            ("STATUS", left),
            ("TASKS", Align::Right),
            ("COST", Align::Right),
            ("LAST NEWS", left),
            ("TITLE", left),
        ]);
        for session in &self.sessions {
            table.row([
                Cell::styled(session.id.short(), Style::Strong),
                session.kind.word().into(),
                session.status.word().into(),
                session.tasks.to_string().into(),
                money_at_most(session.cost_micros, session.at_most).into(),
                page.ago(session.updated_ms).into(),
                (&session.title).into(),
            ]);
        }
        page.table(&table);
        footnote(page, self.why.as_deref());
    }

    fn json(&self) -> Value {
        json!({ "sessions": self.sessions.iter().map(session_json).collect::<Vec<_>>() })
    }
}

struct SessionDetails {
    session: SessionRecord,
    tasks: Vec<TaskRecord>,
    /// Why what they took is an upper limit, if it is.
    why: Option<String>,
}

impl Output for SessionDetails {
    fn text(&self, page: &mut Page) {
        let session = &self.session;
        page.field_styled("session", session.id.short(), Style::Strong);
        page.field("title", &session.title);
        page.field("kind", session.kind.word());
        page.field("status", session.status.word());
        page.field("workspace", &session.workspace);
        page.field("begun", page.ago(session.created_ms));
        page.field("last news", page.ago(session.updated_ms));
        let spent = (session.cost_micros, session.at_most, session.tokens);
        page.field("cost", reasoned_cost(spent, self.why.as_deref()));
        page.title("Tasks");
        if self.tasks.is_empty() {
            page.line("none yet");
            return;
        }
        let table = task_table(&self.tasks, page);
        page.table(&table);
    }

    fn json(&self) -> Value {
        let mut shown = session_json(&self.session);
        if let Some(fields) = shown.as_object_mut() {
            let tasks = self.tasks.iter().map(task_json).collect::<Vec<_>>();
            fields.insert("task_list".to_owned(), Value::Array(tasks));
            fields.insert("cost_is_at_most_because".to_owned(), json!(self.why));
        }
        shown
    }
}

fn session_json(session: &SessionRecord) -> Value {
    json!({
        "id": session.id,
        "kind": session.kind.word(),
        "status": session.status.word(),
        "title": session.title,
        "workspace": session.workspace,
        "created_at": timestamp(session.created_ms),
        "updated_at": timestamp(session.updated_ms),
        "tasks": session.tasks,
        "tokens": session.tokens,
        "cost_usd": dollars(session.cost_micros),
        "cost_is_at_most": session.at_most,
    })
}

#[cfg(test)]
mod tests;
