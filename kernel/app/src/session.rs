//! The session that a task belongs to: found or begun, and held while somebody works in it.

use openkoi_core::{id::SessionId, message::Message};
use openkoi_storage::{
    Storage,
    lease::Lease,
    sessions::{NewSession, SessionKind, SessionQuery, SessionRecord},
};

use crate::{app::App, error::AppError};

/// Which session a task belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionChoice {
    /// A new one.
    New,
    /// The last one.
    Last {
        /// Whether to go on in a copy.
        fork: bool,
    },
    /// The one whose id begins like this.
    Named {
        /// The beginning of an id.
        id: String,
        /// Whether to go on in a copy.
        fork: bool,
    },
}

/// A session that a task joins, with what was said in it. While it is held, nobody else works in it.
pub struct JoinedSession {
    /// The session.
    pub id: SessionId,
    /// What was said, oldest first.
    pub history: Vec<Message>,
    _lease: Lease,
}

impl JoinedSession {
    /// Finds or begins the session that was asked for. `kind` is that of a new one, and of the last one that a
    /// conversation goes on with.
    ///
    /// # Errors
    ///
    /// When there is no such session, or somebody works in it.
    pub fn join(app: &App, choice: &SessionChoice, kind: SessionKind) -> Result<Self, AppError> {
        let storage = app.storage()?;
        let (found, fork) = match choice {
            SessionChoice::New => return Self::begin(app, kind, Vec::new()),
            SessionChoice::Last { fork } => (last(&storage, kind)?, *fork),
            SessionChoice::Named { id, fork } => (storage.find_session(id)?, *fork),
        };
        let history = storage.conversation(&found.id)?;
        if fork {
            return Self::begin(app, found.kind, history);
        }
        let lease = storage.claim_session(&found.id)?;
        Ok(Self { id: found.id, history, _lease: lease })
    }

    fn begin(app: &App, kind: SessionKind, history: Vec<Message>) -> Result<Self, AppError> {
        let (id, storage) = (app.session_id()?, app.storage()?);
        let lease = storage.claim_session(&id)?;
        if kind == SessionKind::Chat {
            let new = NewSession {
                id: id.clone(),
                kind,
                title: "chat".to_owned(),
                workspace: String::new(),
            };
            storage.begin_session(&new, app.now_ms())?;
        }
        Ok(Self { id, history, _lease: lease })
    }
}

fn last(storage: &Storage, kind: SessionKind) -> Result<SessionRecord, AppError> {
    let kind = (kind == SessionKind::Chat).then_some(kind);
    let query = SessionQuery { kind, limit: Some(1) };
    storage.sessions(&query)?.into_iter().next().ok_or(AppError::NoSession)
}
