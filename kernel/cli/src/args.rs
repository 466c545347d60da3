//! What was typed.
//!
//! A task needs no subcommand: `openkoi "task"`. So that a task is never taken for a command nor a command for
//! a task, the first word decides, and only a whole word counts: if it is exactly a command's name, the line is
//! that command's; otherwise all words are the task, and flags may stand before, after and between them.
//! Everything after `--` is the task.
//!
//! This is the first of two steps: what was meant is found out by [`crate::request`].

mod failure;
mod future;
mod help;
mod words;

use std::{ffi::OsString, path::PathBuf};

use clap::{
    Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, parser::ValueSource,
};

use crate::{commands, error::CommandError, output::ColourChoice};

pub use help::command;
pub use words::{asks_for_json, colour};

/// The most iterations that can be asked for.
const MOST_ITERATIONS: i64 = 1_000;

/// Plan, execute, evaluate and refine until the work is right
///
/// OpenKoi works on a task in a directory, judges its own work by the project's checks and by rubrics, and
/// goes on until it is right or a limit is reached.
#[derive(Debug, Parser)]
#[command(
    name = "openkoi",
    version,
    disable_help_subcommand = false,
    override_usage = "openkoi [FLAGS] \"TASK\"\n       openkoi <COMMAND>"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: GlobalFlags,
    #[command(flatten)]
    pub task: TaskFlags,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// A line without a command.
#[derive(Debug, Parser)]
#[command(name = "openkoi", version, override_usage = "openkoi [FLAGS] \"TASK\"")]
struct TaskLine {
    #[command(flatten)]
    global: GlobalFlags,
    #[command(flatten)]
    task: TaskFlags,
}

/// Flags of every command.
#[derive(Clone, Debug, Default, Args)]
pub struct GlobalFlags {
    /// Work in this directory instead of the current one
    #[arg(long, value_name = "DIR", global = true, help_heading = "Everywhere")]
    pub workspace: Option<PathBuf>,
    /// Use colour
    #[arg(
        long,
        value_name = "WHEN",
        global = true,
        default_value = "auto",
        help_heading = "Everywhere"
    )]
    pub color: ColourChoice,
    /// Log more to stderr; twice for everything
    #[arg(short, long, action = clap::ArgAction::Count, global = true, help_heading = "Everywhere")]
    pub verbose: u8,
}

/// Flags that limit a run.
#[derive(Clone, Debug, Default, Args)]
pub struct LimitFlags {
    /// Stop after this many iterations; 0 executes once and evaluates nothing
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=MOST_ITERATIONS))]
    pub iterations: Option<u32>,
    /// Accept from this score, 0 to 1
    #[arg(long, value_name = "SCORE", value_parser = words::score)]
    pub quality: Option<f64>,
    /// Use this model: provider/model, or a bare name that one provider has; ? shows them all
    #[arg(short, long, value_name = "MODEL", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub model: Option<String>,
    /// Stop before more than this many US dollars are spent
    #[arg(long, value_name = "USD", value_parser = words::dollars)]
    pub max_cost: Option<f64>,
    /// Stop before more than this many tokens are used
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=i64::MAX as u64))]
    pub max_tokens: Option<u64>,
    /// Stop after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    pub max_time: Option<u64>,
}

