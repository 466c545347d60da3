//! `openkoi "task"`.

use openkoi_core::{id::SessionId, message::Message, task::Task};
use openkoi_storage::sessions::{NewSession, SessionKind, SessionQuery, SessionRecord};
use serde_json::Value;

use crate::{
    context::Context,
    error::CommandError,
    execute::{self, Show},
    exit::Exit,
    interrupt::Interrupts,
    output::{Choice, ago},
    request::{SessionChoice, TaskRequest},
    runtime::Runtime,
};

/// Runs a task.
///
/// # Errors
///
/// When it cannot be begun, or stopped before its end.
pub fn run(request: TaskRequest, context: &Context) -> Result<Exit, CommandError> {
    let runtime = Runtime::new(context, &request.settings, &request.workspace)?;
    let joined = Joined::of(context, &runtime, &request.session, SessionKind::Task)?;
    let task = Task {
        id: runtime.task_id()?,
        session: joined.session.clone(),
        text: with_schema(&request.text, request.schema.as_ref()),
        workspace: request.workspace.display().to_string(),
        history: joined.history,
        settings: request.settings.task(),
    };
    let show = Show {
        format: request.format,
        quiet: request.quiet,
        output: request.output,
        schema: request.schema,
    };
    execute::announce(context, &runtime, &show);
    execute::block(async {
        let interrupts = Interrupts::listen()?;
        execute::start(context, &runtime, task, &show, &interrupts).await
    })
}

fn with_schema(text: &str, schema: Option<&Value>) -> String {
    match schema {
        None => text.to_owned(),
        Some(schema) => format!(
            "{text}\n\n<result-schema>\n{schema}\n</result-schema>\nYour last answer must be one JSON \
             value that follows this schema, and nothing else."
        ),
    }
}

/// A session that a task joins, with what was said in it. While it is held, nobody else works in it.
pub struct Joined {
    /// The session.
    pub session: SessionId,
    /// What was said.
    pub history: Vec<Message>,
    _lease: openkoi_storage::lease::Lease,
}

impl Joined {
    /// Finds or begins the session that was asked for.
    ///
    /// # Errors
    ///
    /// When there is no such session, or somebody works in it.
    pub fn of(
        context: &Context,
        runtime: &Runtime,
        choice: &SessionChoice,
        kind: SessionKind,
    ) -> Result<Self, CommandError> {
        let storage = &runtime.storage;
        let (found, fork) = match choice {
            SessionChoice::New => (None, false),
            SessionChoice::Last { fork } => (Some(last(storage, kind)?), *fork),
            SessionChoice::Named { id, fork } => (Some(named(context, storage, id)?), *fork),
        };
        let Some(found) = found else { return Self::begin(runtime, kind, Vec::new()) };
        let history = storage.conversation(&found.id)?;
        if fork {
            return Self::begin(runtime, found.kind, history);
        }
        let lease = storage.claim_session(&found.id)?;
        Ok(Self { session: found.id, history, _lease: lease })
    }

    fn begin(
        runtime: &Runtime,
        kind: SessionKind,
        history: Vec<Message>,
    ) -> Result<Self, CommandError> {
        let session = runtime.session_id()?;
        let lease = runtime.storage.claim_session(&session)?;
        if kind == SessionKind::Chat {
            let new = NewSession {
                id: session.clone(),
                kind,
                title: "chat".to_owned(),
                workspace: String::new(),
            };
            runtime.storage.begin_session(&new, execute::now_ms())?;
        }
        Ok(Self { session, history, _lease: lease })
    }
}

fn last(
    storage: &openkoi_storage::Storage,
    kind: SessionKind,
) -> Result<SessionRecord, CommandError> {
    let kind = (kind == SessionKind::Chat).then_some(kind);
    let query = SessionQuery { kind, limit: Some(1) };
    let found = storage.sessions(&query)?.into_iter().next();
    found.ok_or_else(|| CommandError::usage("there is no session to go on with yet"))
}

fn named(
    context: &Context,
    storage: &openkoi_storage::Storage,
    id: &str,
) -> Result<SessionRecord, CommandError> {
    if !id.is_empty() {
        return Ok(storage.find_session(id)?);
    }
    let query = SessionQuery { limit: Some(20), ..SessionQuery::default() };
    let now = context.printer.now_ms();
    let choices: Vec<Choice> = storage
        .sessions(&query)?
        .into_iter()
        .map(|session| Choice {
            argument: session.id.short().to_owned(),
            description: format!("{} · {}", ago(now, session.updated_ms), session.title),
        })
        .collect();
    let picked = context.prompt.pick("session", "openkoi --resume", &choices)?;
    Ok(storage.find_session(&picked)?)
}
