//! Tasks: submitted, listed, shown, ended, gone on with, undone.

use std::{
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::http::StatusCode;
use openkoi_app::{
    changes,
    handed::{self, Cancelled, HandedRequest, NewTask as Handing},
    models, pause,
    request::{Limits, Think},
    result_schema::JsonSchema,
    undo::{UndoKind, UndoOf, UndoPlan},
};
use openkoi_core::{
    id::{SessionId, TaskId},
    queue::{Queue, SubmissionKey},
};
use openkoi_storage::tasks::{TaskQuery, TaskRecord, TaskStatus};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    problem::Problem,
    route::{Answering, Call, Reply},
    shared::Api,
    types::{Diff, Done, NewTask, Output, Resume, Submitted, Task, TaskList, Tasks, Undo, Undone},
};

/// The number of tasks of a page.
const PAGE: u32 = 50;
/// The longest that a call waits for the end of a task: a connection that nobody needs any more is not always seen to be closed.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);
/// The longest key of a submission.
const LONGEST_KEY: usize = 255;

pub(crate) fn submit(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let new: NewTask = call.body()?;
        let text = said(&new.description, "description")?;
        let workspace = workspace(&api, new.workspace.as_deref())?;
        let session = new.session.as_deref().map(|id| session(&api, id)).transpose()?;
        if let Some(schema) = &new.schema {
            JsonSchema::new(schema.clone()).map_err(|error| unusable(&error.to_string()))?;
        }
        let limits = new.limits();
        check(&api, &workspace, &limits).await?;
        let request = HandedRequest {
            limits,
            worktree: new.worktree,
            think: new.think.then(Think::default),
            schema: new.schema,
            ..HandedRequest::default()
        };
        let handed = handed::submit(
            &api.app,
            Handing {
                text,
                workspace: &workspace,
                session,
                request: &request,
                priority: new.priority,
                key: key(&call)?,
            },
        )?;
        taken(&api, &handed.task, wait(&call, new.detach)).await
    })
}

/// Returns how long a call waits for the end of what it submits; nothing where it is detached.
pub(crate) fn wait(call: &Call, detach: Option<bool>) -> Option<Duration> {
    let asked = || call.header("prefer").and_then(preferred_wait).unwrap_or(LONGEST_WAIT);
    (detach == Some(false)).then(|| asked().min(LONGEST_WAIT))
}

/// Returns the wait that `Prefer` asks for (RFC 7240). What cannot be read is no preference.
fn preferred_wait(prefer: &str) -> Option<Duration> {
    let mut preferences = prefer.split(',').map(|one| one.split(';').next().unwrap_or_default());
    let wait = preferences.find_map(|one| {
        let (name, value) = one.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"'))
    })?;
    wait.parse().ok().map(Duration::from_secs)
}

/// Answers that a task was taken; if it is waited for, once it has ended, or as it stands when the wait is over.
pub(crate) async fn taken(
    api: &Api,
    task: &TaskId,
    wait: Option<Duration>,
) -> Result<Reply, Problem> {
    let mut changed = api.changed.clone();
    let mut stop = api.stop.clone();
    let mut over = pin!(pause(wait.unwrap_or_default()));
    while wait.is_some() && goes_on(api, task)? {
        tokio::select! {
            _ = changed.changed() => {}
            () = crate::ending::stopped(&mut stop) => break,
            () = &mut over => break,
        }
    }
    let record = api.storage.find_task(task.as_str())?;
    let url = format!("/api/v1/tasks/{}", task.as_str());
    let submitted = Submitted {
        task_id: task.as_str().to_owned(),
        session_id: record.session.as_str().to_owned(),
        status: record.status.word().to_owned(),
        workspace: record.workspace.clone(),
        url: url.clone(),
        task: wait.map(|_| shown(api, record)).transpose()?,
    };
    Reply::with(StatusCode::CREATED, &submitted, Some(url))
}