/// Flags that say what a run prints.
#[derive(Clone, Debug, Default, Args)]
pub struct ShowFlags {
    /// Print the result only, no progress
    #[arg(short, long)]
    pub quiet: bool,
    /// Print the result as text, one JSON document, or one JSON event a line
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub output_format: RunFormat,
    /// Write the result to this file too
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How a run prints its result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum RunFormat {
    /// The answer
    #[default]
    Text,
    /// One record at the end
    Json,
    /// Every event as it happens, the record last
    StreamJson,
}

/// A task and its flags.
#[derive(Clone, Debug, Default, Args)]
pub struct TaskFlags {
    /// What to do; - reads it from standard input
    #[arg(value_name = "TASK")]
    pub words: Vec<String>,
    /// Limits of the run.
    #[command(flatten)]
    pub limits: LimitFlags,
    /// What it prints.
    #[command(flatten)]
    pub show: ShowFlags,
    /// Redact secrets before anything is sent to a provider (not built yet, so it refuses to run)
    #[arg(long)]
    pub redact: bool,
    /// Give the result as JSON of this schema
    #[arg(long, value_name = "FILE")]
    pub json_schema: Option<PathBuf>,
    /// Go on with the last session of this directory
    #[arg(short, long = "continue", conflicts_with = "resume")]
    pub continue_last: bool,
    /// Go on with a session; without an id, pick one
    #[arg(short, long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    pub resume: Option<String>,
    /// Go on in a copy of the session, so that it stays as it was
    #[arg(long)]
    pub fork: bool,
}

/// What can be done besides running a task.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show the whole loop on a small broken project, offline, with a scripted model
    Demo(DemoFlags),
    /// Talk, with tools and memory of what was said
    Chat(ChatFlags),
    /// Show costs, tasks, models and memory
    Status(commands::status::Args),
    /// List, show, resume and delete sessions
    Session(commands::session::Args),
    /// List, show, replay and verify tasks
    Task(commands::task::Args),
    /// List and search the models of the providers that are connected
    Models(commands::models::Args),
    /// Go on with a task that was interrupted or waits for an answer
    Resume(ResumeFlags),
    /// Bring the files back to what they were before a task
    Undo(commands::undo::Args),
    /// Log in to a provider or keep its key, and show what is connected
    Connect(commands::connect::Args),
    /// Forget a login or a saved key
    Disconnect(commands::disconnect::Args),
    /// Show every setting with its origin
    Config(commands::config::Args),
    /// Check the home, the database, the sandbox, providers and toolchains
    Doctor(commands::doctor::Args),
    /// List and inspect components
    Plugin(commands::plugin::Args),
    /// Print the completions of a shell
    Completions(commands::completions::Args),
    /// Print the manual page
    Man(commands::man::Args),
}

/// Flags of `openkoi demo`.
#[derive(Clone, Debug, Default, Args)]
pub struct DemoFlags {
    /// The kind of project: rust, python, node or shell; without one, the first that this machine can run
    #[arg(value_name = "KIND")]
    pub kind: Option<String>,
    /// Keep the temporary project and say where it is
    #[arg(long)]
    pub keep: bool,
    /// What it prints.
    #[command(flatten)]
    pub show: ShowFlags,
}

/// Flags of `openkoi chat`.
#[derive(Clone, Debug, Default, Args)]
pub struct ChatFlags {
    /// Take up this chat again; without an id, pick one
    #[arg(short, long, value_name = "ID", num_args = 0..=1, default_missing_value = "")]
    pub resume: Option<String>,
    /// Take up the last chat of this directory again
    #[arg(short, long = "continue", conflicts_with = "resume")]
    pub continue_last: bool,
    /// Go on in a copy of the session, so that it stays as it was
    #[arg(long)]
    pub fork: bool,
    /// Limits of each turn of the conversation.
    #[command(flatten)]
    pub limits: LimitFlags,
}

/// Flags of `openkoi resume`.
#[derive(Clone, Debug, Default, Args)]
pub struct ResumeFlags {
    /// The task; without one, pick it
    pub id: Option<String>,
    /// What it prints.
    #[command(flatten)]
    pub show: ShowFlags,
}

/// What a line asks for.
#[derive(Debug)]
pub enum Action {
    /// A task, or with no words and a session a chat.
    Task(Box<TaskFlags>),
    /// A command.
    Command(Box<Command>),
    /// A text to print: help or the version.
    Page(String),
}

/// A line that was understood.
#[derive(Debug)]
pub struct Line {
    /// Flags of every command.
    pub global: GlobalFlags,
    /// What to do.
    pub action: Action,
}

