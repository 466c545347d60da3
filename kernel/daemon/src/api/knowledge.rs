//! Models, what is remembered, the reports of views, and the settings.

use std::{path::Path, sync::Arc};

use openkoi_app::{
    models,
    reports::{self, ReportRequest},
};
use openkoi_storage::memory::LearningQuery;

use super::{
    problem::Problem,
    route::{Answering, Call, Reply},
    sessions::limit,
    shared::Api,
    tasks::workspace,
    types::{
        LearningList, Learnings, Model, Models, Page, Setting, Settings, ViewList, ViewName,
        ViewQuery,
    },
};

pub(crate) fn models(api: Arc<Api>, _: Call) -> Answering {
    Box::pin(async move {
        let connections = models::discover(&api.app, &api.settings)?;
        let catalogue = models::catalogue(&api.app, &connections)?;
        let mut all = Vec::new();
        for connection in connections.usable() {
            let known = catalogue.models(&connection.name).map(str::to_owned);
            let mut names: Vec<String> = known.chain(connection.models.iter().cloned()).collect();
            names.sort_unstable();
            names.dedup();
            all.extend(names.into_iter().map(|name| {
                let facts = catalogue.facts(&connection.name, &name).unwrap_or_default();
                Model {
                    id: format!("{}/{name}", connection.name),
                    provider: connection.name.clone(),
                    context: facts.context,
                    input_usd: facts.input_price,
                    output_usd: facts.output_price,
                }
            }));
        }
        Reply::json(&Models { models: all })
    })
}

pub(crate) fn learnings(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let asked: LearningList = call.query()?;
        let most = limit(Page { limit: asked.limit })?;
        let query = LearningQuery {
            workspace: asked.workspace.as_deref(),
            limit: Some(most),
            ..LearningQuery::default()
        };
        let found = api.storage.learnings(&query)?;
        let learnings = found.iter().map(|one| serde_json::to_value(one).unwrap_or_default());
        Reply::json(&Learnings { learnings: learnings.collect() })
    })
}

pub(crate) fn views(api: Arc<Api>, _: Call) -> Answering {
    Box::pin(async move {
        let found = reports::names(&api.app, &api.settings)?.into_iter();
        let views = found.map(|(view, report)| ViewName {
            url: format!("/api/v1/views/{view}/{report}"),
            view,
            report,
        });
        Reply::json(&ViewList { views: views.collect() })
    })
}

pub(crate) fn view(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let asked: ViewQuery = call.query()?;
        let place = workspace(&api, asked.workspace.as_deref())?;
        let (view, report) = (part(&call, "view").to_owned(), part(&call, "report").to_owned());
        let (app, settings) = (Arc::clone(&api.app), api.settings.clone());
        // A view is a program that is compiled and run, in a runtime of its own; calls go on meanwhile.
        let rendered = tokio::task::spawn_blocking(move || {
            let request = ReportRequest { view: &view, name: &report, arguments: &[] };
            reports::render(&app, &settings, Path::new(&place), &request)
        });
        let document = rendered.await.map_err(|error| {
            Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
        })??;
        Reply::json(&document)
    })
}

fn part<'a>(call: &'a Call, name: &str) -> &'a str {
    call.path.get(name).map_or("", String::as_str)
}

pub(crate) fn settings(api: Arc<Api>, _: Call) -> Answering {
    Box::pin(async move {
        let all = api.settings.all().map(|setting| Setting {
            key: setting.name(),
            value: serde_json::to_value(setting.shown()).unwrap_or_default(),
            origin: setting.origin.to_string(),
            used: setting.key.used,
        });
        Reply::json(&Settings { settings: all.collect() })
    })
}