/// Returns true while a task waits or runs.
pub(crate) fn goes_on(api: &Api, task: &TaskId) -> Result<bool, Problem> {
    let status = api.storage.find_task(task.as_str())?.status;
    let unfinished = [TaskStatus::Queued, TaskStatus::Running, TaskStatus::Interrupted];
    let is_queued = || -> Result<bool, Problem> {
        let queued = api.storage.queued(task)?;
        Ok(queued.is_some_and(|one| one.state != openkoi_core::queue::QueueState::Done))
    };
    // One that was interrupted goes on if it is in the queue.
    Ok(match status {
        TaskStatus::Interrupted => is_queued()?,
        status => unfinished.contains(&status) || is_queued()?,
    })
}

pub(crate) fn list(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let asked: TaskList = call.query()?;
        let limit = asked.limit.unwrap_or(PAGE);
        if !(1..=500).contains(&limit) {
            return Err(Problem::bad("`limit` is a number from 1 to 500"));
        }
        let before = asked.cursor.as_deref().map(|id| api.storage.find_task(id)).transpose()?;
        let query = TaskQuery {
            session: asked.session.as_deref().map(|id| session(&api, id)).transpose()?,
            status: asked.status.map(Into::into),
            before: before.map(|task| task.id),
            limit: Some(limit + 1),
        };
        let mut found = api.storage.tasks(&query)?;
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = has_more.then(|| found.last().map(|task| task.id.as_str().to_owned()));
        let tasks = found.into_iter().map(|task| shown(&api, task));
        let tasks = tasks.collect::<Result<_, _>>()?;
        Reply::json(&Tasks { tasks, next: next.flatten() })
    })
}

pub(crate) fn show(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let record = api.storage.find_task(call.id())?;
        Reply::json(&shown(&api, record)?)
    })
}

pub(crate) fn shown(api: &Api, record: TaskRecord) -> Result<Task, Problem> {
    let queued = api.storage.queued(&record.id)?;
    Ok(Task::of(record, queued))
}

pub(crate) fn cancel(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let task = api.storage.find_task(call.id())?.id;
        let status = match handed::cancel(&api.app, &task)? {
            Cancelled::Now => "cancelled",
            Cancelled::Asked => "cancel_requested",
            Cancelled::NotRunning => {
                return Err(Problem::conflict("the task does not run, so there is nothing to end"));
            }
        };
        Reply::json(&Done { task_id: task.as_str().to_owned(), status: status.to_owned() })
    })
}

pub(crate) fn resume(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let asked: Resume = call.body()?;
        let record = api.storage.find_task(call.id())?;
        if goes_on(&api, &record.id)? {
            return Err(Problem::conflict("the task waits or runs already"));
        }
        let more = asked.max_iterations.is_some_and(|most| most > record.iterations);
        let is_open = !record.status.is_final();
        let is_stopped = record.status == TaskStatus::Stopped;
        if !(is_open || is_stopped && (more || asked.overruled.is_some())) {
            let detail = "the task has ended; one that was stopped goes on with more `max_iterations`, or an `override`";
            return Err(Problem::conflict(detail));
        }
        let limits = Limits {
            iterations: asked.max_iterations,
            quality: asked.quality,
            cost_usd: asked.budget,
            tokens: asked.max_tokens,
            seconds: asked.max_seconds,
            ..Limits::default()
        };
        check(&api, Path::new(&record.workspace), &limits).await?;
        let request =
            HandedRequest { limits, overruled: asked.overruled, ..HandedRequest::default() };
        handed::take_up(&api.app, &record.id, &request, asked.priority)?;
        let done = Done { task_id: record.id.as_str().to_owned(), status: "queued".to_owned() };
        Reply::with(StatusCode::ACCEPTED, &done, None)
    })
}

pub(crate) fn output(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let task = api.storage.find_task(call.id())?;
        let text = api.storage.read_output(&task.session, &task.id)?;
        Reply::json(&Output { task_id: task.id.as_str().to_owned(), text })
    })
}

pub(crate) fn diff(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let task = api.storage.find_task(call.id())?;
        let made = changes::task_diff(&api.app, task.id.as_str())?;
        Reply::json(&Diff {
            task_id: task.id.as_str().to_owned(),
            changes: made.changes.iter().map(json).collect(),
            diff: made.diff,
            uncovered: made.uncovered,
        })
    })
}

