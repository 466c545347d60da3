//! The types that clap parses a command line into.

use clap::{Parser, Subcommand};

use super::deferred::Deferred;
use crate::{
    commands,
    flags::{ChatFlags, DemoFlags, GlobalFlags, ResumeFlags, TaskFlags, ThinkFlags},
};

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
    pub command: Option<CliCommand>,
}

/// A command line without a command: a task.
#[derive(Debug, Parser)]
#[command(name = "openkoi", version, override_usage = "openkoi [FLAGS] \"TASK\"")]
pub(super) struct TaskLine {
    #[command(flatten)]
    pub(super) global: GlobalFlags,
    #[command(flatten)]
    pub(super) task: TaskFlags,
}

/// The commands. A line without one is a task.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Show the whole loop on a small broken project, offline, with a scripted model
    Demo(Deferred<DemoFlags>),
    /// Have five agencies look at the plan before anything is done, then run the task
    Think(Deferred<Box<ThinkFlags>>),
    /// Talk, with tools and memory of what was said
    Chat(Deferred<ChatFlags>),
    /// Show costs, tasks, models and memory
    Status(Deferred<commands::status::Args>),
    /// Show tasks, questions, costs, learnings, components and settings on one screen, live
    Dashboard(Deferred<commands::dashboard::Args>),
    /// List, show, resume and delete sessions
    Session(Deferred<commands::session::Args>),
    /// List, show, replay and verify tasks
    Task(Deferred<commands::task::Args>),
    /// List and search the models of the providers that are connected
    Models(Deferred<commands::models::Args>),
    /// Go on with a task that was interrupted or waits for an answer
    Resume(Deferred<ResumeFlags>),
    /// Bring the files back to what they were before a task
    Undo(Deferred<commands::undo::Args>),
    /// Bring files and conversation back to what they were after one step of a task
    Rewind(Deferred<commands::rewind::Args>),
    /// Remember sentences for later tasks, and show, change and forget what is remembered
    Memory(Deferred<commands::memory::Args>),
    /// List, show, write and check skills, and keep them from tasks
    Skill(Deferred<commands::skill::Args>),
    /// Install skills of others, bring them up to date and remove them
    Learn(Deferred<commands::learn::Args>),
    /// Show what work is held to and what your choices show, and let it change
    Soul(Deferred<commands::soul::Args>),
    /// Let tasks begin by themselves at times, and list, pause and remove what does
    Schedule(Deferred<Box<commands::schedule::Args>>),
    /// Let a task begin when files change
    Watch(Deferred<Box<commands::watch::Args>>),
    /// List who is told of events, try them, and show what became of it
    Webhook(Deferred<commands::webhook::Args>),
    /// Show how work is deliberated and judged, and who was right
    Mind(Deferred<commands::mind::Args>),
    /// Show what earlier tasks tell of tools, fields of work and you
    World(Deferred<commands::world::Args>),
    /// Show what was done, how it went, and where it was wrong
    Reflect(Deferred<commands::reflect::Args>),
    /// Show and grant how far the agent may act by itself, and what it did unasked
    Trust(Deferred<commands::trust::Args>),
    /// Log in to a provider or keep its key, and show what is connected
    Connect(Deferred<commands::connect::Args>),
    /// Forget a login or a saved key
    Disconnect(Deferred<commands::disconnect::Args>),
    /// Show every setting with its origin
    Config(Deferred<commands::config::Args>),
    /// Check the home, the database, the sandbox, providers and toolchains
    Doctor(Deferred<commands::doctor::Args>),
    /// Run tasks in the background, and be reached by other programs
    Daemon(Deferred<commands::daemon::Args>),
    /// List the questions of all tasks, and answer them
    Approvals(Deferred<commands::approvals::Args>),
    /// List and inspect components
    Plugin(Deferred<commands::plugin::Args>),
    /// Show what everything that grows takes, and free it by age and size
    Prune(Deferred<commands::prune::Args>),
    /// Print the completions of a shell
    Completions(Deferred<commands::completions::Args>),
    /// Print the manual page
    Man(Deferred<commands::man::Args>),
}

/// The action that a line asks for.
#[derive(Debug)]
pub enum Action {
    /// A task, or a chat if there is a session but no words.
    Task(Box<TaskFlags>),
    /// A command with its arguments.
    Command(Box<CliCommand>),
    /// The names of one kind, for the completions of a shell.
    Names(String),
    /// A text to print: help or the version.
    Page(String),
}

/// A command line that was parsed.
#[derive(Debug)]
pub struct ParsedLine {
    /// Flags of every command.
    pub global: GlobalFlags,
    /// The action.
    pub action: Action,
}
