//! How the daemon stands, and what all of it cost.

use std::sync::Arc;

use axum::http::StatusCode;
use openkoi_app::{day, monotonic_ms, served};
use openkoi_storage::tasks::{TaskQuery, TaskStatus};

use super::{
    problem::Problem,
    route::{Answering, Call, Reply, text_of},
    shared::Api,
    types::{Cost, Health, LoggedIn, Login, ModelCost, Status, StatusCount, Task},
};

/// The time that the cost of the API is of, as its users know it.
const LAST_MS: u64 = 86_400_000;

pub(crate) fn health(_: Arc<Api>, _: Call) -> Answering {
    Box::pin(async move {
        Reply::json(&Health {
            status: "ok".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    })
}

/// Answers with what was found last, as long as nothing was written since and it is not old.
pub(crate) fn status(api: Arc<Api>, _: Call) -> Answering {
    Box::pin(async move {
        let is_stopping = *api.stop.borrow();
        let text = match is_stopping {
            true => found(&api)?,
            false => api.status.text(monotonic_ms(), || found(&api))?,
        };
        Ok(Reply::Json { status: StatusCode::OK, text, location: None })
    })
}

fn found(api: &Api) -> Result<String, Problem> {
    let running = TaskQuery { status: Some(TaskStatus::Running), ..TaskQuery::default() };
    let active = api.storage.tasks(&running)?.pop();
    let counts = api.storage.task_counts()?.into_iter();
    let since_ms = api.app.now_ms().saturating_sub(LAST_MS);
    let spent = api.storage.spent_since(since_ms, &api.played)?;
    let daemon = if *api.stop.borrow() { "stopping" } else { "running" };
    text_of(&Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        daemon: daemon.to_owned(),
        pid: std::process::id(),
        started_ms: api.started_ms,
        active_task: active.map(|task| Task::of(task, None)),
        tasks: counts
            .map(|(status, count)| StatusCount { status: status.word().to_owned(), count })
            .collect(),
        approvals: api.storage.open_questions()?.len(),
        cost_24h_usd: spent.cost_micros as f64 / 1e6,
    })
}

pub(crate) fn cost(api: Arc<Api>, _: Call) -> Answering {
    Box::pin(async move {
        let now_ms = api.app.now_ms();
        let since_ms = now_ms.saturating_sub(LAST_MS);
        let last = api.storage.spent_since(since_ms, &api.played)?;
        let today = api.storage.spent_since(day::began_ms(now_ms), &api.played)?;
        let all = api.storage.spent_since(0, &api.played)?;
        let models = api.storage.spent_by_model(since_ms)?.into_iter();
        let dollars = |micros: u64| micros as f64 / 1e6;
        Reply::json(&Cost {
            cost_usd: dollars(last.cost_micros),
            is_upper_limit: last.at_most,
            tokens: last.tokens,
            turns: last.turns,
            since_ms,
            total_usd: dollars(all.cost_micros),
            today_usd: dollars(today.cost_micros),
            limit_usd: api.settings.daemon.day_micros.map(dollars),
            by_model: models
                .map(|(model, total)| ModelCost {
                    model,
                    cost_usd: dollars(total.cost_micros),
                    tokens: total.tokens,
                    turns: total.turns,
                })
                .collect(),
        })
    })
}

pub(crate) fn description(api: Arc<Api>, _: Call) -> Answering {
    Box::pin(async move {
        let (status, text) = (StatusCode::OK, api.description.clone());
        Ok(Reply::Json { status, text, location: None })
    })
}

pub(crate) fn login(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let Login { code } = call.body()?;
        let known = served::check_code(&api.app, &code)?;
        let is_fresh = known.is_some_and(|(until_ms, once)| api.uses(once, until_ms));
        if !is_fresh {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "this link was used already, or is too old: `openkoi daemon open` makes another",
            ));
        }
        Reply::json(&LoggedIn { token: api.guard.page()? })
    })
}