/// Understands what was typed, the program's name left out.
///
/// # Errors
///
/// A usage error with what may have been meant.
pub fn parse(arguments: &[OsString]) -> Result<Line, CommandError> {
    let whole = Cli::command();
    match words::first(&whole, arguments) {
        Some(word) if words::is_command(&whole, &word) => parse_command(whole, arguments, &word),
        Some(word) if future::is_planned(&word) => Err(future::refusal(&word, arguments)),
        None if words::asks_for_page(arguments) => parse_command(whole, arguments, ""),
        _ => parse_task(&whole, arguments),
    }
}

fn parse_command(
    whole: clap::Command,
    arguments: &[OsString],
    word: &str,
) -> Result<Line, CommandError> {
    let matches = match help::dress(whole).try_get_matches_from(named(arguments)) {
        Ok(matches) => matches,
        Err(error) => return failure::page_or_error(&error, arguments, word),
    };
    if let Some(flag) = task_flag(&matches) {
        let message = format!("`{flag}` belongs to a task, and `{word}` is a command");
        return Err(CommandError::usage(message).hint(words::as_task(arguments, word)));
    }
    let cli = Cli::from_arg_matches(&matches).map_err(|error| failure::told(&error))?;
    let action = match cli.command {
        Some(command) => Action::Command(Box::new(command)),
        None => Action::Task(Box::new(cli.task)),
    };
    Ok(Line { global: cli.global, action })
}

fn parse_task(whole: &clap::Command, arguments: &[OsString]) -> Result<Line, CommandError> {
    let line = match TaskLine::try_parse_from(named(arguments)) {
        Ok(line) => line,
        Err(error) if error.kind() == clap::error::ErrorKind::DisplayHelp => {
            let long = arguments.iter().any(|argument| argument == "--help");
            let text = if long { help::long() } else { help::short() };
            return Ok(Line { global: GlobalFlags::default(), action: Action::Page(text) });
        }
        Err(error) => return failure::page_or_error(&error, arguments, ""),
    };
    let TaskLine { global, mut task } = line;
    task.settle_resume();
    // Whoever writes `--` has said that it is a task.
    if !arguments.iter().any(|argument| argument == "--") {
        words::refuse_slip(whole, &task.words)?;
    }
    if task.fork && !task.continue_last && task.resume.is_none() {
        let error = CommandError::usage("`--fork` needs a session to copy");
        return Err(error.hint("openkoi -c --fork \"TASK\"").hint("openkoi -r ID --fork \"TASK\""));
    }
    Ok(Line { global, action: Action::Task(Box::new(task)) })
}

/// Returns the arguments after the program's name, as clap wants them.
fn named(arguments: &[OsString]) -> impl Iterator<Item = OsString> {
    std::iter::once(OsString::from("openkoi")).chain(arguments.iter().cloned())
}

/// Returns a flag of a task that stands before a command.
fn task_flag(matches: &clap::ArgMatches) -> Option<String> {
    matches.subcommand_name()?;
    let flags = TaskFlags::augment_args(clap::Command::new("task"));
    let typed = flags.get_arguments().find(|argument| {
        let id = argument.get_id().as_str();
        matches.try_contains_id(id).unwrap_or(false)
            && matches.value_source(id) == Some(ValueSource::CommandLine)
    });
    typed.map(|argument| {
        argument
            .get_long()
            .map_or_else(|| argument.get_id().to_string(), |long| format!("--{long}"))
    })
}

impl TaskFlags {
    /// `-r "go on with the docs"` is a task in a session to be picked, not a session of that name: an id has
    /// no white space.
    fn settle_resume(&mut self) {
        let Some(text) = &self.resume else { return };
        if text.contains(char::is_whitespace) {
            self.words.insert(0, text.clone());
            self.resume = Some(String::new());
        }
    }
}

#[cfg(test)]
mod tests;
