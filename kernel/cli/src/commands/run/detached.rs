//! `openkoi "task" --detach`: hands a task to the daemon.

use openkoi_app::{
    handed::{self, Handed, HandedRequest, NewTask},
    own,
    session::SessionChoice,
};
use openkoi_core::{
    document::{Block, Document, Pairs, Value},
    port::ResultSchema as _,
};
use openkoi_storage::sessions::SessionKind;

use super::joining::join;
use crate::{
    commands::daemon,
    context::Context,
    error::CommandError,
    exit::Exit,
    flags::RunFormat,
    output::{Format, Output},
    request::RunRequest,
};

/// Hands the task of a request to the daemon, which is started if the settings let it.
///
/// # Errors
///
/// When there is no model that could do it, or it cannot be kept.
pub(super) fn hand_over(request: &RunRequest, context: &Context) -> Result<Exit, CommandError> {
    // Whoever hands a task over does not see it fail a moment later.
    let connections = context.connections_of_runs(&request.settings)?;
    connections.routes(&request.settings, &context.catalogue(&connections)?)?;
    let session = match &request.session {
        SessionChoice::New => None,
        // Joined for a moment, so that a fork is made and somebody else's session is refused.
        choice => Some(join(context, choice, SessionKind::Task, &request.workspace)?.id),
    };
    let asked = HandedRequest {
        limits: request.limits.limits(),
        worktree: request.worktree,
        think: request.think.clone(),
        schema: request.show.schema.as_ref().map(|schema| schema.schema().clone()),
        ..HandedRequest::default()
    };
    let handed = handed::submit(
        &context.app,
        NewTask {
            text: &request.text,
            workspace: &request.workspace,
            session,
            request: &asked,
            priority: 0,
            key: None,
        },
    )?;
    if own::running(&context.app)?.is_none() {
        match request.settings.daemon.autostart {
            true => daemon::begin(context)?,
            false => context.printer.notice("the task waits until `openkoi daemon start`"),
        }
    }
    let format = match request.show.format {
        RunFormat::Text => Format::Text,
        RunFormat::Json | RunFormat::StreamJson => Format::Json,
    };
    context.printer.result(&Queued(handed), format)?;
    Ok(Exit::Accepted)
}

/// A task that was handed over.
struct Queued(Handed);

impl Output for Queued {
    fn document(&self) -> Document {
        let Handed { task, session, .. } = &self.0;
        let pairs = Pairs::default()
            .for_programs("task_id", Value::id(task))
            .for_programs("session_id", Value::id(session))
            .for_programs("status", "queued");
        Document::new("Task").with(Block::paragraph(task.short())).with(Block::from(pairs))
    }
}
