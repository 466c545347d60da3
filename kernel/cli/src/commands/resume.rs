//! `openkoi resume`: goes on with a task that stopped before its end.

use std::{path::PathBuf, sync::Arc};

use openkoi_app::{file, result_schema, run::ResumeChanges, task_runtime::TaskRuntime, thread};
use openkoi_core::outcome::Ending;
use openkoi_storage::tasks::{TaskRecord, TaskStatus};

use crate::{
    context::Context,
    error::CommandError,
    execute::{self, Execution, Show},
    exit::Exit,
    flags::ResumeFlags,
    ids,
    interrupt::Interrupts,
    output::{Choice, ago},
    request,
};

/// Resumes a task that was interrupted or waits for an answer.
///
/// # Errors
///
/// When there is no such task, its directory is gone, or it stopped again.
pub fn run(flags: ResumeFlags, context: &Context) -> Result<Exit, CommandError> {
    let storage = context.storage()?;
    let record = match &flags.id {
        Some(id) => ids::named(&storage, id, "openkoi resume")?,
        None => pick(context, &storage)?,
    };
    check_open(&record, flags.limits.iterations, flags.overrule.is_some())?;
    let workspace = PathBuf::from(&record.workspace);
    if !file::is_directory(&workspace) {
        let message = format!("the directory of the task is gone: `{}`", workspace.display());
        return Err(CommandError::new(Exit::Configuration, message));
    }
    let settings = request::settings(&flags.limits, context)?;
    let changes = ResumeChanges { overruled: flags.overrule, ..flags.limits.limits().changes() };
    let runtime = Arc::new(TaskRuntime::new(&context.app, &settings, &workspace)?);
    let mut show = Show::of(flags.show, context)?;
    show.schema = result_schema::of_task(&storage, &record.id)?;
    execute::announce(context, &runtime, &show);
    let exit = thread::block(async {
        let interrupts = Interrupts::listen()?;
        let execution = Execution {
            context,
            runtime: &runtime,
            show: &show,
            interrupts: &interrupts,
            steering: None,
        };
        execution.resume(&record, changes).await
    });
    execute::tidy(context, &settings);
    exit
}

/// Refuses a task that is at its end. One that used all its iterations goes on if it may have more.
fn check_open(
    record: &TaskRecord,
    iterations: Option<u32>,
    is_overruled: bool,
) -> Result<(), CommandError> {
    let is_vetoed = matches!(record.ending, Some(Ending::Vetoed { .. }));
    let more = iterations.is_some_and(|most| most > record.iterations);
    let short = record.id.short();
    let hint = match record.status {
        TaskStatus::Stopped if is_vetoed && is_overruled => return Ok(()),
        TaskStatus::Stopped if is_vetoed => format!("openkoi resume {short} --override \"REASON\""),
        TaskStatus::Stopped if record.ending == Some(Ending::Simulated) => {
            "openkoi think \"TASK\"".to_owned()
        }
        TaskStatus::Stopped if more => return Ok(()),
        TaskStatus::Stopped => format!("openkoi resume {short} -i {}", record.iterations + 3),
        TaskStatus::Accepted => format!("openkoi task show {short}"),
        _ => return Ok(()),
    };
    let message = format!("task {short} is finished; there is nothing to resume");
    Err(CommandError::usage(message).hint(hint))
}

fn pick(context: &Context, storage: &openkoi_storage::Storage) -> Result<TaskRecord, CommandError> {
    let open = storage.open_tasks(20)?;
    if let [only] = open.as_slice() {
        return Ok(only.clone());
    }
    let now = context.printer.now_ms();
    let choices: Vec<Choice> = open
        .iter()
        .map(|task| Choice {
            argument: task.id.short().to_owned(),
            description: format!("{} · {}", ago(now, task.started_ms), described(task)),
        })
        .collect();
    let picked = context.questions.pick("task to resume", "openkoi resume", &choices)?;
    Ok(storage.find_task(&picked)?)
}

fn described(task: &TaskRecord) -> String {
    let status = task.status.word();
    let line = task.text.lines().next().unwrap_or_default();
    format!("{status} · {}", line.chars().take(60).collect::<String>())
}
