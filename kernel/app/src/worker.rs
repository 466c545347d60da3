//! One task of the queue, run to its end in this process.
//!
//! The worker itself notes in the queue how it went; where it dies first, the daemon sees that nobody works on the task.

use std::{path::PathBuf, sync::Arc, time::Duration};

use openkoi_core::{
    id::TaskId,
    port::{Cancellation, ResultSchema},
    queue::{Queue, QueuedTask},
    run::Paused,
    task::Task,
};
use openkoi_storage::{Storage, StorageError};

use crate::{
    answers::Asking,
    app::App,
    error::AppError,
    handed::HandedRequest,
    request::{TaskRequest, UNATTENDED},
    result_schema::{self, JsonSchema},
    run::{ResumeChanges, RunEnd},
    session::JoinedSession,
    settings::Settings,
    task_runtime::{Surface, TaskRuntime, Unseen},
    worktree,
};

/// Why a task that the daemon was told to stop with waits again.
pub const STOPPED: &str = "the daemon stopped";

/// Runs a task that the daemon gave to this process.
///
/// # Errors
///
/// When it cannot be begun or gone on with. The queue says why.
pub async fn work(
    app: &Arc<App>,
    task: &TaskId,
    cancellation: Arc<dyn Cancellation>,
) -> Result<(), AppError> {
    let storage = app.storage()?;
    let none =
        || StorageError::NoSuch { what: "task in the queue", text: task.as_str().to_owned() };
    let queued = storage.queued(task)?.ok_or_else(none)?;
    match run(app, &queued, cancellation).await {
        Ok(end) => note_end(app, &storage, task, &end),
        // Whoever has it now lets go of it some time.
        Err(AppError::Storage(error @ StorageError::Owned { .. })) => {
            storage.put_back(task, &error.to_string())?;
            Ok(())
        }
        Err(error) => {
            storage.finish(task, Some(&error.to_string()), app.now_ms())?;
            Err(error)
        }
    }
}

fn note_end(app: &App, storage: &Storage, task: &TaskId, end: &RunEnd) -> Result<(), AppError> {
    let is_cancelled = matches!(end.result, Err(Paused::Cancelled));
    let is_asked_for = storage.queued(task)?.is_some_and(|queued| queued.cancel);
    match is_cancelled && !is_asked_for {
        true => storage.put_back(task, STOPPED)?,
        false => storage.finish(task, None, app.now_ms())?,
    }
    Ok(())
}

async fn run(
    app: &Arc<App>,
    queued: &QueuedTask,
    cancellation: Arc<dyn Cancellation>,
) -> Result<RunEnd, AppError> {
    let request: HandedRequest = serde_json::from_str(&queued.request)
        .map_err(|error| AppError::Handed(error.to_string()))?;
    let asked_for = PathBuf::from(&queued.workspace);
    let settings = app.settings(&asked_for, |layers| request.limits.lay(layers))?;
    let workspace = match request.worktree && !queued.has_begun {
        true => worktree::create(app, &settings, &asked_for, &queued.task).await?.workspace,
        false => asked_for,
    };
    let runtime = Arc::new(TaskRuntime::new(app, &settings, &workspace)?);
    let surface = surface(app, queued, &request, &settings, cancellation.clone())?;
    let (id, session) = (queued.task.clone(), queued.session.clone());
    let mut end = match queued.has_begun {
        true => {
            let overruled = request.overruled.clone();
            let changes = ResumeChanges { overruled, ..request.limits.changes() };
            Arc::clone(&runtime).resume(id, session, surface, changes).await?
        }
        false => {
            // Held while the task runs, so that no two messages of a conversation are answered at once.
            let joined = JoinedSession::of(app, &queued.session)?;
            let text = runtime.storage().find_task(id.as_str())?.text;
            let task = TaskRequest {
                text: &text,
                attachments: Vec::new(),
                session: &joined.id,
                history: joined.history.clone(),
                workspace: &workspace,
                settings: &settings,
                schema: request.schema.as_ref(),
                in_conversation: request.in_conversation,
                think: request.think.clone(),
                attended: true,
            };
            let mut task = Task { id, ..task.task(app)? };
            task.settings.max_time_ms.get_or_insert(UNATTENDED.as_millis() as u64);
            Arc::clone(&runtime).start(task, surface).await?
        }
    };
    learn(&runtime, &mut end, &cancellation).await;
    Ok(end)
}

fn surface(
    app: &Arc<App>,
    queued: &QueuedTask,
    request: &HandedRequest,
    settings: &Settings,
    cancellation: Arc<dyn Cancellation>,
) -> Result<Surface, AppError> {
    let minutes = settings.daemon.answer_minutes;
    let patience = (minutes > 0).then(|| Duration::from_secs(minutes.saturating_mul(60)));
    let schema = match &request.schema {
        Some(schema) => JsonSchema::new(schema.clone()).ok().map(Arc::new),
        None => result_schema::of_task(&*app.storage()?, &queued.task)?,
    };
    Ok(Surface {
        approver: Arc::new(Asking::elsewhere(Arc::clone(app), queued.task.clone(), patience)),
        listener: Arc::new(Unseen),
        cancellation,
        steering: None,
        result: schema.map(|schema| schema as Arc<dyn ResultSchema>),
        waiting: Arc::new(|why: &str| tracing::info!(why, "the task waits")),
    })
}

/// Has the task learnt from, as after a run at the terminal.
async fn learn(runtime: &Arc<TaskRuntime>, end: &mut RunEnd, cancellation: &Arc<dyn Cancellation>) {
    if end.result.is_ok() {
        let surface = Surface::unseen(Arc::clone(cancellation));
        let learning = Arc::clone(runtime).learn(end.task.clone(), end.session.clone(), surface);
        tokio::select! {
            learned = learning => {
                if let Err(error) = learned {
                    tracing::warn!(%error, "nothing is learnt from the task");
                }
            }
            () = cancellation.cancelled() => {}
        }
    }
    if let Some(looked_back) = end.looked_back.take() {
        looked_back.wait().await;
    }
}
