//! Reports of views: the facts that each is given are gathered here, and its component renders it.

mod facts;

use std::{path::Path, sync::Arc};

use openkoi_core::{document::Document, views::Views};
use openkoi_host::kinds::view::CatalogViews;
use serde_json::{Map, Value};

use crate::{
    app::App,
    error::AppError,
    host::{self, Kept},
    memory,
    models::Stateless,
    settings::Settings,
    thread,
};

/// A report that somebody wants to see.
#[derive(Clone, Debug)]
pub struct ReportRequest<'a> {
    /// The view.
    pub view: &'a str,
    /// The report.
    pub name: &'a str,
    /// What it is asked for with.
    pub arguments: &'a [(&'a str, &'a str)],
}

/// Returns the reports that there are, as view and name.
///
/// # Errors
///
/// When a component cannot be used.
pub fn names(app: &App, settings: &Settings) -> Result<Vec<(String, String)>, AppError> {
    let outbound = app.outbound(settings)?;
    let kept = Kept::nothing(Arc::new(Stateless));
    let host = host::host(app, settings, kept, outbound, app.paths()?.data())?;
    Ok(CatalogViews::new(&host, "").names())
}

/// Renders a report for somebody in a workspace. On a home without a database there is nothing in it, and none is made.
///
/// # Errors
///
/// [`AppError::Report`] if there is no such report, or nothing that its arguments name, or its view fails; and when what is kept
/// cannot be read.
pub fn render(
    app: &App,
    settings: &Settings,
    workspace: &Path,
    request: &ReportRequest<'_>,
) -> Result<Document, AppError> {
    let storage = app.existing_storage()?;
    let kept = storage.as_ref().map_or_else(|| Kept::nothing(Arc::new(Stateless)), Kept::of);
    if let Some(storage) = &storage {
        memory::credit(app, storage);
    }
    let outbound = app.outbound(settings)?;
    let host = host::host(app, settings, kept, outbound, app.paths()?.data())?;
    let views = CatalogViews::new(&host, &memory::place(workspace).to_string_lossy());
    let report = views.report(request.view, request.name).map_err(AppError::Report)?;
    let mut members = Map::new();
    for (name, value) in request.arguments {
        members.insert((*name).to_owned(), Value::from(*value));
    }
    let gathering = facts::Gathering { app, settings, workspace, storage: storage.as_deref() };
    for fact in &report.given {
        members.insert(fact.word().to_owned(), gathering.fact(*fact)?);
    }
    let arguments = Value::Object(members);
    thread::block(async { views.render(&report, &arguments).await.map_err(AppError::Report) })
}