pub(crate) fn preview(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let Undo { redo } = call.query()?;
        let task = api.storage.find_task(call.id())?;
        let plan = plan(&api, &task, redo)?;
        Reply::json(&Undone {
            task_id: task.id.as_str().to_owned(),
            changes: plan.changes.iter().map(json).collect(),
            conflicts: plan.conflicts,
        })
    })
}

pub(crate) fn undo(api: Arc<Api>, call: Call) -> Answering {
    Box::pin(async move {
        let Undo { redo } = call.body()?;
        let task = api.storage.find_task(call.id())?;
        let report = plan(&api, &task, redo)?.apply(&api.app)?;
        Reply::json(&Undone {
            task_id: task.id.as_str().to_owned(),
            changes: report.changes.iter().map(json).collect(),
            conflicts: report.conflicts,
        })
    })
}

fn plan(api: &Api, task: &TaskRecord, redo: bool) -> Result<UndoPlan, Problem> {
    let kind = if redo { UndoKind::Redo } else { UndoKind::Undo };
    Ok(UndoPlan::new(&api.app, kind, UndoOf::Task(task.id.as_str()))?)
}

/// Returns words that say something.
pub(crate) fn said<'a>(text: &'a str, name: &str) -> Result<&'a str, Problem> {
    match text.trim() {
        "" => Err(Problem::bad(format!("`{name}` is missing or empty"))),
        text if text.contains('\0') => Err(Problem::bad(format!("`{name}` has a NUL in it"))),
        text => Ok(text),
    }
}

/// Returns the directory to work in.
pub(crate) fn workspace(api: &Api, typed: Option<&str>) -> Result<PathBuf, Problem> {
    if let Some(path) = typed.filter(|path| !Path::new(path).is_absolute() || path.contains('\0')) {
        return Err(Problem::bad(format!("`workspace` is no absolute path: {path:?}")));
    }
    Ok(api.app.workspace(typed.map(Path::new))?)
}

/// Returns the session that an id means.
pub(crate) fn session(api: &Api, id: &str) -> Result<SessionId, Problem> {
    Ok(api.storage.find_session(id)?.id)
}

/// Refuses limits that no task could have, and a model that nobody offers, before anything waits for it.
pub(crate) async fn check(api: &Api, workspace: &Path, limits: &Limits) -> Result<(), Problem> {
    let settings = api.app.settings(workspace, |layers| limits.lay(layers));
    let settings = settings.map_err(|error| Problem::bad(error.to_string()))?;
    if limits.model.is_none() {
        return Ok(());
    }
    let app = Arc::clone(&api.app);
    // Who is connected may be asked of a key ring's program; calls go on meanwhile.
    let asked = tokio::task::spawn_blocking(move || {
        let connections = models::discover(&app, &settings)?;
        let catalogue = models::catalogue(&app, &connections)?;
        let routes = connections.routes(&settings, &catalogue);
        routes.map(|_| ()).map_err(|error| Problem::not_found(error.to_string()))
    });
    let broken = |error: String| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error);
    asked.await.map_err(|error| broken(error.to_string()))?
}

fn unusable(detail: &str) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

/// Returns the name by which a client can submit the same again.
pub(crate) fn key(call: &Call) -> Result<Option<SubmissionKey>, Problem> {
    if !call.headers.contains_key("idempotency-key") {
        return Ok(None);
    }
    let key = call.header("idempotency-key").unwrap_or_default();
    let is_plain = key.bytes().all(|byte| byte.is_ascii_graphic());
    if key.is_empty() || key.len() > LONGEST_KEY || !is_plain {
        return Err(Problem::bad("`Idempotency-Key` has 1 to 255 letters, and no spaces"));
    }
    let body =
        Sha256::digest(call.body.to_string()).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some(SubmissionKey { key: key.to_owned(), body }))
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_says_how_long_is_waited_and_what_cannot_be_read_is_none() {
        for (prefer, seconds) in [
            ("wait=10", Some(10)),
            ("respond-async, Wait = \"20\"; foo", Some(20)),
            ("wait=0", Some(0)),
            ("wait=-1", None),
            ("wait=soon", None),
            ("waiting=3", None),
            ("respond-async", None),
            ("", None),
        ] {
            assert_eq!(preferred_wait(prefer), seconds.map(Duration::from_secs), "{prefer}");
        }
    }
}
