//! From a line that was understood to the command that does it. Most commands return what they found, and it is printed
//! here; those that talk while they work print for themselves.

use crate::{
    args::{self, Action, Command},
    commands::{
        chat, completions, config, connect, demo, disconnect, doctor, man, models, plugin, resume,
        run, session, status, task, undo,
    },
    context::Context,
    error::CommandError,
    exit::Exit,
    request::{ChatRequest, Request},
};

/// Does what the line asks for.
///
/// # Errors
///
/// What the command could not do.
pub fn dispatch(action: Action, context: &Context) -> Result<Exit, CommandError> {
    match action {
        Action::Page(text) => {
            context.printer.raw(text.as_bytes())?;
            Ok(Exit::Accepted)
        }
        Action::Task(flags) => match Request::of(*flags, context)? {
            Request::Task(request) => run::run(&request, context),
            Request::Chat(request) => chat::run(*request, context),
        },
        Action::Command(command) => self::command(*command, context),
    }
}

fn command(command: Command, context: &Context) -> Result<Exit, CommandError> {
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
        Command::Completions(args) => completions::run(&args, args::command(), context),
        Command::Models(args) => models::run(&args, context)?.print(context),
        Command::Man(args) => man::run(&args, args::command(), context),
    }
}
