//! Sessions, and conversations in them.

use std::sync::Arc;

use axum::http::StatusCode;
use openkoi_app::{
    handed::{self, HandedRequest, NewTask as Handing},
    request::Limits,
    session,
};
use openkoi_storage::sessions::{
    NewSession as Beginning, SessionKind, SessionQuery, SessionStatus,
};

use super::{
    problem::Problem,
    route::{Answering, Call, Reply},
    shared::Api,
    tasks::{self, said, taken, workspace},
    types::{NewSession, NewTurn, Page, Session, Sessions, Turns},
};

/// The number of sessions of a page.
const PAGE: u32 = 50;

pub(crate) fn list(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let limit = limit(call.query()?)?;
        let query = SessionQuery { limit: Some(limit), ..SessionQuery::default() };
        let sessions = api.storage.sessions(&query)?.into_iter().map(Session::of).collect();
        Reply::json(&Sessions { sessions })
    })
}

pub(crate) fn limit(page: Page) -> Result<u32, Problem> {
    let limit = page.limit.unwrap_or(PAGE);
    let fits = (1..=500).contains(&limit);
    fits.then_some(limit).ok_or_else(|| Problem::bad("`limit` is a number from 1 to 500"))
}

pub(crate) fn show(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move { Reply::json(&Session::of(api.storage.find_session(call.id())?)) })
}

pub(crate) fn begin(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let new: NewSession = call.body()?;
        let place = workspace(&api, new.workspace.as_deref())?;
        let id = api.app.session_id()?;
        let title = new.title.as_deref().map(|text| said(text, "title")).transpose()?;
        let beginning = Beginning {
            id: id.clone(),
            kind: SessionKind::Chat,
            title: title.unwrap_or("chat").to_owned(),
            workspace: place.display().to_string(),
        };
        api.storage.begin_session(&beginning, api.app.now_ms())?;
        // Nobody is in it until somebody says something.
        api.storage.set_session_status(&id, SessionStatus::Paused, api.app.now_ms())?;
        let session = Session::of(api.storage.find_session(id.as_str())?);
        let place = format!("/api/v1/sessions/{}", id.as_str());
        Reply::with(StatusCode::CREATED, &session, Some(place))
    })
}

pub(crate) fn turns(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let session = api.storage.find_session(call.id())?;
        let said = session::conversation(&api.app, &api.storage, &session.id)?;
        let messages = said.iter().map(|message| serde_json::to_value(message).unwrap_or_default());
        Reply::json(&Turns { messages: messages.collect() })
    })
}

pub(crate) fn say(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let new: NewTurn = call.body()?;
        let text = said(&new.message, "message")?;
        let session = api.storage.find_session(call.id())?;
        let place = workspace(&api, Some(&session.workspace))?;
        let limits = Limits { model: new.model, ..Limits::default() };
        tasks::check(&api, &place, &limits).await?;
        let request = HandedRequest { limits, in_conversation: true, ..HandedRequest::default() };
        let handed = handed::submit(
            &api.app,
            Handing {
                text,
                workspace: &place,
                session: Some(session.id),
                request: &request,
                priority: 0,
                key: tasks::key(&call)?,
            },
        )?;
        taken(&api, &handed.task, tasks::wait(&call, new.detach)).await
    })
}
