//! One command, one file. A command returns what it found; only here it is printed.

pub mod chat;
pub mod completions;
pub mod config;
pub mod connect;
pub mod demo;
pub mod disconnect;
pub mod doctor;
pub mod man;
pub mod models;
pub mod plugin;
pub mod resume;
pub mod run;
pub mod session;
pub mod status;
pub mod task;
pub mod undo;

use crate::{
    args::{Action, Command},
    context::Context,
    error::CommandError,
    exit::Exit,
    output::{Format, Output},
    request::{ChatRequest, Request},
};

/// What a command found and how the program ends.
pub struct Reply {
    output: Box<dyn Output>,
    format: Format,
    exit: Exit,
}

impl Reply {
    /// Returns a reply that ends well; `json` is the command's switch.
    pub fn new(output: impl Output + 'static, json: bool) -> Self {
        Self { output: Box::new(output), format: Format::json_if(json), exit: Exit::Accepted }
    }

    /// Lets the program end in another way.
    #[must_use]
    pub fn ending(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    fn print(self, context: &Context) -> Result<Exit, CommandError> {
        context.printer.result(self.output.as_ref(), self.format)?;
        Ok(self.exit)
    }
}

/// Does what the line asks for.
///
/// # Errors
///
/// What the command could not do.
pub fn run(action: Action, context: &Context) -> Result<Exit, CommandError> {
    match action {
        Action::Page(text) => {
            context.printer.raw(text.as_bytes())?;
            Ok(Exit::Accepted)
        }
        Action::Task(flags) => match Request::of(*flags, context)? {
            Request::Task(request) => run::run(*request, context),
            Request::Chat(request) => chat::run(*request, context),
        },
        Action::Command(command) => dispatch(*command, context),
    }
}

fn dispatch(command: Command, context: &Context) -> Result<Exit, CommandError> {
    match command {
        Command::Demo(flags) => demo::run(flags, context),
        Command::Chat(flags) => chat::run(ChatRequest::of(&flags, context)?, context),
        Command::Resume(flags) => resume::run(flags, context),
        Command::Session(args) => session::run(args, context),
        Command::Task(args) => task::run(args, context),
        Command::Status(args) => status::run(&args, context),
        Command::Undo(args) => undo::run(&args, context)?.print(context),
        Command::Config(args) => config::run(&args, context)?.print(context),
        Command::Connect(args) => connect::run(&args, context)?.print(context),
        Command::Disconnect(args) => disconnect::run(&args, context)?.print(context),
        Command::Doctor(args) => doctor::run(&args, context)?.print(context),
        Command::Plugin(args) => plugin::run(args, context)?.print(context),
        Command::Completions(args) => completions::run(&args, context),
        Command::Models(args) => models::run(&args, context)?.print(context),
        Command::Man(args) => man::run(&args, context),
    }
}
