//! `openkoi "task"`: runs a task.

mod detached;
mod joining;

use std::{path::Path, sync::Arc};

use openkoi_app::{
    dry_run::DryRun,
    request::TaskRequest,
    task_runtime::TaskRuntime,
    thread,
    worktree::{self, Worktree},
};
use openkoi_core::{id::TaskId, port::ResultSchema as _, task::Task};
use openkoi_storage::sessions::SessionKind;

pub use self::joining::join;

use crate::{
    context::Context,
    error::CommandError,
    execute::{self, Execution},
    exit::Exit,
    interrupt::Interrupts,
    request::RunRequest,
};

/// Runs the task of a request.
///
/// # Errors
///
/// When it cannot be begun, or stopped before its end.
pub fn run(request: &RunRequest, context: &Context) -> Result<Exit, CommandError> {
    if request.detach {
        return detached::hand_over(request, context);
    }
    let id = context.app.task_id()?;
    if request.dry_run {
        return run_dry(request, id, context);
    }
    let beside = if request.worktree { Some(worktree(request, &id, context)?) } else { None };
    let workspace = beside.as_ref().map_or(&request.workspace, |beside| &beside.workspace);
    run_in(&Place { workspace, session_of: &request.workspace }, request, id, context)
}

/// Runs the task in a copy of the workspace. Its session is one of the copy, so that nobody goes on from what is not there.
fn run_dry(request: &RunRequest, id: TaskId, context: &Context) -> Result<Exit, CommandError> {
    let dry = DryRun::begin(&context.app, &request.settings, &request.workspace)?;
    let workspace = dry.workspace();
    if !request.show.quiet {
        context.printer.notice(&format!(
            "dry run: works in a copy of {}, which is dropped at the end; programs reach no hosts",
            request.workspace.display()
        ));
    }
    let mut copied = RunRequest { settings: dry.settings().clone(), ..request.clone() };
    copied.show.dry = Some(request.workspace.clone());
    run_in(&Place { workspace, session_of: workspace }, &copied, id, context)
}

/// Where a task works.
struct Place<'a> {
    workspace: &'a Path,
    /// The directory whose sessions it belongs to.
    session_of: &'a Path,
}

fn run_in(
    place: &Place<'_>,
    request: &RunRequest,
    id: TaskId,
    context: &Context,
) -> Result<Exit, CommandError> {
    let Place { workspace, session_of } = *place;
    let runtime = TaskRuntime::new(&context.app, &request.settings, workspace)?;
    let runtime = Arc::new(runtime);
    let joined = join(context, &request.session, SessionKind::Task, session_of)?;
    let task = TaskRequest {
        text: &request.text,
        attachments: Vec::new(),
        session: &joined.id,
        history: joined.history.clone(),
        workspace,
        settings: &request.settings,
        schema: request.show.schema.as_ref().map(|schema| schema.schema()),
        in_conversation: false,
        think: request.think.clone(),
        attended: context.questions.is_interactive(),
    };
    let (task, show) = (Task { id, ..task.task(&context.app)? }, &request.show);
    execute::announce(context, &runtime, show);
    let exit = thread::block(async {
        let interrupts = Interrupts::listen()?;
        let execution =
            Execution { context, runtime: &runtime, show, interrupts: &interrupts, steering: None };
        execution.start(task).await
    });
    execute::tidy(context, &request.settings);
    exit
}

/// Makes a worktree for the task, and says where it is and how its work is taken over.
fn worktree(
    request: &RunRequest,
    id: &TaskId,
    context: &Context,
) -> Result<Worktree, CommandError> {
    let made = worktree::create(&context.app, &request.settings, &request.workspace, id);
    let made = thread::block(made)?;
    let Worktree { path, branch, .. } = &made;
    let path = path.display();
    context.printer.notice(&format!("works from the last commit in {path}, on branch {branch}"));
    context.printer.notice(&format!(
        "to take the work over: commit it there, then `git merge {branch}`; to be rid of it: `git worktree remove {path}`"
    ));
    Ok(made)
}
