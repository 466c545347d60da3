//! `openkoi demo`: the whole loop on a small broken project, offline.
//!
//! Files, checks, sandbox and journal are real. The model's turns are scripted, and the first line
//! says so.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use openkoi_app::{
    file, request::TaskRequest, sandbox, session::SessionChoice, settings::LearningMode,
    task_runtime::TaskRuntime, thread,
};
use openkoi_components::Demo;
use openkoi_storage::sessions::SessionKind;
use serde::Deserialize;

use crate::{
    commands::run::join,
    context::Context,
    error::CommandError,
    execute::{self, Execution, Show},
    exit::Exit,
    flags::DemoFlags,
    interrupt::Interrupts,
};

/// The bundled provider that needs no network, and its scenario.
const MODEL: &str = "scripted/demo";

/// The description of a demonstration project.
#[derive(Debug, Deserialize)]
struct Description {
    flavour: String,
    title: String,
    needs: Vec<String>,
    command: String,
    task: String,
    files: Vec<DemoFile>,
}

#[derive(Debug, Deserialize)]
struct DemoFile {
    path: String,
    source: String,
}

/// Runs the demonstration in a temporary directory.
///
/// # Errors
///
/// When there is no such project, its toolchain is missing, or the run stopped before its end.
pub fn run(flags: DemoFlags, context: &Context) -> Result<Exit, CommandError> {
    let mut settings = context.settings_with(|layers| layers.model(MODEL, "openkoi demo"))?;
    // Its project is gone afterwards.
    settings.learning = LearningMode::Off;
    let processes = sandbox::processes(&context.app, &settings)?;
    let here = |program: &str| processes.exists(program, &context.environment().temporary());
    let (demo, description) = choose(flags.kind.as_deref(), &here)?;
    let directory = DemoProject::create(context, &description.flavour, flags.keep)?;
    lay(&directory.path, demo, &description)?;
    let workspace = directory.path.as_path();
    if !flags.show.quiet {
        context.printer.notice(&format!(
            "A demonstration with a scripted model on {}: `{}` fails, and the loop fixes it.\nIts directory: {}{}",
            description.title,
            description.command,
            workspace.display(),
            if flags.keep { "" } else { " (removed at the end; --keep keeps it)" }
        ));
    }
    let runtime = Arc::new(TaskRuntime::new(&context.app, &settings, workspace)?);
    let joined = join(context, &SessionChoice::New, SessionKind::Task, workspace)?;
    let request = TaskRequest {
        text: &description.task,
        attachments: Vec::new(),
        session: &joined.id,
        history: Vec::new(),
        workspace,
        settings: &settings,
        schema: None,
        in_conversation: false,
        think: None,
        attended: context.questions.is_interactive(),
    };
    let task = request.task(&context.app)?;
    let show = Show::of(flags.show, context)?;
    execute::announce(context, &runtime, &show);
    let done = thread::block(async {
        let interrupts = Interrupts::listen()?;
        let execution = Execution {
            context,
            runtime: &runtime,
            show: &show,
            interrupts: &interrupts,
            steering: None,
        };
        execution.start(task).await
    });
    if flags.keep {
        // Whoever asked to keep it wants to know where it is, even if nothing else is said.
        context.printer.notice(&format!("The project is kept in {}", workspace.display()));
    }
    done
}

/// Returns the project of the kind that was asked for, or the first whose toolchain is on this
/// machine.
fn choose(
    kind: Option<&str>,
    exists: &dyn Fn(&str) -> bool,
) -> Result<(&'static Demo, Description), CommandError> {
    let mut all = Vec::new();
    for demo in openkoi_components::demos() {
        let description: Description = serde_json::from_str(demo.description)
            .map_err(|error| CommandError::failed(format!("a demonstration is broken: {error}")))?;
        all.push((demo, description));
    }
    // A shell is everywhere, so it is the last resort and not the first choice.
    all.sort_by_key(|(_, description)| description.needs.iter().any(|need| need == "sh"));
    let here = |description: &Description| description.needs.iter().all(|program| exists(program));
    match kind {
        None => {
            let found = all.into_iter().find(|(_, description)| here(description));
            found.ok_or_else(|| CommandError::failed("not even a shell was found on the path"))
        }
        Some(kind) => {
            let kinds: Vec<String> = all.iter().map(|(_, d)| d.flavour.clone()).collect();
            let found = all.into_iter().find(|(_, description)| description.flavour == kind);
            let Some((demo, description)) = found else {
                let message = format!("there is no demonstration `{kind}`");
                return Err(CommandError::usage(message).hint(kinds.join(", ")));
            };
            if !here(&description) {
                let needs = description.needs.join(", ");
                return Err(CommandError::failed(format!("`{needs}` is not on the path")));
            }
            Ok((demo, description))
        }
    }
}

/// The directory of the demonstration. It is removed at the end unless `keep` is set.
struct DemoProject {
    path: PathBuf,
    keep: bool,
}

impl DemoProject {
    fn create(context: &Context, flavour: &str, keep: bool) -> Result<Self, CommandError> {
        let id = context.app.new_id()?;
        let name = format!("openkoi-demo-{flavour}-{}", id.get(18..).unwrap_or(&id));
        let path = context.environment().temporary().join(name);
        file::create_private_directory(&path)
            .map_err(|error| CommandError::from_error(Exit::Configuration, &error))?;
        // The sandbox and the journal know directories by their real names.
        let path = file::canonical(&path).map_err(|error| unwritable(&path, &error))?;
        Ok(Self { path, keep })
    }
}

impl Drop for DemoProject {
    fn drop(&mut self) {
        if !self.keep
            && let Err(error) = file::remove_tree(&self.path)
        {
            tracing::warn!(%error, "the demonstration's directory stays");
        }
    }
}

fn lay(directory: &Path, demo: &Demo, description: &Description) -> Result<(), CommandError> {
    for own in &description.files {
        let text = demo.files.iter().find(|(source, _)| *source == own.source);
        let Some((_, text)) = text else {
            return Err(CommandError::failed(format!("`{}` is not bundled", own.source)));
        };
        let path = directory.join(&own.path);
        let parent = path.parent().unwrap_or(directory);
        file::create_private_directory(parent).map_err(|error| unwritable(parent, &error))?;
        file::put(&path, text.as_bytes(), 0o644).map_err(|error| unwritable(&path, &error))?;
    }
    Ok(())
}

fn unwritable(path: &Path, error: &dyn std::error::Error) -> CommandError {
    CommandError::configuration(format!("cannot write `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests;
