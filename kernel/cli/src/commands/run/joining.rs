//! The session that a task joins.

use std::path::Path;

use openkoi_app::session::{JoinedSession, SessionChoice};
use openkoi_storage::sessions::{SessionKind, SessionQuery};

use crate::{
    context::Context,
    error::CommandError,
    output::{Choice, ago},
};

/// Finds or begins the session of `choice`. The person picks it from a list if the id is empty.
///
/// # Errors
///
/// When there is no such session, or another process works in it.
pub fn join(
    context: &Context,
    choice: &SessionChoice,
    kind: SessionKind,
    workspace: &Path,
) -> Result<JoinedSession, CommandError> {
    let picked = match choice {
        SessionChoice::Named { id, fork } if id.is_empty() => {
            SessionChoice::Named { id: pick(context)?, fork: *fork }
        }
        other => other.clone(),
    };
    let joined = JoinedSession::join(&context.app, &picked, kind, workspace)?;
    if joined.begun_instead {
        context
            .printer
            .notice("there is no session of this directory to go on with; a new one begins");
    }
    Ok(joined)
}

fn pick(context: &Context) -> Result<String, CommandError> {
    let query = SessionQuery { limit: Some(20), ..SessionQuery::default() };
    let now = context.printer.now_ms();
    let choices: Vec<Choice> = context
        .storage()?
        .sessions(&query)?
        .into_iter()
        .map(|session| Choice {
            argument: session.id.short().to_owned(),
            description: format!("{} · {}", ago(now, session.updated_ms), session.title),
        })
        .collect();
    context.questions.pick("session", "openkoi --resume", &choices)
}
