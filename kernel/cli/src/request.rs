//! Requests: the flags of a line, put together with standard input and settings.

mod input;
pub mod stdin;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use openkoi_app::{
    file, request::Think, result_schema::JsonSchema, session::SessionChoice, settings::Settings,
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

/// The word in place of a model's name that lets the person pick one.
const PICK: &str = "?";
/// The largest JSON Schema that is read, in bytes.
const LARGEST_SCHEMA: u64 = 1 << 20;

/// A request to run a task and show its result.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The words of the task, standard input included. Not empty.
    pub text: String,
    /// The choice of the session.
    pub session: SessionChoice,
    /// The absolute path of the directory to work in.
    pub workspace: PathBuf,
    /// Whether to work in a worktree of it.
    pub worktree: bool,
    /// Whether to work in a copy of it that is dropped.
    pub dry_run: bool,
    /// Whether to hand the task to the daemon.
    pub detach: bool,
    /// The limits of the flags.
    pub limits: LimitFlags,
    /// How the task is deliberated about, if it is.
    pub think: Option<Think>,
    /// The settings, with the flags laid over them.
    pub settings: Settings,
    /// The output of the run.
    pub show: Show,
}

/// A request for a conversation.
#[derive(Clone, Debug)]
pub struct ChatRequest {
    /// The choice of the session.
    pub session: SessionChoice,
    /// The absolute path of the directory to work in.
    pub workspace: PathBuf,
    /// The settings, with the flags laid over them.
    pub settings: Settings,
    /// The flags, which hold for the whole conversation.
    pub limits: LimitFlags,
}

/// The request of a line without a command.
#[derive(Debug)]
pub enum LineRequest {
    /// A task to run.
    Task(Box<RunRequest>),
    /// A conversation, because the line names a session but no task.
    Chat(Box<ChatRequest>),
}

impl LineRequest {
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
        // Alone on a terminal it opens a conversation, as a line with a session and no task does.
        let talks = session != SessionChoice::New || context.questions.is_interactive();
        if flags.words.is_empty() && talks {
            let chat = ChatRequest::with(session, &flags.limits, context)?;
            return Ok(Self::Chat(Box::new(chat)));
        }
        // Cheap checks first: standard input may take long to come.
        let mut settings = settings(&flags.limits, context)?;
        let workspace = context.workspace()?;
        let mut show = Show::of(flags.show, context)?;
        show.schema = schema(flags.json_schema.as_deref(), context)?;
        let text = text(&flags.words, &mut settings, context)?;
        Ok(Self::Task(Box::new(RunRequest {
            text,
            session,
            workspace,
            worktree: flags.worktree,
            dry_run: flags.dry_run,
            detach: flags.detach,
            limits: flags.limits,
            think: None,
            settings,
            show,
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

    /// Returns a request to go on with one session.
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
        Ok(Self { session, workspace: context.workspace()?, settings, limits: limits.clone() })
    }
}

/// Returns the choice of session of the flags. An empty id means that the person picks one.
fn chosen(continue_last: bool, resume: Option<&str>, fork: bool) -> SessionChoice {
    match resume {
        _ if continue_last => SessionChoice::Last { fork },
        Some(id) => SessionChoice::Named { id: id.to_owned(), fork },
        None => SessionChoice::New,
    }
}

/// Returns the settings with the flags laid over them, for a run.
pub(crate) fn settings(flags: &LimitFlags, context: &Context) -> Result<Settings, CommandError> {
    let mut flags = flags.clone();
    if flags.model.as_deref() == Some(PICK) {
        let configured = context.settings()?;
        flags.model = Some(pick::pick(context, &configured)?);
    }
    let settings = context.settings_with(|layers| flags.limits().lay(layers))?;
    if settings.redaction {
        return Err(unredacted("`redaction.enabled` in the configuration", Exit::Configuration));
    }
    Ok(settings)
}

/// Returns the error for a request for redaction, which must not be run without it.
fn unredacted(asked: &str, kind: Exit) -> CommandError {
    let message = format!("{asked} asks for redaction, which is not built yet; nothing was run");
    CommandError::new(kind, message).hint("without it, nothing is redacted")
}

/// The wait for standard input that is not taken from the time limit.
const MOMENT: Duration = Duration::from_millis(100);

/// Returns the words of the task with standard input. The time that this took is taken from the time limit.
fn text(
    words: &[String],
    settings: &mut Settings,
    context: &Context,
) -> Result<String, CommandError> {
    let limit = settings.limits.seconds.map(Duration::from_secs);
    let stdin = Stdin::new(&context.printer).within(limit);
    // A `-` beside a task says that there is input, however long it takes to come.
    let (typed, awaited) = match words {
        [typed @ .., last] if last == "-" && !typed.is_empty() => (typed.join(" "), true),
        words => (words.join(" "), false),
    };
    let text = match typed.trim() {
        "" => return Err(empty()),
        "-" => input::fitted(stdin.read()?, context)?,
        _ => {
            let input = if awaited { stdin.read()? } else { stdin.beside()? };
            with_input(typed, &input::fitted(input, context)?)
        }
    };
    // The time limit runs from the start. A moment costs no whole second.
    if let (Some(seconds), Some(left)) = (&mut settings.limits.seconds, stdin.left()?) {
        *seconds = left.saturating_add(MOMENT).as_secs().max(1);
    }
    if text.trim().is_empty() { Err(empty()) } else { Ok(text) }
}

fn empty() -> CommandError {
    let error = CommandError::usage("the task is empty");
    error.hint("openkoi \"fix the failing test\"").hint("openkoi - < FILE").hint("openkoi --help")
}

/// Returns the typed text with the piped input appended, unless that is empty.
fn with_input(typed: String, input: &str) -> String {
    if input.trim().is_empty() {
        return typed;
    }
    format!("{typed}\n\n<stdin>\n{}\n</stdin>", input.trim_end_matches('\n'))
}

/// Returns the schema of a file that a flag names.
pub(crate) fn schema(
    path: Option<&Path>,
    context: &Context,
) -> Result<Option<Arc<JsonSchema>>, CommandError> {
    path.map(|path| read_schema(&context.absolute(path))).transpose()
}

fn read_schema(path: &Path) -> Result<Arc<JsonSchema>, CommandError> {
    let unfit = |reason: String| {
        CommandError::usage(format!("cannot use the schema `{}`: {reason}", path.display()))
    };
    let text = file::read_text(path, LARGEST_SCHEMA).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge | io::ErrorKind::IsADirectory | io::ErrorKind::InvalidInput => {
            unfit("it is not a file of at most 1 MiB".to_owned())
        }
        _ => unfit(error.to_string()),
    })?;
    let value: Value = serde_json::from_str(&text).map_err(|error| unfit(error.to_string()))?;
    JsonSchema::new(value).map(Arc::new).map_err(|error| unfit(error.to_string()))
}

#[cfg(test)]
mod tests;
