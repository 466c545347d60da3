//! Tasks that begin by themselves: kept, listed, paused, begun now, removed.

use std::{path::Path, sync::Arc};

use axum::http::StatusCode;
use openkoi_app::{
    error::AppError,
    schedules::{self, Missed, QUIET_MS, Schedule, ScheduleError, Spec, Trigger},
};

use super::{
    problem::Problem,
    route::{Answering, Call, Reply},
    shared::Api,
    tasks::{self, said, workspace},
    types,
};

pub(crate) fn list(api: Arc<Api>, _: Call) -> Answering {
    Box::pin(async move {
        let now_ms = api.app.now_ms();
        let readable = api.storage.schedules()?.into_iter().filter_map(|record| {
            let found = Schedule::of(record);
            found.inspect_err(|error| tracing::warn!(%error, "a schedule is not listed")).ok()
        });
        let schedules = readable.map(|one| types::Schedule::of(one, now_ms)).collect();
        Reply::json(&types::Schedules { schedules })
    })
}

pub(crate) fn show(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move { shown(&api, find(&api, call.id())?) })
}

pub(crate) fn add(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let (description, place, spec) = match call.body()? {
            types::NewSchedule::Timed(new) => {
                let trigger =
                    schedules::at_times(&new.when, new.timezone.as_deref(), api.app.now_ms())?;
                let spec = Spec {
                    trigger,
                    missed: new.missed.into(),
                    limits: new.limits.into(),
                    day_usd: new.max_cost_per_day_usd,
                };
                (new.description, new.workspace, spec)
            }
            types::NewSchedule::Watching(new) => {
                let spec = Spec {
                    trigger: watching(&new.path, new.quiet_seconds)?,
                    missed: Missed::Skip,
                    limits: new.limits.into(),
                    day_usd: new.max_cost_per_day_usd,
                };
                (new.description, new.workspace, spec)
            }
        };
        let text = said(&description, "description")?;
        let place = workspace(&api, place.as_deref())?;
        // A limit that is refused would be refused each time.
        tasks::check(&api, &place, &spec.limits).await?;
        let schedule = schedules::add(&api.app, text, &place, spec)?;
        let url = format!("/api/v1/schedules/{}", schedule.record.id);
        let shown = types::Schedule::of(schedule, api.app.now_ms());
        Reply::with(StatusCode::CREATED, &shown, Some(url))
    })
}

/// Returns what makes a schedule due that watches `path`.
fn watching(path: &str, quiet_seconds: Option<u64>) -> Result<Trigger, Problem> {
    if !Path::new(path).is_absolute() || path.contains('\0') {
        return Err(Problem::bad(format!("`path` is no absolute path: {path:?}")));
    }
    Ok(Trigger::Files {
        path: schedules::watched(Path::new(path))?.display().to_string(),
        quiet_ms: quiet_seconds.map_or(QUIET_MS, |seconds| seconds * 1_000),
    })
}

pub(crate) fn pause(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move { set_paused(&api, &call, true) })
}

pub(crate) fn resume(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move { set_paused(&api, &call, false) })
}

fn set_paused(api: &Api, call: &Call, is_paused: bool) -> Result<Reply, Problem> {
    let schedule = find(api, call.id())?;
    api.storage.pause_schedule(&schedule.record.id, is_paused, api.app.now_ms())?;
    shown(api, find(api, &schedule.record.id)?)
}

pub(crate) fn run_now(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let schedule = find(&api, call.id())?;
        let now_ms = api.app.now_ms();
        let moment = format!("now-{}", api.app.new_id()?);
        let task = schedules::begin(&api.app, &schedule, &moment, now_ms, now_ms)?;
        let url = format!("/api/v1/tasks/{}", task.as_str());
        let begun = types::Begun {
            schedule_id: schedule.record.id,
            task_id: task.as_str().to_owned(),
            url: url.clone(),
        };
        Reply::with(StatusCode::CREATED, &begun, Some(url))
    })
}

pub(crate) fn remove(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let schedule = find(&api, call.id())?;
        api.storage.remove_schedule(&schedule.record.id)?;
        shown(&api, schedule)
    })
}

fn find(api: &Api, id: &str) -> Result<Schedule, Problem> {
    Ok(Schedule::of(api.storage.find_schedule(id)?)?)
}

fn shown(api: &Api, schedule: Schedule) -> Result<Reply, Problem> {
    Reply::json(&types::Schedule::of(schedule, api.app.now_ms()))
}

impl From<ScheduleError> for Problem {
    fn from(error: ScheduleError) -> Self {
        let status = match error {
            ScheduleError::Plan(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ScheduleError::Zone(_) | ScheduleError::Unwatched { .. } => StatusCode::NOT_FOUND,
            ScheduleError::Overlaps(_) | ScheduleError::Spent { .. } => StatusCode::CONFLICT,
            ScheduleError::Unreadable(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, AppError::from(error).to_string())
    }
}
