//! What was meant: flags, standard input and settings put together to one request.

pub mod stdin;

use std::{fs, path::PathBuf};

use openkoi_app::{
    session::SessionChoice,
    settings::{Layers, Settings, SettingsError},
};
use serde_json::Value;

use crate::{
    context::Context,
    error::CommandError,
    execute::Show,
    exit::Exit,
    flags::{ChatFlags, LimitFlags, TaskFlags},
    pick,
};

pub use stdin::{LARGEST_INPUT, Stdin};

/// In place of a model's name: show them all and let the person pick one.
const PICK: &str = "?";
/// The largest JSON Schema that is read.
const LARGEST_SCHEMA: u64 = 1 << 20;

/// A task to be run, and how its result is shown.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// What to do, standard input included. Never empty.
    pub text: String,
    /// The session.
    pub session: SessionChoice,
    /// The absolute path of the directory to work in.
    pub workspace: PathBuf,
    /// Everything that is configured, flags included.
    pub settings: Settings,
    /// What is printed, and where to.
    pub show: Show,
}

/// A conversation to be had.
#[derive(Clone, Debug)]
pub struct ChatRequest {
    /// The session.
    pub session: SessionChoice,
    /// The absolute path of the directory to work in.
    pub workspace: PathBuf,
    /// Everything that is configured, flags included.
    pub settings: Settings,
}

/// What a line without a command comes to.
#[derive(Debug)]
pub enum Request {
    /// A task.
    Task(Box<RunRequest>),
    /// A session was named and nothing to do in it.
    Chat(Box<ChatRequest>),
}

impl Request {
    /// Puts a task's flags together with standard input and the settings.
    ///
    /// # Errors
    ///
    /// When the task is empty, a file cannot be used, or the settings are at fault.
    pub fn of(flags: TaskFlags, context: &Context) -> Result<Self, CommandError> {
        if flags.redact {
            return Err(unredacted("`--redact`", Exit::Usage));
        }
        let session = chosen(flags.continue_last, flags.resume.as_deref(), flags.fork);
        if flags.words.is_empty() && session != SessionChoice::New {
            let chat = ChatRequest::with(session, &flags.limits, context)?;
            return Ok(Self::Chat(Box::new(chat)));
        }
        // Cheap checks first: standard input may take long to come.
        let settings = settings(&flags.limits, context)?;
        let workspace = context.workspace()?;
        let schema = flags.json_schema.map(|path| schema(&context.absolute(&path))).transpose()?;
        let text = text(&flags.words, context)?;
        Ok(Self::Task(Box::new(RunRequest {
            text,
            session,
            workspace,
            settings,
            show: Show { schema, ..Show::of(flags.show, context) },
        })))
    }
}

impl ChatRequest {
    /// Puts the flags of `openkoi chat` together with the settings.
    ///
    /// # Errors
    ///
    /// When the settings or the workspace are at fault.
    pub fn of(flags: &ChatFlags, context: &Context) -> Result<Self, CommandError> {
        let session = chosen(flags.continue_last, flags.resume.as_deref(), flags.fork);
        Self::with(session, &flags.limits, context)
    }

    /// Returns a request to take up one session again.
    ///
    /// # Errors
    ///
    /// As [`ChatRequest::of`].
    pub fn resume(id: &str, context: &Context) -> Result<Self, CommandError> {
        let session = SessionChoice::Named { id: id.to_owned(), fork: false };
        Self::with(session, &LimitFlags::default(), context)
    }

    fn with(
        session: SessionChoice,
        limits: &LimitFlags,
        context: &Context,
    ) -> Result<Self, CommandError> {
        let settings = settings(limits, context)?;
        Ok(Self { session, workspace: context.workspace()?, settings })
    }
}

/// Returns the session that the flags mean; an empty id is to be picked.
fn chosen(continue_last: bool, resume: Option<&str>, fork: bool) -> SessionChoice {
    match resume {
        _ if continue_last => SessionChoice::Last { fork },
        Some(id) => SessionChoice::Named { id: id.to_owned(), fork },
        None => SessionChoice::New,
    }
}

/// Returns the settings with the flags laid over them, for something that is going to run.
fn settings(flags: &LimitFlags, context: &Context) -> Result<Settings, CommandError> {
    let mut flags = flags.clone();
    if flags.model.as_deref() == Some(PICK) {
        let configured = context.settings()?;
        flags.model = Some(pick::pick(context, &configured)?);
    }
    let settings = context.settings_with(|layers| lay(layers, &flags))?;
    if settings.redaction {
        return Err(unredacted("`redaction.enabled` in the configuration", Exit::Configuration));
    }
    Ok(settings)
}

/// Whoever asks for redaction must not be served without it.
fn unredacted(asked: &str, kind: Exit) -> CommandError {
    let message = format!("{asked} asks for redaction, which is not built yet; nothing was run");
    CommandError::new(kind, message).hint("without it, nothing is redacted")
}

fn lay(layers: &mut Layers, flags: &LimitFlags) -> Result<(), SettingsError> {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    if let Some(count) = flags.iterations {
        layers.flag("limits.iterations", i64::from(count), "--iterations")?;
    }
    if let Some(score) = flags.quality {
        layers.flag("limits.quality", score, "--quality")?;
    }
    if let Some(model) = &flags.model {
        layers.model(model, "--model")?;
    }
    if let Some(dollars) = flags.max_cost {
        layers.flag("limits.cost_usd", dollars, "--max-cost")?;
    }
    if let Some(tokens) = flags.max_tokens {
        layers.flag("limits.tokens", whole(tokens), "--max-tokens")?;
    }
    if let Some(seconds) = flags.max_time {
        layers.flag("limits.seconds", whole(seconds), "--max-time")?;
    }
    Ok(())
}

fn text(words: &[String], context: &Context) -> Result<String, CommandError> {
    let stdin = Stdin::new(&context.printer);
    let typed = words.join(" ");
    let text = match typed.trim() {
        "" => return Err(empty()),
        "-" => stdin.read()?,
        _ => with_input(typed, &stdin.beside()?),
    };
    if text.trim().is_empty() { Err(empty()) } else { Ok(text) }
}

fn empty() -> CommandError {
    let error = CommandError::usage("the task is empty");
    error.hint("openkoi \"fix the failing test\"").hint("openkoi - < FILE").hint("openkoi --help")
}

/// Appends what came through the pipe. An empty pipe is no input.
fn with_input(typed: String, input: &str) -> String {
    if input.trim().is_empty() {
        return typed;
    }
    format!("{typed}\n\n<stdin>\n{}\n</stdin>", input.trim_end_matches('\n'))
}

fn schema(path: &std::path::Path) -> Result<Value, CommandError> {
    let unfit = |reason: String| {
        CommandError::usage(format!("`{}` is not a JSON schema: {reason}", path.display()))
    };
    let meta = fs::metadata(path).map_err(|error| unfit(error.to_string()))?;
    if !meta.is_file() || meta.len() > LARGEST_SCHEMA {
        return Err(unfit("it is not a file of at most 1 MiB".to_owned()));
    }
    let text = fs::read_to_string(path).map_err(|error| unfit(error.to_string()))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| unfit(error.to_string()))?;
    if value.is_object() { Ok(value) } else { Err(unfit("it is not an object".to_owned())) }
}

#[cfg(test)]
mod tests;
