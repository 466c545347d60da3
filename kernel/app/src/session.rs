//! The session that a task belongs to. It is found or begun, and leased while somebody works in it.

use std::path::Path;

use openkoi_core::{id::SessionId, message::Message};
use openkoi_storage::{
    Storage,
    lease::Lease,
    sessions::{NewSession, SessionKind, SessionQuery, SessionRecord},
};

use crate::{app::App, error::AppError, undo};

/// The choice of the session that a task belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionChoice {
    /// A new session.
    New,
    /// The last session of the workspace; a new one if there is none.
    Last {
        /// True to go on in a copy, so that the session stays as it is.
        fork: bool,
    },
    /// The session whose id begins with a text.
    Named {
        /// The beginning of the id.
        id: String,
        /// True to go on in a copy, so that the session stays as it is.
        fork: bool,
    },
}

/// A session that a task joins, with its messages. Its lease keeps other processes out until it is
/// dropped.
pub struct JoinedSession {
    /// The id of the session.
    pub id: SessionId,
    /// The messages so far, oldest first.
    pub history: Vec<Message>,
    /// True if the workspace had no last session to go on with, so that this one is new.
    pub begun_instead: bool,
    _lease: Lease,
}

impl JoinedSession {
    /// Finds or begins the session of `choice` for `workspace`. A new session is of this `kind`; if it is a
    /// conversation, the last session is the last conversation.
    ///
    /// # Errors
    ///
    /// When there is no such session, or another process works in it.
    pub fn join(
        app: &App,
        choice: &SessionChoice,
        kind: SessionKind,
        workspace: &Path,
    ) -> Result<Self, AppError> {
        let storage = app.storage()?;
        let (found, fork) = match choice {
            SessionChoice::New => return Self::begin(app, kind, Vec::new(), workspace),
            SessionChoice::Last { fork } => match last(&storage, kind, workspace)? {
                Some(found) => (found, *fork),
                None => {
                    let new = Self::begin(app, kind, Vec::new(), workspace)?;
                    return Ok(Self { begun_instead: true, ..new });
                }
            },
            SessionChoice::Named { id, fork } => (storage.find_session(id)?, *fork),
        };
        let history = conversation(app, &storage, &found.id)?;
        if fork {
            return Self::begin(app, found.kind, history, workspace);
        }
        let lease = storage.claim_session(&found.id)?;
        Ok(Self { id: found.id, history, begun_instead: false, _lease: lease })
    }

    /// Takes up the session with exactly this id, which a task of the queue belongs to.
    ///
    /// # Errors
    ///
    /// When another process works in it.
    pub(crate) fn of(app: &App, id: &SessionId) -> Result<Self, AppError> {
        let storage = app.storage()?;
        let lease = storage.claim_session(id)?;
        let history = conversation(app, &storage, id)?;
        Ok(Self { id: id.clone(), history, begun_instead: false, _lease: lease })
    }

    /// Begins a session of this kind in which these messages were said.
    ///
    /// # Errors
    ///
    /// When the storage cannot be written.
    pub fn begin(
        app: &App,
        kind: SessionKind,
        history: Vec<Message>,
        workspace: &Path,
    ) -> Result<Self, AppError> {
        let (id, storage) = (app.session_id()?, app.storage()?);
        let lease = storage.claim_session(&id)?;
        if kind == SessionKind::Chat {
            let new = NewSession {
                id: id.clone(),
                kind,
                title: "chat".to_owned(),
                workspace: workspace.display().to_string(),
            };
            storage.begin_session(&new, app.now_ms())?;
        }
        Ok(Self { id, history, begun_instead: false, _lease: lease })
    }
}

/// Returns the conversation of a session for its next task: what was said up to where somebody went back to.
///
/// # Errors
///
/// When the journal or the log of undos cannot be read.
pub fn conversation(
    app: &App,
    storage: &Storage,
    session: &SessionId,
) -> Result<Vec<Message>, AppError> {
    let went_back = undo::went_back(app, storage, session)?;
    Ok(storage.conversation(session, went_back.as_ref())?)
}

fn last(
    storage: &Storage,
    kind: SessionKind,
    workspace: &Path,
) -> Result<Option<SessionRecord>, AppError> {
    let kind = (kind == SessionKind::Chat).then_some(kind);
    let workspace = Some(workspace.display().to_string());
    let query = SessionQuery { kind, workspace, limit: Some(1) };
    Ok(storage.sessions(&query)?.into_iter().next())
}
